# SPDX-License-Identifier: Apache-2.0
"""`rules import --from bfa`: the knowledge base of the Build Failure Analyzer."""

import json

import pytest

from importing import INPUTS, import_file, import_text

CLASS = "com.sonyericsson.jenkins.plugins.bfa.model.indication."


def cause(name, *patterns, several=False, **more):
    """A cause as a database holds it."""
    kind = CLASS + ("MultilineBuildLogIndication" if several else "BuildLogIndication")
    return {"_id": "1", "name": name, "description": "text", "comment": "",
            "indications": [{"@class": kind, "pattern": one} for one in patterns], **more}


def one(classify, *patterns, **more):
    """The import of a single cause."""
    return import_text(classify, "causes.json", json.dumps([cause("one", *patterns, **more)]))


def test_xml(classify):
    """Jenkins' own file: names, categories, roles and losses."""
    done = import_file(classify, INPUTS / "knowledge-base.xml")
    assert done.done.code == 0
    rules = done.rules()
    assert list(rules) == ["bfa-agent-s-disk-is-full", "bfa-something-failed", "bfa-compiler-crash"]
    disk = rules["bfa-agent-s-disk-is-full"]
    assert (disk["category"], disk["title"], disk["pack"]) == ("node_failed", "Agent's disk is full", "imported")
    assert rules["bfa-something-failed"]["role"] == "symptom"
    assert "retry: now" in done.text and "owner: user" in done.text
    assert "# comment: asked for in May" in done.text
    for reason in ("indication 1: not carried over: it intersects classes with &&",
                   r"indication 2: not carried over: \p{javaMirrored} has no counterpart",
                   "indication 3: not carried over: the expression does not compile: lookbehind",
                   "indication 4: not carried over: it is a org.example.TapIndication",
                   "'Beyond us': not carried over: none of its indications is"):
        assert reason in done.err and reason in done.text
    assert "knowledge-base.xml:69:" in done.err
    assert "the history (modifications, last occurrence) is left out; causes with one: 1" in done.err


def test_whole_lines(classify):
    """An indication of one line matched the whole line there, and no more here."""
    done = import_file(classify, INPUTS / "knowledge-base.xml")
    disk = {"bfa-agent-s-disk-is-full"}
    assert done.matches("x host a: volume /b has no room y") == {
        "bfa-agent-s-disk-is-full": {"i1g1": "a", "volume": "/b"}}
    assert set(done.matches("df says: full")) == disk
    assert set(done.matches("the agent is out of room")) == disk
    assert not done.matches("df says: full, or nearly")
    assert not done.matches("so df says: full")
    assert not done.matches("the agent is out of room again")
    assert not done.matches("THE AGENT is out of room")
    assert set(done.matches("The build has FAILED")) == {"bfa-something-failed"}
    assert not done.matches("The build has failed twice")


def test_description(classify):
    """Markup becomes text, placeholders captures; what was none stays none."""
    done = import_file(classify, INPUTS / "knowledge-base.xml")
    text = done.text
    assert "Volume ${volume} of ${i1g1} is full." in text
    assert "- ask the wiki (https://wiki.example/disk)" in text
    assert "url: 'https://wiki.example/disk'" in text
    assert "It is $ {1,1} & $ {HOME}." in text


@pytest.mark.parametrize("pattern, matching, other", [
    (r".*error: (\w+).*", ["error: x", "an error: x y"], ["error:"]),
    (r"a|.*b|c.*|.*d.*", ["a", "xb", "cx", "xdx"], ["xa", "ax", "bx", "xc"]),
    (r"(?:a|b)c", ["ac", "bc"], ["xac", "acx", "a"]),
    (r"(?x) a b # comment", ["ab"], ["a b"]),
    (r"[a[0-9]]+", ["a1a"], ["b", "a["]),
    (r"\Qa.b*\E", ["a.b*"], ["axb"]),
    (r"\u0041\x42\0103", ["ABC"], ["abc"]),
    (r"(a|b)\1x*+", ["aa", "bbxx"], ["ab"]),
    (r"gr\u00fc\u00dfe \p{Lu}", ["grüße Ä"], ["grüße a"]),
    (r".*+", [], ["a"]),
    (r"x.*\.*", ["x", "xyz"], ["ax"]),
    (r"\{a\}\d{2}", ["{a}12"], ["{a}1"]),
    (r"(?s).*a.b", ["xa.b"], ["ab"]),
])
def test_java(classify, pattern, matching, other):
    """Expressions of Java mean what they meant."""
    done = one(classify, pattern)
    assert done.counts == (1, 0, 0), done.err
    for line in matching:
        assert done.matches(line), line
    for line in other:
        assert not done.matches(line) or pattern == ".*+", line


@pytest.mark.parametrize("pattern, reason", [
    (r"\p{IsAlphabetic}", "has no counterpart"), (r"[^a[^b]]", "negated class"), ("(", "no end"),
    ("", "empty"), (r"\N{DIGIT ONE}", "has no counterpart"), ("a" * 9000, "bytes"),
    ("(" * 200 + ")" * 200, "too deep"), ("*a", "repeats nothing"), (r"\k<x>", "a reference to no group"),
    ("[a", "class has no end"), ("\\", "backslash"),
])
def test_java_refused(classify, pattern, reason):
    """What has no counterpart is told, and nothing is made of it."""
    done = one(classify, pattern)
    assert done.done.code == 3 and done.counts == (0, 0, 1)
    assert reason in done.err


