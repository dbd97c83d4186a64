# SPDX-License-Identifier: Apache-2.0
"""Windows in time and in lines, what excuses a match, fields, and expressions over several lines."""

import pytest

from conftest import rule


def stamped(text):
    """Words as lines: `word@5` is said 5 seconds into the log, `word` alone tells no time."""
    out = []
    for part in text.split():
        word, _, second = part.partition("@")
        if second:
            out.append(f"2026-03-01T10:{int(second) // 60:02}:{int(second) % 60:02}Z {word}")
        else:
            out.append(word)
    return "".join(line + "\n" for line in out)


def matched(classify, rules, log):
    """The lines of all matches, in the order in which they are told."""
    done = classify.run("scan", "-r", rules, "--matches", "-", stdin=log.encode())
    assert done.code == 0, done.err
    return [match["line"] for match in done.objects()]


def codes(verdict):
    """The codes of a verdict's warnings."""
    return [warning["code"] for warning in verdict["warnings"]]


AB = ["a$", "b$"]


# ---- windows ----

@pytest.mark.parametrize("match, log, lines", [
    ({"all": AB, "within": "10s"}, "a@0 b@10", [2]),
    ({"all": AB, "within": "10s"}, "a@0 b@11", []),
    ({"all": AB, "within": "10s"}, "b@0 x@300 a@301 b@302", [4]),
    ({"sequence": AB, "within": "1m"}, "a@0 b@60", [2]),
    ({"sequence": AB, "within": "1m"}, "a@0 b@61", []),
    ({"sequence": AB, "within": "1m"}, "b@0 a@1", []),
    ({"sequence": AB, "within": "1m"}, "a@0 a@70 b@80", [3]),
    ({"sequence": ["a$", "b$", "c$"], "within": "10s"}, "a@0 b@9 c@11", []),
    ({"sequence": ["a$", "b$", "c$"], "within": "10s"}, "a@0 b@1 a@5 c@11 b@12 c@13", [6]),
    ({"count": 3, "of": "a$", "within": "5s"}, "a@0 a@1 a@6 a@6", [4]),
    ({"count": 3, "of": "a$", "within": "500ms"}, "a@0 a@1 a@2", []),
    # Lines without a time have that of the line above.
    ({"all": AB, "within": "10s"}, "a@0 b@11 a", [3]),
    ({"all": AB, "within": "10s"}, "a@0 b", [2]),
    # Both kinds of bound: lines are for logs without a time.
    ({"all": AB, "within": "10s or 1 line"}, "a@0 x@1 x@2 b@3", [4]),
    ({"all": AB, "within": "10s or 1 line"}, "a x x b", []),
    ({"all": AB, "within": "10s, 3 lines"}, "a x x b", [4]),
    ({"all": AB, "within": "3 lines | 10s"}, "a x x b", [4]),
    # A nested condition counts from where it began.
    ({"all": [{"count": 2, "of": "a$"}, "b$"], "within": "2 lines"}, "a x a b", []),
    ({"all": [{"count": 2, "of": "a$"}, "b$"], "within": "3 lines"}, "a x a b", [4]),
])
def test_window(classify, match, log, lines):
    """A window is in time where the log tells it, else in lines."""
    assert matched(classify, classify.rules(rule("r", match)), stamped(log)) == lines


@pytest.mark.parametrize("stamps", [
    ("Mar  1 10:00:00 host app[1]: ", "Mar  1 10:00:09 host app[1]: "),
    ("Dec 31 23:59:58 host app[1]: ", "Jan  1 00:00:05 host app[1]: "),
    ("I0301 10:00:00.000000       1 a.go:1] ", "I0301 10:00:09.500000       1 a.go:1] "),
    ("2026-03-01 10:00:00,000 - app - ERROR - ", "2026-03-01 10:00:09,000 - app - ERROR - "),
    ("2026/03/01 10:00:00 ", "2026/03/01 10:00:09 "),
    ("[   12.000000] ", "[   21.900000] "),
    ("1772359200 ", "1772359209 "),
    ("23:59:58 ", "00:00:05 "),
])
def test_clocks(classify, stamps):
    """The same window on the clocks of many programs."""
    near = stamps[0] + "a\n" + stamps[1] + "b\n"
    assert matched(classify, classify.rules(rule("r", {"sequence": AB, "within": "10s"})), near) == [2]
    assert matched(classify, classify.rules(rule("r", {"sequence": AB, "within": "5s"})), near) == []


