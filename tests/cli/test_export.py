# SPDX-License-Identifier: Apache-2.0
"""`rules export`: what other tools get says the same as our rules, or less is claimed."""

import json
import re

import pytest

from conftest import marker, rule

# What an exported expression has and Python's `re` writes otherwise.
PYTHON = [("\\z", "\\Z"), ("[[:alpha:]", "[a-zA-Z"), ("[[:digit:]", "[0-9")]


def compiled(expression):
    """The expression for Python, or None where Python has no counterpart."""
    for theirs, ours in PYTHON:
        expression = expression.replace(theirs, ours)
    try:
        return re.compile(expression)
    except re.error:
        return None


def export(classify, to, *rules, pack="demo", code=0):
    """Exports rules and returns the text with the messages."""
    done = classify.run("rules", "export", "--to", to, "-r", classify.rules(*rules, pack=pack))
    assert done.code == code, done.err
    return done


def matchers(done):
    """The problem matchers by owner."""
    return {one["owner"]: one for one in json.loads(done.out)["problemMatcher"]}


def test_matcher(classify):
    """One owner a rule; captures by their numbers, the message by name or as the whole line."""
    done = export(classify, "problem-matcher",
                  rule("named", r"^(?<file>\S+):(?<line>\d+): (?<message>.+)$", severity="low"),
                  rule("whole", r"(?<host>h\d) is (?:down|(?<line>\d+))"))
    assert "2 exported, 0 of them in part; 0 not exported" in done.err
    named, whole = matchers(done)["named"], matchers(done)["whole"]
    assert named["severity"] == "warning" and whole["severity"] == "error"
    (pattern,) = named["pattern"]
    assert pattern == {"regexp": r"^(\S+):(\d+): (.+)$", "message": 3, "file": 1, "line": 2}
    (pattern,) = whole["pattern"]
    found = re.search(pattern["regexp"], "now h1 is 77 again")
    assert found.group(pattern["message"]) == "now h1 is 77 again" and found.group(pattern["line"]) == "77"


@pytest.mark.parametrize("expression, matching, other", [
    ("(?i)Abc[x-z0]", ["aBCX", "abc0"], ["ab"]), (r"a(?i:b)c", ["aBc"], ["ABc", "abC"]),
    (r"\Aa\z", ["a"], ["ab", "ba"]), (r"[[:upper:]]\h[[:punct:]]", ["A\t/", "B ]"], ["a /"]),
    (r"x\x41\Q.*\E", ["xA.*"], ["xAb"]), (r"(?<q>['\"])a\k<q>", ["'a'"], ["'a\""]), (r"[]a]\N", ["]x"], ["x"]),
    (r"(?s)a.b", ["axb"], ["ab"]), (r"(?#note)a(?x: b c # d" + "\n)", ["abc"], ["a b c"]),
    (r"a(?=b)(?!bc)(?<!xa)", ["abd"], ["abc", "xab"]), (r"{a}", ["{a}"], ["a"]), ("é+", ["éé"], ["e"]),
    (r"a\/b", ["a/b"], ["ab"]),
])
def test_javascript(classify, expression, matching, other):
    """Expressions for JavaScript mean what ours mean."""
    done = export(classify, "problem-matcher", rule("r", expression))
    (pattern,) = matchers(done)["r"]["pattern"]
    for line in matching:
        assert re.search(pattern["regexp"], line), line
    for line in other:
        assert not re.search(pattern["regexp"], line), line


@pytest.mark.parametrize("expression", [
    "a++", "(?>a)", r"\Ka", r"(a)(?1)", r"a\X", r"(*ANYCRLF)a", "(?|(a)|(b))", r"\xff", r"\Gb", "(a)(?(1)a)b",
    r"(a)(?i)\1", r"\p{Lu}", "(?U)a+", r"(a)?\1", r"(?:(a)|b)\1", r"(?:\1b|(a))+", r"(?!(a))\1", "(?<=a)*b"])
def test_javascript_refused(classify, expression):
    """What JavaScript lacks is told, and the rule left out."""
    done = export(classify, "problem-matcher", rule("good", "good"), rule("r", expression))
    assert set(matchers(done)) == {"good"}
    assert re.search(r"\.yaml:4:1: warning: not exported: .* \[r\]$", done.err, re.M)


