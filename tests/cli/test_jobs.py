# SPDX-License-Identifier: Apache-2.0
"""Several inputs scanned at a time: nothing that is told depends on it, and an interrupt ends all of them."""

import array
import fcntl
import gzip
import json
import os
import signal
import subprocess
import sys
import termios
import threading
import time

import pytest

from conftest import PATIENCE, binary, check_shape, marker, rule, without_fallback

RULES = [
    rule("oops", "^oops (?<what>\\w+)", title="It went oops: ${what}"),
    rule("late", "^late", severity="medium", explains=["oops"]),
    marker("begun", "^begin on (?<node>\\w+)", "start"),
    marker("fine", "^all is well", "success"),
]


@pytest.fixture(name="rules")
def rule_file(classify):
    """Rules with captures and markers."""
    return classify.rules(*RULES, name="rules.yaml")


def mixed_logs(classify):
    """Logs of all kinds and sizes, the largest first, and much that is none."""
    for number in range(120):
        text = f"begin on n{number % 3}\n" + "nothing\n" * (200000 >> (number % 18))
        text += ("oops alpha\n", "oops beta\nlate\n", "all is well\n", "")[number % 4]
        classify.write(f"logs/{number:03}.log", text)
    classify.write("logs/020.empty", "")
    classify.write("logs/040.binary", bytes(range(32)) * 100)
    classify.write("logs/060.nul", b"oops nul\n\0\0\n")
    classify.write("logs/080/inner/a.log", "oops deep\n")
    classify.write("logs/100.gz", gzip.compress(b"oops zipped\n" * 100)[:-9])
    os.mkfifo(classify.folder / "logs/110.fifo")


@pytest.mark.parametrize("options", [
    ["-o", "text"], ["-o", "text", "-q"], ["-o", "jsonl"], ["-o", "json"], ["-o", "markdown"],
    ["-o", "postmortem"], ["--matches"], ["-o", "jsonl", "--exit-code", "--context", "3"],
], ids=" ".join)
def test_same_for_any_number(classify, rules, options):
    """Standard output, standard error and the status are the same for one job and for many."""
    mixed_logs(classify)
    told = set()
    for jobs in (1, 2, 7):
        done = classify.run("scan", "-r", rules, *options, "-j", jobs, "logs/119.log", "missing", "logs",
                            "logs/000.log")
        told.add((done.raw, done.err, done.code))
    assert len(told) == 1
    out, err, code = told.pop()
    assert code == 2 and "missing: No such file" in err and "100.gz: " in err
    assert b"oops" in out


def test_not_opened_in_folders(classify, rules):
    """A FIFO in a folder is passed over with a remark, which -q leaves out; it is no failure."""
    classify.write("logs/a.log", "oops alpha\n")
    os.mkfifo(classify.folder / "logs/b")
    done = classify.run("scan", "-r", rules, "-o", "jsonl", "logs")
    assert done.code == 0 and len(done.objects()) == 1
    assert done.err == "classify: logs/b: is a FIFO, not opened\n"
    assert classify.run("scan", "-r", rules, "-q", "logs").err == ""


# Root may read everything, unless it gives that up.
MORTAL = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def test_permission_denied(classify, rules):
    """A file and a folder that may not be read are told, and the rest is scanned."""
    for name in ("a.log", "b.log", "c/x.log", "d.log"):
        classify.write(f"logs/{name}", "oops alpha\n")
    os.chmod(classify.folder / "logs/b.log", 0)
    os.chmod(classify.folder / "logs/c", 0)
    done = subprocess.run([*MORTAL, binary(), "scan", "-r", rules, "-o", "jsonl", "logs"], cwd=classify.folder,
                          env=classify.environment, capture_output=True, timeout=PATIENCE, check=False)
    os.chmod(classify.folder / "logs/c", 0o700)
    assert done.returncode == 2
    assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == ["logs/a.log", "logs/d.log"]
    assert done.stderr.decode().splitlines() == [
        "classify: logs/b.log: Permission denied", "classify: logs/c: Permission denied"]


@pytest.mark.parametrize("number", ["0", "257", "-1", "x", ""])
def test_wrong_number(classify, rules, number):
    """A number of jobs is from 1 to 256."""
    done = classify.run("scan", "-r", rules, f"--jobs={number}", "-", stdin=b"oops alpha\n")
    assert done.code == 2 and done.out == ""
    assert "--jobs takes a number from 1 to 256" in done.err


