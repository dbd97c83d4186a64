# SPDX-License-Identifier: Apache-2.0
"""Faults of rule files as people see them: the place, the line, the caret, the suggestion."""

import os
import pty
import re
import subprocess

import pytest

from conftest import binary, rule

HEAD = "rules:\n  - id: r\n    title: t\n    category: unknown\n"


def check(classify, text, *options, name="r.yaml"):
    """The lines that `rules check` prints of a file on standard error."""
    classify.write(name, text)
    good = classify.rules(rule("good", "^x", examples={"match": ["x"], "reject": ["y"]}))
    return classify.run("rules", "check", "-r", name, "-r", good, *options).err.splitlines()


def caret(lines):
    """The place that is told, and what stands above the caret and behind it."""
    message, source, below = lines[:3]
    place = re.match(r"r\.yaml:(\d+):(\d+): ", message)
    number, _, shown = source.partition(" | ")
    assert int(number) == int(place[1])
    gutter, _, below = below.partition(" | ")
    assert gutter == " " * 6 and re.fullmatch(r" *\^", below)
    return int(place[1]), int(place[2]), shown[len(below) - 1:]


def test_excerpt(classify):
    """The message, the line as it stands in the file, and a caret at the column."""
    assert check(classify, HEAD.replace("unknown", "disk_ful") + "    match: x\n") == [
        "r.yaml:4:15: unknown category 'disk_ful'; did you mean 'disk_full'? [r]",
        "     4 |     category: disk_ful",
        "       |               ^"]


def test_all_faults_in_one_run(classify):
    """Every fault of every rule and file; YAML that is none ends its own file only."""
    five = ("rules:\n  - id: five\n    title: ''\n    category: disk_ful\n    role: simptom\n"
            "    owner: usr\n    match: '('\n  - id: other\n    titel: x\n    category: unknown\n"
            "    match: x\n")
    classify.write("rules/a.yaml", five)
    classify.write("rules/b.yaml", HEAD + "    match: 'x\n")
    classify.write("rules/c.yaml", HEAD + "    match: {regexp: x}\n")
    done = classify.run("rules", "check", "-r", "rules")
    told = [line.split(": ")[0] for line in done.err.splitlines() if line.startswith("rules/")]
    assert sorted(told) == sorted([
        "rules/a.yaml:3:12", "rules/a.yaml:4:15", "rules/a.yaml:5:11", "rules/a.yaml:6:12",
        "rules/a.yaml:7:14", "rules/a.yaml:9:5", "rules/a.yaml:8:5", "rules/b.yaml:6:1",
        "rules/c.yaml:5:13"])
    assert done.code == 3 and done.out == "0 rules good, 4 left out, 0 warnings\n"


@pytest.mark.parametrize("key, value, wanted", [
    ("catgory", "unknown", "category"), ("Title", "t", "title"), ("explain", "[]", "explains"),
    ("category", "dns_fialed", "dns_failed"), ("role", "sucess", "success"),
    ("severity", "hihg", "high"), ("owner", "platfrom", "platform"), ("retry", "nevr", "never"),
    ("runbook", "{casue: x}", "cause"), ("examples", "{rejects: []}", "reject"),
    ("match", "{sequense: [a, b]}", "sequence"), ("unless", "{regexp: a}", "regex")])
def test_suggestion(classify, key, value, wanted):
    """A slip in a key or a word is answered with the word that was meant."""
    values = {"id": "r", "title": "t", "category": "unknown", "match": "x", key: value}
    text = "rules:\n  -\n" + "".join(f"    {name}: {text}\n" for name, text in values.items())
    told = [line for line in check(classify, text) if "did you mean" in line]
    assert len(told) == 1 and f"; did you mean '{wanted}'? [r]" in told[0]


