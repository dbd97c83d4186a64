# SPDX-License-Identifier: Apache-2.0
"""`rules test`: examples and their fields, rules among each other, banks of logs, and its formats."""

import json
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import marker, rule


def check(classify, *rules, options=(), code=0):
    """Tests rules without the bundled bank."""
    done = classify.run("rules", "test", "--no-passing", "-r", classify.rules(*rules), *options)
    assert done.code == code, done.out + done.err
    return done


def examples(*match, reject=()):
    """The value of `examples`."""
    return {"match": list(match), "reject": list(reject)}


# ---- fields ----

@pytest.mark.parametrize("fields, problems", [
    ({"n": "7"}, 0), ({}, 1), (None, 0), ({"n": "8"}, 1), ({"n": "7", "m": ""}, 1), ({"m": "7"}, 2),
])
@pytest.mark.parametrize("cached", [False, True])
def test_fields_are_exact(classify, fields, problems, cached):
    """All captures with their values; `{}` promises none; without fields nothing is promised."""
    example = {"line": "a7"} if fields is None else {"line": "a7", "fields": fields}
    path = classify.rules(rule("r", "a(?<n>.)", examples=examples(example)))
    if cached:
        classify.run("scan", "-r", path, "-", stdin=b"x\n")
    done = classify.run("rules", "test", "--no-passing", "-r", path)
    assert done.code == (1 if problems else 0), done.out
    assert done.out.count(f"{path}:3: r: captures ") == 2 * problems


def test_empty_capture(classify):
    """A capture of nothing is a capture."""
    check(classify, rule("r", "a(?<n>.?)$", examples=examples({"line": "a", "fields": {"n": ""}})))


def test_several_lines(classify):
    """An example of several lines is one log, and is shown line by line when it fails."""
    two = {"sequence": ["^a(?<n>.)$", "^b(?<m>.)$"]}
    check(classify, rule("r", two, examples=examples(
        {"line": "a1\nx\nb2", "fields": {"n": "1", "m": "2"}}, reject=["b2\na1"])))
    done = check(classify, rule("r", two, examples=examples("b2\n\x1b[31ma1")), code=1)
    assert "\n    b2\n    \\x1b[31ma1\n" in done.out


# ---- rules among each other ----

def test_shadowed(classify):
    """A rule that the verdict never names on its own examples is told, with the reason."""
    wide = rule("wide", "disk", examples=examples("disk is full", "disk"))
    narrow = rule("narrow", "disk is full", examples=examples("disk is full"))
    done = check(classify, rule("wide", "disk", examples=examples("the disk is full")), narrow)
    assert "warning: shadowed by narrow" in done.out and "[wide]" in done.out
    assert "says more of the same line" in done.out and "1 rule shadowed by others" in done.out
    # One example is its own: it is not shadowed.
    assert "shadowed" not in check(classify, wide, narrow).out
    check(classify, rule("wide", "disk", examples=examples("the disk is full")), narrow,
          options=["--strict"], code=1)


def test_shadowed_by_several(classify):
    """Each example may have another winner."""
    done = check(classify, rule("wide", "disk", examples=examples("disk is full", "disk is gone")),
                 rule("full", "disk is full"), rule("gone", "disk is gone"))
    assert "shadowed by full and others" in done.out


def test_explained_is_no_shadow(classify):
    """What another rule explains yields to it, as its author wants: a note."""
    rules = (rule("cause", "disk is full", explains=["effect"]),
             rule("effect", "write failed", role="symptom",
                  examples=examples("disk is full: write failed")))
    done = check(classify, *rules, options=["--strict"])
    assert "shadowed" not in done.out and "1 rule" not in done.out
    done = check(classify, *rules, options=["-v"])
    assert "note: yields to cause" in done.out and "explained by cause" in done.out


@pytest.mark.parametrize("more", [{"severity": "info"}, {"role": "start", "category": None},
                                  {"role": "failure", "category": None}])
def test_never_named_is_no_shadow(classify, more):
    """Markers and rules of severity info are no causes, so nobody takes their place."""
    done = check(classify, rule("r", "disk", examples=examples("disk is full"), **more),
                 rule("full", "disk is full"))
    assert "shadowed" not in done.out


