# SPDX-License-Identifier: Apache-2.0
"""The machine's format: keys, types, places, texts, hash and warnings."""

import gzip
import json

import pytest

from conftest import LOG_KEYS, MATCH_KEYS, also, check_shape, marker, rule

COMPILE = rule("compile", "^cc: error: (?<file>[^ ]+)", severity="critical", owner="user",
               retry="never",
               runbook={"cause": "No ${file}.", "fix": "ls ${file}", "prevent": "Look first.",
                        "url": "https://docs.example/${file}"})
STEP = rule("step", "^step failed", role="symptom")
DONE = marker("done", "^build done$", "success")
ENDED = marker("ended", "^build failed$", "failure")


def test_failed_has_every_key(classify):
    """A failure says all there is to say."""
    rules = classify.rules(dict(COMPILE, explains=["step"]), STEP, pack="demo")
    log = "start\ncc: error: main.c\nstep failed\nstep failed\n"
    answer = classify.verdict(rules, log)
    assert answer == {
        "schema": 1, "source": "-", "outcome": "failed", "category": "build_step_failed",
        "rule": "compile", "pack": "demo", "title": "Title of compile", "severity": "critical",
        "owner": "user", "retry": "never", "line": 2, "offset": 6, "length": 17,
        "text": "cc: error: main.c", "fields": {"file": "main.c"},
        "runbook": {"cause": "No main.c.", "fix": "ls main.c", "prevent": "Look first.",
                    "url": "https://docs.example/main.c"},
        "fingerprint": None, "telling": [],
        "also": [{"rule": "step", "category": "build_step_failed", "line": 3,
                  "text": "step failed", "count": 2, "why_not": "explained by compile"}],
        "lines": 4, "bytes": 48, "ruleset": answer["ruleset"], "warnings": [],
    }


def test_defaults_of_a_rule(classify):
    """What a rule leaves out has the documented default."""
    answer = classify.verdict(classify.rules(rule("bare", "^oops")), "oops\n")
    assert (answer["severity"], answer["owner"], answer["retry"]) == ("high", "platform", "never")
    assert answer["runbook"] == {"cause": "", "fix": "", "prevent": "", "url": ""}
    assert answer["fields"] == {}


@pytest.mark.parametrize("log, outcome", [
    ("", "undetermined"),
    ("nothing to see\n", "undetermined"),
    ("build done\n", "passed"),
    ("cc: error: main.c\nbuild done\n", "passed"),
])
def test_not_failed_is_null(classify, log, outcome):
    """All that would come from a rule is null, and the keys are there all the same."""
    rules = classify.rules(COMPILE, STEP, DONE)
    answer = classify.verdict(rules, log)
    assert answer["outcome"] == outcome
    assert answer["bytes"] == len(log) and answer["lines"] == log.count("\n")


def test_passed_tells_what_was_recovered(classify):
    """A recovered failure is no cause, but it is not hidden."""
    answer = classify.verdict(classify.rules(COMPILE, DONE), "cc: error: a.c\nbuild done\n")
    entry = also(answer, "compile")
    assert entry["line"] == 1 and entry["why_not"].startswith("recovered")


def test_unknown(classify):
    """It failed and no rule says why: no rule, but a line, its template and telling lines."""
    rules = classify.rules(COMPILE, ENDED)
    log = "compiling\nfatal: the frobnicator could not be found\nbuild failed\n"
    answer = classify.verdict(rules, log)
    assert answer["outcome"] == "failed" and answer["category"] == "unknown"
    assert answer["rule"] is None
    assert answer["line"] == 2 and answer["offset"] == 10
    assert answer["text"] == "fatal: the frobnicator could not be found"
    assert answer["telling"][0] == {"line": 2, "text": answer["text"]}


def test_fingerprint_is_of_the_template(classify):
    """Equal templates share it, whatever the numbers and paths; others do not."""
    rules = classify.rules(ENDED)
    prints = []
    for line in ("fatal: cannot open /srv/a/17 for job 12345",
                 "fatal: cannot open /srv/b/99 for job 777",
                 "fatal: cannot reach the host"):
        prints.append(classify.verdict(rules, f"{line}\nbuild failed\n")["fingerprint"])
    assert prints[0] == prints[1] != prints[2]


