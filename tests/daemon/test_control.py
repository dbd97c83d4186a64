# SPDX-License-Identifier: Apache-2.0
"""Configuration, reloads, metrics, authentication."""

import base64
import re
import shutil
import signal
import subprocess

import pytest

from conftest import RULES, binary, until


def run(*arguments):
    return subprocess.run([binary(), *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("text, place, why", [
    ("server:\n  lisen: x\n", "2:10", "server.lisen: there is no setting of this name"),
    ("loki:\n  timeout: soon\n", "2:12", "it takes a duration"),
    ("limits: {body: 5 apples}\n", "1:16", "it takes a size"),
    ("limits: {entries: 0}\n", "1:19", "is not within 1 and"),
    ("labels: {category_as: both}\n", "1:23", "it takes one of label metadata"),
    ("labels: {redact: perhaps}\n", "1:18", "it takes true or false"),
    ("rules: {paths: x}\n", "1:16", "it takes a list"),
    ("verdicts: {labels: {9x: y}}\n", "1:25", "a name is no label"),
    ("loki: [1]\n", "1:7", "it takes names and values"),
    ("loki: {url: a}\nloki: {url: b}\n", "2:", ""),
    ("a: [\n", "2:1", ""),
    ("- x\n", "1:1", "it takes names and values"),
])
def test_faults_have_their_place(tmp_path, text, place, why):
    config = tmp_path / "c.yaml"
    config.write_text(text)
    done = run("--check-config", "--config.file", config)
    assert done.returncode == 2
    assert f"{config}:{place}" in done.stderr, done.stderr
    assert why in done.stderr


def test_all_faults_are_told_at_once(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("a: 1\nserver: {listen: ''}\nthreads: many\n")
    assert run("--check-config", "--config.file", config).stderr.count("wrong configuration") == 3


@pytest.mark.parametrize("text, why", [
    ("loki: {url: ftp://x}\n", "http://"),
    ("server: {tls: {certificate: x}}\n", "its key"),
    ("server: {basic_auth: {user: x}}\n", "password_file"),
    ("limits: {body: 2MiB, decoded_body: 1MiB}\n", "decoded_body"),
])
def test_settings_that_contradict(tmp_path, text, why):
    config = tmp_path / "c.yaml"
    config.write_text(text)
    done = run("--check-config", "--config.file", config)
    assert done.returncode == 2 and why in done.stderr


def test_a_good_configuration(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("server: {listen: '127.0.0.1:3101', idle_timeout: 1m30s}\nloki: {url: http://loki.example:3100, timeout: 5s}\n"
                      "verdicts: {silence: 1h, labels: {cluster: x}}\nlimits: {body: 16MiB}\nlog: {level: debug}\n")
    done = run("--check-config", "--config.file", config)
    assert (done.returncode, done.stdout) == (0, "the configuration is good\n"), done.stderr
    assert run("--check-config", "--config.file", tmp_path / "none").returncode == 2


@pytest.mark.parametrize("arguments", [["--nonsense"], ["x"], ["--listen"], ["--threads", "0"], [], ["--category-as", "x"]])
def test_wrong_arguments(arguments):
    done = run(*arguments)
    assert done.returncode == 2 and "level=error" in done.stderr


def test_help_and_version():
    assert run("--help").stdout.startswith("usage: classifyd")
    assert re.match(r"classifyd \d+\.\d+\.\d+ \(", run("--version").stdout)


def test_no_rules_no_daemon(tmp_path):
    done = run("--listen", "127.0.0.1:0", "--rules", tmp_path / "none.yaml")
    assert done.returncode == 3
    bad = tmp_path / "bad.yaml"
    bad.write_text("pack: x\nrules:\n  - {id: a, title: t, category: nonsense, match: x}\n")
    done = run("--listen", "127.0.0.1:0", "--rules", bad)
    assert done.returncode == 3 and f"{bad}:3:" in done.stderr


@pytest.mark.parametrize("how", ["signal", "http"])
def test_reload(daemons, sink, rules, how):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    hash_before = re.search(r'classify_ruleset_info\{hash="([^"]+)"\} 1', daemon.metrics())[1]

    def reload():
        if how == "http":
            return daemon.request("POST", "/-/reload")[0]
        count = len([line for line in daemon.log if "rules loaded" in line or "not loaded" in line])
        daemon.process.send_signal(signal.SIGHUP)
        until(lambda: len([line for line in daemon.log if "rules loaded" in line or "not loaded" in line]) > count)
        return 500 if "not loaded" in [line for line in daemon.log if "loaded" in line][-1] else 200

    daemon.push_lines(["the moon is full"])
    assert b"failure_category" not in sink.pushes()[-1][2]
    rules.write_text(RULES + "  - {id: moon, title: t, category: out_of_memory, match: moon}\n")
    assert reload() == 200
    daemon.push_lines(["the moon is full"])
    assert b'"failure_category":"out_of_memory"' in sink.pushes()[-1][2]
    assert daemon.metric("classify_rules_loaded") == 7
    infos = re.findall(r'classify_ruleset_info\{hash="([^"]+)"\} 1', daemon.metrics())
    assert len(infos) == 1 and infos[0] != hash_before
    # A file that is wrong as a whole: the rules stay, and that is told.
    rules.write_text("pack: [\n")
    assert reload() == 500
    assert daemon.metric("classify_last_reload_successful") == 0
    daemon.push_lines(["the moon is full"])
    assert b'"failure_category":"out_of_memory"' in sink.pushes()[-1][2]
    # A rule that is wrong by itself: the others work.
    rules.write_text(RULES + "  - {id: moon, title: t, category: nonsense, match: moon}\n")
    assert reload() == 200
    assert daemon.metric("classify_rules_quarantined") == 1
    assert daemon.metric("classify_last_reload_successful") == 1
    assert daemon.metric('classify_reloads_total{result="success"}') == 3
    assert daemon.metric('classify_reloads_total{result="failure"}') == 1


def test_builds_in_progress_outlive_a_reload(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    daemon.push_lines(["build x starts", "no space left"])
    assert daemon.request("POST", "/-/reload")[0] == 200
    daemon.push_lines(["all is lost", "build y starts"])
    [(_, labels, line, _)] = until(lambda: sink.verdicts())
    assert labels["failure_category"] == "disk_full" and line["lines"] == 3


def test_the_next_build_has_the_new_rules(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    daemon.push_lines(["build x starts", "the moon is full"])
    rules.write_text(RULES + "  - {id: moon, title: t, category: out_of_memory, match: moon}\n")
    assert daemon.request("POST", "/-/reload")[0] == 200
    daemon.push_lines(["all is lost", "build y starts", "the moon is full", "all is lost", "build z starts"])
    verdicts = until(lambda: len(sink.verdicts()) >= 2 and sink.verdicts())
    assert [labels["failure_category"] for _, labels, _, _ in verdicts] == ["unknown", "out_of_memory"]


FAMILIES = """classify_entries_total classify_bytes_total classify_matches_total build_failures_total builds_total
build_duration_seconds classify_rules_loaded classify_rules_quarantined classify_ruleset_info""".split()


def test_metrics(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    daemon.push_lines(["build x starts", 'too many requests to "h\\', "all is lost", "build x starts"])
    until(lambda: daemon.metric('builds_total{result="failed"}') == 1)
    text = daemon.metrics()
    for family in FAMILIES:
        assert f"# TYPE {family} " in text
    assert "x-scope" not in text.lower()
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not here")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_authentication(daemons, sink, rules, tmp_path):
    (tmp_path / "in").write_text("sesame\n")
    (tmp_path / "tokens").write_text("token-one\ntoken-two\n")
    (tmp_path / "out").write_text("to-loki\n")
    config = tmp_path / "c.yaml"
    config.write_text(f"server: {{basic_auth: {{user: agent, password_file: {tmp_path}/in}}}}\n"
                      f"loki: {{bearer_token_file: {tmp_path}/out}}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    wrong = [None, basic("agent", "no"), basic("other", "sesame"), basic("agent", ""), "Bearer sesame", "Basic !!!",
             basic("agent", "sesame") + "x" * 9000]
    for authorization in wrong:
        headers = {"Authorization": authorization} if authorization else {}
        for method, path in (("POST", "/loki/api/v1/push"), ("GET", "/metrics"), ("POST", "/-/reload")):
            status, text, came = daemon.request(method, path, b"{}" if method == "POST" else None, headers)
            assert status in (401, 431), (authorization, path)
            assert status == 431 or came["WWW-Authenticate"].startswith("Basic")
    assert daemon.request("GET", "/ready")[0] == 200
    assert not sink.requests
    good = {"Authorization": basic("agent", "sesame")}
    assert daemon.push_lines(["quiet"], headers=good)[0] == 204
    assert sink.requests[0][1]["Authorization"] == "Bearer to-loki"
    (tmp_path / "in").write_text("changed\n")
    assert daemon.push_lines(["quiet"], headers=good)[0] == 401
    config.write_text(f"server: {{bearer_token_file: {tmp_path}/tokens}}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    for token, status in (("token-one", 204), ("token-two", 204), ("token-three", 401), ("", 401), ("token-on", 401)):
        assert daemon.push_lines(["quiet"], headers={"Authorization": f"Bearer {token}"})[0] == status
    assert "Authorization" not in sink.requests[-1][1]


def test_a_long_secret(daemons, sink, rules, tmp_path):
    secret, config = tmp_path / "in", tmp_path / "c.yaml"
    config.write_text(f"server: {{basic_auth: {{user: a, password_file: {secret}}}}}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    for size, status in ((4094, 204), (4095, 401)):
        secret.write_text("s" * size + "\n")
        assert daemon.push_lines(["quiet"], headers={"Authorization": basic("a", "s" * size)})[0] == status
    until(lambda: daemon.said("a line is too long"))


def test_a_large_configuration(tmp_path):
    config = tmp_path / "c.yaml"
    for more, status in ((0, 0), (1, 2)):
        config.write_bytes(b"loki: {url: 'http://loki.example'}\n#".ljust((16 << 20) + more, b"\n"))
        done = run("--check-config", "--config.file", config)
        assert done.returncode == status and ("it is larger than 16 MiB" in done.stderr) is bool(more), done.stderr