def test_overlap(classify):
    """Examples that others match, too: counted, and listed on demand."""
    rules = (rule("a", "^x", examples=examples("x1", "x2", "x")), rule("b", "[12]$"),
             rule("c", "zzz", examples=examples("zzz")))
    done = check(classify, *rules)
    assert "overlap" not in done.out and "note" in done.out and "also matched" not in done.out
    done = check(classify, *rules, options=["-v"])
    assert "note: 2 of 3 examples are also matched by b [a]" in done.out
    assert done.out.count("also matched") == 1


def test_long_lists_are_cut(classify):
    """With many findings the output stays short."""
    rules = [rule("full", "disk .* is full")]
    rules += [rule(f"r{n}", f"disk {n} ", examples=examples(f"disk {n} is full")) for n in range(30)]
    done = check(classify, *rules)
    assert done.out.count("warning: ") == 10 and "and 20 more warnings" in done.out
    assert check(classify, *rules, options=["-v"]).out.count("warning: ") == 30


def test_long_values_are_cut(classify):
    """Of a value that is not the expected one, 60 bytes are shown."""
    path = classify.rules(rule("r", "^x(?<n>.*)", examples={"match": [{"line": "x" + "y" * 100, "fields": {"n": "z" * 100}}]}))
    out = classify.run("rules", "test", "--no-passing", "-r", path).out
    assert "'" + "y" * 60 + "...'" in out and "y" * 61 not in out.replace("y" * 100, "")


# ---- logs that passed ----

@pytest.fixture
def bank(classify):
    """Two logs that passed, in a folder and in a file."""
    classify.write("bank/deep/a.log", "one\nerror: 0 of 3\nfine\n")
    classify.write("b.log", "error: but that worked\nPushed image\n")
    return ["--passing", classify.folder / "bank", "--passing", classify.folder / "b.log"]


def test_passing(classify, bank):
    """A rule that calls a passing log failed is named with the log and the line."""
    path = classify.rules(rule("wide", "^error: (?<what>.*)"), rule("other", "zzz"))
    done = classify.run("rules", "test", "-r", path, *bank)
    assert done.code == 1
    a, b = classify.folder / "bank/deep/a.log", classify.folder / "b.log"
    assert f"{path}:3: error: calls the passing log {a} failed at line 2: error: 0 of 3 [wide]" in done.out
    assert f"calls the passing log {b} failed at line 1: " in done.out
    assert "2 passing logs, 2 called failed" in done.out and "[other]" not in done.out


def test_every_culprit(classify, bank):
    """Not only the root cause: whatever would fail the log alone."""
    path = classify.rules(rule("a", "^error"), rule("b", "0 of 3", role="symptom"),
                          marker("c", "^fine$", "failure"), rule("d", "^one", severity="low"))
    done = classify.run("rules", "test", "-r", path, *bank[:2])
    assert [name for name in "abcd" if f"[{name}]" in done.out] == ["a", "b", "c"]


@pytest.mark.parametrize("more", [
    [{"severity": "low"}], [{"severity": "info"}], [{"unless": "0 of|worked"}],
])
def test_harmless(classify, bank, more):
    """What does not change the outcome is no error; with -v the matches are counted."""
    path = classify.rules(rule("r", "^error", **more[0]))
    done = classify.run("rules", "test", "-r", path, *bank)
    assert done.code == 0 and "2 passing logs, 0 called failed" in done.out
    done = classify.run("rules", "test", "-v", "-r", path, *bank)
    assert ("matches in 2 passing logs" in done.out) is ("severity" in more[0])


def test_recovered(classify, bank):
    """A success marker takes back what came before it, also failure markers."""
    path = classify.rules(rule("r", "that worked"), marker("f", "^error: but", "failure"),
                          marker("s", "^Pushed image", "success"))
    done = classify.run("rules", "test", "-r", path, "--passing", classify.folder / "b.log")
    assert done.code == 0, done.out


def test_bundled_bank(classify):
    """The bank that comes with the rules is used, unless another is named or none is wanted."""
    path = classify.rules(rule("wide", "(?i)error"))
    done = classify.run("rules", "test", "-r", path)
    assert done.code == 1 and "/passing/" in done.out
    log = classify.write("x.log", "fine\n")
    done = classify.run("rules", "test", "-r", path, "--passing", log)
    assert done.code == 0 and "1 passing logs, 0 called" in done.out
    done = classify.run("rules", "test", "-r", path, "--passing", log, "--passing", "default")
    assert done.code == 1 and "/passing/" in done.out
    done = classify.run("rules", "test", "-r", path, "--no-passing")
    assert done.code == 0 and "passing" not in done.out
    assert classify.run("rules", "test").code == 0