def test_storm_in_each(classify, rules):
    """Matches of every line of every log are told in order, and do not pile up in memory."""
    lines = 250000
    for name in "abcd":
        classify.write(f"logs/{name}", f"oops {name}\n" * lines)
    weigh = ("import os, subprocess, sys\np = subprocess.Popen(sys.argv[1:])\n_, s, u = os.wait4(p.pid, 0)\n"
             "print(u.ru_maxrss, file=sys.stderr)\nsys.exit(os.waitstatus_to_exitcode(s))")
    seen = {}
    # The address sanitizer would keep what was freed.
    options = classify.environment.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"
    with subprocess.Popen([sys.executable, "-S", "-c", weigh, binary(), "scan", "-r", str(rules), "--matches",
                           "-j", "4", "logs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=classify.folder, env={**classify.environment, "ASAN_OPTIONS": options}) as process:
        for line in process.stdout:
            source = line[line.index(b'"source":"') + 10:line.index(b'","rule"')]
            seen[source] = seen.get(source, 0) + 1
        kilobytes = int(process.stderr.read().splitlines()[-1])
        assert process.wait() == 0
    assert seen == {f"logs/{name}".encode(): lines for name in "abcd"}
    assert list(seen) == sorted(seen)
    assert kilobytes < 150 * 1024


# ---- interrupts ----

class Running:
    """A program that reads, and what it has told so far."""

    def __init__(self, classify, *arguments):
        self.process = subprocess.Popen([binary(), *map(str, arguments)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=classify.folder,
                                        env=classify.environment, bufsize=0)

    def wait_for(self, text):
        """Reads standard output until the text has come."""
        told = b""
        while text not in told:
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, told
            told += piece
        return told

    def wait_until_blocked(self):
        """Reads nothing until the pipe of standard output is full, so that the program waits for its reader."""
        full = fcntl.fcntl(self.process.stdout, fcntl.F_GETPIPE_SZ) - 4096
        held = array.array("i", [0])
        end = time.monotonic() + PATIENCE
        while held[0] < full and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
            fcntl.ioctl(self.process.stdout, termios.FIONREAD, held)

    def end(self):
        """What else it tells, and its status. Standard input stays open until it is over."""
        guard = threading.Timer(PATIENCE, self.process.kill)
        guard.start()
        out, err = self.process.stdout.read(), self.process.stderr.read()
        code = self.process.wait()
        guard.cancel()
        self.process.stdin.close()
        return without_fallback(out), err.decode(), code


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_interrupted_while_waiting(classify, rules, number, form):
    """A scan that waits for a pipe ends at once: what was read gets its verdict, and the output is whole."""
    for name in "abc":
        os.mkfifo(classify.folder / name)
    running = Running(classify, "scan", "-r", rules, "-o", form, "-j", 3, "a", "b", "c")
    pipes = [open(classify.folder / name, "wb") for name in "abc"]
    # Far more than a pipe holds: when it is written, the beginning was scanned.
    pipes[1].write(b"oops alpha\n" + b"and so on\n" * 100000)
    pipes[1].flush()
    running.process.send_signal(number)
    out, err, code = running.end()
    for pipe in pipes:
        pipe.close()
    assert code == 130
    assert "classify: interrupted; what was found so far is complete\n" in err
    logs = json.loads(out)["logs"] if form == "json" else [json.loads(line) for line in out.splitlines()]
    (log,) = logs
    check_shape(log)
    assert (log["source"], log["rule"]) == ("b", "oops")
    assert [warning["code"] for warning in log["warnings"]] == ["truncated_input"]
    assert err.splitlines()[:3] == ["classify: a: interrupted",
                                    "classify: b: interrupted; what came before it was scanned",
                                    "classify: c: interrupted"]


def test_interrupted_matches(classify, rules):
    """What was matched is seen before an interrupt and is not told twice; a pipe that nobody opened ends, too."""
    os.mkfifo(classify.folder / "never")
    running = Running(classify, "scan", "-r", rules, "--matches", "-j", 2, "-", "never")
    running.process.stdin.write(b"oops alpha\noops beta\n")
    told = running.wait_for(b'"what":"beta"')
    running.process.send_signal(signal.SIGINT)
    out, err, code = running.end()
    assert code == 130 and out == b""
    assert [json.loads(line)["line"] for line in told.splitlines()] == [1, 2]
    assert "classify: never: interrupted\n" in err


def test_interrupted_ahead(classify, rules):
    """A compressed log whose beginning is decompressed ahead by another thread ends as well."""
    running = Running(classify, "scan", "-r", rules, "-o", "jsonl", "-")
    data = gzip.compress(b"oops alpha\n" + os.urandom(600000).hex().encode())
    # More than a pipe holds twice over: when it is written, most was read.
    running.process.stdin.write(data[:len(data) - 1000])
    running.process.send_signal(signal.SIGINT)
    err = b""
    while b"complete\n" not in err:
        piece = os.read(running.process.stderr.fileno(), 65536)
        assert piece, err
        err += piece
    out, _, code = running.end()
    assert code == 130 and err.startswith(b"classify: -: interrupted")
    assert [log["outcome"] for log in map(json.loads, out.splitlines())] in ([], ["failed"], ["undetermined"])


def test_interrupt_of_an_incident(classify, rules):
    """An incident that waits for a part ends as well."""
    running = Running(classify, "scan", "-r", rules, "--incident", "--matches", "-")
    running.process.stdin.write(b"oops alpha\n" * 5000)
    told = running.wait_for(b'"what":"alpha"')
    running.process.send_signal(signal.SIGINT)
    out, err, code = running.end()
    assert code == 130 and told and "interrupted" in err


def test_two_interrupts(classify, rules):
    """Two that come at once, as some wrappers send them, are one; a later one ends what cannot end itself."""
    running = Running(classify, "scan", "-r", rules, "-o", "json", "-")
    running.process.stdin.write(b"oops alpha\n" + b"and so on\n" * 100000)
    running.process.send_signal(signal.SIGINT)
    running.process.send_signal(signal.SIGTERM)
    out, _, code = running.end()
    assert code == 130 and len(json.loads(out)["logs"]) <= 1
    # Nobody reads the output, so that it cannot be written.
    classify.write("a.log", "oops alpha\n" * 20000)
    running = Running(classify, "scan", "-r", rules, "--matches", "a.log", "a.log")
    running.wait_for(b"alpha")
    running.wait_until_blocked()
    while running.process.poll() is None:
        running.process.send_signal(signal.SIGINT)
        try:
            running.process.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
    assert running.end()[2] == -signal.SIGINT


def test_ignored_interrupt(classify, rules):
    """An interrupt that was ignored at the start, as below nohup, stays so."""
    with subprocess.Popen(["sh", "-c", "trap '' INT; exec \"$@\"", "sh", binary(), "scan", "-r", str(rules),
                           "--matches", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
                          env=classify.environment) as process:
        process.stdin.write(b"oops alpha\n")
        assert b"alpha" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.stdin.write(b"oops beta\n")
        assert b"beta" in process.stdout.readline()
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
