# SPDX-License-Identifier: Apache-2.0
"""Documents of Common Reliability Enumerations load as they are, and mean what they mean there."""

import json
import os
from pathlib import Path

import pytest

from conftest import rule

CRE = {"id": "CRE-2026-0001", "severity": 1, "title": "A title", "category": "storage-problem"}


def document(body, **more):
    """A file of one CRE; `more` goes to `cre`."""
    return json.dumps({"rules": [{"cre": {**CRE, **more}, "metadata": {"id": "abcdefghijkm", "kind": "rule"},
                                  "rule": body}]})


def a_set(*terms, **more):
    """A set of terms."""
    return {"set": {"event": {"source": "cre.log.x"}, "match": list(terms), **more}}


def a_sequence(*terms, **more):
    """A sequence of terms."""
    return {"sequence": {"window": "30s", "event": {"source": "cre.log.x"}, "order": list(terms), **more}}


def stamped(text):
    """Words as lines: `word@5` is said 5 seconds into the log; `word` alone belongs to the entry above."""
    out = []
    for part in text.split():
        word, _, second = part.partition("@")
        stamp = f"2026-03-01T10:{int(second) // 60:02}:{int(second) % 60:02}Z " if second else ""
        out.append(stamp + word.replace("_", " ") + "\n")
    return "".join(out)


def matched(classify, body, log, **more):
    """The lines of all matches."""
    classify.write("cre.yaml", document(body, **more))
    done = classify.run("scan", "-r", "cre.yaml", "--matches", "-", stdin=log.encode())
    assert done.code == 0, done.err
    return [match["line"] for match in done.objects()]


def faults(classify, text, code=3):
    """What is told of a file, without the excerpts."""
    classify.write("cre.yaml", text)
    done = classify.run("rules", "check", "-r", "cre.yaml", "-o", "jsonl")
    assert done.code == code
    return [line.split(": ", 1)[1] for line in done.err.splitlines()
            if line.startswith("cre.yaml:") and "no example" not in line]


A, B, C, N = {"value": "a."}, {"regex": "b[.]$"}, {"value": "c."}, {"value": "n."}


@pytest.mark.parametrize("body, log, lines", [
    (a_set({"value": "a.b"}), "axb@0 a.b@1", [2]),
    (a_set({"regex": "a.b"}), "axb@0 ab@1", [1]),
    (a_set("a text"), "x@0 a_text@1", [2]),
    (a_set(A, B, window="10s"), "a.@0 b.@10", [2]),
    (a_set(A, B, window="10s"), "b.@0 a.@10", [2]),
    (a_set(A, B, window="10s"), "a.@0 b.@11", []),
    (a_set({**A, "count": 3}, window="10s"), "a.@0 a.@5 a.@10 a.@11", [3]),
    (a_set({**A, "count": 3}, window="10s"), "a.@0 a.@5 a.@11 a.@15", [4]),
    (a_set({**A, "count": 2}, B, window="10s"), "a.@0 b.@1 x@2 a.@3", [4]),
    (a_set({**A, "count": 2}, B, window="10s"), "a.@0 b.@1 x@2 a.@11", []),
    (a_set({**A, "count": 30}, window="1m"), "a.@0 " * 29 + "x@1", []),
    (a_set({**A, "count": 30}, window="1m"), "a.@0 " * 29 + "a.@60", [30]),
    (a_sequence(A, B), "a.@0 b.@30", [2]),
    (a_sequence(A, B), "a.@0 b.@31", []),
    (a_sequence(A, B), "b.@0 a.@1", []),
    (a_sequence(A, B), "a.@5 b.@5", [2]),
    (a_sequence({**A, "count": 2}, B), "a.@0 b.@1 a.@2 b.@3", [4]),
    (a_sequence(A, {**B, "count": 2}), "a.@0 b.@1 b.@2", [3]),
    (a_sequence(A, a_set(B, C, window="10s")), "a.@0 c.@1 b.@2", [3]),
    (a_sequence({**A, "count": 2}, B, window="0s"), "a.@5 a.@5 b.@5", [3]),
    (a_sequence({**A, "count": 2}, B, window="0s"), "a.@5 a.@5 b.@6", []),
    # Without timestamps, lines: 200 of them.
    (a_sequence(A, B), "a. x b.", [3]),
    (a_sequence(A, B), "a. " + "x " * 200 + "b.", []),
])
def test_terms(classify, body, log, lines):
    """Sets and sequences, their windows and counts."""
    assert matched(classify, body, stamped(log)) == lines


