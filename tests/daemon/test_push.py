# SPDX-License-Identifier: Apache-2.0
"""Every form of a push, untouched and labelled."""

import gzip
import http.client
import json
import zlib

import pytest

import wire
from conftest import SHARED, until

T = 1_700_000_000_000_000_000
PROTOBUF = {"Content-Type": "application/x-protobuf"}

QUIET = [({"job": "a"}, [(T, "nothing to see", None), (T + 5, "", {"pod": "p"})])]
LOUD = [
    ({"job": "a", "pod": "p-1"}, [
        (T, "nothing to see", None),
        (T + 1, "too many requests to hub.example", {"trace": "7"}),
        (T + 2, "a slow answer and no space left", None),
        (T + 3, "too many requests", None),
        (T + 4, "build x starts", None),
    ]),
    ({"job": "b"}, [(T, "as \"quiet\" as ✓ can be", None)]),
]


def raw_deflate(data):
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


CODINGS = {
    "none": (None, lambda d: d, lambda d: d),
    "gzip": ("gzip", gzip.compress, gzip.decompress),
    "deflate": ("deflate", zlib.compress, zlib.decompress),
    "raw deflate": ("deflate", raw_deflate, lambda d: zlib.decompress(d, -15)),
}


def encode(streams, form):
    if form == "json":
        return json.dumps(wire.push_json(streams), ensure_ascii=False).encode()
    return wire.push_protobuf(streams)


def decode(body, form):
    return wire.read_push_json(json.loads(body)) if form == "json" else wire.read_push_protobuf(body)


def headers_of(form, coding):
    headers = {"Content-Type": "application/json"} if form == "json" else dict(PROTOBUF)
    if coding:
        headers["Content-Encoding"] = coding
    return headers


@pytest.mark.parametrize("form", ["json", "protobuf"])
@pytest.mark.parametrize("coding", CODINGS)
def test_without_a_match_the_very_bytes_go_on(daemon, sink, form, coding):
    name, pack, _ = CODINGS[coding]
    body = pack(encode(QUIET, form))
    status, text, _ = daemon.push(body, headers_of(form, name))
    assert (status, text) == (204, b"")
    assert [r[2] for r in sink.requests] == [body]
    assert sink.requests[0][1].get("Content-Encoding") == name
    assert daemon.metric("classify_entries_total") == 2
    assert daemon.metric("classify_bytes_total") == len("nothing to see")


@pytest.mark.parametrize("form", ["json", "protobuf"])
@pytest.mark.parametrize("coding", CODINGS)
def test_what_matches_is_labelled(daemon, sink, form, coding):
    name, pack, unpack = CODINGS[coding]
    assert daemon.push(pack(encode(LOUD, form)), headers_of(form, name))[0] == 204
    path, headers, body = sink.requests[0]
    assert path == "/loki/api/v1/push"
    assert headers.get("Content-Encoding") == name
    streams = decode(unpack(body), form)
    before = decode(encode(LOUD, form), form)
    assert wire.flat(streams) == wire.flat(before)
    assert [labels for labels, _ in streams] == [
        {"job": "a", "pod": "p-1"},
        {"job": "a", "pod": "p-1", "failure_category": "rate_limited"},
        {"job": "a", "pod": "p-1", "failure_category": "disk_full"},
        {"job": "b"},
    ]
    limited = streams[1][1]
    assert [(t, m) for t, _, m in limited] == [
        (T + 1, {"trace": "7", "failure_rule": "rate-limited", "failure_severity": "high",
                 "failure_field_host": "hub.example"}),
        (T + 3, {"failure_rule": "rate-limited", "failure_severity": "high"}),
    ]
    # The cause wins over the symptom of the same entry, and a marker labels nothing.
    assert streams[2][1][0][2] == {"failure_rule": "disk-full", "failure_severity": "critical"}
    assert [t for t, _, _ in streams[0][1]] == [T, T + 4]
    assert daemon.metric('classify_matches_total{category="rate_limited",rule="rate-limited",severity="high"}') == 2