def test_explains_nobody(classify):
    """An id that no rule has is a warning at its place, with the id that is nearest."""
    path = classify.rules(
        rule("first-rule", "^a", examples={"match": ["a"], "reject": ["b"]},
             explains=["second-rule", "secnd-rule", "none*", "sec*", "nothing-like-it"]),
        rule("second-rule", "^b", examples={"match": ["b"], "reject": ["a"]}), name="r.yaml")
    line = path.read_text().splitlines()[2]
    done = classify.run("rules", "check", "-r", "r.yaml")
    assert done.code == 0 and done.out == "2 rules good, 0 left out, 3 warnings\n"
    told = [text for text in done.err.splitlines() if text.startswith("r.yaml:")]

    def warning(name, more=""):
        column = line.index(f'"{name}"') + 1
        return (f"r.yaml:3:{column}: warning: explains '{name}', which none of these rules is"
                f"{more} [first-rule]")

    assert told == [warning("secnd-rule", "; did you mean 'second-rule'?"), warning("none*"),
                    warning("nothing-like-it")]
    # Only `rules check` warns.
    assert classify.run("rules", "list", "-r", "r.yaml").err == ""


def test_many_names(classify):
    """Names that no rule has are all told; which one was meant only while looking for that may go on."""
    rules = [rule(f"rule-{n:03}", "^a") for n in range(1000)]
    rules[0]["explains"] = [f"rule-{n:03}x" for n in range(999)] + ["rule-998y", "rule-997z"]
    done = classify.run("rules", "check", "-r", classify.rules(*rules))
    told = [line for line in done.err.splitlines() if "none of these rules is" in line]
    assert len(told) == 1001
    assert sum("did you mean" in line for line in told) == 1000 and "did you mean" not in told[-1]


def test_many_patterns(classify):
    """Ten million times a pattern is held against an id; those behind count as names."""
    rules = [rule(f"rule-{n:04}", "^a") for n in range(2000)]
    rules[0]["explains"] = [f"none{n}*" for n in range(5001)]
    done = classify.run("rules", "check", "-r", classify.rules(*rules))
    assert done.err.count("none of these rules is") == 4999


@pytest.mark.parametrize("value, line, behind", [
    ("'a(b'", 5, "'"),
    ("'a[z-a]b'", 5, "a]b'"),
    ("'it''s ''x[z-a]'", 5, "a]'"),
    ("'größe[z-a]'", 5, "a]'"),
    ("größe[z-a]b", 5, "a]b"),
    ('"a\\\\d\\"[z-a]b"', 5, 'a]b"'),
    ('"a\\tb\\x20c\\u00e9 \\n[z-a]b"', 5, 'a]b"'),
    ('"\\x09[z-a]"', 5, 'a]"'),
    ('"a\\\n        b[z-a]c"', 6, 'a]c"'),
    ('{regex: "a[z-a]b"}', 5, 'a]b"}'),
    ("|\n      first [a-z]\n      second [z-a]x", 7, "a]x"),
    ("|\n\n      [z-a]x", 7, "a]x"),
    ("|2-\n      a [z-a]x", 6, "a]x"),
    (">\n      first\n      größe [z-a]x", 7, "a]x"),
    (">-\n      a\n\n      [z-a]x", 8, "a]x"),
    ("first\n      second [z-a]x", 6, "a]x"),
    ("'first\n      sec''ond [z-a]x'", 6, "a]x'"),
    ("!!str 'a[z-a]b'", 5, "a]b'"),
    ("&anchor !!str a[z-a]b", 5, "a]b"),
    ("'a  *+?b'", 5, "?b'"),
])
def test_place_in_expression(classify, value, line, behind):
    """What PCRE2 refuses is pointed at, however YAML wrote the expression."""
    lines = check(classify, HEAD + f"    match: {value}\n")
    place = caret(lines)
    assert "the expression does not compile" in lines[0]
    assert (place[0], place[2]) == (line, behind)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_place_in_any_file(classify, newline, mark):
    """Neither a byte order mark nor line ends from elsewhere move the caret."""
    text = mark + "# größe\n" + HEAD + "    match: |\n      a\n      größe[z-a]x\n"
    lines = check(classify, text.replace("\n", newline))
    assert caret(lines) == (8, 15, "a]x")