def test_no_timestamps_is_said(classify):
    """A window in time over a log without any is taken in lines, and that is told."""
    rules = classify.rules(rule("r", {"all": AB, "within": "10s"}))
    far = "a\n" + "x\n" * 200 + "b\n"
    verdict = classify.verdict(rules, far)
    assert verdict["rule"] is None and codes(verdict) == ["no_timestamps"]
    verdict = classify.verdict(rules, far.replace("x\n", "", 1))
    assert verdict["rule"] == "r" and codes(verdict) == ["no_timestamps"]
    verdict = classify.verdict(rules, stamped("a@0 b@3"))
    assert verdict["rule"] == "r" and codes(verdict) == []


# ---- unless ----

def unless(regex, **more):
    """One item of `unless`."""
    return {"regex": regex, **more}


@pytest.mark.parametrize("excuse, log, lines", [
    (unless("ok$", within="2 lines", where="after"), "bad ok", []),
    (unless("ok$", within="2 lines", where="after"), "bad x ok", []),
    (unless("ok$", within="2 lines", where="after"), "bad x x ok", [1]),
    (unless("ok$", within="2 lines", where="after"), "ok bad", [2]),
    (unless("ok$", within="2 lines", where="after"), "bad bad x x ok", [1, 2]),
    (unless("ok$", within="2 lines", where="after"), "bad x bad x ok", [1]),
    (unless("ok$", within="2 lines", where="before"), "ok x bad", []),
    (unless("ok$", within="2 lines", where="before"), "ok x x bad", [4]),
    (unless("ok$", within="2 lines", where="before"), "bad ok", [1]),
    (unless("ok$", within="1 line", where="around"), "ok bad x bad ok x bad", [7]),
    (unless("ok$", within="1 line"), "ok bad x bad ok x bad", [7]),
    (unless("ok$", where="before"), "ok x x x x bad", []),
    (unless("ok$", where="before"), "bad ok", [1]),
    (unless("ok$", where="after"), "bad x x x x ok", []),
    (unless("ok$", where="after"), "ok bad", [2]),
    (unless("ok$", where="around"), "bad x ok", []),
    # In time.
    (unless("ok$", within="30s", where="after"), "bad@0 ok@30", []),
    (unless("ok$", within="30s", where="after"), "bad@0 ok@31", [1]),
    (unless("ok$", within="30s", where="after"), "bad@0 x@10 ok", []),
    (unless("ok$", within="30s", where="before"), "ok@0 bad@30", []),
    (unless("ok$", within="30s", where="before"), "ok@0 bad@31", [2]),
    (unless("ok$", within="30s or 1 line", where="after"), "bad x ok", [1]),
    # Several: any of them excuses.
    (["fine", unless("ok$", within="1 line", where="after")], "bad ok", []),
    (["ad$", unless("ok$", within="1 line", where="after")], "bad x", []),
    ([unless("ok$", within="1 line"), unless("good$", where="before")], "good x bad", []),
])
def test_unless_around(classify, excuse, log, lines):
    """`unless` before, after and around the line of the match."""
    assert matched(classify, classify.rules(rule("r", "bad$", unless=excuse)), stamped(log)) == lines


def test_unless_of_sequence(classify):
    """The range of `unless` is counted from the line that completed the match."""
    rules = classify.rules(rule("r", {"sequence": AB, "within": "9 lines"},
                                unless=unless("ok$", within="1 line", where="after")))
    assert matched(classify, rules, stamped("a ok x b x")) == [4]
    assert matched(classify, rules, stamped("a x b ok")) == []


