# SPDX-License-Identifier: Apache-2.0
"""Many logs at once, threads, processes, and being interrupted."""

import concurrent.futures
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading

import pytest

import classify

LOG = b"begin\naccess denied for root\nstep failed\n"


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    paths = []
    for number in range(300):
        path = folder / f"{number:04}.log"
        path.write_bytes(b"fine\n" * (number * 37 % 501) + (LOG if number % 3 else b"all done\n"))
        paths.append(path)
    return paths


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_in_order(small, logs, jobs):
    found = list(small.scan_many(logs, jobs=jobs))
    assert found == [small.scan(path) for path in logs]


def test_as_they_are_ready(small, logs):
    found = list(small.scan_many(logs, jobs=3, ordered=False))
    assert sorted(found) == [small.scan(path) for path in logs]


def test_it_yields_while_paths_still_come(small, logs):
    asked = []

    def paths():
        for path in logs:
            asked.append(path)
            yield path

    found = small.scan_many(paths(), jobs=2)
    next(found)
    assert len(asked) < len(logs) / 2
    found.close()
    assert threading.active_count() == 1


def test_what_cannot_be_read(small, logs, tmp_path):
    paths = [logs[1], tmp_path / "none.log", logs[2]]
    first, missing, last = small.scan_many(paths)
    assert (first.source, last.source) == (str(logs[1]), str(logs[2]))
    assert missing.outcome == "undetermined" and isinstance(missing.error, OSError)
    assert missing.source == missing.error.file == str(paths[1])
    assert [warning.code for warning in missing.warnings] == ["truncated_input"]
    found = small.scan_many(paths, on_error="raise")
    assert next(found) == first
    with pytest.raises(classify.ReadError):
        next(found)
    assert threading.active_count() == 1


def test_an_error_of_the_iterable(small, logs):
    def paths():
        yield logs[0]
        raise KeyError("no more")

    with pytest.raises(KeyError):
        list(small.scan_many(paths()))
    assert threading.active_count() == 1


@pytest.mark.parametrize("arguments", [
    {"paths": "a.log"}, {"paths": b"a.log"}, {"paths": ["a"], "jobs": 0}, {"paths": ["a"], "on_error": "ignore"},
    {"paths": 7},
])
def test_wrong_arguments(small, arguments):
    with pytest.raises((TypeError, ValueError)):
        list(small.scan_many(**arguments))


def test_threads_share_a_classifier(small, logs):
    expected = [small.scan(path) for path in logs]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(small.scan, logs)) == expected
        lines = ["denied for x", "nothing", "step failed"] * 200
        answers = list(pool.map(small.match, lines))
    assert answers == [small.match(line) for line in lines]


def scan_in_child(classifier, path):
    return classifier.scan(path)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes(small, logs, method):
    small.match("warm")  # what a fork then copies is in use
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        found = list(pool.map(scan_in_child, [small] * 20, logs[:20]))
    assert found == [small.scan(path) for path in logs[:20]]


def test_fork_while_threads_scan(small):
    """A child has only the thread that forked; what other threads held is theirs alone."""
    ends = []
    going = threading.Event()
    data = LOG * 50_000

    def work():
        while not ends:
            small.scan(data)
            going.set()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    going.wait()
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                good = small.scan(LOG).line == 2 and small.match("denied for x")
                os._exit(0 if good else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        ends.append(True)
        for thread in threads:
            thread.join()


def test_pickles(small, rules):
    again = pickle.loads(pickle.dumps(small))
    assert again.ruleset == small.ruleset and again.scan(LOG) == small.scan(LOG)
    twice = pickle.loads(pickle.dumps(again))
    assert twice._compiled is again._compiled, "one ruleset for all that is unpickled of it"
    options = classify.Classifier(rules, redact=True, context=2, unwrap=False)
    assert pickle.loads(pickle.dumps(options)).scan(LOG) == options.scan(LOG)


def test_a_pickle_of_another_version(small, rules):
    state = small.__getstate__()
    state["compiled"] = b"another form"
    other = classify.Classifier.__new__(classify.Classifier)
    other.__setstate__(state)
    assert other.scan(LOG) == small.scan(LOG)
    rules.write_text(rules.read_text().replace("step failed", "stage failed"))
    state["compiled"] = b"yet another form"
    with pytest.raises(classify.RuleSyntaxError):
        other.__setstate__(state)


INTERRUPTED = """
import classify, os, sys, threading
classifier = classify.Classifier.from_text(open(sys.argv[1]).read())
what = sys.argv[2]
data = b"denied for root\\n" * 1000000
class Endless:
    def readinto(self, buffer):
        buffer[:16] = data[:16]
        return 16
def paths():
    while True:
        yield sys.argv[1]
try:
    print("ready", flush=True)
    if what == "buffer":
        while True:
            classifier.scan(data)
    elif what == "file":
        classifier.scan(Endless())
    elif what == "pipe":
        read, write = os.pipe()
        classifier.scan(f"/dev/fd/{read}")
    elif what == "many":
        for verdict in classifier.scan_many(paths(), jobs=2):
            pass
    elif what == "many-pipe":
        os.mkfifo("waits")
        for verdict in classifier.scan_many([sys.argv[1]] * 10 + ["waits"], jobs=2):
            pass
except KeyboardInterrupt:
    assert classifier.scan(b"denied for root").failed
    # One thread may wait for whoever opens the pipe.
    assert threading.active_count() <= (2 if what == "many-pipe" else 1)
    print("interrupted")
"""


@pytest.mark.parametrize("what", ["buffer", "file", "pipe", "many", "many-pipe"])
def test_interrupts(rules, what, tmp_path):
    child = subprocess.Popen([sys.executable, "-c", INTERRUPTED, str(rules), what], stdout=subprocess.PIPE,
                             cwd=tmp_path)
    try:
        assert child.stdout.readline() == b"ready\n"
        # Once is enough, whenever it comes; the program is on its way into the call.
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
        assert (out, child.returncode) == (b"interrupted\n", 0)
    finally:
        child.kill()