def test_harmless_excerpt(classify):
    """What could act in a terminal comes out visible, and the caret keeps its place."""
    lines = check(classify, HEAD + "    match: 'a\tb \u202e日本[z-a]x'\n")
    assert lines[1] == "     5 |     match: 'a    b \\u202e日本[z-a]x'"
    # Two columns for each wide character.
    columns = len("    match: 'a    b \\u202e") + 4 + len("[z-")
    assert lines[2] == "       | " + " " * columns + "^"
    lines = check(classify, b"rules:\n  - id: 'a\x1b[31mb'\n")
    assert lines[0].startswith("r.yaml:2:11: not valid YAML")
    assert lines[1:] == ["     2 |   - id: 'a\\x1b[31mb'", "       |           ^"]
    lines = check(classify, b"rules:\n  - id: 'gr\xc3\xb6\xc3\x9fe \xff\xfe'\n")
    assert lines[0].startswith("r.yaml:2:16: not valid YAML")
    assert lines[1:] == ["     2 |   - id: 'größe \ufffd\ufffd'", "       |                ^"]


@pytest.mark.parametrize("before, behind", [(0, 500), (500, 0), (500, 500)])
def test_long_line(classify, before, behind):
    """A long line is cut to what stands around the caret."""
    lines = check(classify, HEAD + "    match: '" + "a" * before + "[z-a]" + "b" * behind + "'\n")
    shown = lines[1].removeprefix("     5 | ")
    assert len(shown) <= 96 + 2 * len("...")
    assert shown.startswith("...") is (before > 0) and shown.endswith("...") is (behind > 0)
    assert shown[lines[2].index("^") - len("     5 | "):].startswith("a]")


def test_no_excerpt(classify):
    """No line, no excerpt: beyond the end, too far to the right, another encoding."""
    assert len(check(classify, HEAD + "    match: ['x'\n")) == 1
    far = f"rules:\n  - {{id: r, title: '{'a' * 70000}', category: unknown, mach: x, match: x}}\n"
    assert len(check(classify, far)) == 1
    assert len(check(classify, ("\ufeff" + HEAD + "    match: '('\n").encode("utf-16-le"))) == 1


def test_many_faults(classify):
    """All faults are told; after a thousand, without their lines."""
    text = "rules:\n" + "".join(f"  - {{id: r{i}, titel: x}}\n" for i in range(600))
    lines = check(classify, text)
    assert sum(line.startswith("r.yaml:") for line in lines) == 600 * 4
    assert sum(line.endswith("^") for line in lines) == 1000


def test_programs_get_one_line(classify):
    """What programs read has one line for each fault."""
    classify.write("r.yaml", HEAD + "    match: '('\n")
    good = classify.rules(rule("good", "^x"))
    for command in (["scan", "-o", "jsonl", "-"], ["scan", "-o", "json", "-"],
                    ["scan", "--matches", "-"], ["rules", "list", "-o", "jsonl"],
                    ["rules", "check", "-o", "jsonl"], ["match", "-o", "jsonl", "x"]):
        done = classify.run(*command, "-r", "r.yaml", "-r", good, stdin=b"x\n")
        assert done.err.startswith("r.yaml:5:14: ") and " | " not in done.err
    for command in (["scan", "-"], ["rules", "list"], ["rules", "test"], ["match", "x"]):
        done = classify.run(*command, "-r", "r.yaml", "-r", good, stdin=b"x\n")
        assert "     5 |     match: '('\n" in done.err


@pytest.mark.parametrize("environment, coloured", [
    ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ({"TERM": "dumb"}, False)])
def test_colour(classify, environment, coloured):
    """Colour is for terminals that want it, and never in the message itself."""
    classify.write("r.yaml", HEAD + "    match: '('\n")
    classify.rules(rule("good", "^x"), name="good.yaml")
    ours, theirs = pty.openpty()
    with subprocess.Popen([binary(), "rules", "list", "-r", "r.yaml", "-r", "good.yaml"],
                          stderr=theirs, stdout=subprocess.DEVNULL, cwd=classify.folder,
                          env={**classify.environment, **environment}) as program:
        program.wait(60)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    assert ("\x1b[" in told) is coloured
    assert told.startswith("r.yaml:5:14: the expression does not compile")