@pytest.mark.parametrize("negative, log, lines", [
    # Without more: between the first and the last line of the match.
    (N, "a.@0 n.@5 b.@9", []),
    (N, "n.@0 a.@1 b.@9", [3]),
    (N, "a.@0 b.@9 n.@10", [2]),
    (N, "a.@0 b.@9 n.@9", []),
    ("n.", "a.@0 n.@5 b.@9", []),
    # A window goes on behind that.
    ({**N, "window": "5s"}, "a.@0 b.@9 n.@14", []),
    ({**N, "window": "5s"}, "a.@0 b.@9 n.@15", [2]),
    # An absolute one is all there is.
    ({**N, "window": "5s", "absolute": True}, "a.@0 n.@5 b.@9", []),
    ({**N, "window": "5s", "absolute": True}, "a.@0 n.@6 b.@9", [3]),
    ({**N, "window": "5s", "absolute": True, "anchor": 1}, "a.@0 n.@5 b.@9 x@20", [3]),
    ({**N, "window": "5s", "absolute": True, "anchor": 1}, "a.@0 b.@9 n.@14 x@20", []),
    # A slide moves it, forth and back.
    ({**N, "window": "5s", "absolute": True, "slide": "10s"}, "a.@0 b.@9 n.@12", []),
    ({**N, "window": "5s", "absolute": True, "slide": "10s"}, "a.@0 n.@9 b.@9 x@16", [3]),
    ({**N, "window": "5s", "absolute": True, "slide": "-10s"}, "n.@0 a.@8 b.@9", []),
    ({**N, "window": "5s", "absolute": True, "slide": "-10s"}, "n.@0 a.@16 b.@17", [3]),
    # Any of several.
    ({"regex": "[mn][.]"}, "a.@0 m.@5 b.@9", []),
])
def test_negate(classify, negative, log, lines):
    """What must not be there, and where."""
    assert matched(classify, a_sequence(A, B, negate=[C, negative]), stamped(log)) == lines
    assert matched(classify, a_set(A, B, window="30s", negate=[negative]), stamped(log)) == lines


def test_negate_of_one_term(classify):
    """A set of one term is excused around its line."""
    body = a_set(A, negate=[{**N, "window": "10s", "slide": "-5s"}])
    assert matched(classify, body, stamped("n.@0 a.@5 x@30")) == []
    assert matched(classify, body, stamped("a.@5 n.@10 x@30")) == []
    assert matched(classify, body, stamped("n.@0 a.@6 n.@12 x@30")) == [2]


def test_named_terms(classify):
    """A term may be named, and defined once for the file."""
    whole = json.loads(document(a_sequence("first", "second", negate=["third"])))
    whole["terms"] = {"first": A, "second": {**B, "count": 2}, "third": N}
    classify.write("cre.yaml", json.dumps(whole))
    for log, lines in (("a.@0 b.@1 b.@2", [3]), ("a.@0 b.@1 n.@1 b.@2", [])):
        done = classify.run("scan", "-r", "cre.yaml", "--matches", "-", stdin=stamped(log).encode())
        assert [match["line"] for match in done.objects()] == lines


def test_entries(classify):
    """Lines without a time belong to the entry above; an expression may reach over them."""
    body = a_set({"regex": "handler exploded.*caused by: disk"})
    assert matched(classify, body, "2026-03-01T10:00:00Z handler exploded\n  at x\ncaused by: disk\n") == [3]
    assert matched(classify, body, "2026-03-01T10:00:00Z handler exploded\n"
                                   "2026-03-01T10:00:00Z caused by: disk\n") == []
    assert matched(classify, body, "handler exploded\ncaused by: disk\n") == []
    assert matched(classify, body, "2026-03-01T10:00:00Z x\nhandler exploded, caused by: disk\nmore\n") == [2]


@pytest.mark.parametrize("program, line, hit", [
    ('.kind == "Pod"', '{"kind":"Pod"}', True),
    ('.kind == "Pod"', '{"kind":"PodList"}', False),
    ('.spec.nfs != null', '{"spec":{"nfs":{"path":"/x"}}}', True),
    ('.spec.nfs != null', '{"spec":{"nfs":null}}', False),
    ('.spec.nfs != null', '{"spec":{}}', False),
    ('.a.b', '{"a":{"b":true}}', True),
    ('.a.b', '{"a":{"b":false}}', False),
    ('.code != 0', '{"code":7}', True),
    ('.code != 0', '{"code":0}', False),
    ('(.user // 0) != 0', '{"user":1000}', True),
    ('(.user // 0) != 0', '{"user":0}', False),
    ('(.user // 0) != 0', '{}', False),
    ('.kind == "Pod" and .n == 1', '{"kind":"Pod","n":1}', True),
    ('.kind == "Pod" and .n == 1', '{"kind":"Pod","n":2}', False),
    ('.kind == "Pod" and (.n == 1 or .n == 2)', '{"kind":"Pod","n":2}', True),
    ('(.spec.v[]? | (.nfs != null or .pvc != null))', '{"spec":{"v":[{"x":1},{"pvc":"p"}]}}', True),
    ('(.spec.v[]? | (.nfs != null or .pvc != null))', '{"spec":{"v":[{"x":1}]}}', False),
    ('select(.msg | test("dis[ck] full"))', '{"msg":"the disk full now"}', True),
    ('.msg | contains("a.b")', '{"msg":"axb"}', False),
    ('.["a-b"] == "x"', '{"a-b":"x"}', True),
    ('.msg == "a\\tb"', '{"msg":"a\\tb"}', True),
    ('.msg | test("a\\\\d")', '{"msg":"a7"}', True),
    ('.msg == "null"', '{"msg":"null"}', True),
    ('.msg', '{"msg":""}', True),
])
def test_jq(classify, program, line, hit):
    """jq where it is plain paths and comparisons."""
    assert matched(classify, a_set({"jq": program}), "x\n" + line + "\n") == ([2] if hit else [])