def test_waiting_matches_keep_their_place(classify):
    """A match that waited shows its own line, captures and context; a success marker after it excuses it."""
    bad = rule("r", r"(?<what>\w+) broke", title="${what} broke",
               unless=unless("recovered", within="3 lines", where="after"))
    rules = classify.rules(bad, rule("later", "^also bad"), {"id": "s", "title": "S", "role": "success", "match": "^done$"})
    verdict = classify.verdict(rules, "x\npump broke\n1\n2\n3\n4\nalso bad\n")
    assert verdict["also"][0]["rule"] == "r" and verdict["also"][0]["line"] == 2
    verdict = classify.verdict(rules, "x\npump broke\n1\n2\n3\n4\n")
    assert (verdict["line"], verdict["title"], verdict["fields"]) == (2, "pump broke", {"what": "pump"})
    verdict = classify.verdict(rules, "pump broke\n1\ndone\n")
    assert verdict["outcome"] == "passed" and verdict["also"][0]["why_not"].startswith("recovered")
    shown = classify.run("scan", "-r", rules, "--context", "1", "-", stdin=b"up\npump broke\ndown\n").out
    assert "up" in shown and "down" in shown


def test_too_many_wait(classify):
    """At most 256 matches wait; the oldest are told then, and a warning says so."""
    rules = classify.rules(rule("r", "bad$", unless=unless("ok$", where="after")))
    verdict = classify.verdict(rules, "bad\n" * 300 + "ok\n")
    assert verdict["rule"] == "r" and codes(verdict) == ["limit_reached"]
    verdict = classify.verdict(rules, "bad\n" * 256 + "ok\n")
    assert verdict["rule"] is None and codes(verdict) == []


# ---- fields ----

@pytest.mark.parametrize("field, line, hit", [
    ({"status": "^5"}, '{"status":503,"msg":"x"}', True),
    ({"status": "^5"}, '{"status":403,"msg":"503"}', False),
    ({".error.code": "^Throttled$"}, '{"error":{"code":"Throttled"}}', True),
    ({"error.code": "^Throttled$"}, '{"error":{"code":"ThrottledX"}}', False),
    ({"items[1].name": "two"}, '{"items":[{"name":"one"},{"name":"two"}]}', True),
    ({"items[0].name": "two"}, '{"items":[{"name":"one"},{"name":"two"}]}', False),
    ({"items[].name": "two"}, '{"items":[{"name":"one"},{"name":"two"}]}', True),
    ({"path": r"^C:\\temp$"}, r'{"path":"C:\\temp"}', True),
    ({"msg": '^say "hi"$'}, r'{"msg":"say \"hi\""}', True),
    ({"msg": '^say "hi"$'}, r'time="2026-03-01T10:00:00Z" level=info msg="say \"hi\""', True),
    ({"code": "^7$", "unit": "^disk"}, "code=7 unit=disk-a", True),
    ({"code": "^7$", "unit": "^disk"}, "code=8 unit=disk-a", False),
    ({"code": "^7$", "unit": "^disk"}, "code=7 unit=net", False),
    ({"level": "^error$"}, "E0301 10:00:00.000000       1 a.go:1] cannot", True),
    ({"level": "^error$"}, "I0301 10:00:00.000000       1 a.go:1] error", False),
    ({"level": "^error$", "msg": "cannot"}, "E0301 10:00:00.000000       1 a.go:1] cannot", True),
    ({"stream": "^stderr$"}, "2026-03-01T10:00:00.000000000Z stderr F boom", True),
    ({"reason": "Evicted"}, "reason Evicted", False),
])
@pytest.mark.parametrize("engine", ["auto", "pcre2"])
def test_field(classify, field, line, hit, engine):
    """Conditions on decoded fields, with the names of their paths in every way they may be written."""
    rules = classify.rules(rule("r", {"field": field}))
    log = "nothing\n" * 3 + line + "\nnothing\n"
    done = classify.run("scan", "-r", rules, "--engine", engine, "--matches", "-", stdin=log.encode())
    assert [match["line"] for match in done.objects()] == ([4] if hit else [])


def test_field_captures(classify):
    """Captures come from the decoded value."""
    rules = classify.rules(rule("r", {"field": {"err": r'open (?<file>"[^"]+")'}}))
    verdict = classify.verdict(rules, r'{"err":"open \"a b\": no"}' + "\n")
    assert verdict["fields"] == {"file": '"a b"'}


# ---- several lines ----

TRACEBACK = {"regex": r"^Traceback \(most recent call last\):\n(?:  .*\n)*(?<error>\w+): (?<text>.*)", "lines": 20}
PYTHON = ["Traceback (most recent call last):", '  File "a.py", line 3, in <module>', "    f()",
          "KeyError: 'x'"]


