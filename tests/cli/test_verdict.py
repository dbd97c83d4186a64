# SPDX-License-Identifier: Apache-2.0
"""Roles, severities, recovery, and which of several causes is the one."""

import itertools

import pytest

from conftest import also, marker, rule

CAUSE = rule("cause", "^cause$")
OTHER = rule("other", "^other$", category="dns_failed")
LOW = rule("low", "^low$", severity="low", category="tool_bug")
INFO = rule("info", "^info$", severity="info")
SYMPTOM = rule("symptom", "^symptom$", role="symptom", category="image_push_failed")
SECOND = rule("second", "^second$", role="symptom", category="timeout")
START = marker("start", "^start$", "start")
SUCCESS = marker("success", "^success$", "success")
FAILURE = marker("failure", "^failure$", "failure")
ALL = (CAUSE, OTHER, LOW, INFO, SYMPTOM, SECOND, START, SUCCESS, FAILURE)


def lines(text):
    """A log of one word a line."""
    return "".join(f"{word}\n" for word in text.split())


@pytest.mark.parametrize("log, outcome, chosen", [
    # A terminal marker is not needed for a failure.
    ("start cause", "failed", "cause"),
    ("start symptom", "failed", "symptom"),
    ("start failure", "failed", None),
    ("cause failure", "failed", "cause"),
    # A success marker recovers from what came before, and only from that.
    ("cause success", "passed", None),
    ("symptom success", "passed", None),
    ("failure success", "passed", None),
    ("success", "passed", None),
    ("success cause", "failed", "cause"),
    ("cause success other", "failed", "other"),
    ("success failure", "failed", None),
    ("cause success failure", "failed", None),
    ("success cause success", "passed", None),
    # Low and info fail no log, but a low cause explains one that failed.
    ("low", "undetermined", None),
    ("info", "undetermined", None),
    ("low success", "passed", None),
    ("success low", "passed", None),
    ("low failure", "failed", "low"),
    ("low symptom", "failed", "low"),
    ("low" + " line" * 9 + " symptom", "failed", "low"),
    # A hint long before is of something that the log went on from.
    ("low" + " line" * 10 + " symptom", "failed", "symptom"),
    ("low" + " line" * 10 + " low symptom", "failed", "low"),
    ("low cause", "failed", "cause"),
    ("cause low", "failed", "cause"),
    # Causes before symptoms, wherever they stand.
    ("cause symptom", "failed", "cause"),
    ("symptom cause", "failed", "cause"),
    ("cause symptom failure", "failed", "cause"),
    # The last independent cause: the build survived the earlier one.
    ("cause other", "failed", "other"),
    ("other cause", "failed", "cause"),
    ("cause other failure", "failed", "other"),
    # What comes behind the end of the build is not what ended it.
    ("cause failure other", "failed", "cause"),
    # The first symptom: the later one follows from it.
    ("symptom second", "failed", "symptom"),
    ("second symptom", "failed", "second"),
    # A start marker alone decides nothing.
    ("start", "undetermined", None),
    ("nothing", "undetermined", None),
])
def test_outcome(classify, log, outcome, chosen):
    """The table of section 6."""
    answer = classify.verdict(classify.rules(*ALL), lines(log))
    assert (answer["outcome"], answer["rule"]) == (outcome, chosen)
    if outcome == "failed" and chosen is None:
        assert answer["category"] == "unknown"


@pytest.mark.parametrize("log", ["cause other", "symptom cause", "second symptom", "low cause"])
def test_order_of_rules_is_no_evidence(classify, log):
    """The same verdict whatever the order in the file, and under any names."""
    chosen = {classify.verdict(classify.rules(*order), lines(log))["rule"]
              for order in (ALL, ALL[::-1], ALL[4:] + ALL[:4])}
    assert len(chosen) == 1


