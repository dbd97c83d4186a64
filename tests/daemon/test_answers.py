# SPDX-License-Identifier: Apache-2.0
"""The client's answer is Loki's answer, and what the daemon does when there is none, or a refusal."""

import gzip
import json
import socket
import threading
import zlib

import pytest

import wire
from conftest import free_port, until

LIMIT = "stream '{job=\"x\"}' has 16 label names; limit 15"


@pytest.mark.parametrize("status, headers", [
    (400, {}), (401, {}), (403, {}), (413, {}), (429, {"Retry-After": "7"}), (500, {}), (503, {"Retry-After": "3"}),
])
def test_the_answer_is_lokis(daemon, sink, status, headers):
    sink.script = [(status, b"because\n", {"Content-Type": "text/plain", **headers})]
    got, text, came = daemon.push_lines(["quiet"])
    assert (got, text) == (status, b"because\n")
    assert came.get("Retry-After") == headers.get("Retry-After")
    assert len(sink.requests) == 1


def test_only_what_loki_took_is_counted(daemon, sink):
    series = 'classify_matches_total{category="disk_full",rule="disk-full",severity="critical"}'
    refused = (400, b"entry for stream '{}' has timestamp too old", {})
    sink.script = [(500, b"", {}), (429, b"rate", {}), refused, (204, b"", {})]
    assert [daemon.push_lines(["no space left"])[0] for _ in range(4)] == [500, 429, 400, 204]
    assert daemon.metric(series) == 1
    assert daemon.metric("classify_entries_total") == 1
    bodies = {r[2] for r in sink.requests}
    assert len(bodies) == 1                      # a batch that is sent again is labelled the same


@pytest.mark.parametrize("status, text", [
    (400, LIMIT.encode()),
    (400, b"stream '{}' includes structured metadata, but this feature is disallowed"),
    (429, b"Maximum active stream limit exceeded when trying to create stream {}"),
])
def test_where_labels_are_refused_the_original_goes(daemon, sink, status, text):
    body = json.dumps(wire.push_json([({"job": "x"}, [(5, "no space left", None)])], ), indent=1).encode()
    sink.script = [(status, text, {}), (204, b"", {})]
    assert daemon.push(body)[0] == 204
    assert [r[2] == body for r in sink.requests] == [False, True]
    assert daemon.metric("classify_label_refused_total") == 1
    assert daemon.metric("classify_entries_total") == 1
    assert 'classify_matches_total{' not in daemon.metrics()


def test_a_refusal_of_the_original_is_the_answer(daemon, sink):
    sink.script = [(400, LIMIT.encode(), {}), (500, b"later", {})]
    assert daemon.push_lines(["no space left"])[:2] == (500, b"later")
    assert len(sink.requests) == 2


@pytest.mark.parametrize("status, text", [
    (400, b"entry with timestamp 1 ignored, reason: 'entry too far behind'"),
    (429, b"Ingestion rate limit exceeded for user"), (500, LIMIT.encode()),
])
def test_other_refusals_are_not_about_labels(daemon, sink, status, text):
    sink.script = [(status, text, {})]
    assert daemon.push_lines(["no space left"])[0] == status
    assert len(sink.requests) == 1


def test_a_long_answer_is_cut(daemon, sink):
    sink.script = [(400, b"x" * 100_000, {})]
    assert daemon.push_lines(["quiet"])[:2] == (400, b"x" * 65536)


def test_no_loki_there(daemons, rules):
    daemon = daemons("--loki", f"http://127.0.0.1:{free_port()}", "--rules", rules)
    status, text, _ = daemon.push_lines(["quiet"])
    assert status == 502 and b"no answer from Loki" in text
    assert daemon.metric('classify_upstream_requests_total{code="0"}') == 1