def test_nested_classes(classify):
    """Classes in a class are read, up to nine deep."""
    assert one(classify, "[a" * 10 + "]" * 10).counts == (1, 0, 0)
    done = one(classify, "[a" * 11 + "]" * 11)
    assert done.counts == (0, 0, 1) and "its classes are nested too deep" in done.err


def test_many_placeholders(classify):
    """A description has 64 different ones; what stands for the others is left out."""
    patterns = [f"{n:02}(a)(b)" for n in range(33)]
    done = one(classify, *patterns, description=" ".join(f"${{{n},1}} ${{{n},2}}" for n in range(1, 34)))
    assert done.counts == (1, 1, 0), done.err
    assert "${i32g1} ${i32g2} ... ...'" in done.text and "i33g" not in done.text


def test_long_names(classify):
    """Ids and titles that are made of names, and what is said of them, are cut."""
    name = "word " * 50
    done = import_text(classify, "c.json", json.dumps([cause(name, "a"), cause("x" * 2000, "(")]))
    (rule,) = done.rules().values()
    assert rule["rule"] == "bfa-" + ("word-" * 16)[:-1]
    assert len(rule["title"]) <= 203 and rule["title"].startswith("word word ") and rule["title"].endswith("...")
    told = [line for line in done.err.splitlines() if "xxx" in line]
    assert told and all(len(line.partition("warning: ")[2]) <= 1023 for line in told)


def test_lost_indication(classify):
    """One indication that is lost leaves a rule in part."""
    done = one(classify, "good", "bad&&[", several=False)
    assert done.counts == (1, 1, 0)
    assert "1 of 2 indications are not carried over" in done.err
    assert "# in part: 1 of 2 indications" in done.text
    assert done.matches("good") and not done.matches("bad")


def test_lost_placeholder(classify):
    """A placeholder without a group is told."""
    done = one(classify, "(a)", description="${1,1} ${1,2} ${2,1} ${1,0}")
    assert done.counts == (1, 1, 0) and "names no group" in done.err
    assert "cause: '${i1g1} ... ... ...'" in done.text


def test_several_lines_that_are_one(classify):
    """An indication of several lines that can span none is one of a line."""
    done = one(classify, ".*compiler error E1.*", "x(?-s).y", several=True)
    assert done.counts == (1, 0, 0), done.err
    assert "lines:" not in done.text
    assert done.matches("a compiler error E1 b") and done.matches("axzyb")


def test_several_lines(classify):
    """Dot-all over lines."""
    done = import_file(classify, INPUTS / "knowledge-base.xml")
    log = "x compiler died:\nsome\nlines\nit was because of heat, they say\n"
    assert done.matches(log) == {"bfa-compiler-crash": {"i1g1": "heat"}}
    assert not done.matches("it was because of heat\ncompiler died:\n")
    assert set(done.matches("an internal compiler error.\n")) == {"bfa-compiler-crash"}


@pytest.mark.parametrize("pattern, matching, other", [
    ("a.*?b", ["xa\ny\nbx\n", "ab\n"], ["b\na\n"]), ("^b$.^c", ["a\nb\nc\n"], ["ab\nc\n", "b\n\nc\n"]),
    (r"a\nb|c\s+d", ["a\nb\n", "c\n\nd\n"], ["a\nxb\n", "ab\n"]), (r"one\n", ["one\ntwo\n"], ["two\n"]),
    (r"one\r\n\s*two", ["one\r\n  two\r\n", "one\ntwo\n"], ["one two\n"]),
])
def test_dot_all(classify, pattern, matching, other):
    """An indication of several lines: dot-all, and ^ and $ of each line."""
    done = one(classify, pattern, several=True)
    assert done.counts == (1, 0, 0), done.err
    for log in matching:
        assert done.matches(log), log
    for log in other:
        assert not done.matches(log), log


@pytest.mark.parametrize("wrap", [
    lambda causes: json.dumps(causes),
    lambda causes: json.dumps({"causes": causes}),
    lambda causes: "\n".join(json.dumps(c) for c in causes) + "\n",
    lambda causes: "\ufeff" + json.dumps(causes, indent=2),
], ids=["list", "mapping", "lines", "mark"])
def test_json(classify, wrap):
    """Documents of a database, in whatever way they were written out."""
    causes = [cause("first", "a"), cause("first", "b", categories="git network"),
              cause("gone", "c", _removed={"by": "me"})]
    done = import_text(classify, "causes.json", wrap(causes))
    assert done.counts == (2, 0, 1), done.err
    assert set(done.rules()) == {"bfa-first", "bfa-first-2"}
    assert "'gone': not carried over: it was removed there" in done.err


def test_ids_are_stable(classify):
    """A cause more changes no id of the others."""
    causes = [cause("Second cause", "b")]
    before = set(import_text(classify, "c.json", json.dumps(causes)).rules())
    after = set(import_text(classify, "c.json", json.dumps([cause("First", "a"), *causes])).rules())
    assert before == {"bfa-second-cause"} and after == before | {"bfa-first"}