def test_matcher_conditions(classify):
    """Any-of is an alternation, neighbours are patterns; `unless` is a look ahead."""
    neighbours = {"sequence": ["^at (?<file>\\S+)$", {"text": "it (broke)"}, "^(?<message>because.*)$"],
                  "within": "2 lines"}
    done = export(classify, "problem-matcher",
                  rule("any", {"any": ["a(?<line>1)", {"text": "b.c"}, {"any": ["d", "e$"]}]}),
                  rule("but", "bad", unless="^not |fine"), rule("two", neighbours),
                  rule("far", {"sequence": ["a", "b"], "within": "5 lines"}),
                  rule("all", {"all": ["a", "b"]}), rule("count", {"count": 3, "of": "a"}),
                  marker("start", "^go$", "start"))
    found = matchers(done)
    assert set(found) == {"any", "but", "two"}
    expression = found["any"]["pattern"][0]["regexp"]
    for line, good in (("xa1", 1), ("b.c", 1), ("bxc", 0), ("d", 1), ("e", 1), ("ef", 0)):
        assert bool(re.search(expression, line)) == bool(good), line
    expression = found["but"]["pattern"][0]["regexp"]
    for line, good in (("so bad", 1), ("not bad", 0), ("bad but fine", 0), ("is not bad", 1)):
        assert bool(re.search(expression, line)) == bool(good), line
    patterns = found["two"]["pattern"]
    assert [set(p) - {"regexp"} for p in patterns] == [{"file"}, set(), {"message"}]
    assert re.search(patterns[1]["regexp"], "x it (broke) y")
    for left in ("far", "all", "count", "start"):
        assert re.search(rf"not exported: .* \[{left}\]$", done.err, re.M)


CRE_RULE = re.compile(r"""
  - metadata:
      id: [1-9A-HJ-NP-Za-km-z]{12,}
      hash: [1-9A-HJ-NP-Za-km-z]{30,}
      gen: 1
      kind: prequel
      version: "1\.0\.0"
    cre:
      id: CRE-\d{4}-\d{4}
      severity: [0-4]
      title: .+
      category: [a-z-]+
      description: .+
      cause: .+
      impact: .+
(?:      mitigation: .+
(?: {8}.*
|
)*)?(?:      references:
        - .+
)?    rule:
      (?:set|sequence):
(?:        window: \S+
)?        event:
          source: cre\.log\.\S+
        (?:match|order):
(?:          - (?:regex|value): .+
(?:            count: \d+
)?)+(?:        negate:
(?:          - (?:regex|value): .+
            window: \S+
            absolute: true
            anchor: \d+
(?:            slide: -\S+
)?)+)?""")


def check_cre(text):
    """The document has the shape of the schema, rule by rule, and nothing else."""
    head, *rules = text.split("\n  - metadata:")
    assert head == "# Exported by 'classify rules export'.\nrules:"
    ids = []
    for one in rules:
        one = "\n  - metadata:" + one
        assert CRE_RULE.fullmatch(one if one.endswith("\n") else one + "\n"), one
        ids += re.findall(r"^      id: (\S+)$", one, re.M)
    assert len(set(ids)) == len(ids) == 2 * len(rules)
    return len(rules)


def test_cre(classify):
    """Severities are turned round, the runbook keeps its parts, ids are the same each time."""
    rules = [rule("a-rule", r"lost (?<host>\S+)", severity="critical", title="Lost ${host}",
                  runbook={"cause": "It: went", "fix": "ping ${host}\nwait", "prevent": "Do", "url": "https://x.example"}),
             rule("b-rule", {"text": "a.b"}, severity="info")]
    done = export(classify, "cre", *rules)
    assert check_cre(done.out) == 2
    for part in ("severity: 0\n", "severity: 4\n", "title: 'Lost <host>'\n", "category: build-step-failed\n",
                 "cause: 'It: went'\n", "ping <host>\n        wait\n", "- 'https://x.example'\n",
                 r"- regex: 'lost (?P<host>\S+)'", "- value: 'a.b'\n", "source: cre.log.demo\n"):
        assert part in done.out, part
    again = export(classify, "cre", rule("c-rule", "c"), *rules)
    ids = re.findall(r"CRE-\d+-\d+", done.out)
    assert set(ids) < set(re.findall(r"CRE-\d+-\d+", again.out))


