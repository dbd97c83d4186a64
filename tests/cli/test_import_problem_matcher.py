# SPDX-License-Identifier: Apache-2.0
"""`rules import --from problem-matcher`: problem matchers of GitHub Actions."""

import json

import pytest

from importing import INPUTS, import_file, import_text


def one(classify, regexp, **more):
    """The import of a single matcher."""
    return import_text(classify, "matcher.json", json.dumps({"problemMatcher": [
        {"owner": "one", "pattern": [{"regexp": regexp, "message": 1, **more}]}]}))


def test_one_line(classify):
    """Numbers become names, and the title tells the message."""
    done = import_file(classify, INPUTS / "matchers.json")
    assert done.done.code == 0
    rules = done.rules()
    assert set(rules) == {"matcher-demo-lint", "matcher-demo-style", "matcher-demo-three", "matcher-demo-numbers"}
    assert rules["matcher-demo-lint"]["title"] == "demo-lint: ${message}"
    assert rules["matcher-demo-lint"]["severity"] == "medium"
    assert rules["matcher-demo-style"]["severity"] == "low"
    assert rules["matcher-demo-three"]["severity"] == "high"
    assert done.matches("a/b.c:3:4: Error - it is wrong [no-wrong]")["matcher-demo-lint"] == {
        "file": "a/b.c", "line": "3", "column": "4", "severity": "Error", "message": "it is wrong",
        "code": "no-wrong"}
    assert not done.matches("a/b.c:3:4: Notice - it is wrong [no-wrong]")
    assert "'demo-lint': the line tells the severity there" in done.err
    assert "'demo-broken': not carried over: a group has no end" in done.err
    assert "'demo-numbers': 'message' is group 2, which is not there" in done.err
    assert "cause: '${file}:${line}:${column}: ${code}'" in done.text


def test_consecutive_lines(classify):
    """Patterns of consecutive lines match neighbours and nothing else."""
    done = import_file(classify, INPUTS / "matchers.json")
    assert done.matches("noise\nfile.js\n  1:2  is missing\n")["matcher-demo-style"] == {
        "file": "file.js", "line": "1", "column": "2", "message": "is missing"}
    assert "matcher-demo-style" not in done.matches("file.js\n\n  1:2  is missing\n")
    assert done.matches("== f.c\nat line 7\n!wrong: very/12\n")["matcher-demo-three"] == {
        "file": "f.c", "line": "7", "message": "very"}
    assert "matcher-demo-three" not in done.matches("== f.c\nat line 7\nx\n!wrong: very\n")
    assert "'loop': of the lines that repeat the last pattern" in done.err


@pytest.mark.parametrize("regexp, matching, other", [
    (r"^(\/a\z)$", ["/az"], ["/a"]), (r"^([]|b)$", ["b"], ["", "]"]), (r"^(\v\0?x)$", ["\vx"], ["\nx"]),
    (r"^(\cJ?é\u00e9)$", ["éé"], ["é"]), (r"^(a)\1(?=b)", ["aab"], ["aac"]), (r"^({x)$", ["{x"], ["x"]),
    (r"^([a\]\-[:])$", ["[", ":", "-", "]"], ["b"]), (r"^(?<n>q)\k<n>$", ["qq"], ["q"]),
    (r"^(\p{L})$", ["p{L}"], ["a"]),
])
def test_javascript(classify, regexp, matching, other):
    """Expressions of JavaScript mean what they meant."""
    done = one(classify, regexp)
    assert done.counts == (1, 0, 0), done.err
    for line in matching:
        assert done.matches(line), line
    for line in other:
        assert not done.matches(line), line


@pytest.mark.parametrize("pattern", [None, [], {}, [{"regexp": 5}], [{}], "x"])
def test_without_pattern(classify, pattern):
    """A matcher that has none is told."""
    done = import_text(classify, "m.json", json.dumps({"problemMatcher": [{"owner": "x", "pattern": pattern}]}))
    assert done.done.code == (0 if pattern == [{"regexp": 5}] else 3)


def test_shared_group(classify):
    """Two properties of one group: the first one names it."""
    done = one(classify, "^(.+)$", file=1, code=1)
    assert done.counts == (1, 1, 0)
    assert "'message' is the group that is 'file' already" in done.err