def test_unreadable_bank(classify):
    """A log that is not there is 2, and the rest is tested."""
    path = classify.rules(rule("r", "a", examples=examples("a")))
    for option in ("--passing", "--logs"):
        done = classify.run("rules", "test", "-r", path, option, "missing")
        assert done.code == 2 and "missing" in done.err and "2 examples passed" in done.out


# ---- logs of failures ----

def test_unmatched(classify):
    """Rules that match no log of their pack; a log belongs to a pack by folder or verdict."""
    classify.write("logs/p/1.log", "nothing of p\nalpha\n")
    classify.write("logs/misc/2.log", "beta\n")
    classify.write("logs/p.log", "gamma\n")
    classify.write("q/3.log", "delta\n")
    for pack, ids in (("p", "alpha beta gamma delta epsilon"), ("q", "zeta"), ("r", "eta")):
        classify.rules(*[rule(one, f"^{one}", severity="low" if one in ("gamma", "delta") else "high")
                         for one in ids.split()], pack=pack, name=f"rules/{pack}.yaml")
    done = classify.run("rules", "test", "--no-passing", "-r", "rules", "--logs", "logs",
                        "--logs", "q")
    assert done.code == 0
    # alpha by folder, beta by the verdict; gamma's log is of no pack, delta's is q's.
    assert "pack p: 2 logs, 3 of 5 rules match none of them: gamma, delta, epsilon\n" in done.out
    assert "pack q: 1 log, 1 of 1 rules match none of them: zeta\n" in done.out
    assert "pack r" not in done.out
    done = classify.run("rules", "test", "--no-passing", "-v", "-r", "rules", "--logs", "logs")
    assert "note: matches none of the 2 logs of its pack [gamma]" in done.out


def test_many_unmatched(classify):
    """Eight of them are named."""
    classify.write("logs/p/1.log", "nothing\n")
    classify.rules(*[rule(f"r{n}", f"^oops {n}") for n in range(11)], pack="p", name="rules/p.yaml")
    done = classify.run("rules", "test", "--no-passing", "-r", "rules", "--logs", "logs")
    assert "11 of 11 rules match none of them: r0, r1, r2, r3, r4, r5, r6, r7 and 3 more" in done.out
    done = classify.run("rules", "test", "--no-passing", "-v", "-r", "rules", "--logs", "logs")
    assert done.out.count("matches none of the 1 log") == 11


# ---- formats ----

ODD = "x\x1b[31m \x01<&>\"' ü \U0001f600 \ufffe ]]>\tz"


def odd_rules(classify, *rules, **more):
    """Writes rules, among them characters that may only stand in YAML as escapes."""
    path = classify.rules(*rules, **more)
    path.write_text(path.read_text(encoding="utf-8").replace("\ufffe", "\\ufffe"), encoding="utf-8")
    return path


def test_jsonl(classify, bank):
    """An object for each example, log and finding, and one that sums up."""
    path = odd_rules(
        classify, rule("a", "^error", examples=examples("error 1", "errr", reject=["no error"])),
        rule("b", "error: 0", examples=examples(ODD)), pack="p")
    done = classify.run("rules", "test", "-r", path, "-o", "jsonl", *bank)
    assert done.code == 1 and done.err == ""
    objects = done.objects()
    assert all(one["schema"] == 1 for one in objects)
    first, second, third, odd = [one for one in objects if one["kind"] == "example"]
    assert first == {"schema": 1, "kind": "example", "rule": "a", "pack": "p", "file": str(path),
                     "line": 3, "text": "error 1", "must": "match", "passed": True, "problems": []}
    assert not second["passed"] and len(second["problems"]) == 2
    assert "does not match" in second["problems"][0]
    assert (third["must"], third["passed"], odd["text"]) == ("reject", True, ODD)
    assert {one["log"]: one["passed"] for one in objects if one["kind"] == "log"} == {
        str(classify.folder / "bank/deep/a.log"): False, str(classify.folder / "b.log"): False}
    assert {(one["kind"], one["level"], one["rule"]) for one in objects if "level" in one} >= {
        ("passing", "error", "a"), ("passing", "error", "b")}
    assert objects[-1] == {"schema": 1, "kind": "summary", "rules": 2, "examples_passed": 4,
                           "examples_failed": 4, "logs": 2, "logs_failed": 2, "errors": 3,
                           "warnings": 0, "notes": 0}


