# SPDX-License-Identifier: Apache-2.0
"""Streams that end, fall silent or start their next build get verdicts, and builds are counted."""

import json

from conftest import until

import pytest

T = 1_700_000_000_000_000_000


def verdicts(sink, n):
    return until(lambda: sink.verdicts() if len(sink.verdicts()) >= n else None, f"{n} verdicts")


def test_silence(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "300ms")
    daemon.push_lines(["build x starts", "too many requests to h.example", "all is lost"], {"job": "x", "pod": "p"},
                      headers={"X-Scope-OrgID": "ci"})
    [(headers, labels, line, metadata)] = verdicts(sink, 1)
    assert headers["X-Scope-OrgID"] == "ci"
    assert labels == {"job": "classify", "result": "failed", "failure_category": "rate_limited"}
    assert line["rule"] == "rate-limited" and line["line"] == 2 and line["source"] == '{job="x", pod="p"}'
    assert metadata == {
        "source": '{job="x", pod="p"}', "reason": "silence", "duration_seconds": "2.000",
        "failure_rule": "rate-limited", "failure_severity": "high", "failure_field_host": "h.example"}
    assert daemon.metric('builds_total{result="failed"}') == 1
    assert daemon.metric('build_failures_total{category="rate_limited"}') == 1
    assert daemon.metric("build_duration_seconds_sum") == 2
    assert daemon.metric('build_duration_seconds_bucket{le="5"}') == 1
    assert daemon.metric("classify_streams") == 0


def test_builds_one_after_the_other_in_a_stream(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    daemon.push_lines(["build 1 starts", "no space left", "all is lost", "build 2 starts", "all is well"], time=T)
    daemon.push_lines(["build 3 starts", "slow answer", "build 4 starts"], time=T + 10**11)
    found = verdicts(sink, 3)
    assert [(v[1]["result"], v[3]["reason"], v[2]["lines"]) for v in found] == [
        ("failed", "next_build", 3), ("passed", "next_build", 2), ("undetermined", "next_build", 2)]
    assert daemon.stop() == 0
    last = sink.verdicts()[3]
    assert (last[3]["reason"], last[2]["lines"]) == ("shutdown", 1)


def test_streams_and_tenants_are_apart(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "300ms")
    for tenant, labels, line in (("a", {"job": "x"}, "no space left"), ("b", {"job": "x"}, "all is well"),
                                 ("a", {"job": "y"}, "nothing")):
        daemon.push_lines([line], labels, headers={"X-Scope-OrgID": tenant})
    found = verdicts(sink, 3)
    assert sorted((v[0]["X-Scope-OrgID"], v[3]["source"], v[1]["result"]) for v in found) == [
        ("a", '{job="x"}', "failed"), ("a", '{job="y"}', "undetermined"), ("b", '{job="x"}', "passed")]


def test_what_loki_refused_is_in_no_build(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "200ms")
    sink.script = [(400, b"entry too old", {}), (500, b"", {}), (204, b"", {})]
    daemon.push_lines(["no space left"], {"job": "refused"})
    daemon.push_lines(["no space left", "all is lost"], {"job": "again"})
    daemon.push_lines(["no space left", "all is lost"], {"job": "again"})
    [(_, _, line, metadata)] = verdicts(sink, 1)
    assert metadata["source"] == '{job="again"}' and line["lines"] == 2
    assert daemon.stop() == 0
    assert len(sink.verdicts()) == 1


@pytest.mark.parametrize("answer", [(503, b"", {}), (429, b"", {})])
def test_a_verdict_is_sent_until_loki_takes_it(daemons, sink, rules, answer):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "100ms")
    sink.script = [(204, b"", {}), answer, (204, b"", {})]
    daemon.push_lines(["no space left"])
    found = verdicts(sink, 2)
    assert found[0][2] == found[1][2]
    assert daemon.metric("classify_verdicts_dropped_total") == 0


def test_a_verdict_that_loki_refuses_is_counted(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "100ms")
    sink.script = [(204, b"", {}), (400, b"no", {})]
    daemon.push_lines(["no space left"])
    until(lambda: daemon.metric('classify_verdicts_dropped_total{reason="refused"}') == 1)


def push_three(daemon):
    """Three streams at once, whose verdicts are due at the same time."""
    daemon.push({"streams": [{"stream": {"n": str(i)}, "values": [[str(T + i), "no space left"]]} for i in range(3)]})


def sources(request):
    return [json.loads(s["values"][0][1])["source"] for s in json.loads(request[2])["streams"]]


def test_verdicts_go_together_and_in_order(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "300ms")
    sink.script = [(204, b"", {}), (503, b"", {}), (204, b"", {})]
    push_three(daemon)
    until(lambda: len(sink.requests) == 3)
    assert sources(sink.requests[1]) == sources(sink.requests[2]) == ['{n="0"}', '{n="1"}', '{n="2"}']
    assert daemon.stop() == 0
    assert len(sink.requests) == 3


def test_one_verdict_that_is_refused_takes_no_others_with_it(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--silence", "300ms")
    sink.script = [(204, b"", {}), (400, b"one of them", {}), (204, b"", {}), (400, b"this one", {}), (204, b"", {})]
    push_three(daemon)
    until(lambda: len(sink.requests) == 5)
    assert [sources(r) for r in sink.requests[2:]] == [['{n="0"}'], ['{n="1"}'], ['{n="2"}']]
    until(lambda: daemon.metric('classify_verdicts_dropped_total{reason="refused"}') == 1)
    assert daemon.stop() == 0


def test_labels_of_verdicts_are_configured(daemons, sink, rules, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("verdicts: {silence: 100ms, labels: {job: verdicts, cluster: east}}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    daemon.push_lines(["no space left"])
    until(lambda: len(sink.requests) == 2)
    assert b'"stream":{"job":"verdicts","cluster":"east","result":"failed","failure_category":"disk_full"}' in sink.requests[1][2]


def test_too_many_streams(daemons, sink, rules, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("limits: {open_streams: 2}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    for i in range(4):
        daemon.push_lines(["no space left"], {"n": str(i)})
    many = {"streams": [{"stream": {"m": str(i)}, "values": [[str(T), "all is well"]]} for i in range(4)]}
    daemon.push(many)
    found = verdicts(sink, 6)
    assert [v[3]["source"] for v in found[:2]] == ['{n="0"}', '{n="1"}']
    assert {v[3]["reason"] for v in found} == {"evicted"}
    assert daemon.metric("classify_streams_evicted_total") == 6


def test_no_verdicts(daemons, sink, rules):
    daemon = daemons("--loki", sink.url, "--rules", rules, "--no-verdicts")
    daemon.push_lines(["no space left"])
    assert daemon.stop() == 0
    assert sink.verdicts() == []