def test_category_as_metadata(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--category-as", "metadata")
    for form in ("json", "protobuf"):
        daemon.push(encode(LOUD, form), headers_of(form, None))
        streams = decode(sink.pushes()[-1][2], form)
        assert [labels for labels, _ in streams] == [{"job": "a", "pod": "p-1"}, {"job": "b"}]
        assert streams[0][1][1][2]["failure_category"] == "rate_limited"
        assert [t for t, _, _ in streams[0][1]] == [T, T + 1, T + 2, T + 3, T + 4]


def test_chunked(daemon, sink):
    body = encode(LOUD, "json")
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("POST", "/loki/api/v1/push", body=iter([body[:10], body[10:200], body[200:]]),
                       headers={"Content-Type": "application/json"}, encode_chunked=True)
    assert connection.getresponse().status == 204
    connection.close()
    assert wire.flat(decode(sink.requests[0][2], "json")) == wire.flat(decode(body, "json"))


def test_what_is_not_known_of_a_message_is_kept(daemon, sink):
    entry = wire.field(1, wire.field(1, T // 10**9)) + wire.field(2, b"no space left") + wire.field(4, b"parsed") + wire.field(99, 7)
    stream = wire.field(1, b'{job="a"}') + wire.field(2, entry) + wire.field(3, 12345) + wire.field(77, b"more")
    body = wire.snappy(wire.field(1, stream) + wire.field(8, b"at the end"))
    daemon.push(body, PROTOBUF)
    after = wire.fields(wire.unsnappy(sink.requests[0][2]))
    assert wire.all_of(after, 8) == [b"at the end"]
    stream = wire.fields(wire.one_of(after, 1))
    assert wire.one_of(stream, 1) == b'{job="a", failure_category="disk_full"}'
    assert wire.one_of(stream, 77) == b"more"
    assert wire.one_of(stream, 3) is None        # a hash of other labels
    entry = wire.fields(wire.one_of(stream, 2))
    assert wire.one_of(entry, 4) == b"parsed" and wire.one_of(entry, 99) == 7


def test_an_entry_of_several_lines_is_one(daemon, sink):
    daemon.push_lines(["first\nno space left\nlast\n", "quiet"])
    streams = wire.read_push_json(json.loads(sink.requests[0][2]))
    assert [(len(entries), labels.get("failure_category")) for labels, entries in streams] == [
        (1, None), (1, "disk_full")]


def test_captures_are_made_fit_for_loki(daemons, sink, rules, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("labels: {capture_size: 16B, capture_values: 3}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    stream = [({"job": "a"}, [(T, b"too many requests to \xff\xfe.example", None),
                              (T + 1, ("too many requests to " + "é" * 40).encode(), None)])]
    daemon.push(wire.push_protobuf(stream), PROTOBUF)
    entries = wire.read_push_protobuf(sink.requests[0][2])[0][1]
    assert [m["failure_field_host"] for _, _, m in entries] == ["��.example", "é" * 8]
    assert entries[0][1] == stream[0][1][0][1]       # the line itself stays as it was
    daemon.push_lines([f"too many requests to host-{i}" for i in range(9)])
    hosts = [v[2].get("failure_field_host") for v in json.loads(sink.pushes()[-1][2])["streams"][0]["values"]]
    assert hosts == ["host-0"] + [None] * 8
    assert daemon.metric('classify_captures_dropped_total{reason="cardinality"}') == 8
    daemon.push_lines(["too many requests to host-0"])
    assert b"failure_field_host" in sink.pushes()[-1][2]


def test_tenant_and_authorization_go_through(daemon, sink):
    for tenant in ("one", "two", None):
        headers = {"X-Scope-OrgID": tenant, "Authorization": f"Bearer of-{tenant}"} if tenant else {}
        daemon.push_lines(["no space left"], headers=headers)
        came = sink.requests[-1][1]
        assert came.get("X-Scope-OrgID") == tenant
        assert came.get("Authorization") == (f"Bearer of-{tenant}" if tenant else None)


def legacy(streams):
    """The JSON of old clients."""
    def stamp(t):
        return f"2023-11-14T22:13:20.{t - T:09}Z"
    return {"streams": [{"labels": wire.labels_text(labels), "entries": [
        {"ts": stamp(t), "line": line, **({"structuredMetadata": m} if m else {})} for t, line, m in entries]}
        for labels, entries in streams]}


def read_legacy(body):
    return [(wire.labels_of(stream["labels"]), [
        (T + int(e["ts"][20:29]), e["line"].encode(), e.get("structuredMetadata", {})) for e in stream["entries"]])
        for stream in json.loads(body)["streams"]]


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("streams", [QUIET, LOUD], ids=["quiet", "loud"])
def test_the_json_of_old_clients(daemon, sink, streams, coding):
    name, code, uncode = CODINGS[coding]
    body = code(json.dumps(legacy(streams), indent=1).encode())
    assert daemon.push(body, headers_of("json", name), path="/api/prom/push")[0] == 204
    path, _, came = sink.requests[0]
    assert path == "/api/prom/push"
    assert wire.flat(read_legacy(uncode(came))) == wire.flat(read_legacy(uncode(body)))
    if streams is QUIET:
        assert came == body
        return
    # What becomes of the streams is what becomes of them in the JSON of today.
    daemon.push(encode(streams, "json"), headers_of("json", None))
    assert read_legacy(uncode(came)) == decode(sink.pushes()[1][2], "json")


def test_the_times_of_old_clients_are_read(daemon, sink):
    entries = [("2023-11-14T22:13:20Z", "build x starts"), ("2023-11-14T23:13:22.5+01:00", "all is lost"),
               ("2023-11-14T22:14:20Z", "build x starts")]
    body = {"streams": [{"labels": '{job="x"}', "entries": [{"ts": ts, "line": line} for ts, line in entries]}]}
    assert daemon.push(body, path="/api/prom/push")[0] == 204
    [(_, _, _, metadata)] = until(sink.verdicts)
    assert metadata["duration_seconds"] == "2.500"


def test_old_clients_in_protobuf(daemon, sink):
    assert daemon.push(encode(LOUD, "protobuf"), PROTOBUF, path="/api/prom/push")[0] == 204
    assert daemon.push(encode(LOUD, "protobuf"), PROTOBUF)[0] == 204
    (old, _, first), (new, _, second) = sink.pushes()
    assert (old, new) == ("/api/prom/push", "/loki/api/v1/push") and first == second


def test_categories_as_metadata_for_old_clients(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--category-as", "metadata")
    daemon.push(legacy(LOUD), path="/api/prom/push")
    streams = read_legacy(sink.requests[0][2])
    assert [labels for labels, _ in streams] == [{"job": "a", "pod": "p-1"}, {"job": "b"}]
    assert streams[0][1][1][2] == {"trace": "7", "failure_category": "rate_limited", "failure_rule": "rate-limited",
                                   "failure_severity": "high", "failure_field_host": "hub.example"}


@pytest.mark.parametrize("body", [
    b'{"streams": 5}', b'{"streams": [{"labels": {}, "entries": []}]}', b'{"streams": [{"labels": "{}"}]}',
    b'{"streams": [{"labels": "{}", "entries": [{"ts": "x"}]}]}', b"{",
    json.dumps(wire.push_json(LOUD)).encode(),
])
def test_other_json_of_old_clients_is_for_loki_to_judge(daemon, sink, body):
    sink.script = [(400, b"no", {})]
    assert daemon.push(body, path="/api/prom/push")[:2] == (400, b"no")
    assert sink.requests[0][2] == body
    assert daemon.metric('classify_unclassified_total{reason="invalid"}') == 1


OTLP = {"resourceLogs": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "ci"}}]},
    "scopeLogs": [{"scope": {"name": "s"}, "logRecords": [
        {"timeUnixNano": str(T), "body": {"stringValue": "quiet"}},
        {"timeUnixNano": str(T + 1), "severityText": "ERROR", "body": {"stringValue": "too many requests to h.example"},
         "attributes": [{"key": "own", "value": {"intValue": "3"}}]},
        {"timeUnixNano": str(T + 2), "body": {"kvlistValue": {"values": []}}},
    ]}],
}]}


