# SPDX-License-Identifier: Apache-2.0
"""`rules import`: options, formats, files, and what hostile input does to them."""

import json

import pytest

from importing import INPUTS, import_file, import_text

ALL = ["knowledge-base.xml", "monitor.json", "counter.json", "matchers.json", "promtail.yaml"]


@pytest.mark.parametrize("name", ALL)
def test_format_is_told_by_content(classify, name):
    """Without --from the result is the same but for the line that names the format."""
    formats = {"knowledge-base.xml": "bfa", "matchers.json": "problem-matcher", "promtail.yaml": "promtail"}
    path = INPUTS / name
    without = classify.run("rules", "import", path)
    named = classify.run("rules", "import", "--from", formats.get(name, "npd"), path)
    assert without.code == named.code == 0
    assert without.out.split("\n", 1)[1] == named.out.split("\n", 1)[1]
    assert without.err == named.err
    stdin = classify.run("rules", "import", "-", stdin=path.read_bytes())
    assert stdin.out.count("\n") == without.out.count("\n")


@pytest.mark.parametrize("text", ["", "a: b\n", "just text\n", "{}", "[]", "[1, 2]", "<a><b/></a>", '{"rules": []}'])
def test_format_is_not_told(classify, text):
    """What tells nothing has to be named."""
    done = classify.run("rules", "import", "-", stdin=text.encode())
    assert done.code == 2 and "--from" in done.err
    assert done.out == ""


@pytest.mark.parametrize("form, text, place", [
    ("npd", '{"rules": [\n  {"a": }\n]}', "2:"), ("bfa", "<a>\n <b></a>", "2:"), ("npd", '{"a": 1, "a": 2}', "1:"),
    ("promtail", "a: [\n", "2:"), ("promtail", "*x\n", "1:1"), ("bfa", '{"name": "a\\u0000b"}', "1:"),
    ("bfa", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "1:"), ("bfa", "<a>" * 5000, "1:"),
    ("npd", "[" * 100000, "1:"), ("npd", "[" * 100 + "]" * 100, "1:"), ("promtail", "[" * 100000, "1:"),
    ("promtail", "a: &a [*a]\n", "1:"), ("promtail", "? [a]\n: b\n", "1:"), ("promtail", "\x01", "1:"),
], ids=lambda value: str(value)[:12])
def test_faults(classify, form, text, place):
    """A file that is none of its kind is told at its place, and makes the exit status 2."""
    done = classify.run("rules", "import", "--from", form, "-", stdin=text.encode())
    assert done.code == 2 and done.out == ""
    assert f"-:{place}" in done.err and ": error: " in done.err


def test_entities(classify):
    """No entity of the input's own is read, whatever it would grow to or reach."""
    text = ('<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd" [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
            "<x>&a;</x>")
    done = classify.run("rules", "import", "-", stdin=text.encode())
    assert done.code == 2 and "document type" in done.err and "root:" not in done.err


def test_output_file(classify):
    """A file is written whole, and never replaced unasked."""
    source = INPUTS / "matchers.json"
    out = classify.folder / "out.yaml"
    assert classify.run("rules", "import", "-o", out, source).out == ""
    first = out.read_text(encoding="utf-8")
    out.write_text("mine\n", encoding="utf-8")
    done = classify.run("rules", "import", "-o", out, source)
    assert done.code == 2 and "--force" in done.err
    assert out.read_text(encoding="utf-8") == "mine\n"
    assert classify.run("rules", "import", "-o", out, "--force", source).code == 0
    assert out.read_text(encoding="utf-8") == first
    assert [path.name for path in classify.folder.iterdir() if path.name.startswith("out")] == ["out.yaml"]
    assert classify.run("rules", "import", "-o", "/dev/null", source).code == 0
    assert classify.run("rules", "import", "-o", classify.folder / "no" / "x.yaml", source).code == 2


def test_nothing_carried_over(classify):
    """Nothing to write: no output, and 3."""
    out = classify.folder / "out.yaml"
    done = classify.run("rules", "import", "--from", "list", "-o", out, "-", stdin=b"# only a comment\n")
    assert done.code == 3 and not out.exists()
    assert done.err == "0 carried over, 0 of them in part; 0 not carried over\n"


def test_several_files(classify):
    """Ids stay apart over files; one that is not there costs only itself."""
    path = classify.write("a.json", json.dumps({"problemMatcher": [
        {"owner": "x", "pattern": [{"regexp": "^(a)$", "message": 1}]}]}))
    done = import_file(classify, [path, "nowhere.json", path])
    assert done.done.code == 2 and "nowhere.json: " in done.err
    assert set(done.rules()) == {"matcher-x", "matcher-x-2"}


@pytest.mark.parametrize("arguments", [
    [], ["--from", "xml", "-"], ["--category", "disk", "-"], ["--nope", "-"], ["--from"], ["-q", "-"]])
