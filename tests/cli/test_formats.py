# SPDX-License-Identifier: Apache-2.0
"""The formats csv, junit, sarif and prometheus, as docs/formats.md has them."""

import csv
import gzip
import io
import json
import re
import shlex
import shutil
import subprocess
import tarfile
import xml.etree.ElementTree as ElementTree
import zipfile
from urllib.parse import unquote

import pytest

from conftest import DATA, PATIENCE, WARNING_CODES, binary, rule

RULES = ("-r", "rules.yaml")
FORMATS = ["csv", "junit", "sarif", "prometheus"]
LISTS = ("fields", "telling", "also", "warnings")
RUNBOOK = ("cause", "fix", "prevent", "url")

# What would act in one format or another.
HOSTILE = [
    "<script>alert(1)</script>", "]]>", "&amp; &#0;", '"', "'", ",;\t|", "a\rb", "\x1b[31mred\x1b[0m",
    "\x00\x08\x7f", "\u202eabc\u202c", "\ufffe\uffff", "\u0085\u2028", "{0} {{x}}",
    "[x](https://evil.example/)", "\\", 'x"} 1', "100%",
]
HOSTILE_RULE = rule("r", r"^oops (?<what>(?s:.*))$", title="Oops: ${what}",
                    runbook={"cause": "It is ${what}.", "fix": "echo ${what}", "prevent": "${what}",
                             "url": "https://docs.example/${what}"})


def scan(classify, form, *arguments, code=0, **more):
    """What a scan prints."""
    done = classify.run("scan", "-o", form, *arguments, **more)
    assert done.code == code, done.err
    return done


def normal(text):
    """Without what differs from run to run and from version to version."""
    text = re.sub("sha256:[0-9a-f]{64}", "sha256:HASH", text)
    text = re.sub('"version":"[0-9]+[.][0-9.]*"(?=,"rules")', '"version":"VERSION"', text)
    text = re.sub(r"(?m)^(classify_scan_(?:duration|end_timestamp)_seconds) [0-9.]+$", r"\1 N", text)
    return re.sub(r'(code="engine_fallback"\}) [0-9]+', r"\1 N", text)


@pytest.mark.parametrize("form", FORMATS)
def test_golden(classify, golden, form):
    """The whole of it; the line ends of csv are looked at below."""
    text = normal(scan(classify, form, *RULES, "logs", cwd=DATA).raw.decode())
    golden(f"folder.{form}", text.replace("\r\n", "\n"))


@pytest.mark.parametrize("form", FORMATS)
def test_nothing(classify, form):
    """No log at all is still a document; so is a run without rules."""
    (classify.folder / "empty").mkdir()
    rules = classify.rules(rule("r", "^oops"))
    READ[form](scan(classify, form, "-r", rules, "empty").raw)
    READ[form](scan(classify, form, "-r", rules, "missing", code=2).raw)
    READ[form](scan(classify, form, "-r", classify.write("none.yaml", "rules: []\n"), "empty", code=3).raw)


@pytest.mark.parametrize("form, shown", [("csv", True), ("junit", False), ("sarif", False), ("prometheus", None)])
def test_redaction(classify, form, shown):
    """Hidden by default where others read it; --redact and --no-redact say otherwise."""
    rules = classify.rules(rule("r", "^oops (?<what>.*)$", title="Oops: ${what}", runbook={"fix": "echo ${what}"}))
    for options, expected in (((), shown), (("--redact",), False), (("--no-redact",), True)):
        done = scan(classify, form, "-r", rules, *options, "-", stdin=b"oops password=hunter2hunter2\n")
        assert ("hunter2" in done.out) == bool(expected and shown is not None)


@pytest.mark.parametrize("form", ["junit", "sarif"])
def test_context(classify, form):
    """Lines around the one that shows it."""
    rules = classify.rules(rule("r", "^hit"))
    done = scan(classify, form, "-r", rules, "--context", "2", "-", stdin=b"1\n2\n3\nhit\n5\n6\n7\n")
    if form == "junit":
        (case,) = read_junit(done.raw).iter("testcase")
        assert case.find("failure").text.startswith("  2\n  3\nline 4: hit\n  5\n  6\nrule: r\n")
    else:
        (result,) = read_sarif(done.raw)["results"]
        assert result["locations"][0]["physicalLocation"]["contextRegion"] == {
            "startLine": 2, "endLine": 6, "snippet": {"text": "2\n3\nhit\n5\n6\n"}}