def test_junit(classify, bank):
    """XML that a parser takes, with a case for each example and log, and its file and line."""
    one = odd_rules(classify, rule("a", "^error", examples=examples("error 1", "errr", reject=["no"])),
                    rule("b", "b", examples=examples(ODD)), name="one.yaml")
    two = classify.rules(rule("c", "c", examples=examples("c", "c" * 300)), name="two.yaml")
    arguments = ["rules", "test", "-r", one, "-r", two, *bank]
    done = classify.run(*arguments, "-o", "junit", "--junit", "report.xml")
    assert done.code == 1
    assert (classify.folder / "report.xml").read_bytes() == done.raw
    root = ElementTree.fromstring(done.raw)
    assert root.tag == "testsuites" and (root.get("tests"), root.get("failures")) == ("8", "4")
    suites = {suite.get("name"): suite for suite in root}
    assert list(suites) == [str(one), str(two), "passing logs"]
    assert [suite.get("tests") for suite in root] == ["4", "2", "2"]
    assert [suite.get("failures") for suite in root] == ["2", "0", "2"]
    for suite in root:
        assert int(suite.get("tests")) == len(suite.findall("testcase"))
        assert int(suite.get("failures")) == len(suite.findall("testcase/failure"))
    cases = suites[str(one)].findall("testcase")
    assert [case.get("name")[:9] for case in cases] == ["match 1: ", "match 2: ", "reject 1:", "match 1: "]
    assert [case.get("classname") for case in cases] == ["a", "a", "a", "b"]
    assert cases[0].get("file") == str(one) and cases[0].get("line") == "3"
    failure = cases[1].find("failure")
    assert "does not match its example" in failure.get("message") and "errr" in failure.text
    # What XML cannot hold is made visible, the rest is there as it was.
    assert "x\\x1b[31m \\x01<&>\"' ü \U0001f600 \ufffd ]]>\tz" in cases[3].find("failure").text
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(names)) == len(names)
    log = suites["passing logs"].findall("testcase")[0]
    assert "line 2: a calls it failed" in log.find("failure").get("message")


def test_junit_of_warnings(classify):
    """A warning is no failure, and is said in the output of its suite."""
    done = check(classify, rule("wide", "disk", examples=examples("the disk is full")),
                 rule("narrow", "disk is full"), options=["-o", "junit"])
    root = ElementTree.fromstring(done.raw)
    assert root.get("failures") == "0"
    assert "shadowed by narrow" in root.find("testsuite/system-out").text


def test_junit_beside_text(classify):
    """The file for the server, the text for whoever reads the job's log; what cannot be written is 2."""
    path = classify.rules(rule("a", "a", examples=examples("a")))
    done = classify.run("rules", "test", "--no-passing", "-r", path, "--junit", "x.xml")
    assert done.code == 0 and "2 examples passed" in done.out
    ElementTree.parse(classify.folder / "x.xml")
    done = classify.run("rules", "test", "--no-passing", "-r", path, "--junit", "no/such/x.xml")
    assert done.code == 2 and "2 examples passed" in done.out and "no/such" in done.err


@pytest.mark.parametrize("arguments", [["-o", "xml"], ["--junit"], ["--logs"], ["what"], ["--cost"]])
def test_wrong_usage(classify, arguments):
    """Told, with status 2."""
    done = classify.run("rules", "test", *arguments)
    assert done.code == 2 and done.out == "" and done.err


def test_shipped_packs(classify):
    """They pass, and harm no log of the bank; what is printed is what programs read."""
    done = classify.run("rules", "test", "-o", "jsonl")
    assert done.code == 0
    summary = json.loads(done.out.splitlines()[-1])
    assert summary["examples_failed"] == 0 and summary["logs"] > 20 and summary["errors"] == 0