@pytest.mark.parametrize("expression", [
    "a(?=b)", "a(?<!b)", r"(a)\1", "a*+", "(?>a)", r"\Ka", "(?R)?a", r"\X", "a{1001}", r"(?<n>a)\k<n>"])
def test_re2_refused(classify, expression):
    """What RE2 lacks is told, and the rule left out."""
    done = export(classify, "cre", rule("good", "good"), rule("r", expression))
    assert check_cre(done.out) == 1
    assert re.search(r"\.yaml:4:1: warning: not exported: .* \[r\]$", done.err, re.M)


def test_cre_lines(classify):
    """Windows in lines and `unless` on the line have no counterpart; both are told."""
    done = export(classify, "cre", rule("but", "bad", unless="fine"),
                  rule("lines", {"sequence": ["a", "b"], "within": "5 lines"}),
                  rule("any", {"any": ["(?<n>a)", {"text": "b.c"}, "(?<n>d)"]}), marker("end", "^end$", "failure"))
    assert check_cre(done.out) == 2
    assert "note: exported in part: 'unless' is left out" in done.err
    assert "not exported: condition of several lines, without a window in time [lines]" in done.err
    assert "a marker (role failure) has no counterpart [end]" in done.err
    assert r"regex: '(?:(a))|(?:b\.c)|(?:(d))'" in done.out


def test_cre_times(classify):
    """Windows in time are theirs."""
    rules = [rule("seq", {"sequence": ["a", {"text": "b"}], "within": "1m30s or 9 lines"}),
             rule("all", {"all": ["a", "b"], "within": "1d"}),
             rule("count", {"count": 4, "of": "a", "within": "30s"}),
             rule("neg", "a", unless=[{"regex": "r", "within": "5s", "where": "after"},
                                      {"text": "t", "within": "5s", "where": "before"}])]
    done = export(classify, "cre", *rules)
    assert check_cre(done.out) == 4
    for part in ("window: 1m30s\n", "window: 24h\n", "count: 3\n", "slide: -5s\n"):
        assert part in done.out


@pytest.mark.parametrize("match, reason", [
    ({"regex": "a\nb", "lines": 3}, "an expression over several lines"),
    ({"field": {"level": "error"}}, "a condition on fields"),
    ({"all": ["a", {"any": ["b", {"count": 2, "of": "c"}]}], "within": "5s"}, "condition of several lines"),
])
@pytest.mark.parametrize("to", ["cre", "problem-matcher"])
def test_conditions_that_stay(classify, match, reason, to):
    """Conditions without a counterpart are told by their kind."""
    done = export(classify, to, rule("good", "good"), rule("r", match))
    assert re.search(rf"\.yaml:4:1: warning: not exported: {reason}.* \[r\]$", done.err, re.M), done.err


def lines_of_examples(classify):
    """Every line of every example of the shipped rules that is one."""
    listed = classify.run("rules", "list", "-o", "jsonl").objects()
    lines = set()
    for file in {one["file"] for one in listed}:
        for line in open(file, encoding="utf-8"):
            found = re.match(r"\s+- (?:line: )?'(.*)'\s*$", line)
            if found:
                lines.add(found.group(1).replace("''", "'"))
    return listed, sorted(lines)


def test_shipped_rules(classify):
    """On the lines of all examples, what is exported finds what our rules find."""
    listed, lines = lines_of_examples(classify)
    log = "".join(line + "\n" for line in lines).encode()
    ours = {}
    done = classify.run("scan", "--matches", "--no-unwrap", "-", stdin=log)
    for match in done.objects():
        ours.setdefault(match["rule"], set()).add(match["line"])
    text = classify.run("rules", "export", "--to", "problem-matcher").out
    checked = 0
    for one in json.loads(text)["problemMatcher"]:
        if len(one["pattern"]) != 1 or not (expression := compiled(one["pattern"][0]["regexp"])):
            continue
        theirs = {n for n, line in enumerate(lines, 1) if expression.search(line)}
        assert theirs == ours.get(one["owner"], set()), one
        checked += 1
    assert checked > len(listed) / 2
    text = classify.run("rules", "export", "--to", "cre").out
    assert check_cre(text) > len(listed) / 2
    again = classify.run("rules", "check", "-o", "jsonl", "-r", classify.write("cre.yaml", text))
    assert again.code == 0 and ": warning: " not in re.sub(".*no example.*", "", again.err)
    checked = 0
    for owner, kind, quoted in re.findall(
            r"\(rule (\S+) of pack .*?match:\n          - (regex|value): '(.*?)'$", text, re.M | re.S):
        quoted = quoted.replace("''", "'")
        expression = compiled(re.escape(quoted) if kind == "value" else quoted)
        if expression:
            theirs = {n for n, line in enumerate(lines, 1) if expression.search(line)}
            assert ours.get(owner, set()) <= theirs, owner
            checked += 1
    assert checked > len(listed) / 3