def test_slow_loki(daemons, rules, sink, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("loki: {timeout: 300ms}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
    go_on = threading.Event()
    sink.script = [lambda handler: go_on.wait(60)]
    assert daemon.push_lines(["quiet"])[0] == 504
    go_on.set()
    until(lambda: daemon.push_lines(["quiet"])[0] == 204)    # the receiver may be slow of itself, too


def test_loki_that_hangs_up(daemon, sink):
    sink.script = [lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)] * 2
    assert daemon.push_lines(["quiet"])[0] in (204, 502)
    assert until(lambda: daemon.push_lines(["quiet"])[0] == 204)


def test_half_an_answer(daemon, sink):
    def half(handler):
        handler.wfile.write(b"HTTP/1.1 204 No Con")
        handler.wfile.flush()
        handler.close_connection = True
    sink.script = [half]
    assert daemon.push_lines(["quiet"])[0] == 502
    assert daemon.push_lines(["quiet"])[0] == 204


@pytest.mark.parametrize("body, headers", [
    (b"{nonsense", {"Content-Type": "application/json"}),
    (b'{"streams": 5}', {"Content-Type": "application/json"}),
    (b'{"streams": [{"values": [[1]]}]}', {"Content-Type": "application/json"}),
    (b"\xff\xff\xff\xff\xff\xff", {"Content-Type": "application/x-protobuf"}),
    (wire.snappy(b"\x0a\xff\x01"), {"Content-Type": "application/x-protobuf"}),
    (b"not gzip", {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
    (gzip.compress(b'{"streams": []}')[:-9], {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
    (b"x", {"Content-Type": "application/json", "Content-Encoding": "br"}),
    (b"", {"Content-Type": "application/x-protobuf"}),
    (wire.snappy(wire.field(1, wire.field(1, b"{}") + wire.field(2, wire.field(2, b"no space left") + wire.field(0, 5)))),
     {"Content-Type": "application/x-protobuf"}),
])
def test_what_cannot_be_read_is_for_loki_to_judge(daemon, sink, body, headers):
    sink.script = [(400, b"loki says no", {})]
    assert daemon.push(body, headers)[:2] == (400, b"loki says no")
    assert sink.requests[0][2] == body
    sink.requests.clear()
    assert daemon.push(body, headers)[0] == 204
    assert "classify_unclassified_total{" in daemon.metrics() or body == b""


def test_limits(daemons, rules, sink, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("limits: {body: 64KiB, decoded_body: 1MiB, entries: 10, streams: 3}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    assert daemon.push(b"x" * 70000)[0] == 413
    # A bomb: a thousand times what it seems, and refused before it is there.
    bomb = gzip.compress(b'{"streams":[' + b" " * 40_000_000 + b"]}")
    assert len(bomb) < 65536
    assert daemon.push(bomb, {"Content-Encoding": "gzip"})[0] == 413
    deflated = zlib.compress(b" " * 40_000_000)
    assert daemon.push(deflated, {"Content-Encoding": "deflate"})[0] == 413
    # A length that promises gigabytes.
    claim = wire.varint(1 << 31) + b"\x00a"
    assert daemon.push(claim, {"Content-Type": "application/x-protobuf"})[0] in (204, 413)
    assert daemon.push_lines(["x"] * 11)[0] == 413
    many = {"streams": [{"stream": {"n": str(i)}, "values": []} for i in range(4)]}
    assert daemon.push(many)[0] == 413
    assert daemon.push_lines(["x"] * 10)[0] == 204
    # Values of JSON take twenty times their bytes; those that stand in texts are none.
    for path in ("/loki/api/v1/push", "/api/prom/push", "/otlp/v1/logs"):
        for unit in (b"[],", b"{},", b"1,", b'"\\"",'):
            assert daemon.push(b'{"streams":[' + unit * 1100 + b"1]}", path=path)[0] == 413
    assert daemon.push_lines(['[{,"\\' * 400] * 10)[0] == 204


def test_a_chunked_body_that_does_not_end_is_cut_off(daemons, rules, sink, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("limits: {body: 64KiB, decoded_body: 64KiB}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=60) as s:
        s.sendall(b"POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        s.sendall((b"8000\r\n" + b"x" * 0x8000 + b"\r\n") * 3 + b"0\r\n\r\n")
        assert b" 413 " in s.recv(65536)


def test_routes(daemon):
    assert daemon.request("GET", "/ready")[:2] == (200, b"ready\n")
    assert daemon.request("GET", "/-/healthy")[0] == 200
    assert daemon.request("GET", "/loki/api/v1/push")[0] == 405
    assert daemon.request("GET", "/loki/api/v1/query?query=x")[0] == 404
    assert daemon.request("POST", "/anything", b"x" * 1000)[0] == 404


def test_many_at_once_over_kept_connections(daemon, sink):
    """Order within each client, nothing lost, nothing mixed up between tenants."""
    import http.client

    failures = []

    def client(number):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        for i in range(40):
            line = f"client {number} line {i}" + (" no space left" if i % 7 == 0 else "")
            body = wire.push_json([({"job": f"c{number}"}, [(10**18 + i, line, None)])])
            connection.request("POST", "/loki/api/v1/push", json.dumps(body).encode(),
                               {"Content-Type": "application/json", "X-Scope-OrgID": f"t{number}"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 204:
                failures.append((number, i, answer.status))
        connection.close()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    seen = {}
    for _, headers, body in sink.pushes():
        for labels, entries in wire.read_push_json(json.loads(body)):
            assert labels["job"] == "c" + headers["X-Scope-OrgID"][1:]
            seen.setdefault(labels["job"], []).extend(t for t, _, _ in entries)
    assert seen == {f"c{n}": [10**18 + i for i in range(40)] for n in range(16)}
    assert daemon.metric("classify_entries_total") == 640


def test_it_ends_in_order_while_it_works(daemons, rules, sink):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    begun, go_on = threading.Event(), threading.Event()

    def slow(handler):
        begun.set()
        go_on.wait(60)
        handler.send_response(204)
        handler.end_headers()

    sink.script = [slow]
    answers = []
    thread = threading.Thread(target=lambda: answers.append(daemon.push_lines(["no space left"])[0]))
    thread.start()
    assert begun.wait(60)
    daemon.process.terminate()
    until(lambda: daemon.said("msg=ending"))
    go_on.set()
    thread.join(60)
    assert daemon.stop() == 0
    assert answers == [204]
