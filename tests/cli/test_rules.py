# SPDX-License-Identifier: Apache-2.0
"""Rule files: faults and their places, quarantine, and the commands about rules."""

import json
import re

import pytest

from conftest import DATA, MATCH_KEYS, marker, rule

BAD = DATA / "bad-rules"
FAULTS = sorted(path.stem for path in BAD.glob("*.yaml"))

# A fault of the YAML itself costs the whole file; any other, the rule it is in.
WHOLE_FILE = {"yaml-fault", "yaml-quote", "yaml-tab", "yaml-alias", "yaml-bytes",
              "rules-is-mapping"}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(classify, fault):
    """Each fault is told at its place, as file:line:col: message, and hurts only itself."""
    expected = (BAD / f"{fault}.txt").read_text(encoding="utf-8").splitlines()
    classify.write("good.yaml", "rules:\n  - " + json.dumps(rule("other-file", "^good$")) + "\n")
    other = classify.folder / "good.yaml"
    for command in (["scan", "-o", "jsonl", "-"], ["rules", "list", "-o", "jsonl"]):
        done = classify.run(*command, "-r", f"{fault}.yaml", "-r", other, cwd=BAD, stdin=b"good\n")
        assert done.code == 3
        told = [line for line in done.err.splitlines()
                if line.startswith(f"{fault}.yaml:") and ": warning: " not in line]
        assert told == expected
        assert all(re.match(r"[a-z-]+\.yaml:[1-9][0-9]*:[1-9][0-9]*: [^ ]", line) for line in told)
        if command[0] == "scan":
            (log,) = done.objects()
            assert log["outcome"] == "failed"
            assert [warning["code"] for warning in log["warnings"]] == ["rule_quarantined"]
        else:
            loaded = {one["rule"] for one in done.objects()}
            assert "other-file" in loaded
            assert ("good-neighbour" in loaded) is (fault not in WHOLE_FILE)
            assert len(loaded) <= 2


def test_every_fault_at_once(classify):
    """A folder of faults: all of them are told, in the order of the files."""
    done = classify.run("rules", "check", "-r", ".", cwd=BAD)
    assert done.code == 3
    told = [line.split(":")[0] for line in done.err.splitlines()
            if line.startswith("./") and ": warning: " not in line]
    assert list(dict.fromkeys(told)) == sorted(f"./{fault}.yaml" for fault in FAULTS)


def test_every_fault_has_its_message():
    """The folder is complete."""
    assert FAULTS == sorted(path.stem for path in BAD.glob("*.txt"))


@pytest.mark.parametrize("key", ["id", "title", "category", "match"])
@pytest.mark.parametrize("value", ["", "~", "null", "''", "[]", "{}"])
def test_required_and_empty(classify, key, value):
    """A required key without a value is as good as none."""
    values = {"id": "r", "title": "t", "category": "unknown", "match": "'x'", key: value}
    text = "rules:\n  -\n" + "".join(f"    {name}: {text}\n" for name, text in values.items())
    done = classify.run("rules", "list", "-r", classify.write("r.yaml", text))
    place = 3 + list(values).index(key)
    assert done.code == 3
    assert re.search(rf"r\.yaml:(3|{place}):[0-9]+: ", done.err)


def test_duplicate_names_the_first(classify):
    """Of two rules with one id the later is left out, and told where the first one is."""
    first = classify.rules(rule("a", "^one"), rule("b", "^b"), name="rules/1.yaml")
    second = classify.rules(rule("c", "^c"), rule("b", "^two"), name="rules/2.yaml")
    done = classify.run("scan", "-r", "rules", "-o", "jsonl", "-", stdin=b"two\nb\n")
    assert done.code == 3
    (log,) = done.objects()
    assert (log["rule"], log["line"]) == ("b", 2)
    (told,) = [line for line in done.err.splitlines() if "duplicate" in line]
    assert told.startswith("rules/2.yaml:4:") and "rules/1.yaml:4" in told
    assert first.exists() and second.exists()


def test_same_file_twice(classify):
    """A file that is named twice is a file of duplicates."""
    path = classify.rules(rule("a", "^one"))
    assert classify.run("rules", "list", "-r", path, "-r", path).code == 3