# ---- csv ----

def read_csv(raw):
    """The records, each as long as the header; every record ends in CR LF."""
    text = raw.decode("utf-8")
    assert text.endswith("\r\n")
    header, *records = csv.reader(io.StringIO(text, newline=""), strict=True)
    for record in records:
        assert len(record) == len(header)
    return [dict(zip(header, record)) for record in records]


def plain(cell):
    """A cell without the apostrophe that guards it."""
    return re.sub("(^|[;\t\n])'(?=[=+\\-@\t\r\n＝＋－＠])", r"\1", cell)


def test_csv_says_what_jsonl_says(classify):
    """The columns are the keys of a verdict in their order, and hold the same."""
    logs = scan(classify, "jsonl", *RULES, "logs", cwd=DATA).objects()
    raw = scan(classify, "csv", *RULES, "logs", cwd=DATA).raw
    header = raw.split(b"\r\n")[0].decode().split(",")
    keys = [key for key in logs[0] if key != "schema"]
    at = keys.index("runbook")
    assert header == keys[:at] + list(RUNBOOK) + keys[at + 1:]
    records = read_csv(raw)
    assert len(records) == len(logs)
    for record, log in zip(records, logs):
        if log["text"] and re.search("[\x00-\x08\x0e-\x1f\u200b-\u202e]", log["text"]):
            continue
        for key in header:
            value = (log["runbook"] or {}).get(key) if key in RUNBOOK else log[key]
            cell = plain(record[key])
            if key in LISTS:
                assert (json.loads(cell) if cell else type(value)()) == value
            else:
                assert cell == ("" if value is None else str(value))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"])
def test_csv_is_no_formula(classify, start):
    """A spreadsheet calculates nothing that a log says, wherever it stands."""
    text = start + "cmd|' /C calc'!A0"
    classify.write(f"{start.strip() or 'tab'}.log", f"{text}\n")
    rules = classify.rules(rule("r", "^(?<what>.*calc.*)$", title="${what}", runbook={"cause": "${what}"}))
    (record,) = read_csv(scan(classify, "csv", "-r", rules, "--", next(classify.folder.glob("*.log")).name).raw)
    for cell in record.values():
        assert not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    assert record["text"] == record["title"] == record["cause"] == "'" + text


# ---- junit ----

# The common schema: attributes, and children, of each element.
JUNIT = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time"},
                  {"testcase", "system-out", "system-err"}),
    "testcase": ({"classname", "name", "time"}, {"skipped", "failure", "system-out", "system-err"}),
    "failure": ({"type", "message"}, set()),
    "skipped": ({"message"}, set()),
    "system-err": (set(), set()),
}


def read_junit(raw):
    """The document, which has to be well-formed, keep to the schema and count right."""
    root = ElementTree.fromstring(raw)
    assert root.tag == "testsuites"
    for element in root.iter():
        attributes, children = JUNIT[element.tag]
        assert set(element.attrib) == attributes
        assert {child.tag for child in element} <= children
    for level in (root, *root):
        assert int(level.get("tests")) == len(list(level.iter("testcase")))
        assert int(level.get("failures")) == len(list(level.iter("failure")))
    for suite in root:
        assert int(suite.get("skipped")) == len(list(suite.iter("skipped")))
    return root


def test_junit_says_what_jsonl_says(classify):
    """A case a log, with its outcome."""
    logs = scan(classify, "jsonl", *RULES, "logs", cwd=DATA).objects()
    cases = list(read_junit(scan(classify, "junit", *RULES, "logs", cwd=DATA).raw).iter("testcase"))
    assert [case.get("name") for case in cases] == [log["source"] for log in logs]
    for case, log in zip(cases, logs):
        failure = case.find("failure")
        assert (failure is not None) == (log["outcome"] == "failed")
        assert (case.find("skipped") is not None) == (log["outcome"] == "undetermined")
        if failure is not None:
            assert failure.get("type") == log["category"]
            assert f"line {log['line']}: " in failure.text
            assert log["rule"] is None or f"rule: {log['rule']}\n" in failure.text


def test_junit_warnings(classify):
    """What was odd about a log, and about the run, is told."""
    path = classify.write("a.log.gz", gzip.compress(b"oops\n" * 1000)[:-4])
    root = read_junit(scan(classify, "junit", "-r", classify.rules(rule("r", "^oops")), path, code=2).raw)
    (case,) = root.iter("testcase")
    assert "truncated_input" in case.find("system-err").text
    assert "not complete" in root[0].find("system-err").text