@pytest.mark.parametrize("role, outcome", [("success", "passed"), ("failure", "failed")])
def test_marker_on_the_same_line(classify, role, outcome):
    """A line that is both has one outcome, whichever rule stands first."""
    for pair in ([CAUSE, marker("end", "cause", role)], [marker("end", "cause", role), CAUSE]):
        assert classify.verdict(classify.rules(*pair), "cause\n")["outcome"] == outcome


def test_tie(classify):
    """Rules that are alike in all that counts are told apart the same way in any order."""
    tied = [rule("p", "^same$"), rule("q", "^same$"), rule("o", "^(?:same)$")]
    chosen = {classify.verdict(classify.rules(*order), "same\n")["rule"]
              for order in itertools.permutations(tied)}
    assert len(chosen) == 1


@pytest.mark.parametrize("log, loser, why", [
    ("cause success", "cause", "recovered"),
    ("symptom cause", "symptom", "symptom"),
    ("cause other", "cause", "earlier"),
    ("symptom second", "second", "symptom"),
    ("low cause", "low", "weaker"),
    ("cause failure other", "other", "weaker"),
])
def test_why_not(classify, log, loser, why):
    """Each loser says why it lost."""
    answer = classify.verdict(classify.rules(*ALL), lines(log))
    assert also(answer, loser)["why_not"].startswith(why)


def test_severities_that_fail(classify):
    """Medium and above fail a log."""
    for severity, outcome in (("critical", "failed"), ("high", "failed"), ("medium", "failed"),
                              ("low", "undetermined"), ("info", "undetermined")):
        for role in ("cause", "symptom"):
            rules = classify.rules(rule("r", "^r$", severity=severity, role=role))
            assert classify.verdict(rules, "r\n")["outcome"] == outcome


def test_explains(classify):
    """What explains another match goes before it, be it earlier or later."""
    rules = classify.rules(dict(CAUSE, explains=["other"]), OTHER)
    for log in ("cause other", "other cause"):
        answer = classify.verdict(rules, lines(log))
        assert answer["rule"] == "cause"
        assert also(answer, "other")["why_not"] == "explained by cause"


def test_explains_only_when_it_matched(classify):
    """A rule that is not there explains nothing."""
    rules = classify.rules(dict(CAUSE, explains=["other"]), OTHER)
    assert classify.verdict(rules, lines("other"))["rule"] == "other"
    answer = classify.verdict(classify.rules(dict(CAUSE, explains=["other"]), OTHER, SUCCESS),
                              lines("cause success other"))
    assert answer["rule"] == "other"


def test_explains_among_symptoms(classify):
    """A specific symptom explains a general one that came first."""
    rules = classify.rules(SYMPTOM, dict(SECOND, explains=["symptom"]))
    answer = classify.verdict(rules, lines("symptom second"))
    assert answer["rule"] == "second"
    assert also(answer, "symptom")["why_not"] == "explained by second"


def test_explains_by_pattern(classify):
    """An id may be a pattern."""
    rules = classify.rules(dict(CAUSE, explains=["pip-*"]), rule("pip-a", "^a$"),
                           rule("pip-b", "^b$"), rule("npm-c", "^c$", severity="low"))
    answer = classify.verdict(rules, lines("cause a b c"))
    assert answer["rule"] == "cause"
    assert also(answer, "pip-a")["why_not"] == also(answer, "pip-b")["why_not"] == \
        "explained by cause"
    assert also(answer, "npm-c")["why_not"].startswith("weaker")


def test_explains_all_but_itself(classify):
    """A pattern that holds for the rule's own id does not make it explain itself."""
    rules = classify.rules(dict(CAUSE, explains=["*"]), OTHER)
    assert classify.verdict(rules, lines("cause"))["rule"] == "cause"
    assert classify.verdict(rules, lines("cause other"))["rule"] == "cause"


