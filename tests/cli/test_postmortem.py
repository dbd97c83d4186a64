# SPDX-License-Identifier: Apache-2.0
"""`-o postmortem`: the skeleton of a post-mortem, of one log or many."""

import re

from conftest import DATA, marker, rule

SECTIONS = ["Summary", "Timeline", "Evidence", "Impact", "What may have contributed", "Actions", "Open questions"]
LOG = """time="2025-10-29T10:45:30Z" level=info msg="begin build"
time="2025-10-29T10:45:31Z" level=warning msg="slow store"
time="2025-10-29T10:45:34.5Z" level=error msg="status=403 for bucket b1 with password=hunter22"
no time here
time="2025-10-29T10:46:00Z" level=error msg="step failed"
time="2025-10-29T10:46:01Z" level=error msg="build ended badly"
time="2025-10-29T11:47:02Z" level=info msg="bye"
"""


def the_rules(classify):
    """A cause, a first sign, a symptom, and markers."""
    return classify.rules(
        rule("denied", r"status=403 for bucket (?<bucket>\S+)", category="access_denied", explains=["step"],
             title="Bucket ${bucket} is closed", runbook={
                 "cause": "The policy changed.", "fix": "policy show ${bucket}", "prevent": "Test the policy."}),
        rule("slow", "slow store", category="network_unreachable", severity="low"),
        rule("step", "step failed", role="symptom"),
        marker("began", "begin build", "start"),
        marker("pushed", "Pushed image", "success"),
        marker("ended", "build ended badly", "failure"))


def write(classify, logs, *options, code=0):
    """The document for some logs."""
    for name, text in logs.items():
        classify.write(f"logs/{name}", text)
    done = classify.run("scan", "-r", the_rules(classify), "-o", "postmortem", *options, *(
        [f"logs/{name}" for name in logs] or ["logs"]))
    assert done.code == code, done.err
    return done.out