# ---- sarif ----

def read_sarif(raw):
    """The run, of a document that keeps to the standard."""
    document = json.loads(raw)
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft7Validator(json.loads((DATA / "sarif.json").read_text())).validate(document)
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert len({one["id"] for one in rules}) == len(rules)
    for number, artifact in enumerate(run["artifacts"]):
        assert artifact["location"]["index"] == number
        assert artifact.get("parentIndex", -1) < number
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        assert run["artifacts"][place["index"]]["location"] == place
    messages = [one["message"]["text"] for one in run["results"]]
    messages += [one["message"]["text"] for one in run["invocations"][0]["toolExecutionNotifications"]]
    for text in messages:
        bare = text.replace("{{", "").replace("}}", "")
        assert "{" not in bare and "}" not in bare
        assert not re.search(r"(?<!\\)\[[^\[\]]*(?<!\\)\]\(", text)
    return run


def source_of(run, result):
    """The name of a result's log, put together of its artifacts."""
    number, parts = result["locations"][0]["physicalLocation"]["artifactLocation"]["index"], []
    while number is not None:
        artifact = run["artifacts"][number]
        parts.append(unquote(artifact["location"]["uri"]).removeprefix("file://"))
        number = artifact.get("parentIndex")
    return "!".join(reversed(parts))


def unescaped(message):
    """A message as a viewer shows it."""
    text = message["text"].replace("{{", "{").replace("}}", "}")
    return re.sub(r"\\([\[\]])", r"\1", text) if "](" in text.replace("\\", "") else text


def test_sarif_says_what_jsonl_says(classify):
    """A result for each failed log, with its rule and its place."""
    logs = scan(classify, "jsonl", *RULES, "--redact", "logs", cwd=DATA).objects()
    failed = [log for log in logs if log["outcome"] == "failed"]
    run = read_sarif(scan(classify, "sarif", *RULES, "logs", cwd=DATA).raw)
    assert run["properties"] == {
        "logs": len(logs), "ruleset": logs[0]["ruleset"],
        **{name: sum(log["outcome"] == name for log in logs) for name in ("failed", "passed", "undetermined")}}
    assert len(run["results"]) == len(failed)
    for result, log in zip(run["results"], failed):
        assert source_of(run, result) == log["source"]
        assert result["ruleId"] == (log["rule"] or "unknown")
        assert result["locations"][0]["physicalLocation"]["region"] == {
            "startLine": log["line"], "byteOffset": log["offset"], "byteLength": log["length"],
            "snippet": {"text": log["text"]}}
        bag = result["properties"]
        for key in ("category", "fields", "telling", "also", "lines", "bytes"):
            assert bag[key] == log[key]
        if log["rule"]:
            assert unescaped(result["message"]) == log["title"]
            assert {key: bag[key] for key in RUNBOOK} == log["runbook"]
    assert run["invocations"][0]["executionSuccessful"] is True


def test_sarif_levels(classify):
    """The level is that of the rule; what no rule explains is an error."""
    rules = classify.rules(*(rule(f"r-{name}", f"^{name}$", severity=name)
                             for name in ("critical", "high", "medium")))
    for name in ("critical", "high", "medium"):
        classify.write(f"logs/{name}.log", f"{name}\n")
    run = read_sarif(scan(classify, "sarif", "-r", rules, "logs").raw)
    assert {one["ruleId"]: one["level"] for one in run["results"]} == {
        "r-critical": "error", "r-high": "error", "r-medium": "warning"}
    assert {one["id"]: one["defaultConfiguration"]["level"] for one in run["tool"]["driver"]["rules"]} == {
        "unknown": "error", "r-critical": "error", "r-high": "error", "r-medium": "warning"}


def test_sarif_same_cause(classify):
    """Logs of the same rule and captures have the same fingerprint, others another one."""
    for name, what in (("a", "x"), ("b", "x"), ("c", "y")):
        classify.write(f"logs/{name}.log", f"{name}\noops {what}\n")
    rules = classify.rules(rule("r", "^oops (?<what>.*)"))
    prints = [one["partialFingerprints"]["classifyCause/v1"]
              for one in read_sarif(scan(classify, "sarif", "-r", rules, "logs").raw)["results"]]
    assert prints[0] == prints[1] != prints[2]