def test_explains_in_a_ring(classify):
    """Rules that explain each other still give an answer."""
    ring = [rule("a", "^a$", explains=["b"]), rule("b", "^b$", explains=["c"]),
            rule("c", "^c$", explains=["a"])]
    answer = classify.verdict(classify.rules(*ring), lines("a b c"))
    assert answer["outcome"] == "failed" and answer["rule"] in "abc"


def test_retry_that_was_survived(classify):
    """A warning or a retry is weaker than an error, even a later one."""
    rules = classify.rules(rule("net", "connection reset"), rule("disk", "no space left"))
    log = "error: no space left\nWARN: connection reset, retrying in 5s\n"
    answer = classify.verdict(rules, log)
    assert answer["rule"] == "disk"
    assert also(answer, "net")["why_not"].startswith("weaker")


def test_same_line_longer_match(classify):
    """Two rules on one line: the one that says more of it."""
    rules = classify.rules(rule("short", "^error building"),
                           rule("long", "^error building image: no space left"))
    answer = classify.verdict(rules, "error building image: no space left\n")
    assert answer["rule"] == "long"
    assert also(answer, "short")["why_not"].startswith("duplicate")


def test_recovered_and_back(classify):
    """A rule that hits again behind a success marker counts again, with its new line."""
    answer = classify.verdict(classify.rules(*ALL), lines("cause success x cause"))
    assert answer["rule"] == "cause" and answer["line"] == 4


@pytest.mark.parametrize("unless", ["retrying", {"regex": "retry.ng"}, {"text": "retrying"}])
def test_unless(classify, unless):
    """`unless` looks at the same line and at nothing else."""
    rules = classify.rules(rule("r", "connection reset", unless=unless))
    assert classify.verdict(rules, "connection reset, retrying\n")["outcome"] == "undetermined"
    assert classify.verdict(rules, "connection reset\nretrying\n")["rule"] == "r"
    answer = classify.verdict(rules, "connection reset, retrying\nconnection reset\n")
    assert answer["line"] == 2


def test_unless_sees_line_and_message(classify):
    """`unless` looks at the raw line and at the message."""
    by_wrapper = classify.rules(rule("r", "^connection reset$", unless="level=debug"))
    by_message = classify.rules(rule("r", "connection reset", unless='^connection reset "x"$'))
    wrapped = 'time="2026-03-01T10:00:00Z" level={} msg="connection reset{}"\n'
    assert classify.verdict(by_wrapper, wrapped.format("error", ""))["rule"] == "r"
    assert classify.verdict(by_wrapper, wrapped.format("debug", ""))["outcome"] == "undetermined"
    assert classify.verdict(by_message, wrapped.format("error", ' \\"x\\"'))["rule"] is None
    assert classify.verdict(by_message, wrapped.format("error", ' \\"y\\"'))["rule"] == "r"


# ---- conditions ----

