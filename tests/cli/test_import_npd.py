# SPDX-License-Identifier: Apache-2.0
"""`rules import --from npd`: the configuration of node-problem-detector."""

import json

import pytest

from importing import INPUTS, import_file, import_text


def one(classify, pattern, **more):
    """The import of a single rule."""
    config = {"plugin": "filelog", "source": "s", "rules": [
        {"type": "temporary", "reason": "TheReason", "pattern": pattern}], **more}
    return import_text(classify, "monitor.json", json.dumps(config))


def test_monitor(classify):
    """Reasons become ids and titles, types severities."""
    done = import_file(classify, INPUTS / "monitor.json")
    assert done.done.code == 0
    rules = done.rules()
    assert set(rules) == {
        "npd-oom-killing", "npd-task-hung", "npd-two-lines", "npd-disk-warning", "npd-disk-warning-2"}
    assert rules["npd-oom-killing"]["category"] == "out_of_memory"
    assert rules["npd-oom-killing"]["title"] == "OOM killing"
    assert rules["npd-oom-killing"]["severity"] == "medium"
    assert rules["npd-task-hung"]["title"] == "Kernel stuck: Task hung"
    assert rules["npd-task-hung"]["severity"] == "high"
    assert rules["npd-disk-warning"]["severity"] == "low"
    assert "monitor.json:35:15: warning: 'DiskWarning': not carried over: it looks around" in done.err
    assert "where the log is read from" in done.err


def test_bound_to_the_end(classify):
    """A pattern ends where the line ends; of alternatives, only the last one does."""
    done = import_file(classify, INPUTS / "monitor.json")
    assert done.matches("[1] Process 12 cc1 was killed for memory, at last") == {
        "npd-oom-killing": {"name": "cc1"}}
    assert set(done.matches("task cc1:7 hangs about")) == {"npd-task-hung"}
    assert set(done.matches("a task cc1 is stuck")) == {"npd-task-hung"}
    assert not done.matches("a task cc1 is stuck here")
    assert set(done.matches("disk warning AA.*")) == {"npd-disk-warning"}
    assert not done.matches("disk warning AA.* and more")
    assert not done.matches("disk warning AAxx")
    assert set(done.matches("Another warning about the DISK")) == {"npd-disk-warning-2"}
    assert "# only the last alternative is bound to the end" in done.text


@pytest.mark.parametrize("pattern, matching, other", [
    (r"\pL+\.", ["é."], ["1."]), (r"a\v", ["a\v"], ["a"]), (r"[[:alpha:]_]\z", ["_"], ["1"]),
    (r"(?U)a+", ["a"], ["b"]), (r"a{,2}", ["a{,2}"], ["aa"]),
    (r"(?P<one>a)(?<two>b)", ["ab"], ["a"]), (r"[a\-\]]", ["-", "]"], ["x"]), ("€{2}", ["€€"], ["€"]),
    (r"ok|", ["ok", "anything"], []),
])
def test_go(classify, pattern, matching, other):
    """Expressions of Go mean what they meant."""
    done = one(classify, pattern)
    assert done.counts[0] == 1, done.err
    for line in matching:
        assert done.matches(line), line
    for line in other:
        assert not done.matches(line), line


@pytest.mark.parametrize("pattern", [r"(a)\1", r"\C", "a(?!b)", "(?>a)", r"\h", "(?x)a", ")"])
def test_go_refused(classify, pattern):
    """What Go itself would refuse is told."""
    done = one(classify, pattern)
    assert done.done.code == 3 and done.counts == (0, 0, 1)


def test_line_break(classify):
    """A literal line break makes it a rule over the lines of the buffer."""
    done = import_file(classify, INPUTS / "monitor.json")
    assert "lines: 10" in done.text
    assert set(done.matches("first: a\nsecond: b\n")) == {"npd-two-lines"}
    assert not done.matches("first: a\nsecond: b c\n")
    assert not done.matches("first: a\nx\nsecond: b\n")


@pytest.mark.parametrize("pattern, matching, other", [
    (r"a\nb.*", ["a\nbc\n"], ["a b\n"]), (r"(?s)a.b", ["a\nb\n", "axb\n"], ["a\nbx\n"]),
    (r"a[\s\S]{1,3}b", ["a\n\nb\n"], ["ab\n"]), (r"(?m)^a$\n^b$", ["x\na\nb\n"], ["xa\nb\n"]),
    (r"a$\nb", [], ["a\nb\n"]),
])
def test_buffer(classify, pattern, matching, other):
    """Over lines, too, ^ and $ are those of the text, but with (?m)."""
    done = one(classify, pattern)
    assert done.counts == (1, 0, 0) and "lines: 10" in done.text, done.err
    for log in matching:
        assert done.matches(log), log
    for log in other:
        assert not done.matches(log), log


def test_line_break_in_no_buffer(classify):
    """A buffer of one line holds no line break."""
    done = one(classify, "a\\nb", bufferSize=1)
    assert done.counts == (0, 0, 1) and "its buffer holds one line" in done.err


def test_counter(classify):
    """The log counter: so many matches in so much time."""
    done = import_file(classify, INPUTS / "counter.json")
    rules = done.rules()
    assert "npd-once-is-enough" in rules
    assert set(done.matches("It broke")) == {"npd-once-is-enough"}
    assert "'TableFull': not carried over: it runs a program" in done.err
    log = "".join(f"2026-01-01T00:0{n}:00Z Started the daemon.\n" for n in range(3))
    assert set(done.matches(log)) == {"npd-frequent-restart"}
    late = log.replace("00:02:00", "00:52:00")
    assert not done.matches(late)


def test_category(classify):
    """--category is for what names none."""
    assert one(classify, "x").rules()["npd-the-reason"]["category"] == "node_failed"
    done = import_text(classify, "m.json", json.dumps({"source": "s", "rules": [
        {"reason": "Odd", "pattern": "x"}, {"reason": "DNSFailure", "pattern": "y"}]}),
        "--category", "tool_bug")
    assert {r["category"] for r in done.rules().values()} == {"tool_bug", "dns_failed"}


def test_large_buffer(classify):
    """No more than 200 lines."""
    done = one(classify, "a\\nb", bufferSize=201)
    assert done.counts == (1, 1, 0) and "over the newest 200 lines, not 201" in done.err and "lines: 200" in done.text
    assert one(classify, "a\\nb", bufferSize=200).counts == (1, 0, 0)