def test_markers_are_no_candidates(classify):
    """`also` lists what could have been the cause, and markers never could."""
    answer = classify.verdict(classify.rules(COMPILE, ENDED), "cc: error: a.c\nbuild failed\n")
    assert answer["rule"] == "compile" and answer["also"] == []


def test_also_is_bounded(classify):
    """At most twenty losers, one for each rule."""
    rules = classify.rules(*[rule(f"r{n:02}", f"^fault {n:02}$") for n in range(30)])
    log = "".join(f"fault {n:02}\n" for n in range(30)) * 2
    answer = classify.verdict(rules, log)
    assert len(answer["also"]) == 20
    assert all(entry["count"] == 2 for entry in answer["also"])


# ---- places ----

@pytest.mark.parametrize("before, line, ending, lines", [
    (b"one\ntwo\n", b"cc: error: a.c", b"\n", 3),
    (b"one\ntwo\n", b"cc: error: a.c", b"", 3),
    (b"one\r\ntwo\r\n", b"cc: error: a.c", b"\r\n", 3),
    (b"one\r\n", b"cc: error: a.c", b"\r", 2),
    (b"", b"cc: error: a.c", b"", 1),
    (b"\n\n\n", b"cc: error: a.c", b"\n", 4),
    ("größer\nöß\n".encode(), "cc: error: größe.c".encode(), b"\n", 3),
    ("日本\n".encode(), "cc: error: 日本語.c".encode(), b"\r\n", 2),
    (b"a\rb\rc\n", b"cc: error: a.c", b"\nafter\n", 3),
])
def test_place(classify, before, line, ending, lines):
    """Offset and length are bytes; the line ends before \\n and one \\r."""
    data = before + line + ending
    answer = classify.verdict(classify.rules(COMPILE), data)
    assert answer["line"] == before.count(b"\n") + 1
    assert answer["offset"] == len(before)
    assert answer["length"] == len(line)
    assert answer["text"] == line.decode()
    assert answer["bytes"] == len(data)
    assert answer["lines"] == lines
    assert data[answer["offset"]:][:answer["length"]] == line


def test_place_in_gzip(classify):
    """In an archive of one log the place is that of the data, not of the file."""
    data = b"noise of some length\n" * 1000 + b"cc: error: a.c\n"
    path = classify.write("build.log.gz", gzip.compress(data))
    done = classify.run("scan", "-r", classify.rules(COMPILE), "-o", "jsonl", path)
    (answer,) = done.objects()
    check_shape(answer)
    assert answer["source"] == str(path)
    assert (answer["line"], answer["offset"]) == (1001, 21 * 1000)
    assert answer["bytes"] == len(data) and answer["lines"] == 1001


def test_count_and_first_line(classify):
    """Of many hits the first shows the rule, and all are counted."""
    rules = classify.rules(rule("late", "^late"), rule("many", "^many"))
    answer = classify.verdict(rules, "many 1\nmany 2\nx\nmany 3\nlate\n")
    assert answer["rule"] == "late"
    entry = also(answer, "many")
    assert (entry["line"], entry["count"], entry["text"]) == (1, 3, "many 1")


# ---- texts ----

@pytest.mark.parametrize("character", ["x", "é", "語", "😀"])
def test_text_is_cut_at_a_character(classify, character):
    """The shown text ends with a whole character within 8 KiB; the length is the full one."""
    found = [("cc: error: " + "y" * shift + character * 9000).encode() for shift in range(4)]
    for shift, line in enumerate(found):
        classify.write(f"logs/{shift}.log", line + b"\n")
    done = classify.run("scan", "-r", classify.rules(COMPILE), "-o", "jsonl", "logs")
    for answer, line in zip(done.objects(), found, strict=True):
        assert answer["text"] == line[:8192].decode("utf-8", errors="ignore")
        assert answer["length"] == len(line)