def test_folder_of_rules(classify):
    """Folders are walked, .yaml and .yml, in the order of bytes; other files are let be."""
    classify.rules(rule("z", "^z"), name="rules/B.yaml")
    classify.rules(rule("y", "^y"), name="rules/a/deep/er.yml")
    classify.rules(rule("x", "^x"), name="rules/a.yaml")
    classify.write("rules/README.md", "rules: [\n")
    classify.write("rules/notes.yaml.orig", "rules: [\n")
    done = classify.run("rules", "list", "-r", "rules", "-o", "jsonl")
    assert done.code == 0 and done.err == ""
    assert [one["rule"] for one in done.objects()] == ["z", "y", "x"]
    assert [one["file"] for one in done.objects()] == [
        "rules/B.yaml", "rules/a/deep/er.yml", "rules/a.yaml"]


@pytest.mark.parametrize("text", ["a: 1\n", "- a\n", "just a text\n", "", "# nothing\n", "---\n",
                                  "kind: Pod\nspec: {containers: []}\n"])
def test_yaml_without_rules(classify, text):
    """Other YAML files may lie beside the rules: a note, and nothing worse."""
    classify.rules(rule("x", "^x"), name="rules/a.yaml")
    classify.write("rules/b.yaml", text)
    done = classify.run("rules", "check", "-r", "rules")
    assert done.code == 0
    if text not in ("", "# nothing\n", "---\n"):
        assert re.search(r"^rules/b\.yaml:1:1: .*ignored", done.err, re.M)
    assert classify.run("scan", "-r", "rules", "-", stdin=b"x\n").code == 0


def test_no_rules(classify):
    """Without a single rule nothing can be said: 3."""
    classify.write("empty/notes.txt", "no rules here\n")
    classify.write("a.yaml", "rules: []\n")
    classify.write("b.yaml", "other: 1\n")
    for path in ("empty", "a.yaml", "b.yaml"):
        for command in (["scan", "-o", "jsonl", "-"], ["rules", "list"], ["rules", "check"],
                        ["rules", "test"], ["match", "x"], ["explain", "-"]):
            done = classify.run(*command, "-r", path, stdin=b"x\n")
            assert done.code == 3 and done.err


def test_default_rules_and_others(classify):
    """--rules replaces the shipped packs; `default` names them."""
    shipped = {one["rule"] for one in classify.run("rules", "list", "-o", "jsonl").objects()}
    assert len(shipped) > 50
    mine = classify.rules(rule("my-own-rule", "^xyzzy"))
    done = classify.run("rules", "list", "-r", mine, "-o", "jsonl")
    alone = {one["rule"] for one in done.objects()}
    assert alone == {"my-own-rule"}
    done = classify.run("rules", "list", "-r", "default", "-r", mine, "-o", "jsonl")
    assert {one["rule"] for one in done.objects()} == shipped | alone
    done = classify.run("scan", "-r", "default", "-r", mine, "-o", "jsonl", "-", stdin=b"xyzzy\n")
    assert done.objects()[0]["rule"] == "my-own-rule"


def test_shipped_rules_are_good(classify):
    """The shipped packs load without a fault."""
    done = classify.run("rules", "check")
    assert done.code == 0, done.err


def test_yaml_of_all_kinds(classify):
    """Block texts, anchors, several documents, a mark at the start: YAML is YAML."""
    text = ("\ufeff# a comment\npack: &p many\nrules:\n"
            "  - id: folded\n    title: >-\n      A title\n      in two lines\n"
            "    category: unknown\n    match: |-\n      ^folded$\n"
            "  - {id: flow, title: *p, category: unknown, "
            "match: {any: ['^flow$', &e '^anchor$']}}\n"
            "  - {id: alias, title: t, category: unknown, match: *e}\n"
            "---\nrules: [{id: second, title: 5, category: unknown, match: 7}]\n...\n")
    path = classify.write("r.yaml", text)
    done = classify.run("rules", "list", "-r", path, "-o", "jsonl")
    assert done.code == 0, done.err
    found = {one["rule"]: one for one in done.objects()}
    assert set(found) == {"folded", "flow", "alias", "second"}
    assert found["folded"]["title"] == "A title in two lines"
    assert found["folded"]["expressions"] == ["^folded$"]
    assert (found["flow"]["title"], found["flow"]["pack"]) == ("many", "many")
    assert (found["second"]["title"], found["second"]["expressions"]) == ("5", ["7"])


