# SPDX-License-Identifier: Apache-2.0
"""A real Loki behind the daemon, real clients before it. What is not on the PATH is skipped."""

import gzip
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

import wire
from conftest import PATIENCE, free_port, until
from test_deploy import DEPLOY, dashboard_queries, rules_of
from test_push import OTLP, legacy

LOKI = shutil.which("loki")
PROMTAIL = shutil.which("promtail")
TELEMETRYGEN = shutil.which("telemetrygen")

pytestmark = pytest.mark.skipif(not LOKI, reason="Loki is not here")
needs_promtail = pytest.mark.skipif(not PROMTAIL, reason="promtail is not here")

PROTOBUF = {"Content-Type": "application/x-protobuf"}


class Loki:
    """On loopback, with all it has in one folder; it can be ended and begun again."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "overrides.yaml").write_text(yaml.safe_dump({"overrides": {
            "no-metadata": {"allow_structured_metadata": False},
            "few-streams": {"max_global_streams_per_user": 1},
            "few-labels": {"max_label_names_per_series": 2},
        }}))
        (folder / "loki.yaml").write_text(yaml.safe_dump({
            "auth_enabled": True,
            "analytics": {"reporting_enabled": False},
            "server": {"http_listen_address": "127.0.0.1", "http_listen_port": self.port,
                       "grpc_listen_address": "127.0.0.1", "grpc_listen_port": free_port(), "log_level": "warn"},
            "common": {"path_prefix": str(folder / "data"), "replication_factor": 1, "instance_addr": "127.0.0.1",
                       "ring": {"kvstore": {"store": "inmemory"}},
                       "storage": {"filesystem": {"chunks_directory": str(folder / "chunks"),
                                                  "rules_directory": str(folder / "rules")}}},
            "schema_config": {"configs": [{"from": "2020-01-01", "store": "tsdb", "object_store": "filesystem",
                                           "schema": "v13", "index": {"prefix": "index_", "period": "24h"}}]},
            "ingester": {"lifecycler": {"min_ready_duration": "0s", "final_sleep": "0s"}},
            "limits_config": {"reject_old_samples": False, "max_label_names_per_series": 15,
                              "discover_service_name": [], "discover_log_levels": False},
            "runtime_config": {"file": str(folder / "overrides.yaml"), "period": "1s"},
        }))
        self.process = None

    def start(self):
        with open(self.folder / "loki.log", "ab") as log:
            self.process = subprocess.Popen(
                [LOKI, f"-config.file={self.folder}/loki.yaml", "-target=all"], stdout=log, stderr=log)
        until(self.is_ready, "that Loki is ready")

    def is_ready(self):
        assert self.process.poll() is None, (self.folder / "loki.log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(self.url + "/ready", timeout=PATIENCE) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)

    def ask(self, query, tenant="ci"):
        """The answer to a query; its results over the last hours if it is one of logs."""
        now = time.time()
        parameters = {"query": query, "limit": 5000, "start": int((now - 6 * 3600) * 1e9), "end": int((now + 60) * 1e9),
                      "step": "1h"}
        request = urllib.request.Request(
            f"{self.url}/loki/api/v1/query_range?{urllib.parse.urlencode(parameters)}",
            headers={"X-Scope-OrgID": tenant})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query}: {error.read().decode()}") from None

    def entries(self, query, tenant="ci"):
        """[(labels and metadata, line), ...], the oldest first."""
        found = [(int(t), stream["stream"], line) for stream in self.ask(query, tenant)["result"]
                 for t, line in stream["values"]]
        return [(labels, line) for _, labels, line in sorted(found, key=lambda e: e[0])]


@pytest.fixture(scope="module")
def loki(tmp_path_factory):
    loki = Loki(tmp_path_factory.mktemp("loki"))
    try:
        loki.start()
        yield loki
    finally:
        loki.stop()


@pytest.fixture
def between(daemons, loki, rules):
    return daemons("--loki", loki.url, "--rules", rules)


def streams_of(job, lines, labels=None):
    now = time.time_ns()
    return [({"job": job, **(labels or {})}, [(now + i, line, None) for i, line in enumerate(lines)])]


def push(daemon, streams, tenant="ci"):
    """The status."""
    return daemon.push(wire.push_json(streams), {"X-Scope-OrgID": tenant})[0]


LINES = ["quiet", "too many requests to h.example", "no space left", "quiet again"]


@pytest.mark.parametrize("form", ["json", "json in gzip", "protobuf", "old json", "old protobuf"])
def test_entries_are_found_by_their_labels(between, loki, form):
    job = form.replace(" ", "-")
    streams = streams_of(job, LINES)
    headers = {"X-Scope-OrgID": "ci"}
    path = "/api/prom/push" if form.startswith("old") else "/loki/api/v1/push"
    if form == "old json":
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        body = legacy(streams_of(job, LINES))
        for i, entry in enumerate(body["streams"][0]["entries"]):
            entry["ts"] = f"{now}.{i:09}Z"
        body = json.dumps(body).encode()
    elif "protobuf" in form:
        body, headers = wire.push_protobuf(streams), {**headers, **PROTOBUF}
    else:
        body = json.dumps(wire.push_json(streams)).encode()
        if "gzip" in form:
            body, headers = gzip.compress(body), {**headers, "Content-Encoding": "gzip"}
    status, text, _ = between.push(body, headers, path=path)
    assert status == 204, text
    assert [line for _, line in loki.entries(f'{{job="{job}"}}')] == LINES
    [(labels, line)] = loki.entries(f'{{job="{job}", failure_category="rate_limited"}}')
    assert line == LINES[1]
    assert labels == {"job": job, "failure_category": "rate_limited", "failure_rule": "rate-limited",
                      "failure_severity": "high", "failure_field_host": "h.example"}
    assert len(loki.entries(f'{{job="{job}"}} | failure_severity="critical"')) == 1
    assert between.metric("classify_label_refused_total") == 0


def test_otlp(between, loki):
    body = json.loads(json.dumps(OTLP))
    records = body["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    for i, record in enumerate(records):
        record["timeUnixNano"] = str(time.time_ns() + i)
    status, text, _ = between.push(body, {"X-Scope-OrgID": "ci"}, path="/otlp/v1/logs")
    assert status == 204, text
    [(labels, line)] = loki.entries('{service_name="ci"} | failure_category="rate_limited"')
    assert line == "too many requests to h.example"
    assert labels["failure_field_host"] == "h.example" and labels["own"] == "3"


@pytest.mark.skipif(not TELEMETRYGEN, reason="telemetrygen is not here")
@pytest.mark.parametrize("path", ["/v1/logs", "/otlp/v1/logs"])
def test_a_client_of_opentelemetry(between, loki, path):
    service = "telemetry" + path.replace("/", "-")
    done = subprocess.run(
        [TELEMETRYGEN, "logs", "--otlp-http", "--otlp-insecure", "--otlp-endpoint", f"127.0.0.1:{between.port}",
         "--otlp-http-url-path", path, "--otlp-header", 'X-Scope-OrgID="ci"', "--logs", "30", "--rate", "0",
         "--workers", "2", "--service", service, "--body", "too many requests to h.example"],
        capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    until(lambda: between.metric("classify_entries_total") == 60, "sixty records")
    found = loki.entries(f'{{service_name="{service}"}} | failure_category="rate_limited"')
    assert found and all(labels["failure_field_host"] == "h.example" for labels, _ in found)
    assert 'classify_unclassified_total{' not in between.metrics()


def test_tenants_are_apart(between, loki):
    assert push(between, streams_of("apart", ["no space left"]), "one") == 204
    assert push(between, streams_of("apart", ["quiet"]), "two") == 204
    assert [line for _, line in loki.entries('{job="apart"}', "one")] == ["no space left"]
    assert [line for _, line in loki.entries('{job="apart"}', "two")] == ["quiet"]


@pytest.mark.parametrize("tenant", ["no-metadata", "few-streams", "few-labels"])
def test_what_loki_refuses_of_what_is_added_is_left_out(between, loki, tenant):
    """The words of its refusals are known: the entries arrive as they came."""
    # Loki looks at labels once, for whatever tenant: each has its own.
    assert push(between, streams_of(tenant, LINES, {"pod": "p"}), tenant) == 204
    found = loki.entries(f'{{job="{tenant}"}}', tenant)
    assert [line for _, line in found] == LINES
    assert not any("failure_category" in labels for labels, _ in found)
    assert between.metric("classify_label_refused_total") == 1


def test_other_refusals_are_the_clients(between, loki):
    assert push(between, [({}, [(time.time_ns(), "quiet", None)])]) == 400
    future = [({"job": "x"}, [(time.time_ns() + 10**15, "no space left", None)])]
    assert push(between, future) == 400
    assert between.metric("classify_label_refused_total") == 0
    assert between.push(b"{nonsense", {"X-Scope-OrgID": "ci"})[0] == 400
    assert between.push_lines(["quiet"])[0] == 401       # Loki wants a tenant


def test_verdicts_and_the_queries_on_them(between, loki):
    lines = ["build x starts", "no space left", "all is lost", "build y starts", "all is well", "build z starts"]
    assert push(between, streams_of("builds", lines)) == 204
    # Loki 3.5 and older keep the backslashes of JSON in metadata.
    query = '{job="classify"} | source=~`{job=\\\\?"builds\\\\?"}`'
    found = until(lambda: len(loki.entries(query)) == 2 and loki.entries(query), "two verdicts")
    assert [labels["result"] for labels, _ in found] == ["failed", "passed"]
    assert found[0][0]["failure_category"] == "disk_full" and json.loads(found[0][1])["rule"] == "disk-full"
    for _, query in dashboard_queries("loki"):
        loki.ask(query)                          # one that it cannot read is an error
    for rule in rules_of(DEPLOY / "loki" / "rules.yaml"):
        loki.ask(rule["expr"])


class Promtail:
    """With the client part of the configuration in deploy/."""

    def __init__(self, folder, port, more=None):
        self.logs = folder / "promtail-logs"
        self.logs.mkdir()
        config = yaml.safe_load((DEPLOY / "agents" / "promtail.yaml").read_text())
        config["server"]["http_listen_port"] = free_port()
        config["server"]["http_listen_address"] = "127.0.0.1"
        config["positions"]["filename"] = str(folder / "positions.yaml")
        config["clients"][0]["url"] = f"http://127.0.0.1:{port}/loki/api/v1/push"
        config["clients"][0]["backoff_config"] = {"min_period": "100ms", "max_period": "500ms", "max_retries": 1000}
        config["clients"][0].update(more or {})
        config["scrape_configs"][0]["static_configs"][0]["labels"]["__path__"] = str(self.logs / "*.log")
        (folder / "promtail.yaml").write_text(yaml.safe_dump(config))
        self.log = open(folder / "promtail.log", "wb")
        self.process = subprocess.Popen([PROMTAIL, f"-config.file={folder}/promtail.yaml"], stdout=self.log,
                                        stderr=self.log)

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


@needs_promtail
def test_promtail_to_loki(between, loki, tmp_path):
    promtail = Promtail(tmp_path, between.port, {"tenant_id": "promtail"})
    try:
        (promtail.logs / "a.log").write_text("".join(f"{line}\n" for line in LINES))
        found = until(lambda: len(loki.entries('{job="builds"}', "promtail")) == 4 and
                      loki.entries('{job="builds"}', "promtail"), "four entries")
        assert [line for _, line in found] == LINES
        [(labels, line)] = loki.entries('{failure_category="rate_limited"}', "promtail")
        assert line == LINES[1] and labels["failure_field_host"] == "h.example"
        assert labels["filename"] == str(promtail.logs / "a.log")
        assert between.metric("classify_entries_total") == 4
        assert 'classify_unclassified_total{' not in between.metrics()
    finally:
        promtail.stop()


@needs_promtail
def test_nothing_is_lost_while_loki_and_the_daemon_go_away(daemons, loki, rules, tmp_path):
    """promtail sends again what was not acknowledged; Loki knows an entry that comes twice."""
    port = free_port()
    arguments = ("--loki", loki.url, "--rules", rules, "--listen", f"127.0.0.1:{port}")
    daemon = daemons(*arguments)
    promtail = Promtail(tmp_path, port, {"tenant_id": "loss", "batchsize": 2000, "batchwait": "50ms"})
    wanted = []

    def write(n):
        lines = [f"line {len(wanted) + i} of it" + (" no space left" if i % 10 == 0 else "") for i in range(n)]
        wanted.extend(lines)
        with open(promtail.logs / "a.log", "a") as f:
            f.write("".join(f"{line}\n" for line in lines))

    def arrived():
        return [line for _, line in loki.entries('{job="builds"}', "loss")]

    try:
        write(500)
        until(lambda: len(arrived()) >= 100, "first entries")
        loki.stop()
        write(500)
        until(lambda: daemon.metric('classify_requests_total{route="/loki/api/v1/push",code="502"}') >= 3, "refusals")
        loki.start()
        daemon.stop()
        write(500)
        daemons(*arguments)
        write(500)
        until(lambda: len(arrived()) >= len(wanted), "all entries")
        assert sorted(arrived()) == sorted(wanted)
        assert len(loki.entries('{job="builds", failure_category="disk_full"}', "loss")) == len(wanted) / 10
    finally:
        promtail.stop()
