# SPDX-License-Identifier: Apache-2.0
"""What stands in deploy/: alerts, dashboard, and the configurations of neighbours."""

import functools
import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import yaml

from conftest import binary, free_port, until

TOP = Path(__file__).resolve().parents[2]
DEPLOY = TOP / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yaml"
PROMTOOL = shutil.which("promtool")
PROMETHEUS = shutil.which("prometheus")

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not here")
needs_prometheus = pytest.mark.skipif(not PROMETHEUS, reason="Prometheus is not here")


def rules_of(path):
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


def dashboard_queries(kind):
    """(panel, query) of all targets and annotations of a data source, with Grafana's variables filled in."""
    board = json.loads((DEPLOY / "grafana" / "builds.json").read_text())
    found = [(p["title"], t["expr"]) for p in board["panels"] for t in p["targets"] if t["datasource"]["type"] == kind]
    found += [(a["name"], a["expr"]) for a in board["annotations"]["list"] if a["datasource"]["type"] == kind]
    for name, value in (("$__rate_interval", "5m"), ("$__interval", "5m"), ("$__range", "1h"), ("$job", ".*")):
        found = [(title, query.replace(name, value)) for title, query in found]
    assert found and not [q for _, q in found if "$" in q]
    return found


def metrics_in(query):
    """The names of metrics in a query: words that are followed by what follows no function."""
    return set(re.findall(r"\b((?:classify|builds?)_[a-z0-9_]+)\b(?!\s*\()", query))