def test_usage(classify, arguments):
    """Wrong usage is 2, and nothing is read."""
    done = classify.run("rules", "import", *arguments)
    assert done.code == 2 and "try 'classify rules import --help'" in done.err


def test_pack(classify):
    """--pack names the pack, whatever it holds."""
    for pack in ("mine", "my pack: 'x'", "null", "é\n#"):
        done = import_text(classify, "l.txt", "boom\n", "--from", "list", "--pack", pack)
        assert done.rules()["list-boom"]["pack"] == pack


def test_list(classify):
    """An expression a line, with an id or without; comments and empty lines are none."""
    text = ("# a list\r\n\r\n  \t\nconnection to (?<host>\\S+) refused\r\nmy-id\t(?i)out of memory\n"
            "(\nbad id\tx\n#no\n\tx\n")
    done = import_text(classify, "l.txt", text, "--from", "list")
    rules = done.rules()
    assert set(rules) == {"list-connection-to-host-s-refused", "my-id"}
    assert rules["my-id"]["category"] == "out_of_memory"
    assert done.matches("connection to db refused") == {"list-connection-to-host-s-refused": {"host": "db"}}
    assert set(done.matches("OUT of memory")) == {"my-id"}
    assert done.counts == (2, 0, 3)
    for place in ("l.txt:6:1: ", "l.txt:7:8: ", "l.txt:9:2: "):
        assert place in done.err


NASTY = ["'", '"', "''", "a: b", "a #b", "- a", "{a}", "[x]", "*a", "&a", "!a", "%a", "@a", "`a", "|", ">", "null",
         "~", "true", "1", "a\\", "é", "\u2028x", "\u0085x", "x\u200b", "a ", " a", "a\x7f", "\ufeffx", "x\U0001f600",
         "\\x41", "${a}", "a:b", ": a", "? a", "#{2}", "=", "<<", "a'b\"c"]


@pytest.mark.parametrize("text", NASTY)
def test_quoting(classify, text):
    """Whatever an expression holds, it reads back as the same."""
    expression = "".join("\\" + c if c in "*|?[({" else c for c in text)
    done = import_text(classify, "l.txt", f"the-id\t{expression}\n", "--from", "list")
    if done.counts[0]:
        (found,) = done.rules().values()
        assert found["expressions"] == [expression]
    else:
        assert done.counts == (0, 0, 1)


def test_titles_and_comments_stay_in_their_place(classify):
    """No name or comment of the input becomes a key or a rule of the output."""
    evil = "x\n  - id: evil\n    title: evil"
    causes = [{"name": evil, "description": evil, "comment": evil, "indications": [{"pattern": "a"}]}]
    done = import_text(classify, "c.json", json.dumps(causes))
    rules = done.rules()
    assert list(rules) == ["bfa-x-id-evil-title-evil"]
    assert "\n  - id: evil" not in done.text
    assert "\n" not in rules["bfa-x-id-evil-title-evil"]["title"]


def test_messages_are_made_visible(classify):
    """No byte of the input acts in a terminal."""
    done = import_text(classify, "c.json", json.dumps(
        {"problemMatcher": [{"owner": "\u001b[2Jx", "pattern": [{"regexp": "(", "message": 1}]}]}))
    assert "\x1b" not in done.err and "'[2Jx': not carried over" in done.err


def test_large_file(classify):
    """A file beyond the limit is refused."""
    path = classify.write("large.txt", b"x\n" * (9 << 20))
    done = classify.run("rules", "import", "--from", "list", path)
    assert done.code == 2 and "larger than the limit of 16777216 bytes" in done.err


def test_many_anchors(classify):
    """Of YAML with more than a thousand anchors nothing is read."""
    for n, found in ((1000, False), (1001, True)):
        text = "[" + ", ".join(f"&a{i} x" for i in range(n)) + "]\n"
        done = classify.run("rules", "import", "--from", "promtail", classify.write("p.yaml", text))
        assert ("too many anchors" in done.err) is found


@pytest.mark.parametrize("good, bad, told", [
    ("a" * 8192, "a" * 8193, "the expression has more than 8192 bytes"), ("(" * 100 + "a" + ")" * 100, "(" * 101 + "a" + ")" * 101, "too deep"),
], ids=["bytes", "groups"])
def test_large_expressions(classify, good, bad, told):
    """Expressions of other dialects are read up to 8 KiB, and a hundred groups deep."""
    def matcher(regexp):
        return import_text(classify, "m.json", json.dumps({"problemMatcher": [
            {"owner": "x", "pattern": [{"regexp": regexp, "message": 1}]}]}))

    assert told not in matcher(good).err
    done = matcher(bad)
    assert done.counts == (0, 0, 1) and told in done.err


def test_many_rules(classify):
    """A hundred thousand rules; those beyond are told and counted."""
    text = "".join(f"x{n:06}\n" for n in range(100_002))
    done = classify.run("rules", "import", "--from", "list", "-o", "/dev/null", classify.write("l.txt", text))
    assert "100000 carried over, 0 of them in part; 2 not carried over" in done.err