def test_match_behind_the_cut(classify):
    """What is not shown is looked at all the same."""
    rules = classify.rules(rule("far", "needle-(?<n>[0-9]+)$"))
    answer = classify.verdict(rules, "x" * 100000 + "needle-42\n")
    assert answer["fields"] == {"n": "42"}
    assert answer["text"] == "x" * 8192 and answer["length"] == 100009


INVALID = [
    b"\xff", b"\x80\x80", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf0\x80\x80\xaf",
    b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\xf0\x9f\x98x", b"\xc3",
    b"\xe2\x82\xe2\x82\xac",
    b"\xf8\x88\x80\x80\x80", b"\xe1\x80\xc0\xf1\x80\x80\xc3", b"\xf0\x9f\xff\x98\x80",
]


@pytest.mark.parametrize("tail", [b"", b" tail of the line"], ids=["end", "middle"])
def test_invalid_utf8(classify, tail):
    """One U+FFFD for each maximal subpart, as the Unicode standard recommends."""
    found = [b"cc: error: some-file-name.c " + junk + tail for junk in INVALID]
    for number, line in enumerate(found):
        classify.write(f"logs/{number:02}.log", b"plain text above\n" * 20 + line + b"\n")
    done = classify.run("scan", "-q", "-r", classify.rules(COMPILE), "-o", "jsonl", "logs")
    for answer, line in zip(done.objects(), found, strict=True):
        assert answer["text"] == line.decode("utf-8", errors="replace")
        assert answer["length"] == len(line)


def test_invalid_utf8_in_fields_and_losers(classify):
    """The same holds for captures and for the texts of losers."""
    rules = classify.rules(rule("one", "^one (?<what>.*)$"), rule("two", "^two (?<what>.*)$"))
    answer = classify.verdict(rules, b"one a\xffb, and some more\ntwo c\xe2\x82d, and some more\n")
    assert answer["fields"] == {"what": "c\ufffdd, and some more"}
    assert also(answer, "one")["text"] == "one a\ufffdb, and some more"


def test_output_is_json_whatever_the_log(classify):
    """Quotes, backslashes and controls come back as they were."""
    line = 'cc: error: "a\\b"\t\x01\x1b[31m\x7f\u2028\u2029\u0085 </script>'
    answer = classify.verdict(classify.rules(COMPILE), line + "\n")
    assert answer["text"] == line


def test_one_line_an_object(classify):
    """jsonl is one object a line, ASCII line ends only, nothing before or after."""
    rules = classify.rules(COMPILE)
    for name in ("a.log", "b.log"):
        classify.write(f"logs/{name}", "cc: error: x\u2028y.c\n")
    done = classify.run("scan", "-r", rules, "-o", "jsonl", "logs")
    lines = done.raw.split(b"\n")
    assert lines.pop() == b"" and len(lines) == 2
    assert [json.loads(line)["source"] for line in lines] == ["logs/a.log", "logs/b.log"]
    assert all(set(json.loads(line)) == LOG_KEYS for line in lines)


# ---- the hash ----

def ruleset_hash(classify, *paths, options=()):
    """The hash that a verdict carries."""
    arguments = [word for path in paths for word in ("-r", path)]
    done = classify.run("scan", *arguments, "-o", "jsonl", *options, "-", stdin=b"x\n")
    return done.objects()[0]["ruleset"]


def test_hash_is_of_the_rules_alone(classify):
    """Neither path, nor order, nor comments, nor the engine, nor the cut into files matter."""
    first = classify.rules(COMPILE, STEP, DONE)
    one = ruleset_hash(classify, first)
    moved = classify.rules(COMPILE, STEP, DONE, name="else/where.yml")
    assert ruleset_hash(classify, moved) == one
    assert ruleset_hash(classify, classify.rules(DONE, STEP, COMPILE)) == one
    text = first.read_text(encoding="utf-8")
    commented = classify.write("c.yaml",
                               "# a comment\n" + text.replace("\nrules", "\n\n# x\nrules"))
    assert ruleset_hash(classify, commented) == one
    assert ruleset_hash(classify, first, options=["--engine", "pcre2"]) == one
    assert ruleset_hash(classify, classify.rules(STEP), classify.rules(DONE, COMPILE)) == one