def families(daemon):
    names = set()
    for name, kind in re.findall(r"# TYPE (\S+) (\S+)", daemon.metrics()):
        names.add(name)
        if kind == "histogram":
            names |= {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return names


@needs_promtool
def test_alerts_do_what_their_tests_say():
    done = subprocess.run([PROMTOOL, "check", "rules", ALERTS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run([PROMTOOL, "test", "rules", ALERTS.with_suffix(".test.yaml")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_has_its_runbook():
    tested = {alert["alertname"] for test in yaml.safe_load(ALERTS.with_suffix(".test.yaml").read_text())["tests"]
              for alert in test["alert_rule_test"]}
    sections = {line[3:] for line in (TOP / "docs" / "alerts.md").read_text().splitlines() if line.startswith("## ")}
    alerts = [rule for rule in rules_of(ALERTS) if "alert" in rule]
    assert {rule["alert"] for rule in alerts} == tested == sections
    for rule in alerts + rules_of(DEPLOY / "loki" / "rules.yaml"):
        assert rule["alert"] in sections
        assert rule["annotations"]["runbook_url"].endswith("alerts.md#" + rule["alert"].lower())
        assert rule["labels"]["severity"] in ("warning", "critical")
    in_loki = {rule["alert"] for rule in rules_of(DEPLOY / "loki" / "rules.yaml")}
    assert in_loki == {name for name in tested if not name.startswith("Classifyd")}


def test_only_metrics_that_are_exported_are_asked_for(daemon):
    exported = families(daemon)
    queries = [rule["expr"] for rule in rules_of(ALERTS)] + [query for _, query in dashboard_queries("prometheus")]
    asked = set().union(*map(metrics_in, queries))
    assert len(asked) > 15
    assert asked <= exported, asked - exported


def test_only_labels_that_are_written_are_asked_of_loki(daemon, sink):
    daemon.push_lines(["build x starts", "no space left", "all is lost", "build y starts"])
    [(_, labels, line, metadata)] = until(lambda: sink.verdicts())
    queries = [rule["expr"] for rule in rules_of(DEPLOY / "loki" / "rules.yaml")]
    queries += [query for _, query in dashboard_queries("loki")]
    for query in queries:
        for selector in re.findall(r"\{(job=[^}]*)\}", query):
            assert set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", selector)) <= set(labels)
        for name in re.findall(r"\| unwrap (\w+)", query):
            assert name in metadata
        for fields in re.findall(r"\| json ([^|]*)", query):
            for field in fields.split(","):
                assert (field.split("=")[1].strip().strip('"') if "=" in field else field.strip()) in line
    assert any("unwrap" in query for query in queries)


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yaml")), ids=lambda p: str(p.relative_to(DEPLOY)))
def test_yaml_is_yaml(path):
    assert all(document is not None for document in yaml.safe_load_all(path.read_text()))


def check(path, *arguments):
    done = subprocess.run([binary(), "--check-config", "--config.file", path, *arguments],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_configurations_are_good(tmp_path):
    check(DEPLOY / "classifyd.yaml")
    check(DEPLOY / "classifyd-host.yaml")
    for name in ("deployment", "sidecar"):
        for document in yaml.safe_load_all((DEPLOY / "kubernetes" / f"{name}.yaml").read_text()):
            if document["kind"] == "ConfigMap" and "classifyd.yaml" in document["data"]:
                (tmp_path / "c.yaml").write_text(document["data"]["classifyd.yaml"])
                check(tmp_path / "c.yaml")
            for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
                if container["name"] == "classifyd":
                    (tmp_path / "empty.yaml").write_text("")
                    arguments = container["args"]
                    if "--config.file" not in arguments:
                        check(tmp_path / "empty.yaml", *arguments)


def test_systemd_unit():
    unit = (DEPLOY / "systemd" / "classifyd.service").read_text()
    command = re.search(r"ExecStart=/usr/bin/classifyd (.*)", unit)[1].split()
    done = subprocess.run([binary(), "--check-config", *[a for a in command if not a.startswith("/etc")][1:]],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not here")
    done = subprocess.run([analyze, "verify", DEPLOY / "systemd" / "classifyd.service"], capture_output=True, text=True, timeout=60)
    known = ("is not executable", "Command 'man")
    odd = [line for line in done.stderr.splitlines() if "classifyd.service" in line and not any(k in line for k in known)]
    assert not odd


class Prometheus:
    """A real one, on loopback, that scrapes `target` every second."""

    def __init__(self, folder, target):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [{"job_name": "classifyd", "static_configs": [{"targets": [target]}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.port = free_port()
        self.process = subprocess.Popen(
            [PROMETHEUS, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def get(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]

    def is_up(self):
        try:
            targets = self.get("/api/v1/targets")["activeTargets"]
        except OSError:
            return False
        return any(t["health"] == "up" for t in targets)

    def close(self):
        self.process.terminate()
        self.process.wait(60)


@needs_prometheus
def test_a_real_prometheus_alerts_and_fills_the_dashboard(daemons, sink, rules, tmp_path):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    prometheus = Prometheus(tmp_path, f"127.0.0.1:{daemon.port}")
    try:
        until(prometheus.is_up, "the first scrape")
        until(lambda: prometheus.get("/api/v1/query", query="builds_total")["result"], "a sample from before")
        for i in range(12):
            daemon.push_lines([f"build {i} starts", "no space left", "all is lost"], {"job": "x"}, time=time.time_ns())
        daemon.push_lines(["build z starts", "all is well", "build end starts"], {"job": "x"}, time=time.time_ns())
        until(lambda: daemon.metric('builds_total{result="failed"}') == 12)
        firing = until(lambda: {a["labels"]["alertname"]: a for a in prometheus.get("/api/v1/alerts")["alerts"]
                                if a["state"] == "firing" and a["labels"]["alertname"] == "FailedJobsAccumulating"},
                       "the alert")
        alert = firing["FailedJobsAccumulating"]
        assert alert["labels"]["severity"] == "warning"
        assert "alerts.md#failedjobsaccumulating" in alert["annotations"]["runbook_url"]
        # A series of a rule is there from its first match on: what increases comes behind that.
        until(lambda: prometheus.get("/api/v1/query", query="classify_matches_total")["result"])
        daemon.push_lines(["no space left"], {"job": "y"}, time=time.time_ns())
        filled = {title for title, _ in dashboard_queries("prometheus")} - {
            "Not as it should be", "rules loaded"}
        for title, query in dashboard_queries("prometheus"):
            # A query that Prometheus cannot read is an error of get().
            ask = functools.partial(prometheus.get, "/api/v1/query", query=query)
            if title in filled:
                until(lambda: ask()["result"], title)
            else:
                ask()
    finally:
        prometheus.close()
