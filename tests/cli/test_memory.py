# SPDX-License-Identifier: Apache-2.0
"""Every allocation failed in turn: the answer is as ever or there is an error, and nothing that was kept is lost."""

import gzip
import json
import shutil
import tarfile

import pytest

from failing import LOG, RULES, UNKNOWN, WHOLE, counts, judge, world


@pytest.fixture
def logs(classify):
    """Rules, and a folder with logs as they come: plain, compressed, in an archive; the cache is warm."""
    classify.write("r.yaml", RULES)
    classify.write("d/a.log", "nothing\nalpha one\nthe end\n")
    classify.write("d/b.log", LOG)
    classify.write("d/c.log.gz", gzip.compress(LOG.encode(), mtime=0))
    with tarfile.open(classify.folder / "d/t.tar", "w") as archive:
        for name in ("a.log", "b.log"):
            archive.add(classify.folder / "d" / name, name)
    assert classify.run("scan", "-r", "r.yaml", "d").code == 0
    return classify


def sweep(classify, *arguments, step=1, before=None, after=None, more=False):
    """Runs the command once for each allocation that it makes, or one in `step`; `more`: it may tell more than it had to."""
    whole = None
    if before:
        before()
    whole = classify.run(*arguments, **world(report=classify.folder / "counted"))
    ((calls, *_),) = counts(classify.folder)
    assert calls > 20
    # Where threads share the work, their number goes up and down a little.
    tried = 0
    for n in range(1, calls + 1, 1 if WHOLE else step):
        if before:
            before()
        done = classify.run(*arguments, **world(malloc=n))
        judge(done, whole, f"allocation {n} of {' '.join(arguments)}", more)
        if after:
            after(done, n)
        tried += done.code != whole.code
    assert tried


def test_logs(logs):
    """Files of every kind, every allocation."""
    sweep(logs, "scan", "-r", "r.yaml", "--jobs", "1", "-o", "jsonl", "d")


def test_threads(logs):
    """The same with several threads; what is printed stays in the order of the inputs."""
    sweep(logs, "scan", "-r", "r.yaml", "--jobs", "3", "-o", "jsonl", "d", step=7)


@pytest.mark.parametrize("form", ["text", "json", "markdown", "junit", "sarif", "csv", "prometheus", "postmortem"])
def test_formats(logs, form):
    """An output that is not whole is an error, whatever is missing of it."""
    sweep(logs, "scan", "-r", "r.yaml", "--jobs", "1", "-o", form, "--context", "2", "d/a.log", "d/b.log", step=13)


@pytest.mark.parametrize("options", [
    ["--matches", "--redact", "d"], ["--since", "2025-01-01", "-o", "jsonl", "d"], ["--profile", "-o", "jsonl", "d/b.log"],
    ["--no-cache", "--no-unwrap", "-o", "jsonl", "d/b.log"]])
def test_options(logs, options):
    """Ways of scanning that have memory of their own."""
    sweep(logs, "scan", "-r", "r.yaml", "--jobs", "1", *options, step=11)


def test_incident(logs):
    """Several inputs as one log; and the log behind a status that only says that it failed."""
    (logs.folder / "d/t.tar").unlink()
    sweep(logs, "scan", "-r", "r.yaml", "--incident", "d", step=5)
    logs.write("e/job.yaml", "kind: Job\nstatus: Failed\nthe end\n")
    logs.write("e/x.log", UNKNOWN)
    sweep(logs, "scan", "-r", "r.yaml", "-o", "jsonl", "--incident", "e", step=61)


@pytest.mark.parametrize("command", [
    ["explain", "d/b.log"], ["explain", "--rule", "c"], ["match", "alpha one"], ["match", "nothing"], ["rules", "list"],
    ["rules", "list", "-o", "jsonl"], ["rules", "test", "--no-passing"]])
def test_commands(logs, command):
    """The other commands."""
    sweep(logs, *command, "-r", "r.yaml", step=53 if "test" in command else 3)


def test_compiling(logs):
    """In the child that compiles: an error and no rules, or all of them; never some. What is there stays."""
    args = "compile", "-r", "r.yaml", "--output", "kept.clsfrs"
    whole = logs.run(*args, **world(report=logs.folder / "counted"))
    ((calls, *_),) = counts(logs.folder, "child")
    assert whole.code == 0 and calls > 100
    kept = (logs.folder / "kept.clsfrs").read_bytes()
    # The rules come first, the engine's compiler and its test of itself behind them.
    for n in [*range(1, 40, 3), *range(40, calls, max(calls // 40, 1))]:
        done = logs.run(*args, **world(child=n))
        assert done.code in (0, 2, 3), (n, done.err)
        if done.code == 0:
            assert done.out == whole.out
        else:
            assert "classify: " in done.err
            assert (logs.folder / "kept.clsfrs").read_bytes() == kept
        (logs.folder / "kept.clsfrs").write_bytes(kept)
    assert not [path for path in logs.folder.iterdir() if path.name.startswith("kept.clsfrs.")]


def test_restoring(logs):
    """A compiled file that memory does not suffice for is not rules of less, and the cache keeps its own."""
    assert logs.run("compile", "-r", "r.yaml", "--output", "kept.clsfrs").code == 0
    sweep(logs, "scan", "--database", "kept.clsfrs", "-o", "jsonl", "d/b.log", step=4)
    cached = sorted((logs.folder / "home/cache/classify").iterdir())
    assert len(cached) == 1
    before = cached[0].read_bytes()

    def kept(done, n):
        assert cached[0].read_bytes() == before, (n, done.err)

    sweep(logs, "scan", "-r", "r.yaml", "-o", "jsonl", "d/b.log", step=4, after=kept)


def test_state(logs):
    """What a run could not print it does not remember, so that the next one tells it; the state stays whole."""
    base = logs.folder / "base.db"
    assert logs.run("scan", "-r", "r.yaml", "--state", "base.db", "-o", "jsonl", "d/a.log").code == 0
    everything = logs.run("scan", "-r", "r.yaml", "-o", "jsonl", "d/a.log", "d/b.log", "d/c.log.gz").objects()
    args = "scan", "-r", "r.yaml", "--jobs", "1", "--state", "st.db", "-o", "jsonl", "d/a.log", "d/b.log", "d/c.log.gz"

    def fresh():
        for path in logs.folder.glob("st.db*"):
            path.unlink()
        shutil.copy(base, logs.folder / "st.db")

    def told_once(done, n):
        printed = [json.loads(line) for line in done.out.splitlines()]
        again = logs.run(*args)
        assert again.code == 0, (n, again.err)
        # An answer that was not whole may be told again, and better.
        told = {log["source"] for log in printed} | {log["source"] for log in again.objects()}
        assert told >= {"d/b.log", "d/c.log.gz"}, (n, done.err, again.err)
        assert all(log in everything for log in again.objects())
        assert logs.run(*args).objects() == []

    sweep(logs, *args, step=131, before=fresh, after=told_once, more=True)
    sweep(logs, "stats", "base.db", step=31)


def test_report(logs):
    """A report is whole or it is the old one."""
    args = "scan", "-r", "r.yaml", "--jobs", "1", "--report", "r.html", "-o", "jsonl", "d/a.log", "d/b.log"
    report = logs.folder / "r.html"

    def old():
        report.write_text("the old one")

    def whole_or_old(done, n):
        text = report.read_text()
        assert text == "the old one" or text.endswith("</html>\n"), n
        assert done.code != 0 or text != "the old one"

    sweep(logs, *args, step=11, before=old, after=whole_or_old)
    assert not [path for path in logs.folder.iterdir() if path.name.startswith("r.html.")]