def section(document, title):
    """What stands below a heading."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", document, re.M | re.S).group(1)


def rows(document, title="Timeline"):
    """The rows of a table: time, what, where, text."""
    cells = [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in section(document, title).split("\n")
             if line.startswith("| ")]
    return cells[1:]


def test_timeline(classify):
    """Start, first sign, root cause, what follows, the end: each with its time, place and text."""
    document = write(classify, {"a.log": LOG})
    assert re.findall(r"^## (.*)", document, re.M) == SECTIONS
    assert document.startswith("# Post-mortem: Bucket b1 is closed\n")
    assert [row[:3] for row in rows(document)] == [
        ["2025-10-29 10:45:30", "start", "logs/a.log:1"],
        ["2025-10-29 10:45:31", "first sign", "logs/a.log:2"],
        ["2025-10-29 10:45:34.500", "root cause", "logs/a.log:3"],
        ["2025-10-29 10:46:00", "follows", "logs/a.log:5"],
        ["2025-10-29 10:46:01", "failed", "logs/a.log:6"],
        ["2025-10-29 11:47:02", "log ends", "logs/a.log:7"]]
    assert "slow store" in rows(document)[1][3]
    assert "as far as the logs tell: 2025-10-29 10:45:34.500." in document
    assert rows(document, "Impact") == [
        ["logs/a.log", "access\\_denied", "2025-10-29 10:45:30", "2025-10-29 11:47:02", "1h1m32s"]]


def test_the_rest(classify):
    """Evidence with three lines around it, candidates with their reasons, the runbook as actions."""
    document = write(classify, {"a.log": LOG})
    evidence = section(document, "Evidence")
    assert "### logs/a.log:3" in evidence and "begin build" in evidence and "build ended badly" in evidence
    assert "bye" not in evidence
    assert "hunter22" not in document and "[redacted]" in document
    assert "hunter22" in write(classify, {"a.log": LOG}, "--no-redact")
    assert "bye" in section(write(classify, {"a.log": LOG}, "--context", "4"), "Evidence")
    others = section(document, "What may have contributed")
    assert "- step at logs/a.log:5, 1 time: explained by denied\n" in others
    assert "- slow at logs/a.log:2, 1 time: weaker: " in others
    actions = section(document, "Actions")
    for text in ("The policy changed.", "policy show b1", "- [ ] Prevent: Test the policy.",
                 "platform has to act; retry: never"):
        assert text in actions


def test_nothing_is_invented(classify):
    """What lines do not tell says so, and blanks are to be filled in."""
    document = write(classify, {"a.log": "step failed\n"})
    assert rows(document) == [["not told", "symptom; no rule tells its cause", "logs/a.log:1", "step failed"]]
    assert rows(document, "Impact") == [["logs/a.log", "build\\_step\\_failed", "not told", "not told", "not told"]]
    assert "not known, for the lines tell no day" in document
    assert "No other rule matched." in document
    assert "What caused step in logs/a.log?" in section(document, "Open questions")
    assert document.count("_to be filled in") >= 5
    assert "the rule has no steps" in section(document, "Actions")


def test_the_time_of_a_line_above(classify):
    """A line without a time happened at the last one told before it."""
    document = write(classify, {"a.log": "2025-10-29T10:45:34Z compiling\nstatus=403 for bucket x\n"})
    assert "as far as the logs tell: 2025-10-29 10:45:34." in document
    assert rows(document)[1][:2] == ["not told", "root cause"]


def test_a_time_without_a_year(classify):
    """The day is that of the line, before and after the day that few years have."""
    for day, told in (("Feb 28", "02-28"), ("Feb 29", "02-29"), ("Mar  1", "03-01"), ("Dec 31", "12-31")):
        document = write(classify, {"a.log": f"{day} 10:00:01 host app[7]: step failed\n"})
        assert rows(document)[0][0] == f"{told} 10:00:01"


def test_unknown(classify):
    """Telling lines, the template, and how to go on."""
    document = write(classify, {"a.log": "frobnicator: cannot frob\nbuild ended badly\n"})
    assert [row[1] for row in rows(document)] == ["most telling line", "failed"]
    template = re.search(r"template ([0-9a-f]{16})", document).group(1)
    assert f"`classify rules new --from-group {template}`" in section(document, "Open questions")
    assert "there is no runbook" in section(document, "Actions")


def test_several_logs(classify):
    """One document for the run: what is shared, rows by time, logs that say nothing asked about."""
    logs = {"b.log": LOG.replace("T10:", "T09:").replace("T11:", "T10:"), "a.log": LOG, "c.log": "hello\n",
            "d.log": "Pushed image\n"}
    document = write(classify, logs)
    assert document.count("# Post-mortem") == 1
    assert "2 of 4 logs failed; 1 passed, and 1 tells neither." in document
    assert "- 2 of 2 failed with access\\_denied \\(denied\\), all with bucket b1" in document
    times = [row[0] for row in rows(document)]
    assert times == sorted(times) and len(times) == 12
    assert rows(document)[0][2] == "logs/b.log:1"
    assert section(document, "Actions").count("### ") == 1
    assert "What became of the 1 log that tells neither" in document
    # Where a log tells no days, rows stay with their logs.
    document = write(classify, {"a.log": LOG, "b.log": "step failed\n"})
    assert "rows stand in the order of the logs" in document
    assert rows(document)[-1][2] == "logs/b.log:1"


def test_incident(classify):
    """Rows name the file of the incident that holds their line."""
    classify.write("inc/build.log", LOG.replace("status=403", "status=200"))
    classify.write("inc/pod.yaml", "apiVersion: v1\nkind: Pod\nreason: status=403 for bucket b\n")
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", "postmortem", "inc")
    assert [row[1:3] for row in rows(done.out)] == [
        ["start", "inc\\!build.log:1"], ["first sign", "inc\\!build.log:2"], ["sign", "inc\\!build.log:5"],
        ["failed", "inc\\!build.log:6"], ["log ends", "inc\\!build.log:7"], ["root cause", "inc\\!pod.yaml:3"]]
    assert "1 of 1 log failed" in done.out
    assert rows(done.out, "Impact")[0][0] == "inc"


def test_recovered(classify):
    """What the build recovered from is in the timeline as that."""
    log = "status=403 for bucket a\nPushed image\nstep failed\n"
    document = write(classify, {"a.log": log})
    assert [row[1] for row in rows(document)] == [
        "recovered from", "passed", "symptom; no rule tells its cause"]


def test_nothing_failed(classify):
    """There is nothing to tell of."""
    document = write(classify, {"a.log": "Pushed image\n", "b.log": "hm\n"})
    assert "2 logs: none failed, 1 passed, and 1 tell neither" in document
    assert "## " not in document


def test_many_logs(classify):
    """Twenty failed logs are told one by one; the others are counted, and so are rows."""
    document = write(classify, {f"{i:02}.log": LOG for i in range(45)})
    assert section(document, "Evidence").count("### ") == 20
    assert "25 more failed logs are not told one by one." in document
    assert "45 of 45 logs failed" in document
    assert len(rows(document)) == 120


def test_many_rows(classify):
    """Rows beyond two hundred are counted."""
    rules = classify.rules(*[rule(f"r{i:02}", f"^sign {i:02}") for i in range(21)])
    for i in range(11):
        classify.write(f"many/{i:02}", "".join(f"sign {k:02}\n" for k in range(21)))
    document = classify.run("scan", "-r", rules, "-o", "postmortem", "many").out
    assert len(rows(document)) == 200
    assert "31 more rows are left out." in document


def test_hostile_log(classify):
    """No byte of a log acts in the document."""
    log = "status=403 for bucket </table><script>|`x`[a](http://b.example)\x1b[31m\r\u202e with # *b*\n```\n"
    document = write(classify, {"a.log": log, "<b>|x": "step failed\n"})
    outside = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", document, flags=re.M | re.S)
    assert "<" not in outside and "](" not in outside and "http:/" not in outside
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", document)
    assert [len(row) for row in rows(document)] == [4, 4]


def test_cut_log(classify):
    """A warning becomes a question."""
    import gzip
    path = classify.write("a.log.gz", gzip.compress(LOG.encode() * 10)[:-4])
    done = classify.run("scan", "-r", the_rules(classify), "-o", "postmortem", path.name)
    assert done.code == 2
    assert "- What does this hide in a.log.gz? truncated\\_input: the gzip data ends too early" in done.out


def test_large_log(classify):
    """The first and last times are found however much stands between them."""
    filler = "x" * 99 + "\n"
    log = LOG.split("\n")[0] + "\n" + filler * 5000 + "\n".join(LOG.split("\n")[1:])
    document = write(classify, {"a.log": log})
    assert rows(document)[-1][:3] == ["2025-10-29 11:47:02", "log ends", "logs/a.log:5007"]
    document = write(classify, {"a.log": filler * 3 + LOG.replace("begin", "x") + filler * 50})
    assert rows(document)[0][:3] == ["2025-10-29 10:45:30", "log begins", "logs/a.log:4"]
    assert rows(document)[-1][:3] == ["2025-10-29 11:47:02", "log ends", "logs/a.log:10"]


def test_long_lines(classify):
    """A line in a table is cut at 240 bytes."""
    document = write(classify, {"a.log": "step failed" + " and so on" * 40 + "\n"})
    assert rows(document)[0][3] == ("step failed" + " and so on" * 40)[:240] + " ..."


def test_times_far_inside(classify):
    """The time of a log's start is looked for in its first 16 KiB, that of its end in the last."""
    filler = "x" * 99 + "\n"
    for n, told in ((150, "2025-10-29 10:45:34"), (170, "not told")):
        document = write(classify, {"a.log": filler * n + "2025-10-29T10:45:34Z step failed\n" + filler * n})
        assert rows(document, "Impact")[0][2:4] == [told, told]


def test_golden(classify, golden):
    """The whole of it."""
    done = classify.run("scan", "-r", "rules.yaml", "-o", "postmortem", "logs", cwd=DATA)
    assert done.code == 0
    told = re.sub("(?m)^- What does this hide in .*engine[^ ]*fallback: .*\n", "", done.out)
    golden("postmortem.md", re.sub("sha256:[0-9a-f]{64}", "sha256:HASH", told))