def test_output_file(classify):
    """A file is written whole, and never replaced unasked."""
    path = classify.rules(rule("a", "a"))
    out = classify.folder / "out.json"
    command = ["rules", "export", "--to", "problem-matcher", "-r", path, "-o", out]
    assert classify.run(*command).out == "" and out.exists()
    assert classify.run(*command).code == 2
    assert classify.run(*command, "--force").code == 0


@pytest.mark.parametrize("arguments", [
    [], ["--to", "sigma"], ["--to", "cre", "x"], ["--nope"], ["--to"]])
def test_usage(classify, arguments):
    """Wrong usage is 2."""
    done = classify.run("rules", "export", *arguments)
    assert done.code == 2 and "try 'classify rules export --help'" in done.err


def test_nothing_exported(classify):
    """Nothing to write: no output, and 3. A faulty rule is told as ever."""
    assert export(classify, "cre", marker("m", "^x", "start"), code=3).out == ""
    done = export(classify, "cre", rule("good", "a"), rule("bad", "("), code=3)
    assert check_cre(done.out) == 1 and "does not compile" in done.err


def test_there_and_back(classify):
    """A problem matcher that was imported is exported as one that finds the same."""
    source = classify.write("m.json", json.dumps({"problemMatcher": [{"owner": "x", "pattern": [
        {"regexp": r"^(\S+):(\d+): (.*)$", "file": 1, "line": 2, "message": 3}]}]}))
    out = classify.folder / "x.yaml"
    assert classify.run("rules", "import", "-o", out, source).code == 0
    done = classify.run("rules", "export", "--to", "problem-matcher", "-r", out)
    assert matchers(done)["matcher-x"]["pattern"] == [
        {"regexp": r"^(\S+):(\d+): (.*)$", "message": 3, "file": 1, "line": 2}]


def test_cre_there_and_back(classify):
    """Enumerations that are loaded again find on the same lines what the rules found."""
    rules = [rule("seq", {"sequence": ["aa", {"text": "b.b"}], "within": "30s"}),
             rule("all", {"all": ["aa", "cc"], "within": "10s"}),
             rule("count", {"count": 3, "of": "dd", "within": "20s"}),
             rule("after", "ee", unless={"regex": "ff", "within": "5s", "where": "after"}),
             rule("before", "gg", unless={"text": "hh", "within": "5s", "where": "before"})]
    ours = classify.rules(*rules)
    done = classify.run("rules", "export", "--to", "cre", "-r", ours)
    assert done.code == 0 and "5 exported, 0 of them in part" in done.err
    theirs = classify.write("cre.yaml", done.out)
    names = dict(re.findall(r"id: (CRE-\S+)\n(?:.*\n)*?      description: .*\(rule (\S+) of", done.out))
    seen = set()
    for events in ("0aa 20b.b", "0aa 40b.b", "0b.b 1aa", "0aa 8cc", "0cc 8aa", "0aa 12cc", "0dd 5dd 9dd", "0dd 5dd 39dd",
                   "0ee 20x", "0ee 3ff 20x", "0ee 9ff 20x", "0hh 3gg", "0hh 9gg", "0gg 3hh 20x", "0dd 1dd"):
        log = "".join(f"2026-01-01T10:00:{int(t):02}Z {text}\n" for t, text in re.findall(r"(\d+)(\S+)", events))
        found = [{names.get(m["rule"], m["rule"]) for m in classify.matches(path, log)} for path in (ours, theirs)]
        assert found[0] == found[1], events
        seen |= found[0]
    assert seen == {"seq", "all", "count", "after", "before"}
