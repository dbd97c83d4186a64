# SPDX-License-Identifier: Apache-2.0
"""Standard input: its lines are labelled and delivered, it gets a verdict, and the daemon ends with it."""

import array
import fcntl
import json
import signal
import subprocess
import termios
import time
import urllib.request

import pytest

import wire
from conftest import PATIENCE, binary, free_port, until


def run(rules, *arguments, input=b"", **more):
    return subprocess.run([binary(), "--stdin", "--rules", str(rules), *map(str, arguments)], input=input,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, **more)


def begin(rules, *arguments):
    return subprocess.Popen([binary(), "--stdin", "--rules", str(rules), *map(str, arguments)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def printed(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def entries(sink):
    """[(labels, nanoseconds, line, metadata), ...] of all pushes that came."""
    out = []
    for _, headers, body in sink.pushes():
        assert headers["Content-Type"] == "application/x-protobuf"
        for labels, values in wire.read_push_protobuf(body):
            out += [(labels, *value) for value in values]
    return out


def unread(pipe):
    """Bytes in a pipe that nobody has read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
    return count[0]


def test_lines_and_verdict_are_printed(rules):
    done = run(rules, "--label", "job=nightly", "--label", 'host=a"b', "--redact",
               input=b"build 1 starts\nfine\r\nno space left\nall is lost\n")
    assert done.returncode == 0, done.stderr
    *lines, verdict = printed(done)
    labels = {"job": "nightly", "host": 'a"b'}
    assert [line["line"] for line in lines] == ["build 1 starts", "fine", "no space left", "all is lost"]
    assert all(line["labels"] == labels for line in lines)
    assert [line.get("failure_category") for line in lines] == [None, None, "disk_full", None]
    assert verdict["labels"] == {"job": "classify", "result": "failed", "failure_category": "disk_full"}
    assert verdict["metadata"]["reason"] == "end"
    assert json.loads(verdict["line"])["lines"] == 4


def test_lines_and_verdict_reach_loki(rules, sink):
    done = run(rules, "--loki", sink.url, "--tenant", "ci", input=b"no space left\nfine\nthe last has no end")
    assert done.returncode == 0, done.stderr
    found = entries(sink)
    assert sorted(e[2] for e in found) == [b"fine", b"no space left", b"the last has no end"]
    assert {e[0]["job"] for e in found} == {"stdin"}
    [marked] = [e for e in found if "failure_category" in e[0]]
    assert marked[0]["failure_category"] == "disk_full" and marked[3]["failure_rule"] == "disk-full"
    [(headers, labels, line, metadata)] = sink.verdicts()
    assert headers["X-Scope-OrgID"] == "ci" and sink.pushes()[0][1]["X-Scope-OrgID"] == "ci"
    assert (labels["result"], metadata["reason"], metadata["source"]) == ("failed", "end", '{job="stdin"}')
    assert line["lines"] == 3


def test_nothing_comes_in(rules, sink):
    done = run(rules, "--loki", sink.url)
    assert done.returncode == 0, done.stderr
    assert sink.requests == []


def test_lines_come_before_the_end(rules, sink):
    process = begin(rules, "--loki", sink.url)
    process.stdin.write(b"one\n")
    process.stdin.flush()
    until(lambda: [e[2] for e in entries(sink)] == [b"one"], "the first line")
    process.stdin.write(b"two\n")
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    assert [e[2] for e in entries(sink)] == [b"one", b"two"]


def test_many_lines_keep_their_order_and_none_shares_a_time(rules, sink):
    lines = [b"line %d" % i for i in range(50000)]
    done = run(rules, "--loki", sink.url, "--no-verdicts", input=b"\n".join(lines) + b"\n")
    assert done.returncode == 0, done.stderr
    found = entries(sink)
    assert [e[2] for e in found] == lines
    times = [e[1] for e in found]
    assert times == sorted(set(times))
    assert len(sink.pushes()) > 1


def test_long_lines_are_cut_and_told(rules, sink):
    limit = 256 * 1024
    done = run(rules, "--loki", sink.url, "--no-verdicts",
               input=b"a" * limit + b"\n" + b"b" * limit + b"\r\n" + b"c" * (3 * limit) + b"\nshort\n")
    assert done.returncode == 0
    assert [e[2] for e in entries(sink)] == [b"a" * limit, b"b" * limit, b"c" * limit, b"short"]
    assert done.stderr.count(b"longer than 256 KiB") == 1


def test_empty_lines_and_bytes_that_are_no_text(rules, sink):
    done = run(rules, "--loki", sink.url, "--no-verdicts", input=b"\n\n\xff\0\xfe\n")
    assert done.returncode == 0
    assert [e[2] for e in entries(sink)] == [b"", b"", b"\xff\0\xfe"]


@pytest.mark.parametrize("refusal", [(503, b"", {}), (500, b"", {}), (429, b"", {"Retry-After": "1"}), (401, b"", {})])
def test_what_loki_does_not_take_is_sent_again(rules, sink, refusal):
    sink.script = [refusal]
    done = run(rules, "--loki", sink.url, "--no-verdicts", input=b"no space left\n")
    assert done.returncode == 0, done.stderr
    assert len(sink.requests) == 2 and sink.requests[0][2] == sink.requests[1][2]


def test_retry_after_is_obeyed(rules, sink):
    came = []

    def answer(status, headers):
        def give(handler):
            came.append(time.monotonic())
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.end_headers()
        return give

    sink.script = [answer(429, {"Retry-After": "3", "Content-Length": "0"}), answer(204, {})]
    done = run(rules, "--loki", sink.url, "--no-verdicts", input=b"fine\n")
    assert done.returncode == 0
    assert came[1] - came[0] >= 3


def test_what_loki_refuses_for_good_is_dropped_and_told(rules, sink):
    sink.script = [(400, b"entry too far behind", {})]
    done = run(rules, "--loki", sink.url, "--no-verdicts", input=b"no space left\nfine\n")
    assert done.returncode == 1
    assert len(sink.requests) == 1
    assert b"Loki refused entries for good" in done.stderr and b"entries=2" in done.stderr


def test_labels_that_are_refused_are_left_out(rules, sink):
    sink.script = [(400, b"stream has 16 label names; limit 15", {})]
    done = run(rules, "--loki", sink.url, "--no-verdicts", input=b"no space left\n")
    assert done.returncode == 0
    first, second = [wire.read_push_protobuf(r[2]) for r in sink.requests]
    assert "failure_category" in first[0][0]
    assert second[0][0] == {"job": "stdin"} and second[0][1][0][2] == {}


def test_loki_never_answers(rules, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("queue: {patience: 500ms}\n")
    done = run(rules, "--loki", f"http://127.0.0.1:{free_port()}", "--config.file", config, input=b"one\ntwo\n")
    assert done.returncode == 1
    assert b"entries=2" in done.stderr and b"lost" in done.stderr


def test_output_that_cannot_be_written(rules):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([binary(), "--stdin", "--rules", str(rules)], input=b"fine\n" * 10, stdout=full,
                              stderr=subprocess.PIPE, timeout=PATIENCE)
    assert done.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_loses_nothing_that_was_read(rules, sink, number):
    process = begin(rules, "--loki", sink.url)
    process.stdin.write(b"one\nno space left\nbegun")
    process.stdin.flush()
    until(lambda: unread(process.stdin) == 0, "reading")
    process.send_signal(number)
    assert process.wait(PATIENCE) == 0
    assert sorted(e[2] for e in entries(sink)) == [b"begun", b"no space left", b"one"]
    [verdict] = sink.verdicts()
    assert verdict[3]["reason"] == "shutdown"


def test_metrics(rules, sink):
    port = free_port()
    process = begin(rules, "--loki", sink.url, "--listen", f"127.0.0.1:{port}")
    process.stdin.write(b"one\nno space left\n")
    process.stdin.flush()
    until(lambda: len(entries(sink)) == 2, "two lines")
    def metrics():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            return answer.read().decode().splitlines()

    until(lambda: "classify_entries_total 2" in metrics() and "classify_queue_entries 0" in metrics(), "counting")
    found = metrics()
    assert "classify_read_lines_total 2" in found
    assert "classify_queue_bytes 0" in found
    assert 'classify_matches_total{category="disk_full",rule="disk-full",severity="critical"} 1' in found
    process.stdin.close()
    assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("arguments, why", [
    (["--label", "job"], "NAME=VALUE"),
    (["--label", "1x=y"], "NAME=VALUE"),
])
def test_wrong_arguments(rules, arguments, why):
    done = run(rules, *arguments)
    assert done.returncode == 2 and why in done.stderr.decode()