@pytest.mark.parametrize("text", [
    "rules:\n  - {id: r, title: t, category: unknown, match: &a {any: [*a, *a, *a, *a]}}\n",
    "rules: &r\n  - *r\n",
    "rules:\n  - &r\n    id: r\n    title: t\n    category: unknown\n    match: *r\n",
    "rules:\n" + "".join(f"  - {{id: r{n}, title: t, category: unknown, match: "
                         + "{any: [" * n + "x" + "]}" * n + "}\n" for n in (5, 50, 500)),
    "x: &a [y, y]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n"
                               for n in range(20)) + "rules: [*u]\n",
], ids=["ring", "ring-of-rules", "ring-of-match", "deep", "laughs"])
def test_hostile_yaml(classify, text):
    """Rings and floods of aliases end soon, as faults."""
    path = classify.write("r.yaml", text)
    done = classify.run("rules", "list", "-r", path)
    assert done.code == 3
    assert done.err.count("\n") < 2000


@pytest.mark.parametrize("expression", [
    "(a{1,1000}){1,1000}", "((((a{1,200}){1,200}){1,200}){1,200})", "(?:x|y{1,500}){1,500}z{9999}",
    "[a-z]{60000}", "(" * 300 + "a" + ")" * 300, "a" * 9000, "(?:a?){5000}a{5000}", "(?R)",
    "(a|(?1))b",
    "(?<n>a)(?<n>b)", "\\p{Nope}", "(?<=a*)b", "a{2,1}", "[[:nope:]]", "\\x{110000}", "(?<1a>b)",
    "\\",
])
def test_hostile_expression(classify, expression):
    """An expression loads and works, or is a fault at its place; there is no third way."""
    path = classify.rules(rule("hostile", expression), rule("fine", "^fine$"))
    done = classify.run("scan", "-r", path, "-o", "jsonl", "-", stdin=b"aaaa bbbb\nfine\n")
    assert done.code in (0, 3)
    assert done.objects()[0]["rule"] in ("fine", "hostile")
    if done.code == 3:
        assert re.search(r"\.yaml:3:[0-9]+: .*\[hostile\]", done.err)


def nested(depth):
    """An expression within so many conditions."""
    return "x" if depth == 0 else {"any": [nested(depth - 1)]}


WORDS = [f"x{n}" for n in range(65)]


@pytest.mark.parametrize("good, bad, told", [
    ("a" * 8192, "a" * 8193, "the expression has 8193 bytes; the limit is 8192"),
    ({"regex": "a" * 8188, "lines": 2}, {"regex": "a" * 8189, "lines": 2}, "bytes; the limit is 8192"),
    ("".join(f"(?<n{n}>a)" for n in range(32)), "".join(f"(?<n{n}>a)" for n in range(33)), "more than 32 named or 255 numbered"),
    ("(a)" * 255, "(a)" * 256, "more than 32 named or 255 numbered"),
    ({"any": WORDS[:64]}, {"any": WORDS}, "the condition has more than 64 expressions"),
    ({"any": [{"any": [{"any": [word]}]} for word in WORDS[:53]]}, {"any": [{"any": [{"any": [word]}]} for word in WORDS[:54]]},
     "the condition has more than 160 parts"),
    ({"all": WORDS[:64]}, {"all": WORDS}, "'all' has more than 64 conditions"),
    ({"sequence": WORDS[:64]}, {"sequence": WORDS}, "'sequence' has more than 64 conditions"),
    (nested(16), nested(17), "the condition is nested more than 16 deep"),
], ids=["bytes", "bytes of lines", "names", "groups", "expressions", "parts", "all", "sequence", "depth"])
def test_limits(classify, good, bad, told):
    """What a limit allows loads, and one more is a fault of that rule alone."""
    done = classify.run("rules", "list", "-r", classify.rules(rule("r", good)))
    assert done.code == 0, done.err
    done = classify.run("rules", "list", "-o", "jsonl", "-r", classify.rules(rule("r", bad), rule("other", "x")))
    assert done.code == 3 and told in done.err and "[r]" in done.err
    assert [one["rule"] for one in done.objects()] == ["other"]


def test_limit_of_unless(classify):
    """The same of the items of `unless`."""
    assert classify.run("rules", "list", "-r", classify.rules(rule("r", "a", unless=WORDS[:32]))).code == 0
    done = classify.run("rules", "list", "-r", classify.rules(rule("r", "a", unless=WORDS[:33])))
    assert done.code == 3 and "'unless' has more than 32 items [r]" in done.err


