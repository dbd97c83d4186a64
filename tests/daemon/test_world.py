# SPDX-License-Identifier: Apache-2.0
"""The daemon where calls fail: compiling without memory, full disks below positions and queue, no memory for a push."""

import http.client
import os
import re
from pathlib import Path

import pytest

from conftest import PATIENCE, RULES, Daemon, binary, until
from inputs import Reader, lines, wait_for

HERE = Path(__file__).resolve().parent


def world(**failing):
    """The environment in which that fails which is named; tests/faults/failing.c says what can be."""
    named = os.environ.get("FAILING")
    path = Path(named) if named else HERE / "../../build/tests/failing.so"
    if not path.exists() or b"libtsan" in Path(binary()).read_bytes():
        pytest.skip("failing.so is not built, or cannot be loaded before the thread sanitizer")
    environment = {"LD_PRELOAD": str(path.resolve())}
    if b"libasan" in Path(binary()).read_bytes():
        environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {**environment, **{f"FAILING_{name.upper()}": str(value) for name, value in failing.items()}}


@pytest.mark.parametrize("allocation", [1, 4, 12, 40])
def test_reload_without_memory(daemons, sink, rules, tmp_path, allocation):
    """Rules that cannot be compiled for memory leave those in use, and the next try has the new ones."""
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    daemons("--loki", sink.url, "--rules", rules, env=cache).stop()
    # What was compiled then is in the cache: the first child is that of the reload.
    d = daemons("--loki", sink.url, "--rules", rules, env={**cache, **world(child=allocation)})
    before = re.search(r'classify_ruleset_info\{.*?hash="([^"]+)"', d.metrics())[1]
    rules.write_text(RULES.replace("disk_full", "timeout"))
    status, _, _ = d.request("POST", "/-/reload")
    assert status == 500
    assert re.search(r'classify_ruleset_info\{.*?hash="([^"]+)"', d.metrics())[1] == before
    assert d.push_lines(["no space left"])[0] == 204
    assert d.metric('classify_matches_total{category="disk_full",rule="disk-full",severity="critical"}') == 1


def test_positions_on_a_full_disk(tmp_path, rules, sink):
    """Lines go on, the file of positions stays as it was, and a restart reads on from there: nothing is lost."""
    r = Reader(tmp_path, rules, sink, queue=False, positions=True)
    r.write("a.log", "one\n")
    r.start()
    wait_for(sink, ["one"])
    r.stop()
    kept = r.positions.read_bytes()
    r.daemon = Daemon(*r.arguments, env=world(call="rename:0:ENOSPC"))
    r.write("a.log", "two\n")
    wait_for(sink, ["one", "two"])
    r.daemon.stop()
    assert r.daemon.said("positions"), r.daemon.log
    assert r.positions.read_bytes() == kept
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("positions.yaml.")]
    r.start()
    r.write("a.log", "three\n")
    until(lambda: "three" in lines(sink), "the third line")
    assert set(lines(sink)) == {"one", "two", "three"} and lines(sink).count("one") == 1
    r.stop()


@pytest.mark.parametrize("call", ["fsync:3:EIO", "fsync:6:EIO", "fsync:9:ENOSPC", "ftruncate:1:EIO"])
def test_queue_on_a_failing_disk(tmp_path, rules, sink, call):
    """One failure of the disk loses no line, whether the queue gets over it or the daemon is begun again."""
    r = Reader(tmp_path, rules, sink)
    wanted = [f"line {i}" for i in range(40)]
    r.write("a.log", "\n".join(wanted[:20]) + "\n")
    try:
        r.daemon = Daemon(*r.arguments, env=world(call=call))
    except AssertionError as ended:
        # A queue that cannot be opened is told, and no daemon runs without it.
        assert "the queue cannot be used" in str(ended)
    r.write("a.log", "\n".join(wanted[20:]) + "\n")

    def is_over():
        try:
            return r.daemon.metric("classify_queue_entries") == 0
        except (OSError, http.client.HTTPException):
            return r.daemon.process.wait(PATIENCE) is not None

    if r.daemon:
        until(is_over, "an empty queue, or the daemon's end")
        assert r.daemon.stop() == 0 or r.daemon.said("queue"), r.daemon.log
    r.start()
    wait_for(sink, wanted)
    r.stop()


def push(daemon, line):
    """The status of the answer; 0 when the connection had no memory. An agent sends it again."""
    try:
        return daemon.push_lines([line])[0]
    except (OSError, http.client.HTTPException):
        return 0


def test_push_without_memory(daemons, sink, rules, tmp_path):
    """A push for which memory is out is passed on or refused; what was answered with 204 is at Loki, and all goes on."""
    counted = tmp_path / "counted"

    def run(pushes, **failing):
        counted.unlink(missing_ok=True)
        sink.requests.clear()
        d = daemons("--loki", sink.url, "--rules", rules, "--no-verdicts", env=world(report=counted, **failing))
        taken = []
        for i in range(pushes):
            status = push(d, f"no space left {i}")
            assert status in (0, 204, 500, 502, 503), (failing, status)
            if status == 204:
                taken.append(i)
        # The one that failed may be this one; the next is not.
        assert 204 in [push(d, "at last") for _ in range(2)], failing
        assert d.stop() == 0, d.log
        bodies = b"".join(body for _, _, body in sink.pushes())
        assert all(f"no space left {i}".encode() in bodies for i in taken), failing
        assert b"at last" in bodies
        found = re.findall(r"parent malloc (\d+)", counted.read_text())
        return int(found[-1])

    begun, ended = run(0), run(6)
    assert ended > begun
    for n in range(begun - 20, ended, max((ended - begun) // 15, 1)):
        run(6, malloc=n)