@pytest.mark.parametrize("match, log, line", [
    ({"text": "a.b"}, "axb a.b", 2),
    ({"regex": "^a.b$"}, "axb a.b", 1),
    ({"any": ["^one$", "^two$"]}, "zero two one", 2),
    ({"any": [{"text": "w+"}, "^t.o$"]}, "one two", 2),
    ({"all": ["^one$", "^two$"]}, "one x two", 3),
    ({"all": ["^one$", "^two$"]}, "two x one", 3),
    ({"all": ["^one$", "^two$"]}, "one one", None),
    ({"all": ["^one$", "^two$"], "within": "2 lines"}, "one x two", 3),
    ({"all": ["^one$", "^two$"], "within": "1 line"}, "one x two", None),
    ({"all": ["^one$", "^two$"], "within": "1 lines"}, "one x two one", 4),
    ({"sequence": ["^one$", "^two$"]}, "one x two", 3),
    ({"sequence": ["^one$", "^two$"]}, "two x one", None),
    ({"sequence": ["^one$", "^two$", "^three$"]}, "one two one three", 4),
    ({"sequence": ["^one$", "^two$"], "within": "2 lines"}, "one x two", 3),
    ({"sequence": ["^one$", "^two$"], "within": "1 lines"}, "one x two", None),
    ({"sequence": ["^one$", "^two$"], "within": "1 lines"}, "one x one two", 4),
    ({"count": 3, "of": "^one$"}, "one one x one", 4),
    ({"count": 3, "of": "^one$"}, "one x one", None),
    ({"count": 3, "of": "^one$", "within": "3 lines"}, "one one x one", 4),
    ({"count": 3, "of": "^one$", "within": "2 lines"}, "one one x one", None),
    ({"count": 2, "of": {"any": ["^one$", "^two$"]}, "within": "1 lines"}, "one x two one", 4),
    ({"sequence": [{"any": ["^a$", "^b$"]}, {"all": ["^c$", "^d$"]}]}, "b d x c", 4),
    ({"any": [{"all": ["^a$", "^b$"]}, {"sequence": ["^c$", "^d$"]}]}, "a d c d", 4),
    ({"all": ["^on", "ne$"]}, "one", 1),
])
def test_condition(classify, match, log, line):
    """Conditions of several terms; the line is the one that completed them."""
    answer = classify.verdict(classify.rules(rule("r", match)), lines(log))
    assert answer["line"] == line
    assert answer["rule"] == (None if line is None else "r")


def test_condition_does_not_cross_logs(classify):
    """What was seen in one log is forgotten in the next."""
    rules = classify.rules(rule("r", {"all": ["^one$", "^two$"]}))
    classify.write("logs/1.log", "one\n")
    classify.write("logs/2.log", "two\n")
    found = classify.run("scan", "-r", rules, "-o", "jsonl", "logs").objects()
    assert [log["outcome"] for log in found] == ["undetermined", "undetermined"]


def test_term_that_is_shown(classify):
    """A term may say that its line is the one to show."""
    match = {"sequence": [{"regex": "^one (?<n>[0-9])$", "show": True}, "^two$"]}
    answer = classify.verdict(classify.rules(rule("r", match)), "x\none 7\ny\ntwo\n")
    assert (answer["line"], answer["text"], answer["fields"]) == (2, "one 7", {"n": "7"})


def test_line_above_is_shown(classify):
    """A symptom that points above itself shows the most telling line there, if there is one."""
    rules = classify.rules(rule("run", "^RUN ended with exit status", role="symptom",
                                show="above"))
    answer = classify.verdict(rules,
                              "make\nsh: 1: gcc: not found\nRUN ended with exit status 127\n")
    assert (answer["line"], answer["offset"], answer["text"]) == (2, 5, "sh: 1: gcc: not found")
    answer = classify.verdict(rules, "RUN ended with exit status 127\n")
    assert (answer["line"], answer["text"]) == (1, "RUN ended with exit status 127")


@pytest.mark.parametrize("line", ["gcc -Werror -c a.c", "errors.proto unchanged", "api/error-pages",
                                  "connect # timeout=10", "uploading 3/4", "denied_test.py"])
def test_names_above_tell_nothing(classify, line):
    """A word of failure in a name, and how far something got, are no reason to look away from the match."""
    rules = classify.rules(rule("run", "^make: Error", role="symptom", show="above"))
    answer = classify.verdict(rules, f"{line}\nuploading 3/4\nmake: Error 2\n")
    assert (answer["line"], answer["text"]) == (3, "make: Error 2")


