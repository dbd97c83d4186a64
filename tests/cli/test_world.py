# SPDX-License-Identifier: Apache-2.0
"""A world that fails: short reads, interrupts, full disks, jumping clocks, few descriptors, little memory."""

import bz2
import gzip
import json
import lzma
import re
import resource
import shutil
import subprocess
import tarfile
import zipfile

import pytest

from conftest import PATIENCE, Result, binary
from failing import LOG, RULES, WHOLE, WITH_ASAN, counts, judge, times, world

# As a report and a state hide secrets, so does every answer here.
SCAN = "scan", "-r", "r.yaml", "--jobs", "1", "--redact", "-o", "jsonl"


@pytest.fixture
def logs(classify):
    """Rules, and the same log in every kind of file."""
    classify.write("r.yaml", RULES)
    classify.write("d/a.log", LOG * 50)
    classify.write("d/b.log.gz", gzip.compress((LOG * 50).encode(), mtime=0))
    classify.write("d/c.log.xz", lzma.compress((LOG * 50).encode()))
    classify.write("d/d.log.bz2", bz2.compress((LOG * 50).encode()))
    with tarfile.open(classify.folder / "d/t.tar.gz", "w:gz") as archive:
        archive.add(classify.folder / "d/a.log", "a.log")
    with zipfile.ZipFile(classify.folder / "d/z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(classify.folder / "d/a.log", "a.log")
    assert classify.run(*SCAN, "d").code == 0
    return classify


def limited(classify, limits, *arguments, stdout=subprocess.PIPE):
    """Runs the program under limits of the system."""
    def lower():
        for what, value in limits.items():
            resource.setrlimit(what, (value, value))

    done = subprocess.run([binary(), *arguments], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                          cwd=classify.folder, env=classify.environment, preexec_fn=lower, timeout=PATIENCE, check=False)
    if stdout != subprocess.PIPE:
        done.stdout = b""
    return Result(done)


@pytest.mark.parametrize("failing", [{"short": 1}, {"short": 7, "eintr": 1}, {"eintr": 1}])
def test_pieces_and_interrupts(logs, failing):
    """However little a call moves, and however often it is interrupted: the same answers, caches, states, reports."""
    for extra in ([], ["--no-cache"], ["--incident"]):
        inputs = ["d/a.log", "d/b.log.gz"] if extra == ["--incident"] else ["d"]
        whole = logs.run(*SCAN, *extra, *inputs)
        done = logs.run(*SCAN, *extra, *inputs, **world(**failing))
        assert done.code == whole.code == 0, done.err
        assert done.raw == whole.raw
    more = "--cache", "other", "--state", "st.db", "--report", "r.html"
    done = logs.run(*SCAN, *more, "d", **world(**failing))
    assert done.code == 0, done.err
    assert (logs.folder / "r.html").read_text().endswith("</html>\n")
    assert logs.run(*SCAN, *more, "d").objects() == []
    assert logs.run("compile", "-r", "r.yaml", "--output", "c.clsfrs", **world(**failing)).code == 0
    assert logs.run("scan", "--database", "c.clsfrs", "-o", "jsonl", "d/a.log").code == 0


def each_call(logs, name, error, *arguments, before=None, after=None, same=True):
    """Fails each call of that name in turn; `after` looks at what a run left."""
    if before:
        before()
    # None of them is the millionth: this counts.
    whole = logs.run(*arguments, **world(call=f"{name}:1000000:{error}", report=logs.folder / "counted"))
    ((_, calls, left),) = counts(logs.folder)
    step = 1 if WHOLE else max(calls // 25, 1)
    for n in range(1, calls + 1, step):
        if before:
            before()
        done = logs.run(*arguments, **world(call=f"{name}:{n}:{error}", report=logs.folder / "counted"))
        about = f"{name} {n} of {' '.join(arguments)}"
        if same or done.code != 0:
            judge(done, whole, about)
        # Whatever failed is closed.
        ((_, _, still),) = counts(logs.folder)
        assert still <= left, about
        if after:
            after(done, about)
    return calls


def no_litter(logs):
    """No file is left that was begun beside the one it was to become."""
    litter = [path.name for path in logs.folder.rglob("*") if re.search(r"\.[A-Za-z0-9]{6}$", path.name)
              and path.suffix not in (".clsfrs",)]
    assert not litter


@pytest.mark.parametrize("name, error", [("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "ENOSPC"), ("close", "EIO"),
                                         ("fchmod", "EACCES"), ("create", "EROFS")])
def test_files_that_cannot_be_written(logs, name, error):
    """The old file stays, or the new one is whole; whoever asked for it is told, and a cache is only a cache."""
    kept = logs.folder / "kept"

    def old():
        kept.write_text("the old one")

    def old_or_new(done, about):
        text = kept.read_bytes()
        assert text == b"the old one" or text.endswith(b"</html>\n") or text.startswith(b"CLSFRS"), about
        assert done.code != 0 or text != b"the old one", about
        no_litter(logs)

    def no_cache():
        shutil.rmtree(logs.folder / "other", ignore_errors=True)

    def same_answer(done, about):
        # Rules that the child could not hand over are none.
        if done.code == 3 and "rules: they cannot be compiled" in done.err:
            return
        assert done.code == 0, about
        again = logs.run(*SCAN, "--cache", "other", "d/a.log")
        assert again.raw == done.raw and again.err == ""
        no_litter(logs)

    calls = each_call(logs, name, error, "compile", "-r", "r.yaml", "--output", "kept", before=old, after=old_or_new)
    calls += each_call(logs, name, error, *SCAN, "--report", "kept", "d/a.log", before=old, after=old_or_new)
    calls += each_call(logs, name, error, *SCAN, "--cache", "other", "d/a.log", before=no_cache, after=same_answer)
    assert calls


@pytest.mark.parametrize("name, error", [("write", "ENOSPC"), ("fsync", "EIO"), ("ftruncate", "EIO"), ("create", "EROFS"),
                                         ("read", "EIO"), ("open", "EMFILE")])
def test_state(logs, name, error):
    """A state is never damaged: the next run knows what it knows, and tells what was not remembered."""
    assert logs.run(*SCAN, "--state", "base.db", "d/a.log").code == 0
    args = *SCAN, "--state", "st.db", "d/a.log", "d/b.log.gz"
    (everything,) = logs.run(*SCAN, "d/b.log.gz").objects()

    def fresh():
        for path in logs.folder.glob("st.db*"):
            path.unlink()
        shutil.copy(logs.folder / "base.db", logs.folder / "st.db")

    def next_run(done, about):
        again = logs.run(*args)
        assert again.code == 0, (about, again.err)
        told = [json.loads(line) for line in done.out.splitlines()] + again.objects()
        assert [log for log in told if log["source"] == "d/b.log.gz" and not log["warnings"]][:1] == [everything], about
        assert logs.run(*args).objects() == [], about

    # A file that cannot be told from others is told once more.
    each_call(logs, name, error, *args, before=fresh, after=next_run, same=False)


@pytest.mark.parametrize("name, error", [("read", "EIO"), ("open", "EMFILE")])
def test_inputs_that_cannot_be_read(logs, name, error):
    """An error that names the input; the others are scanned."""
    calls = each_call(logs, name, error, *SCAN, "d")
    assert calls
    # Every read of every file: nothing is left to answer from.
    done = logs.run(*SCAN, "d", **world(call=f"{name}:0:{error}"))
    assert done.code in (2, 3) and "classify: " in done.err


def test_nothing_may_be_written(logs):
    """A file system that takes nothing: the answers are there, and what was to be kept is an error."""
    failing = world(call="create:0:EROFS")
    whole = logs.run(*SCAN, "d")
    done = logs.run(*SCAN, "--cache", "other", "d", **failing)
    assert done.code == 0 and done.raw == whole.raw and done.err == ""
    for option in (["--report", "r.html"], ["--state", "st.db"]):
        done = logs.run(*SCAN, *option, "d", **failing)
        assert done.code == 2 and done.raw == whole.raw
        assert option[1] in done.err and not (logs.folder / option[1]).exists()
    done = logs.run("compile", "-r", "r.yaml", "--output", "c.clsfrs", **failing)
    assert done.code == 2 and "c.clsfrs: " in done.err


def test_full_disk(logs):
    """However far a disk is from its end: reports and states are whole or not there, and the output says what it lacks."""
    whole = logs.run(*SCAN, "--report", "r.html", "d")
    size = (logs.folder / "r.html").stat().st_size
    html = (logs.folder / "r.html").read_bytes()
    for most in (0, 1, 4096, size // 2, size - 1):
        done = limited(logs, {resource.RLIMIT_FSIZE: most}, *SCAN, "--report", "r.html", "d")
        assert done.code == 2 and "r.html: File too large" in done.err
        assert (logs.folder / "r.html").read_bytes() == html
    for most in (0, 512, 4096, 20000):
        path = logs.folder / "st.db"
        done = limited(logs, {resource.RLIMIT_FSIZE: most}, *SCAN, "--state", "st.db", "d")
        assert done.code == 2 and "st.db: " in done.err and done.raw == whole.raw, (most, done.err)
        assert logs.run(*SCAN, "--state", "st.db", "d").code == 0
        path.unlink()
    with open(logs.folder / "out", "wb") as out:
        limited(logs, {}, *SCAN, "d", stdout=out)
    printed = (logs.folder / "out").read_bytes()
    for most in (0, 1, 700, len(printed) - 1):
        with open(logs.folder / "out", "wb") as out:
            done = limited(logs, {resource.RLIMIT_FSIZE: most}, *SCAN, "d", stdout=out)
        assert done.code == 2 and "cannot write the output: File too large" in done.err
        assert printed.startswith((logs.folder / "out").read_bytes())
    no_litter(logs)


@pytest.mark.parametrize("seconds", [86400 * 400, -86400 * 400])
def test_clock(logs, seconds):
    """The time of day may say what it likes: the answers, and what is remembered of files, do not depend on it."""
    failing = world(clock=seconds)
    whole = logs.run(*SCAN, "d")
    assert logs.run(*SCAN, "d", **failing).raw == whole.raw
    done = logs.run(*SCAN, "--state", "st.db", "--report", "r.html", "d", **failing)
    assert done.code == 0 and done.raw == whole.raw
    for environment in (failing, {}):
        done = logs.run(*SCAN, "--state", "st.db", "--report", "r.html", "d", **environment)
        assert done.code == 0 and done.out == "", done.err
    done = logs.run("scan", "-r", "r.yaml", "-o", "prometheus", "d", **failing)
    assert done.code == 0 and not re.search(r"seconds -", done.out)


def test_no_home(logs):
    """Without a home and a folder for caches nothing is kept, and that is no error."""
    whole = logs.run(*SCAN, "d")
    for environment in ({"HOME": "", "XDG_CACHE_HOME": ""}, {"HOME": "/nonexistent", "XDG_CACHE_HOME": ""},
                        {"HOME": "relative", "XDG_CACHE_HOME": "relative"}):
        done = logs.run(*SCAN, "d", **environment)
        assert (done.code, done.raw, done.err) == (0, whole.raw, "")
    for name in ("HOME", "XDG_CACHE_HOME"):
        del logs.environment[name]
    done = logs.run(*SCAN, "d")
    assert (done.code, done.raw, done.err) == (0, whole.raw, "")
    assert not (logs.folder / "relative").exists()


def test_few_descriptors(logs):
    """Sixteen descriptors do for any number of files; with fewer than it takes there is an error."""
    for number in range(60):
        logs.write(f"many/{number:02}/a.log", LOG)
    whole = logs.run("scan", "-r", "r.yaml", "--redact", "-o", "jsonl", "--jobs", "2", "d", "many")
    args = "scan", "-r", "r.yaml", "--redact", "-o", "jsonl", "--jobs", "2", "--report", "r.html", "--state", "st.db", "d", "many"
    done = limited(logs, {resource.RLIMIT_NOFILE: 16}, *args)
    assert (done.code, done.raw, done.err) == (0, whole.raw, "")
    deep = "deep/" + "/".join(["x"] * 40) + "/a.log"
    logs.write(deep, LOG)
    assert limited(logs, {resource.RLIMIT_NOFILE: 16}, *SCAN, "deep").code == 0
    for most in range(3, 12):
        done = limited(logs, {resource.RLIMIT_NOFILE: most}, *SCAN, "--state", f"{most}.db", "d")
        # The loader itself needs one.
        assert done.code in (0, 2, 3, 127) and (done.code == 0 or done.err), (most, done.err)
        if done.code == 0:
            assert done.raw == logs.run(*SCAN, "d").raw


@pytest.mark.skipif(WITH_ASAN, reason="the sanitizer reserves more than any limit")
def test_little_memory(logs):
    """64 MiB of address space beyond what a small log takes do for a large one; with less there is an error."""
    peak = re.search(r"VmPeak:\s*(\d+) kB", run_and_read(logs, *SCAN, "d/a.log"))
    need = int(peak[1]) * 1024
    # Some 90 MB, in many members.
    logs.write("large.log.gz", gzip.compress(b"nothing to see in this line\n" * 55000 + LOG.encode(), 1, mtime=0) * 60)
    done = limited(logs, {resource.RLIMIT_AS: need + (64 << 20)}, *SCAN, "large.log.gz")
    assert (done.code, done.err) == (0, "")
    whole = logs.run(*SCAN, "d")
    for part in (1, 3, 5, 7, 8, 9, 11):
        done = limited(logs, {resource.RLIMIT_AS: need * part // 10}, *SCAN, "d")
        assert done.code in (0, 2, 3, 127) and (done.code == 0 or done.err), (part, done.code, done.err)
        if done.code == 0:
            assert times(done.raw) == times(whole.raw)


def run_and_read(classify, *arguments):
    """What the system says of the process while it waits for the rest of its standard input."""
    with subprocess.Popen([binary(), *arguments, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          cwd=classify.folder, env=classify.environment) as process:
        process.stdin.write(LOG.encode() * 50)
        process.stdin.flush()
        # The first input is told once the second is being read.
        process.stdout.readline()
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            text = status.read()
        process.stdin.close()
        process.stdout.read()
    return text