def test_hash_is_of_every_rule(classify):
    """Whatever decides a verdict or is said in it changes the hash."""
    seen = {ruleset_hash(classify, classify.rules(COMPILE, STEP))}
    changes = [
        dict(COMPILE, match="^cc: error: (?<file>[^ ]*)"), dict(COMPILE, id="compile2"),
        dict(COMPILE, category="tool_bug"), dict(COMPILE, title="other"),
        dict(COMPILE, severity="low"), dict(COMPILE, role="symptom"),
        dict(COMPILE, owner="platform"),
        dict(COMPILE, retry="later"), dict(COMPILE, unless="note"),
        dict(COMPILE, explains=["step"]),
        dict(COMPILE, runbook={"fix": "other"}),
        dict(COMPILE, match={"all": ["a", "b"], "within": "2 lines"}),
        dict(COMPILE, match={"all": ["a", "b"], "within": "3 lines"}),
        dict(COMPILE, match={"sequence": ["a", "b"], "within": "3 lines"}),
        dict(COMPILE, match={"sequence": ["b", "a"], "within": "3 lines"}),
    ]
    for change in changes:
        seen.add(ruleset_hash(classify, classify.rules(change, STEP)))
    assert len(seen) == len(changes) + 1


def test_every_log_has_the_same_hash(classify):
    """The hash is the ruleset's, not the log's."""
    rules = classify.rules(COMPILE)
    one, other = classify.verdict(rules, "cc: error: a\n"), classify.verdict(rules, "")
    assert one["ruleset"] == other["ruleset"]


# ---- warnings ----

def codes(answer):
    """The codes of a verdict's warnings."""
    return [warning["code"] for warning in answer["warnings"]]


def test_warning_truncated(classify):
    """A cut archive is told with how far the data reached."""
    data = b"cc: error: a.c\n" + bytes(range(32, 127)) * 400 + b"\n"
    path = classify.write("a.log.gz", gzip.compress(data)[:-20])
    done = classify.run("scan", "-r", classify.rules(COMPILE), "-o", "jsonl", path)
    (answer,) = done.objects()
    check_shape(answer)
    assert done.code == 2
    assert answer["rule"] == "compile"
    (warning,) = answer["warnings"]
    assert warning["code"] == "truncated_input" and warning["line"] is None
    assert warning["offset"] == answer["bytes"] <= len(data)


def test_warning_long_line(classify):
    """Past 1 MiB the rest of a line is not looked at; the lines behind it are."""
    rules = classify.rules(rule("in", "^head"), rule("out", "tail$"), rule("next", "^next"))
    line = b"head" + b"x" * (1 << 20) + b"tail"
    answer = classify.verdict(rules, b"a\n" + line + b"\nnext\n")
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["line"], warning["offset"]) == ("line_too_long", 2, 2)
    assert answer["rule"] == "next" and answer["line"] == 3
    assert answer["offset"] == 2 + len(line) + 1
    assert [entry["rule"] for entry in answer["also"]] == ["in"]
    assert answer["lines"] == 3 and answer["bytes"] == len(line) + 8


def test_line_of_the_limit_is_whole(classify):
    """A line of exactly 1 MiB is looked at in full."""
    line = b"x" * ((1 << 20) - 4) + b"tail"
    answer = classify.verdict(classify.rules(rule("out", "tail$")), line + b"\n")
    assert answer["rule"] == "out" and answer["length"] == 1 << 20 and answer["warnings"] == []


def test_warning_quarantined(classify):
    """Each verdict says that rules were left out."""
    path = classify.rules(COMPILE, rule("bad", "("))
    answer = classify.verdict(path, "cc: error: a.c\n", code=3)
    assert codes(answer) == ["rule_quarantined"]
    assert answer["warnings"][0]["line"] is None and answer["warnings"][0]["offset"] is None