def test_negative_field(classify):
    """A negative term with a field looks at that field, and at whole lines where there is none."""
    body = a_sequence(A, B, negate=[{"field": "level", "value": "info"}])
    for between, lines in (('{"level":"info"}', []), ('{"level":"warn","msg":"info"}', [3]), ("plain info", [])):
        log = f"2026-03-01T10:00:00Z a.\n2026-03-01T10:00:01Z {between}\n2026-03-01T10:00:02Z b.\n"
        assert matched(classify, body, log) == lines, between


def test_field(classify):
    """A field is looked at where a line has it; a plain line is looked at whole."""
    body = a_set({"field": "message", "regex": "^disk full$"})
    assert matched(classify, body, '{"message":"disk full"}\n{"other":"disk full"}\ndisk full\n') == [1, 3]


def test_what_is_told(classify):
    """Severity, category and runbook come from the enumeration."""
    classify.write("cre.yaml", document(
        a_set(A), severity=0, cause="The disk.\n", impact="No writes.", mitigation="- free ${SPACE}\n",
        references=["https://one.example", "https://two.example"], tags=["x"], reports=3, author="someone"))
    verdict = classify.verdict(classify.folder / "cre.yaml", "a.\n")
    assert (verdict["rule"], verdict["pack"], verdict["severity"]) == ("CRE-2026-0001", "cre", "critical")
    assert verdict["category"] == "disk_full"
    assert verdict["runbook"] == {
        "cause": "The disk.\n\nImpact: No writes.\n\nSee also: https://two.example",
        "fix": "- free ${SPACE}", "prevent": "", "url": "https://one.example"}
    for severity, name in ((1, "high"), (2, "medium"), (3, "low"), (4, "info")):
        classify.write("cre.yaml", document(a_set(A), severity=severity, category="never-heard-of"))
        listed = classify.run("rules", "list", "-r", "cre.yaml", "-o", "jsonl").objects()[0]
        assert (listed["severity"], listed["category"]) == (name, "application_crash")


def test_ours_and_theirs(classify):
    """Both kinds of rule may stand in one file; what is unknown is told and passed over."""
    whole = json.loads(document(a_set(A), VALIDATION="x"))
    whole["rules"].append(rule("ours", "b[.]"))
    whole["version"] = 1
    told = faults(classify, json.dumps(whole), code=0)
    assert any("'version' in the file" in line for line in told)
    assert any("'VALIDATION' in 'cre'" in line for line in told)
    done = classify.run("scan", "-r", "cre.yaml", "--matches", "-", stdin=b"a.\nb.\n")
    assert [match["rule"] for match in done.objects()] == ["CRE-2026-0001", "ours"]
    assert any("'cuont' in a term" in line
               for line in faults(classify, document(a_set({**A, "cuont": 5})), code=0))


@pytest.mark.parametrize("body, fault", [
    ({}, "needs a 'set' or a 'sequence'"),
    ({"set": {"match": []}}, "'match' must be a list"),
    ({"sequence": {"order": [A, B]}}, "need a 'window'"),
    (a_set(A, B), "need a 'window'"),
    (a_set({"value": "a", "regex": "b"}), "exactly one of value, regex, jq"),
    (a_set({"count": 2}), "exactly one of value, regex, jq"),
    (a_set({"regex": "("}), "parenthesis"),
    (a_set({**A, "count": 0}), "'count' must be a number"),
    (a_set(A, B, window="soon"), "'window' must be a duration"),
    (a_set({"promql": {"expr": "up"}}), "promql looks at metrics"),
    (a_set({"jq": ".a | ltrimstr(\"x\")"}), "jq: "),
    (a_sequence(A, B, negate=[{**N, "anchor": 2}]), "'anchor' must be the number of a term, from 0 to 1"),
    (a_sequence(A, B, negate=[{**N, "slide": "x"}]), "'slide' must be a duration"),
    (a_sequence(A, B, negate="n."), "'negate' must be a list"),
    (a_set({"jq": '.a["x\\u0000y"] == 1'}), "jq: "),
])
def test_faults(classify, body, fault):
    """A fault is told at its place, and leaves out that document alone."""
    whole = json.loads(document(body))
    whole["rules"].append(rule("good", "x"))
    told = faults(classify, json.dumps(whole))
    assert len([line for line in told if fault in line]) == 1, told
    done = classify.run("scan", "-r", "cre.yaml", "-o", "jsonl", "-", stdin=b"x\n")
    assert done.code == 3 and done.objects()[0]["rule"] == "good"