def test_last_match_is_shown(classify):
    """Of a rule that shows its last match, the newest counts, though never a warning in place of an error."""
    rules = classify.rules(
        rule("crash", r"\bcrash (?<n>[0-9])", role="symptom", show="last"), SUCCESS,
        rule("later", r"\bend (?<n>[0-9])", show="last",
             unless={"regex": "sorry", "within": "1 lines", "where": "after"}))
    for log, line, n in (
            ("crash 1\nx\ncrash 2\n", 3, "2"),
            ("crash 1\nsuccess\ncrash 2\nWARNING: crash 3\n", 3, "2"),
            ("WARNING: crash 1\nWARNING: crash 2\n", 2, "2"),
            ("WARNING: crash 1\ncrash 2\n", 2, "2"),
            ("end 1\nend 2\nend 3\nsorry\n", 2, "2"),
            ("end 1\nsorry\nend 2\nWARNING: end 3\n", 3, "2")):
        answer = classify.verdict(rules, log)
        assert (answer["line"], answer["fields"]) == (line, {"n": n}), log


def test_first_binding_wins(classify):
    """Of captures with one name the first that is bound is kept."""
    match = {"all": ["^one (?<n>[0-9])$", "^two (?<n>[0-9]) (?<m>[0-9])$"]}
    answer = classify.verdict(classify.rules(rule("r", match)), "one 1\ntwo 2 3\n")
    assert answer["fields"] == {"n": "1", "m": "3"}


def test_captures_in_texts(classify):
    """Captures are filled into the title and every part of the runbook."""
    rules = classify.rules(rule(
        "r", "^cannot read (?<path>[^ ]+) as (?<user>[^ ]+)$",
        title="${user} may not read ${path}",
        runbook={"cause": "${path} is not of ${user}.", "fix": "chown ${user} ${path}",
                 "prevent": "Own ${path}, ${path}.", "url": "https://docs.example/${user}"}))
    answer = classify.verdict(rules, "cannot read /srv/a b as root\ncannot read /srv/a as root\n")
    assert answer["title"] == "root may not read /srv/a"
    assert answer["runbook"] == {
        "cause": "/srv/a is not of root.", "fix": "chown root /srv/a",
        "prevent": "Own /srv/a, /srv/a.", "url": "https://docs.example/root"}


def test_capture_that_is_not_bound(classify):
    """An alternative that did not take part leaves no field."""
    rules = classify.rules(rule("r", "^(?:a (?<one>x)|b (?<two>y))$"))
    assert classify.verdict(rules, "b y\n")["fields"] == {"two": "y"}


def test_capture_from_the_message(classify):
    """A capture is of the message, with its escapes decoded."""
    rules = classify.rules(rule("r", 'cannot open (?<path>.+)$'))
    answer = classify.verdict(rules, '{"level":"error","msg":"cannot open \\"C:\\\\tmp\\""}\n')
    assert answer["fields"] == {"path": '"C:\\tmp"'}


def test_nothing_spans_a_line_end(classify):
    """An expression sees one line."""
    rules = classify.rules(rule("r", "one\\s*two"), rule("s", "[^x]three"))
    assert classify.verdict(rules, "one\ntwo\nthree\n")["outcome"] == "undetermined"


def test_anchors_are_of_the_line(classify):
    """^, $, \\A and \\z hold at a line's ends, also before \\r\\n."""
    for expression in ("^exact$", "\\Aexact\\z", "^exact\\Z"):
        rules = classify.rules(rule("r", expression))
        assert classify.verdict(rules, "x\r\nexact\r\nexact y\n")["line"] == 2
        assert classify.verdict(rules, "inexact\nexactly\n")["rule"] is None


def test_dialect(classify):
    """Case-sensitive, (?i) where asked, lookaround, possessive quantifiers."""
    for expression, good, bad in (("^Error$", "Error", "error"), ("(?i)^Error$", "eRRoR", "eror"),
                                  ("error(?! budget)", "error", "error budget"),
                                  ("(?<=exit )1\\b", "exit 1", "exit 12"),
                                  ("^a++b$", "aab", "aac"), ("^größer$", "größer", "grosser"), ("(*NO_JIT)^ab[cd]$", "abc", "abe")):
        rules = classify.rules(rule("r", expression))
        assert classify.verdict(rules, f"{bad}\n{good}\n")["line"] == 2