def test_warning_match_limit(classify):
    """An expression that explodes on a line gives up, and says so with the line."""
    rules = classify.rules(rule("slow", "^(?:a+)+(?:a+)+(?:a+)+$"), rule("fine", "^fine"))
    answer = classify.verdict(rules, "x\n" + "a" * 5000 + "!\nfine\n")
    assert codes(answer) == ["match_limit"]
    assert answer["warnings"][0]["line"] == 2
    assert answer["rule"] == "fine"


def test_warning_long_capture(classify):
    """A capture is kept up to 4 KiB, whole characters; that more was there is told."""
    rules = classify.rules(rule("r", "^got (?<what>.*)$"))
    for value, warned in (("x" * 4096, []), ("y" * 4097, ["limit_reached"]),
                          ("zé" * 3000, ["limit_reached"])):
        answer = classify.verdict(rules, f"got {value}\n")
        assert answer["fields"]["what"] == value.encode()[:4096].decode(errors="ignore")
        assert codes(answer) == warned


def test_warning_kept_texts(classify):
    """The texts kept of a log are bounded: past 4 MiB later ones are cut short, which is told."""
    rules = classify.rules(*[rule(f"r{n:03}", f"^r{n:03} ") for n in range(560)])
    log = "".join(f"r{n:03} " + "x" * 8300 + "\n" for n in range(560))
    answer = classify.verdict(rules, log)
    assert answer["rule"] == "r559" and answer["length"] == 8305
    assert answer["text"] and ("r559 " + "x" * 8300).startswith(answer["text"])
    assert codes(answer) == ["limit_reached"]


def test_no_warnings_on_a_plain_log(classify):
    """A plain log has none."""
    assert classify.verdict(classify.rules(COMPILE), "cc: error: a.c\n")["warnings"] == []


# ---- matches ----

def test_matches(classify):
    """One object for each match, markers too, in the order of lines."""
    rules = classify.rules(COMPILE, STEP, DONE)
    log = "cc: error: a.c\r\ncc: error: b.c\nstep failed\nbuild done\n"
    found = classify.matches(rules, log)
    assert all(set(match) == MATCH_KEYS for match in found)
    assert found[0] == {
        "schema": 1, "source": "-", "rule": "compile", "category": "build_step_failed",
        "role": "cause", "severity": "critical", "line": 1, "offset": 0, "length": 14,
        "text": "cc: error: a.c", "fields": {"file": "a.c"},
    }
    assert [(m["rule"], m["role"], m["line"], m["offset"]) for m in found] == [
        ("compile", "cause", 1, 0), ("compile", "cause", 2, 16), ("step", "symptom", 3, 31),
        ("done", "success", 4, 43)]
    assert found[3]["category"] is None and found[3]["fields"] == {}


def test_matches_one_for_each_rule_and_line(classify):
    """A rule hits a line once, however often its expression holds there."""
    rules = classify.rules(rule("a", "ab"), rule("b", "b"))
    found = classify.matches(rules, "abababab\nb\n")
    assert sorted((m["rule"], m["line"]) for m in found) == [("a", 1), ("b", 1), ("b", 2)]


def test_matches_name_their_source(classify):
    """Each match names the log it is in."""
    rules = classify.rules(COMPILE)
    classify.write("logs/1.log", "cc: error: a.c\n")
    classify.write("logs/2.log.gz", gzip.compress(b"\ncc: error: b.c\n"))
    found = classify.run("scan", "-r", rules, "--matches", "logs").objects()
    assert [(m["source"], m["line"], m["fields"]["file"]) for m in found] == [
        ("logs/1.log", 1, "a.c"), ("logs/2.log.gz", 2, "b.c")]


def test_matches_and_exit_code(classify):
    """--exit-code holds for --matches as well."""
    rules = classify.rules(COMPILE)
    done = classify.run("scan", "-r", rules, "--matches", "--exit-code", "-",
                        stdin=b"cc: error: a.c\n")
    assert done.code == 1 and len(done.objects()) == 1