def deep(levels):
    """A sequence with so many others inside."""
    return a_sequence(A, deep(levels - 1)) if levels else a_sequence(A, B)


@pytest.mark.parametrize("good, bad, fault", [
    (deep(8), deep(9), "terms are nested too deep"),
    (a_set(*[f"x{n}" for n in range(64)], window="1s"), a_set(*[f"x{n}" for n in range(65)], window="1s"),
     "'match' has more than 64 terms"),
    (a_set({**A, "count": 16}, {**B, "count": 16}, {**C, "count": 16}, {**N, "count": 16}, window="1s"),
     a_set({**A, "count": 16}, {**B, "count": 16}, {**C, "count": 16}, {**N, "count": 16}, "x", window="1s"),
     "'match' has more than 64 terms, those of counts included"),
    (a_sequence(A, B, negate=["x"] * 32), a_sequence(A, B, negate=["x"] * 33), "more than 32"),
    (a_set({"jq": "(" * 16 + ".a" + ")" * 16}), a_set({"jq": "(" * 17 + ".a" + ")" * 17}), "jq: nested too deep"),
    (a_set({"jq": "." + "a" * 998}), a_set({"jq": "." + "a" * 1000}), "jq: nothing that is understood"),
], ids=["deep", "terms", "counts", "negate", "parentheses", "path"])
def test_limits(classify, good, bad, fault):
    """What a limit allows loads; one more is told at its place."""
    assert faults(classify, document(good), code=0) == []
    assert [line for line in faults(classify, document(bad)) if fault in line]


def test_limit_of_named_terms(classify):
    """Of more than a thousand named terms none is looked for."""
    for n, code in ((1000, 0), (1001, 3)):
        whole = {**json.loads(document(a_sequence("t1", "t2"))), "terms": {f"t{i}": A for i in range(n)}}
        told = faults(classify, json.dumps(whole), code=code)
        assert any("'terms' has more than 1000 entries" in line for line in told) is bool(code)


def test_entries_that_are_long(classify):
    """An expression sees 200 lines and 32 KiB of an entry, up from the line at hand."""
    body = a_set({"regex": "handler exploded.*caused by: disk"})
    for filler, few, many in (("  at x\n", 198, 199), ("y" * 999 + "\n", 32, 33)):
        for n, found in ((few, True), (many, False)):
            log = "2026-03-01T10:00:00Z handler exploded\n" + filler * n + "caused by: disk\n"
            assert matched(classify, body, log) == ([n + 2] if found else []), (filler[:3], n)


def test_many_lines_that_excuse(classify):
    """The newest 32 lines that could excuse a match are remembered; where an older one might have, that is told."""
    classify.write("cre.yaml", document(a_set(A, negate=[{**N, "window": "5s", "slide": "-60s"}])))
    for n, found, told in ((31, None, []), (32, "CRE-2026-0001", ["limit_reached"])):
        verdict = classify.verdict("cre.yaml", stamped("n.@0 " + "n.@10 " * n + "a.@60 x@99"))
        assert verdict["rule"] == found and [warning["code"] for warning in verdict["warnings"]] == told


def test_public_collection(classify):
    """Every rule of the public collection loads, and finds its own test log."""
    named = os.environ.get("CLASSIFY_CRE")
    if not named:
        pytest.skip("CLASSIFY_CRE does not name a checkout of the public collection")
    folder = Path(named) / "rules"
    done = classify.run("rules", "list", "-r", folder, "-o", "jsonl")
    assert done.code == 0, done.err
    files = {}
    for listed in done.objects():
        files.setdefault(listed["file"], []).append(listed["rule"])
    assert len(files) > 300
    missed = []
    for path, rules in files.items():
        log = Path(path).parent / "test.log"
        if not log.exists():
            continue
        done = classify.run("scan", "-r", path, "--matches", log)
        found = {match["rule"] for match in done.objects()}
        missed += [name for name in rules if name not in found]
        near_miss = Path(path).parent / "test-fp.log"
        if near_miss.exists():
            assert not classify.run("scan", "-r", path, "--matches", near_miss).objects(), near_miss
    assert not missed