@pytest.mark.parametrize("good, bad, told", [
    ("[" * 61 + "]" * 61, "[" * 62 + "]" * 62, "the file is nested too deep"),
    ("[" + ", ".join(f"&a{n} x" for n in range(1000)) + "]", "[" + ", ".join(f"&a{n} x" for n in range(1001)) + "]",
     "the file has too many anchors"),
], ids=["depth", "anchors"])
def test_limits_of_a_file(classify, good, bad, told):
    """What makes a whole file costly leaves out the file, and no other."""
    many = "# " + "[" * 65 + "\nrules:\n  - {id: r, title: t, category: unknown, match: x, explains: %s}\n"
    other = classify.rules(rule("other", "x"))
    assert told not in classify.run("rules", "list", "-r", classify.write("r.yaml", many % good)).err
    done = classify.run("rules", "list", "-o", "jsonl", "-r", classify.write("r.yaml", many % bad), "-r", other)
    assert done.code == 3 and told in done.err
    assert [one["rule"] for one in done.objects()] == ["other"]


def test_large_file(classify):
    """A file of 16 MiB is read, one byte more is left out."""
    text = b"rules: [{id: r, title: t, category: unknown, match: x}]\n#"
    other = classify.rules(rule("other", "x"))
    for more, found in ((0, ["r", "other"]), (1, ["other"])):
        path = classify.write("r.yaml", text.ljust((16 << 20) + more, b"\n"))
        done = classify.run("rules", "list", "-o", "jsonl", "-r", path, "-r", other)
        assert [one["rule"] for one in done.objects()] == found
        assert done.code == (3 if more else 0)
        assert (f"{path}: larger than the limit of 16777216 bytes" in done.err) is bool(more)


def test_folders_too_deep(classify):
    """Folders up to 32 deep are walked, deeper ones told and left out."""
    for depth in (32, 33):
        classify.rules(rule(f"r{depth}", "x"), name="rules/" + "d/" * depth + "r.yaml")
    done = classify.run("rules", "list", "-o", "jsonl", "-r", "rules")
    assert done.code == 3 and "folders nested more than 32 deep" in done.err
    assert [one["rule"] for one in done.objects()] == ["r32"]


# ---- list ----

LIST_KEYS = {"rule", "pack", "category", "role", "severity", "title", "file", "line",
             "expressions"}


def test_list_jsonl(classify):
    """One object a rule, with all its positive expressions as the judge compiles them."""
    path = classify.rules(
        rule("plain", "^a(?<n>[0-9]+)", unless="not this"),
        rule("literal", {"text": "a.b (c) [d] $x\t"}, severity="low", role="symptom"),
        rule("many",
             {"all": ["^one", {"any": ["^two", "^one"]}, {"text": "three"}], "within": "9 lines"}),
        marker("done", "^done", "success"), pack="mine")
    done = classify.run("rules", "list", "-r", path, "-o", "jsonl")
    assert done.code == 0 and done.err == ""
    found = {one["rule"]: one for one in done.objects()}
    assert all(set(one) == LIST_KEYS for one in found.values())
    assert found["plain"] == {
        "rule": "plain", "pack": "mine", "category": "build_step_failed", "role": "cause",
        "severity": "high", "title": "Title of plain", "file": str(path), "line": 3,
        "expressions": ["^a(?<n>[0-9]+)"]}
    assert found["many"]["expressions"] == ["^one", "^two", "three"]
    assert (found["literal"]["role"], found["literal"]["severity"]) == ("symptom", "low")
    (literal,) = found["literal"]["expressions"]
    assert re.fullmatch(literal, "a.b (c) [d] $x\t")
    assert not re.fullmatch(literal, "axb (c) [d] $x\t")
    assert found["done"]["category"] is None and found["done"]["role"] == "success"
    assert [found[name]["line"] for name in ("plain", "literal", "many", "done")] == [3, 4, 5, 6]


def test_list_text(classify):
    """A line for each rule, with its id, category, role and title."""
    path = classify.rules(rule("plain", "^a"), marker("done", "^done", "success"))
    lines = classify.run("rules", "list", "-r", path).out.splitlines()
    assert [line.split()[0] for line in lines] == ["plain", "done"]
    assert "build_step_failed" in lines[0] and "cause" in lines[0] and "Title of plain" in lines[0]
    assert "success" in lines[1]


# ---- check ----