def test_sarif_nests_what_is_inside(classify):
    """The file of an incident is an artifact inside it."""
    classify.write("inc/build.log", "fine\n")
    classify.write("inc/sub/pod.log", "oops\n")
    rules = classify.rules(rule("r", "^oops"))
    (log,) = scan(classify, "jsonl", "-r", rules, "--incident", "inc").objects()
    run = read_sarif(scan(classify, "sarif", "-r", rules, "--incident", "inc").raw)
    assert "!" in log["source"] and source_of(run, run["results"][0]) == log["source"]
    assert len(run["artifacts"]) == 2


def test_sarif_members(classify):
    """Members of archives are artifacts inside them, and each archive is there once."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for name in ("x/c.log", "d.log"):
            archive.writestr(name, "oops\n")
    with tarfile.open(classify.folder / "a.tar", "w") as archive:
        for name, data in (("b.zip", inner.getvalue()), ("e.log", b"oops\n")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    classify.write("f.log", "oops\n")
    rules = classify.rules(rule("r", "^oops"))
    run = read_sarif(scan(classify, "sarif", "-r", rules, "a.tar", "f.log").raw)
    assert [source_of(run, result) for result in run["results"]] == [
        "a.tar!b.zip!x/c.log", "a.tar!b.zip!d.log", "a.tar!e.log", "f.log"]
    inside = run["artifacts"][run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["index"]]
    assert inside["location"]["uri"] == "x/c.log"
    assert [one["location"]["uri"] for one in run["artifacts"]].count("b.zip") == 1


def test_sarif_names(classify):
    """Any name of a file is a URI, and comes back from it."""
    names = ["a b.log", "a%20b.log", "a?b#c.log", "a:b.log", "ä\u202e.log", "<x>.log", "sub/d.log"]
    for name in names:
        classify.write(f"logs/{name}", "oops\n")
    rules = classify.rules(rule("r", "^oops"))
    for folder in ("logs", classify.folder / "logs"):
        run = read_sarif(scan(classify, "sarif", "-r", rules, folder).raw)
        assert {source_of(run, one) for one in run["results"]} == {f"{folder}/{name}" for name in names}


def test_sarif_warnings(classify):
    """What was odd is a notification with its place, and the run is no success."""
    path = classify.write("a.log.gz", gzip.compress(b"fine\n" * 1000)[:-4])
    run = read_sarif(scan(classify, "sarif", "-r", classify.rules(rule("r", "^oops")), path, code=2).raw)
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (note,) = [one for one in invocation["toolExecutionNotifications"] if one["descriptor"]["id"] == "truncated_input"]
    assert note["level"] == "error"
    assert "byteOffset" in note["locations"][0]["physicalLocation"]["region"]


# ---- prometheus ----

LABEL = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"(classify_scan_[a-z_]+)(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([0-9.]+)")


def read_prometheus(raw):
    """The samples by name and labels; each name has its help and type, once, before them."""
    samples, current = {}, None
    text = raw.decode("utf-8")
    assert text.endswith("\n")
    seen = set()
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in seen
            seen.add(current)
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {current} gauge"
        else:
            found = SAMPLE.fullmatch(line)
            assert found and found[1] == current, line
            key = (found[1].removeprefix("classify_scan_"), found[2] or "")
            assert key not in samples
            samples[key] = float(found[3])
    return samples


def test_prometheus_says_what_jsonl_says(classify):
    """The sums are those of the verdicts."""
    logs = scan(classify, "jsonl", *RULES, "logs", cwd=DATA).objects()
    samples = read_prometheus(scan(classify, "prometheus", *RULES, "logs", cwd=DATA).raw)
    for outcome in ("failed", "passed", "undetermined"):
        assert samples["logs", f'outcome="{outcome}"'] == sum(log["outcome"] == outcome for log in logs)
    told = {labels: value for (name, labels), value in samples.items() if name == "failures" and value}
    assert told == {f'category="{name}"': sum(log["category"] == name for log in logs)
                    for name in {log["category"] for log in logs} - {None}}
    by_rule = {re.match('rule="([^"]*)"', labels)[1]: value
               for (name, labels), value in samples.items() if name == "rule_failures"}
    assert by_rule == {name: sum(log["rule"] == name for log in logs)
                       for name in {log["rule"] for log in logs} - {None}}
    assert {labels for name, labels in samples if name == "warnings"} == {
        f'code="{code}"' for code in WARNING_CODES}
    for key in ("lines", "bytes"):
        assert samples[key, ""] == sum(log[key] for log in logs)
    assert samples["complete", ""] == 1
    assert samples["ruleset_info", f'hash="{logs[0]["ruleset"]}"'] == 1


def test_prometheus_counts_many_rules(classify):
    """Each rule has its own count, however many there are."""
    rules = classify.rules(*(rule(f"r-{n:03}", f"^oops {n}$") for n in range(150)))
    for n in range(150):
        for k in range(1 + n % 2):
            classify.write(f"logs/{n}-{k}.log", f"oops {n}\n")
    samples = read_prometheus(scan(classify, "prometheus", "-r", rules, "logs").raw)
    told = {re.match('rule="r-0*([0-9]+)"', labels)[1]: value
            for (name, labels), value in samples.items() if name == "rule_failures"}
    assert told == {str(n): 1 + n % 2 for n in range(150)}


def test_prometheus_tells_what_went_wrong(classify):
    """Rules left out and inputs cut are seen by whoever watches the numbers alone."""
    path = classify.write("a.log.gz", gzip.compress(b"oops\n" * 1000)[:-4])
    rules = classify.rules(rule("r", "^oops"), rule("bad", "("))
    samples = read_prometheus(scan(classify, "prometheus", "-r", rules, path, code=3).raw)
    assert samples["complete", ""] == 0
    assert samples["rules_loaded", ""] == samples["rules_quarantined", ""] == 1
    assert samples["warnings", 'code="truncated_input"'] == samples["warnings", 'code="rule_quarantined"'] == 1


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not here (Debian package prometheus)")
def test_promtool_has_no_complaint(classify):
    """Prometheus itself reads it, and its linter says nothing."""
    raw = scan(classify, "prometheus", *RULES, "logs", cwd=DATA).raw
    done = subprocess.run(["promtool", "check", "metrics"], input=raw, capture_output=True, timeout=PATIENCE,
                          check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    bad = raw.replace(b"# TYPE classify_scan_lines gauge", b"# TYPE classify_scan_lines apple")
    assert subprocess.run(["promtool", "check", "metrics"], input=bad, capture_output=True, timeout=PATIENCE,
                          check=False).returncode != 0


READ = {"csv": read_csv, "junit": read_junit, "sarif": read_sarif, "prometheus": read_prometheus}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile(classify, form, text):
    """Whatever a log holds, each format stays what it is, and shows it."""
    rules = classify.rules(HOSTILE_RULE)
    log = f"oops {text} end\n".encode()
    done = scan(classify, form, "-r", rules, "--no-redact", "--context", "1", "-", stdin=log)
    read = READ[form](done.raw)
    (said,) = scan(classify, "jsonl", "-r", rules, "-", stdin=log).objects()
    if form == "csv":
        assert len(read) == 1 and "end" in read[0]["text"]
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", "".join(read[0].values()))
    elif form == "junit":
        (case,) = read.iter("testcase")
        assert " end\nrule: r\n" in case.find("failure").text
        assert not re.search("[\x1b\u202a-\u202e\ufffe\uffff]", done.out)
    elif form == "sarif":
        (result,) = read["results"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["snippet"]["text"] == said["text"]
        assert unescaped(result["message"]) == said["title"]
    else:
        assert read["logs", 'outcome="failed"'] == 1


@pytest.mark.parametrize("form", FORMATS)
def test_names_are_inert(classify, form):
    """The names of files, rules and packs are data as well."""
    name = 'x"><&\x1b[2J,=1\n{y}.log'
    classify.write(f"logs/{name}", "oops\n")
    READ[form](scan(classify, form, "-r", classify.rules(rule("r", "^oops"), pack='p"<\\'), "logs").raw)


@pytest.mark.parametrize("form", ["junit", "sarif"])
def test_no_room_for_a_temporary_file(classify, form):
    """What could not be kept until its turn came is told, and is no success."""
    classify.write("logs/a.log", "oops\n")
    command = shlex.join([binary(), "scan", "--no-cache", "-o", form, "-r", str(classify.rules(rule("r", "^oops"))),
                          "logs"])
    done = subprocess.run(["sh", "-c", f"trap '' XFSZ; ulimit -f 0; exec {command}"], capture_output=True,
                          cwd=classify.folder, env=classify.environment, timeout=PATIENCE, check=False)
    assert done.returncode == 2 and b"not whole" in done.stderr