def wrap(lines, prefix):
    """A log of these lines, each behind a prefix."""
    return "".join(prefix + line + "\n" for line in ["start", *lines, "end"])


@pytest.mark.parametrize("prefix", [
    "", "2026-03-01T10:00:00.000000000Z stderr F ", "2026-03-01T10:00:00Z ", "Mar  1 10:00:00 host app[1]: "])
@pytest.mark.parametrize("engine", ["auto", "pcre2"])
def test_lines(classify, prefix, engine):
    """An expression over several lines hits the last of them, also where each is wrapped."""
    rules = classify.rules(rule("r", TRACEBACK))
    done = classify.run("scan", "-r", rules, "--engine", engine, "-o", "jsonl", "-",
                        stdin=wrap(PYTHON, prefix).encode())
    verdict = done.objects()[0]
    assert (verdict["rule"], verdict["line"]) == ("r", 5)
    assert verdict["fields"] == {"error": "KeyError", "text": "'x'"}


def test_lines_need_their_first(classify):
    """The last line alone is no match, nor is one too far below, nor one with another line between."""
    rules = classify.rules(rule("r", TRACEBACK))
    assert matched(classify, rules, "KeyError: 'x'\n") == []
    assert matched(classify, rules, wrap([PYTHON[0]] + PYTHON[1:3] * 9 + PYTHON[3:], "")) == [21]
    assert matched(classify, rules, wrap([PYTHON[0]] + PYTHON[1:3] * 10 + PYTHON[3:], "")) == []
    assert matched(classify, rules, wrap(PYTHON[:2] + ["other"] + PYTHON[2:], "")) == []
    assert matched(classify, rules, wrap(PYTHON, "") * 2) == [5, 11]


def test_lines_in_one_message(classify):
    """A message that holds the lines itself is matched, too."""
    rules = classify.rules(rule("r", TRACEBACK))
    log = '{"level":"error","msg":"' + "\\n".join(PYTHON).replace('"a.py"', r'\"a.py\"') + '"}\n'
    verdict = classify.verdict(rules, log)
    assert verdict["fields"] == {"error": "KeyError", "text": "'x'"}


def test_lines_too_long_is_said(classify):
    """An expression over lines reaches 32 KiB up; where that cuts it short a warning says so."""
    rules = classify.rules(rule("r", {"regex": r"^begin\n(?:.*\n)*end$", "lines": 5}))
    assert matched(classify, rules, "begin\n" + "x" * 30000 + "\nend\n") == [3]
    verdict = classify.verdict(rules, "begin\n" + "x" * 40000 + "\nend\n")
    assert verdict["rule"] is None and codes(verdict) == ["limit_reached"]


def test_lines_within_sequence(classify):
    """Such an expression is a term like any other."""
    rules = classify.rules(rule("r", {"sequence": [{"regex": "one\ntwo", "lines": 2}, "three"], "within": "3 lines"}))
    assert matched(classify, rules, "one\ntwo\nx\nthree\n") == [4]
    assert matched(classify, rules, "one\nx\ntwo\nthree\n") == []


# ---- what must not depend on other things ----

def test_captures_are_of_the_lines_that_were_taken(classify):
    """Of lines that a match did not take, neither captures nor the line to show are told."""
    def fields(match, log, **more):
        verdict = classify.verdict(classify.rules(rule("r", match, **more)), log)
        return verdict["fields"]
    abc = {"sequence": [r"a (?<x>\w+)", "^b", "^c"], "within": "9 lines"}
    assert fields(abc, "a one\nb\na two\nc\n") == {"x": "one"}
    either = {"count": 2, "of": {"any": [r"old (?<x>\w)", r"new (?<x>\w)"]}, "within": "5 lines"}
    assert fields(either, "old a\n" + "-\n" * 9 + "new b\nnew b\n") == {"x": "b"}
    both = {"all": [r"one (?<x>\w)", r"two (?<x>\w)"], "within": "9 lines"}
    assert fields(both, "two b\none a\n") == {"x": "a"}
    shown = {"sequence": [{"regex": "^a", "show": True}, "^b", "^c"], "within": "9 lines"}
    verdict = classify.verdict(classify.rules(rule("r", shown)), "a one\nb\nx\nc\n")
    assert verdict["text"] == "a one"