@pytest.mark.parametrize("path", ["/otlp/v1/logs", "/v1/logs"])
def test_otlp_json(daemon, sink, path):
    assert daemon.push(OTLP, path=path)[0] == 204
    came = sink.requests[0]
    assert came[0] == "/otlp/v1/logs"
    records = json.loads(came[2])["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    added = records[1].pop("attributes")
    before = json.loads(json.dumps(OTLP))["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert added == before[1].pop("attributes") + [
        {"key": key, "value": {"stringValue": value}} for key, value in [
            ("failure_category", "rate_limited"), ("failure_rule", "rate-limited"), ("failure_severity", "high"),
            ("failure_field_host", "h.example")]]
    assert records == before


def test_otlp_protobuf(daemon, sink):
    def record(text, *more):
        return wire.field(2, wire.fixed64(1, T) + wire.field(3, b"INFO") + wire.field(5, wire.field(1, text)) + b"".join(more))

    resource = wire.field(1, wire.field(1, wire.field(1, b"k") + wire.field(2, wire.field(1, b"v"))) + wire.field(2, 4))
    own = wire.field(6, wire.field(1, b"own") + wire.field(2, wire.field(3, 5)))
    scope = wire.field(2, wire.field(1, wire.field(1, b"s")) + record(b"quiet") + record(b"no space left", own, wire.field(9, b"trace")))
    body = wire.field(1, resource + scope + wire.field(3, b"https://schema.example"))
    headers = {"Content-Type": "application/x-protobuf"}
    assert daemon.push(gzip.compress(body), {**headers, "Content-Encoding": "gzip"}, path="/otlp/v1/logs")[0] == 204
    after = wire.fields(gzip.decompress(sink.requests[0][2]))
    logs = wire.fields(wire.one_of(after, 1))
    assert wire.one_of(logs, 3) == b"https://schema.example"
    records = wire.all_of(wire.fields(wire.one_of(logs, 2)), 2)
    assert sorted(wire.fields(records[0]), key=str) == sorted(wire.fields(wire.one_of(wire.fields(record(b"quiet")), 2)), key=str)
    loud = wire.fields(records[1])
    assert wire.one_of(loud, 9) == b"trace"
    pairs = [wire.fields(a) for a in wire.all_of(loud, 6)]
    assert wire.field(6, wire.all_of(loud, 6)[0]) == own
    assert [(wire.one_of(p, 1), wire.one_of(wire.fields(wire.one_of(p, 2)), 1)) for p in pairs[1:]] == [
        (b"failure_category", b"disk_full"), (b"failure_rule", b"disk-full"), (b"failure_severity", b"critical")]
    quiet = wire.field(1, resource + wire.field(2, record(b"quiet")))
    daemon.push(quiet, headers, path="/otlp/v1/logs")
    assert sink.pushes()[-1][2] == quiet


VECTORS = SHARED / "vectors" / "loki-push"


@pytest.mark.skipif(not VECTORS.exists(), reason="the bodies of real clients are not here")
@pytest.mark.parametrize("name", sorted(p.stem for p in VECTORS.glob("*.bin")) if VECTORS.exists() else [])
def test_real_clients(daemons, sink, name):
    daemon = daemons("--loki", sink.url)
    body = (VECTORS / f"{name}.bin").read_bytes()
    headers = json.loads((VECTORS / f"{name}.json").read_text())["headers"]
    form = "json" if "json" in headers["Content-Type"] else "protobuf"
    sent = {k: v for k, v in headers.items() if k.lower() not in ("host", "connection", "content-length")}
    assert daemon.request("POST", "/loki/api/v1/push", body, sent)[0] == 204
    _, came, after = sink.requests[0]
    assert {k.lower(): v for k, v in came.items()}.get("x-scope-orgid") == \
        {k.lower(): v for k, v in headers.items()}.get("x-scope-orgid")
    streams = decode(after, form)
    assert wire.flat(streams) == wire.flat(decode(body, form))
    assert any("failure_category" in labels for labels, _ in streams) or after == body


def test_without_loki_it_prints(daemons, rules):
    daemon = daemons("--rules", rules)
    assert daemon.push(encode(LOUD, "json"))[0] == 204
    assert daemon.push(b"{nonsense")[0] == 400
    assert daemon.stop() == 0
    lines = [json.loads(line) for line in daemon.output]
    entries = [line for line in lines if line["labels"].get("job") != "classify"]
    assert [e["line"] for e in entries] == [line for _, es in LOUD for _, line, _ in es]
    assert entries[1] == {
        "time": "2023-11-14T22:13:20.000000001Z", "labels": {"job": "a", "pod": "p-1"},
        "line": "too many requests to hub.example", "failure_category": "rate_limited",
        "failure_rule": "rate-limited", "failure_severity": "high", "failure_fields": {"host": "hub.example"}}
    verdicts = [line for line in lines if line["labels"].get("job") == "classify"]
    assert sorted(v["metadata"]["source"] for v in verdicts) == ['{job="a", pod="p-1"}', '{job="b"}']