def test_check(classify):
    """Good rules are counted; rules without examples are warnings, not faults."""
    done = classify.run("rules", "check", "-r", DATA / "rules.yaml")
    assert done.code == 0 and done.err == "" and done.out.startswith("5 rules good")
    path = classify.rules(rule("bare", "^x"), rule("half", "^y", examples={"match": ["y"]}))
    done = classify.run("rules", "check", "-r", path)
    assert done.code == 0
    told = [line for line in done.err.splitlines() if not line.startswith(" ")]
    assert len(told) == 2 and all(": warning: " in line for line in told)
    assert f"{path}:3:" in told[0] and "bare" in told[0]
    assert f"{path}:4:" in told[1] and "half" in told[1]


def test_check_placeholder(classify):
    """A name that no expression captures would never be filled in."""
    path = classify.rules(rule("r", "^(?<there>x)", title="${there} and ${nowhere}"))
    done = classify.run("rules", "check", "-r", path, "-o", "jsonl")
    assert done.code == 0
    assert re.search(rf"{re.escape(str(path))}:3:[0-9]+: warning: .*nowhere", done.err)
    assert "${there}" not in done.err


# ---- test ----

def test_examples_that_hold(classify):
    """All examples of good rules pass, through both engines."""
    done = classify.run("rules", "test", "-r", DATA / "rules.yaml")
    assert done.code == 0
    assert "5 rules" in done.out and "20 examples passed" in done.out and "0 failed" in done.out


@pytest.mark.parametrize("examples, line", [
    ("match:\n          - 'axb'\n          - 'nothing'", 10),
    ("reject:\n          - 'nothing'\n          - 'axb'", 10),
    ("match:\n          - line: 'a7b'\n            fields: {n: '8'}", 9),
    ("match:\n          - line: 'a7b'\n            fields: {m: '7'}", 9),
    ("match:\n          - line: 'a7b'\n            fields: {n: '7', m: '7'}", 9),
], ids=["match", "reject", "value", "name", "more"])
def test_examples_that_fail(classify, examples, line):
    """A failing example is 1, and named with its place."""
    text = ("rules:\n  - id: r\n    title: t\n    category: unknown\n    match: 'a(?<n>.)b'\n"
            f"    examples:\n        # why\n        {examples}\n")
    path = classify.write("r.yaml", text)
    done = classify.run("rules", "test", "-r", path)
    assert done.code == 1
    assert f"{path}:{line}: " in done.out + done.err


def test_examples_in_wrappers_and_pairs(classify):
    """An example goes the way a log goes: unwrapped, and of several lines where it has to be."""
    path = classify.rules(
        rule("one", "^bare$", examples={"match": ['{"msg":"bare"}', "\x1b[31mbare\x1b[0m"],
                                        "reject": ['{"msg":"bare "}']}),
        rule("two", {"sequence": ["^a$", "^b$"]},
             examples={"match": ["a\nb"], "reject": ["b\na", "a"]}))
    done = classify.run("rules", "test", "-r", path)
    assert done.code == 0, done.out


def test_examples_beside_a_faulty_rule(classify):
    """3 before 1: the good rules are tested all the same."""
    path = classify.rules(rule("r", "^x", examples={"match": ["y"]}), rule("bad", "("))
    done = classify.run("rules", "test", "-r", path)
    assert done.code == 3
    assert f"{path}:3: " in done.out


# ---- explain ----

def test_explain_rule(classify):
    """A rule and its runbook."""
    done = classify.run("explain", "-r", DATA / "rules.yaml", "--rule", "demo-disk-full")
    assert done.code == 0 and done.err == ""
    for text in ("demo-disk-full", "disk_full", "critical", "rules.yaml:4", "df -h ${volume}",
                 "garbage", "https://docs.example/disk-full", "no space left on device$"):
        assert text in done.out


def test_explain_log(classify):
    """The verdict with every candidate, and why each lost."""
    done = classify.run("explain", "-r", "rules.yaml", "logs/1-disk.log", cwd=DATA)
    assert done.code == 0 and done.err == ""
    for text in ("demo-disk-full", "chosen", "demo-compile-failed", "earlier", "demo-push-failed",
                 "explained by demo-disk-full", "sha256:"):
        assert text in done.out


def test_explain_lists_more_than_scan(classify):
    """All the losers that a verdict keeps are listed."""
    path = classify.rules(*[rule(f"r{n:02}", f"^fault {n:02}$") for n in range(15)])
    log = "".join(f"fault {n:02}\n" for n in range(15)).encode()
    done = classify.run("explain", "-r", path, "-", stdin=log)
    assert all(f"r{n:02}" in done.out for n in range(15))


@pytest.mark.parametrize("log", [b"", b"nothing\n", b"Pushed image to x\n",
                                 b"fatal: gone\nbuild ended with exit code 2\n"])