def test_waiting_does_not_depend_on_other_rules(classify):
    """Whether a match is excused is between its rule and the log."""
    bad = rule("r", "bad$", unless=unless("ok$", within="30s or 1 line", where="after"))
    log = "2026-03-01T10:00:00Z bad\n" + "x\n" * 300 + "other\n" + "2026-03-01T10:00:20Z ok\n"
    assert matched(classify, classify.rules(bad), log) == []
    assert matched(classify, classify.rules(bad, rule("o", "other", severity="info")), log) == [302]


def test_waiting_shows_the_line_above(classify):
    """`show: above` holds for a match that waited, too."""
    bad = rule("r", "^exit status 2$", show="above", unless=unless("ok$", within="2 lines", where="after"))
    verdict = classify.verdict(classify.rules(bad), "cannot open the file\nexit status 2\nx\ny\n")
    assert (verdict["line"], verdict["text"]) == (1, "cannot open the file")


def test_secrets_of_other_lines_and_fields(classify):
    """With redaction a capture is hidden by the text in which it matched, wherever that stood."""
    rules = classify.rules(
        rule("lines", {"regex": r"password=(?<p>\S+)\n.*broke", "lines": 2}, title="lost ${p}"),
        rule("pair", {"sequence": [r"password=(?<p>\S+)", "broke"], "within": "5 lines"}, title="lost ${p}"),
        rule("field", {"field": {"password": r"(?<p>.+)"}}, title="lost ${p}"))
    log = 'password=hunter2aa\nit broke\n{"password":"hunter2\\/bb","msg":"x"}\n'.encode()
    for options in (["--matches"], ["-o", "jsonl"], ["-o", "text"]):
        done = classify.run("scan", "-r", rules, "--redact", *options, "-", stdin=log)
        assert "hunter2" not in done.out and "lost" in done.out + "lost"


def test_memory_of_a_rule_is_bounded(classify):
    """A condition that would keep too many lines in mind is a fault."""
    rules = classify.rules(rule("r", {"any": [{"count": 1000, "of": f"x{i}"} for i in range(5)]}))
    done = classify.run("rules", "check", "-r", rules)
    assert done.code == 3 and "keeps 5005 lines in mind; the limit is 4096" in done.err


def test_time_of_a_line_above(classify):
    """A line without a time has that of a line above, up to 40 lines and 8 KiB away; beyond, it has none."""
    rules = classify.rules(rule("r", {"all": AB, "within": "10s or 300 lines"}))
    for filler, few, many in (("x\n", 39, 40), ("y" * 999 + "\n", 8, 9)):
        for n, told in ((few, []), (many, ["no_timestamps"])):
            verdict = classify.verdict(rules, "2026-03-01T10:00:00Z a\n" + filler * n + "b\n")
            assert verdict["rule"] == "r" and codes(verdict) == told, (filler[:2], n)


def test_too_many_captures(classify):
    """A match has at most 32 captures, and a warning says that there were more."""
    def groups(letter, n):
        return letter + "".join(f"(?<{letter}{i}>.)" for i in range(n))

    for n, told in ((12, []), (13, ["limit_reached"])):
        rules = classify.rules(rule("r", {"sequence": [groups("a", 20), groups("b", n)], "within": "2 lines"}))
        verdict = classify.verdict(rules, "a" + "x" * 20 + "\nb" + "y" * 20 + "\n")
        assert len(verdict["fields"]) == 32 and codes(verdict) == told


def test_too_many_faults_end(classify):
    """What aliases multiply is told ten thousand times at most."""
    items = "&bad [" + ", ".join(["{}"] * 150) + "]"
    text = "rules:\n- {id: r0, title: t, category: unknown, match: {any: " + items + "}}\n"
    text += "".join(f"- {{id: r{i}, title: t, category: unknown, match: {{any: *bad}}}}\n" for i in range(1, 400))
    classify.write("many.yaml", text)
    done = classify.run("rules", "check", "-o", "jsonl", "-r", "many.yaml")
    told = [line for line in done.err.splitlines() if line.startswith("many.yaml:")]
    assert done.code == 3 and len(told) == 10000
    assert "the others are counted, not told" in told[-1]
