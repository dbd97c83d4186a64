# SPDX-License-Identifier: Apache-2.0
"""The queue on disk: what was committed to it survives the end of either side, and it is bounded."""

import contextlib
import os
import random
import socket
import sqlite3
import subprocess
import time

import pytest

from conftest import PATIENCE, binary, free_port, until
from inputs import Reader, entries, lines, wait_for
from test_control import run as run_once


def stdin(rules, *arguments, input=b""):
    return subprocess.run([binary(), "--stdin", "--no-verdicts", "--rules", str(rules), *map(str, arguments)],
                          input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE)


def batches(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*), coalesce(sum(entries), 0) FROM batch").fetchone()


def hang_up(handler):
    """Goes away without an answer, after the whole request came."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_random_moments(tmp_path, rules, sink, seed):
    """Every line comes once, however often either side goes away: what comes again is the same entry."""
    chance = random.Random(seed)
    r = Reader(tmp_path, rules, sink, patterns=("a.log*", "b.log"))
    wanted, n = [], 0
    for i in range(8):
        for name in ("a.log", "b.log"):
            more = [f"{name} {n + k}" for k in range(chance.randrange(1, 2000))]
            n += len(more)
            wanted += more
            r.write(name, "\n".join(more) + "\n")
        if chance.random() < 0.5:
            os.rename(r.logs / "a.log", r.logs / f"a.log.{i}")
        with sink.lock:
            sink.script = [hang_up if chance.random() < 0.3 else (204, b"", {}) for _ in range(5)]
        r.start()
        time.sleep(chance.random() * 1.5)
        r.kill()
    with sink.lock:
        sink.script = []
    r.start()
    wait_for(sink, wanted)
    until(lambda: r.daemon.metric("classify_queue_entries") == 0, "an empty queue")
    r.stop()


def test_killed_while_loki_is_away(tmp_path, rules, sink):
    """A line is committed when the daemon tells that it waits; from then on its file may go."""
    r = Reader(tmp_path, rules, sink)
    sink.default = (503, b"", {})
    r.write("a.log", "one\ntwo\n")
    r.start()
    until(lambda: r.daemon.metric("classify_queue_entries") == 2, "committing")
    r.kill()
    os.unlink(r.logs / "a.log")
    sink.default = (204, b"", {})
    with sink.lock:
        sink.requests.clear()
    r.start()
    wait_for(sink, ["one", "two"])
    r.stop()
    assert batches(r.queue) == (0, 0)


def test_standard_input_waits_in_the_queue_for_the_next_start(tmp_path, rules, sink):
    config = tmp_path / "c.yaml"
    config.write_text("queue: {patience: 300ms}\n")
    queue = tmp_path / "queue.db"
    away = stdin(rules, "--queue", queue, "--config.file", config, "--loki", f"http://127.0.0.1:{free_port()}",
                 input=b"one\ntwo\n")
    assert away.returncode == 0 and b"waits in the queue for the next start" in away.stderr
    assert batches(queue) == (2, 2)
    assert os.stat(queue).st_mode & 0o077 == 0
    back = stdin(rules, "--queue", queue, "--loki", sink.url, input=b"three\n")
    assert back.returncode == 0, back.stderr
    assert lines(sink) == ["one", "two", "three"]
    assert batches(queue) == (0, 0)


def test_order_is_kept_and_nothing_overtakes(tmp_path, rules, sink):
    r = Reader(tmp_path, rules, sink)
    sink.script = [(429, b"", {"Retry-After": "1"}), hang_up, (500, b"", {})]
    wanted = [f"line {i}" for i in range(60000)]
    r.write("a.log", "\n".join(wanted) + "\n")
    r.start()
    wait_for(sink, wanted)
    assert lines(sink) == wanted
    r.stop()


def test_a_full_queue_holds_up_reading(tmp_path, rules, sink):
    r = Reader(tmp_path, rules, sink, more={"queue": {"max_size": "1MiB"}})
    sink.default = (503, b"", {"Retry-After": "1"})
    chance = random.Random(1)
    wanted = [f"{i} {chance.getrandbits(4000):x}" for i in range(4000)]     # 4 MB that cannot be compressed by much
    r.write("a.log", "\n".join(wanted) + "\n")
    daemon = r.start()
    until(lambda: daemon.said("the queue is full"))
    assert daemon.metric("classify_queue_bytes") <= 1024 * 1024
    assert daemon.metric("classify_read_lines_total") < 4000
    sink.default = (204, b"", {})
    wait_for(sink, wanted)
    until(lambda: daemon.said("the queue has room again"))
    r.stop()


def test_a_full_queue_and_the_end(tmp_path, rules, sink):
    r = Reader(tmp_path, rules, sink, more={"queue": {"max_size": "1MiB"}})
    sink.default = (503, b"", {})
    chance = random.Random(2)
    wanted = [f"{i} {chance.getrandbits(4000):x}" for i in range(4000)]
    r.write("a.log", "\n".join(wanted) + "\n")
    daemon = r.start()
    until(lambda: daemon.said("the queue is full"))
    r.stop()
    sink.default = (204, b"", {})
    r.start()
    wait_for(sink, wanted)
    r.stop()


@pytest.mark.parametrize("damage", ["no database", "in the middle", "cut"])
def test_a_damaged_queue_is_put_aside(tmp_path, rules, sink, damage):
    r = Reader(tmp_path, rules, sink, positions=True)
    sink.default = (503, b"", {})
    r.write("a.log", "".join(f"line {i}\n" for i in range(20000)))
    r.start()
    until(lambda: r.daemon.metric("classify_queue_entries") == 20000, "committing")
    r.stop()
    content = bytearray(r.queue.read_bytes())
    if damage == "no database":
        content = b"something else " * 1000
    elif damage == "cut":
        content = content[:len(content) // 2]
    else:
        for at in range(4096, len(content), 4096):
            content[at:at + 100] = b"\xff" * 100
    r.queue.write_bytes(content)
    sink.default = (204, b"", {})
    with sink.lock:
        sink.requests.clear()
    r.write("a.log", "after\n")
    r.start()
    wait_for(sink, ["after"])
    assert r.daemon.said("the queue is damaged; it was put aside")
    r.stop()
    [aside] = [p for p in tmp_path.iterdir() if ".damaged-" in p.name and not p.name.endswith(("-wal", "-shm"))]
    assert len(aside.read_bytes()) >= len(content)


def test_one_queue_is_for_one_daemon(tmp_path, rules, sink):
    r = Reader(tmp_path, rules, sink)
    r.start()
    done = run_once(*r.arguments)
    assert done.returncode == 1 and "another program has it locked" in done.stderr
    r.stop()


def test_a_queue_where_nothing_may_be_written(tmp_path, rules, sink):
    done = stdin(rules, "--queue", tmp_path / "nowhere" / "queue.db", "--loki", sink.url, input=b"one\n")
    assert done.returncode == 1 and b"No such file or directory" in done.stderr


def test_what_loki_refuses_for_good_does_not_stay(tmp_path, rules, sink):
    r = Reader(tmp_path, rules, sink)
    sink.script = [(400, b"entry too far behind", {})]
    r.write("a.log", "one\n")
    daemon = r.start()
    until(lambda: daemon.metric('classify_queue_dropped_total{reason="refused"}') == 1)
    r.write("a.log", "two\n")
    until(lambda: "two" in lines(sink))
    until(lambda: daemon.metric("classify_queue_entries") == 0, "an empty queue")
    assert daemon.metric("classify_entries_total") == 1
    r.stop()


def test_lines_are_counted_when_loki_took_them(tmp_path, rules, sink):
    r = Reader(tmp_path, rules, sink)
    sink.script = [(503, b"", {"Retry-After": "1"})]
    r.write("a.log", "no space left\n")
    daemon = r.start()
    until(lambda: daemon.metric("classify_entries_total") == 1)
    assert len(sink.pushes()) == 2
    assert daemon.metric('classify_matches_total{category="disk_full",rule="disk-full",severity="critical"}') == 1
    assert len(entries(sink)) == 1
    r.stop()