def test_explain_without_a_rule(classify, log):
    """There is something to say of any log."""
    done = classify.run("explain", "-r", DATA / "rules.yaml", "-", stdin=log)
    assert done.code == 0 and done.out


def test_explain_missing(classify):
    """A log that is not there is 2."""
    done = classify.run("explain", "-r", DATA / "rules.yaml", "missing.log")
    assert done.code == 2 and "missing.log" in done.err


# ---- match ----

def test_match(classify):
    """Which rules match a line, and what they capture; 1 when none does."""
    path = DATA / "rules.yaml"
    done = classify.run("match", "-r", path, "x: write /a/b: no space left on device")
    assert done.code == 0
    assert "demo-disk-full" in done.out and "volume = /a/b" in done.out
    done = classify.run("match", "-r", path, "nothing")
    assert done.code == 1 and done.err == ""


def test_match_jsonl(classify):
    """The objects of --matches."""
    path = DATA / "rules.yaml"
    done = classify.run("match", "-r", path, "-o", "jsonl",
                        "x: write /a/b: no space left on device")
    (match,) = done.objects()
    assert set(match) == MATCH_KEYS
    assert (match["rule"], match["fields"]) == ("demo-disk-full", {"volume": "/a/b"})
    done = classify.run("match", "-r", path, "-o", "jsonl", "nothing")
    assert done.code == 1 and done.out == ""


def test_match_input(classify):
    """`-` reads lines; --no-unwrap looks at the raw line; odd lines are lines."""
    path = classify.rules(rule("r", "^error: (?<what>.*)$"))
    done = classify.run("match", "-r", path, "-o", "jsonl", "-", stdin=b"x\nerror: a\nerror: b\n")
    assert [match["line"] for match in done.objects()] == [2, 3]
    wrapped = '{"msg":"error: a"}'
    assert classify.run("match", "-r", path, wrapped).code == 0
    assert classify.run("match", "-r", path, "--no-unwrap", wrapped).code == 1
    assert classify.run("match", "-r", path, "").code == 1
    assert classify.run("match", "-r", path, "--", "--error: a").code == 1


# ---- the second opinion ----

def test_engines_agree(classify):
    """PCRE2 alone gives the same bytes, whatever the format."""
    words = ["error: disk", "Error", "warning: deprecated", "fine", "größe überschritten",
             "x" * 300,
             '{"level":"error","msg":"error: \\"net\\" 42"}', "\x1b[31merror: colour\x1b[0m",
             "10%\r100%\rerror: bar", "step 3 failed", "step 4 failed", "done", "", " ", "a,b;c",
             "2026-03-01T10:00:00Z stderr F error: cri", "ERROR: in CAPITALS", "error:\ttab"]
    log = "\n".join(words[i * 7 % len(words)] + ("\r" if i % 5 == 0 else "") for i in range(2000))
    data = log.encode() + b"\nerror: \xff\xfe\x80\n" + b"\nerror: the end"
    path = classify.rules(
        rule("error", "^error: (?<what>.+)$"), rule("caps", "(?i)^error: in (?<c>[A-Z]+)$"),
        rule("gap", "a[^x]*b[^y]*c"), rule("behind", "(?<!step )[34] failed", severity="low"),
        rule("ahead", "step (?=[0-9]) ?(?<n>[0-9])", role="symptom", explains=["err*"]),
        rule("utf", "größe (?<w>über\\w*)"),
        rule("back", "(?<d>[0-9])0%.*\\k<d>", severity="info"),
        rule("dot", "^.{200,}$", severity="low"), rule("blank", "^\\s*$", severity="info"),
        rule("pair", {"sequence": ["^step 3", "^step 4"], "within": "40 lines"}),
        rule("often", {"count": 50, "of": {"text": "fine"}, "within": "900 lines"},
             severity="medium"),
        rule("tab", {"text": "error:\t"}, unless="never"), marker("done", "^done$", "success"))
    for options in (["-o", "jsonl"], ["-o", "json"], ["--matches"],
                    ["-o", "text", "--context", "3"],
                    ["-o", "markdown"], ["-o", "jsonl", "--no-unwrap"],
                    ["--matches", "--no-unwrap"]):
        outputs = {classify.run("scan", "-r", path, *options, *engine, "-", stdin=data).raw
                   for engine in ([], ["--engine", "auto"], ["--engine", "pcre2"])}
        assert len(outputs) == 1
        assert len(outputs.pop()) > 100
