# SPDX-License-Identifier: Apache-2.0
"""Log text is data: whatever it holds, it acts in no output. One corpus goes through every one of them."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PATIENCE, binary, marker, rule
from test_formats import READ, plain
from test_output import outside_of_code
from test_report import Page, check, rows

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hostile"))
from corpus import ACTING, BINARY, LINES, SHELL, name, shown  # noqa: E402

# A tab is as good as a blank, and what ends lines for other systems is their end.
COLOUR = re.compile("\x1b\\[[0-9;]*m")
FORMATS = ["text", "jsonl", "json", "markdown", "postmortem", "csv", "junit", "sarif", "prometheus"]
# Enough text that one control does not make the log binary.
BEFORE = b"2026-03-01T10:00:00Z a step of the build that went well\n" * 8
WORDS = "and so on " * 12


@pytest.fixture
def world(classify):
    """Rules that show all that a log holds, and for each text a log that has it in lines, its name, and as JSON."""
    classify.rules(
        rule("r", r"^oops (?<what>(?s:.+)) end$", title="Oops: ${what}", owner="user",
             runbook={"cause": "It is ${what}.", "fix": f"echo ${{what}} {WORDS}\n# or see ${{what}} {WORDS}\nA=1 B ${{what}}\n",
                      "prevent": "No ${what}.", "url": "https://docs.example/${what}"}),
        rule("loser", "^before", category="timeout"), marker("ended", "^exit 1$", "failure"),
        marker("began", "^begin (?<job>.*)$", "start"), pack="p<b>\"'&", name="rules.yaml")
    folder = classify.folder / "logs"
    folder.mkdir()
    for number, text in enumerate(LINES):
        path = os.path.join(os.fsencode(folder), b"%03d %s.log" % (number, name(text)))
        with open(path, "wb") as file:
            file.write(BEFORE + b"begin %s\nbefore %s\noops %s end\nafter %s\n" % ((text,) * 4))
        (folder / f"w{number:03}.log").write_text(json.dumps({"level": "error", "msg": f"oops \x00{shown(text)} end"}) + "\nexit 1\n")
        (folder / f"u{number:03}.log").write_bytes(BEFORE + b"fatal: cannot frob %s in %s\nexit 1\n" % (text, b"x" * number))
    return classify


def inert(text, what):
    """No control, nothing that reorders, and a line feed only where we put one."""
    found = ACTING.search(text)
    assert not found, (what, text[max(0, found.start() - 60):found.end() + 20])


def run(classify, arguments, terminal):
    """Standard output and error of a run, each as text; on a terminal they are one."""
    arguments = [binary(), *map(os.fsencode, arguments)]
    if not terminal:
        done = subprocess.run(arguments, cwd=classify.folder, env=classify.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PATIENCE, check=False)
        return done.returncode, [done.stdout.decode("utf-8"), done.stderr.decode("utf-8")]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(arguments, cwd=classify.folder, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                               env={**classify.environment, "TERM": "xterm-256color"})
    os.close(theirs)
    out = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:                        # so a terminal ends
            data = b""
        if not data:
            break
        out += data
    os.close(ours)
    code = process.wait(PATIENCE)
    # What we do ourselves: colours, the terminal's own line ends, and the line of progress.
    return code, [re.sub("\r|\x1b\\[K", "", COLOUR.sub("", out.decode("utf-8").replace("\r\n", "\n")))]


@pytest.mark.parametrize("terminal", [False, True], ids=["file", "terminal"])
@pytest.mark.parametrize("form", FORMATS)
def test_terminal(world, form, terminal):
    """Whatever the format, who shows it on a terminal sees text."""
    code, texts = run(world, ["scan", "-r", "rules.yaml", "-o", form, "--no-redact", "--context", "2", "logs"], terminal)
    assert code == 0
    for text in texts:
        inert(text.replace("\r\n", "\n").replace("\t", " ") if form == "csv" else text, form)


COMMANDS = [
    ["scan", "--matches", "logs"], ["scan", "--profile", "logs"], ["scan", "--no-unwrap", "logs"], ["scan", "--state", "s.db", "logs"],
    ["scan", "--incident", "logs"], ["scan", "--files-from", "list"], ["explain", "logs"],
]


@pytest.mark.parametrize("terminal", [False, True], ids=["file", "terminal"])
def test_other_commands(world, terminal):
    """The same of the other commands, and of complaints about what does not exist."""
    world.write("list", b"\n".join(b"gone " + name(text).replace(b"\n", b"_") for text in LINES) + b"\n")
    commands = [[*command[:1], "-r", "rules.yaml", *command[1:]] for command in COMMANDS[:-1]]
    commands += [["stats", "s.db", "--by", "source", "-o", form] for form in ("text", "jsonl", "csv")]
    for command in commands:
        for text in run(world, command, terminal)[1]:
            inert(text.replace("\r\n", "\n").replace("\t", " ") if "csv" in command else text, command)
    acting = [text for text in LINES if ACTING.search(shown(text)) and b"\0" not in text]
    for text in acting[::9 if terminal else 3]:
        logs = [path for path in os.listdir(os.fsencode(world.folder / "logs")) if path[4:] == name(text) + b".log"]
        for command in (["explain", "-r", "rules.yaml", b"logs/" + logs[0]], ["match", "-r", "rules.yaml", b"oops " + text + b" end"],
                        ["rules", "new", b"error: no frob of " + text + b" in reach"], ["scan", "-r", b"gone" + text, "-"],
                        ["explain", "-r", "rules.yaml", "--rule", text], [b"x" + text], ["scan", "-o", text], ["scan", b"--" + text]):
            code, texts = run(world, command, terminal)
            assert code in (0, 1, 2, 3)
            for said in texts:
                inert(said, command)


def test_json(world):
    """JSON loses nothing of it: parsed, it holds the texts."""
    done = world.run("scan", "-r", "rules.yaml", "-o", "jsonl", "logs")
    logs = {log["source"]: log for log in done.objects()}
    assert len(logs) == 3 * len(LINES)
    whole = json.loads(world.run("scan", "-r", "rules.yaml", "-o", "json", "logs").out)
    assert whole["logs"] == list(logs.values())
    for number, text in enumerate(LINES):
        log = logs[f"logs/{number:03} {shown(name(text))}.log"]
        assert log["text"] == f"oops {shown(text)} end"
        # In a message sequences of terminals are left out, and a CR ends a text.
        if b"\x1b" not in text and b"\r" not in text:
            assert logs[f"logs/w{number:03}.log"]["fields"]["what"] == f"\x00{shown(text)}"
    matches = world.run("scan", "-r", "rules.yaml", "--matches", "logs").objects()
    assert {f"oops {shown(text)} end" for text in LINES} <= {match["text"] for match in matches if match["rule"] == "r"}


def test_binary(classify):
    """What is no text has no verdict, and acts as little."""
    rules = classify.rules(rule("r", "^oops"))
    for number, text in enumerate(BINARY):
        with open(os.path.join(os.fsencode(classify.folder), b"%d %s.log" % (number, name(text))), "wb") as file:
            file.write(b"oops " + text)
    for form in FORMATS:
        inert("".join(run(classify, ["scan", "-r", rules, "-o", form, "."], False)[1]).replace("\r\n", "\n"), form)


@pytest.mark.parametrize("form", ["markdown", "postmortem"])
def test_tickets(world, form):
    """Outside of code nothing is markup, calls somebody, or is a link; inside, no text closes the fence."""
    done = world.run("scan", "-r", "rules.yaml", "-o", form, "--no-redact", "--context", "1", "logs")
    outside, inside = outside_of_code(done.out)
    assert form == "postmortem" or any("@team" in line for line in inside)
    prose = "\n".join(outside)
    for acting in ("<", "://", "www.", "](", "!["):
        assert (acting in prose) is False, acting
    calls = re.sub(r"`(@+|#|-)`", "", re.sub(r"\\[^@#]|&#\d+;", "", prose))
    assert not re.search(r"@|#\d|gh-\d", calls, re.I)
    for line in outside:
        if line.startswith("| ") and set(line) - set("| -"):
            cells = len(re.findall(r"(?<!\\)\|", line.replace("\\\\", "")))
            assert cells == (3 if form == "markdown" else cells) and cells > 2, line


def test_spreadsheet(world):
    """A record for each log; no cell is a formula, whichever separator is believed in."""
    raw = world.run("scan", "-r", "rules.yaml", "-o", "csv", "--no-redact", "logs").raw
    records = READ["csv"](raw)
    assert len(records) == 3 * len(LINES)
    text = raw.decode()
    for separator in (";", "\t"):
        for line in text.split("\n"):
            for cell in line.split(separator)[1:]:
                assert not re.match("[=+\\-@＝＋－＠]", cell), line
    for record in records:
        assert not any(re.match("[=+\\-@\t\r\n＝＋－＠]", cell) for cell in record.values())
    told = {plain(record["text"]) for record in records}
    for one in LINES:
        if not ACTING.search(shown(one)) and not re.search("[;\t\ufffd]", shown(one)):
            assert f"oops {shown(one)} end" in told


def test_documents(world):
    """XML, SARIF and the text of metrics are read by their parsers, with one case, result or count for each log."""
    parsed = {form: READ[form](world.run("scan", "-r", "rules.yaml", "-o", form, "--no-redact", "logs").raw)
              for form in ("junit", "sarif", "prometheus")}
    assert len(list(parsed["junit"].iter("failure"))) == 3 * len(LINES)
    assert {case.tag for case in parsed["junit"].iter()} <= {"testsuites", "testsuite", "properties", "property", "testcase",
                                                              "failure", "system-out", "system-err", "skipped"}
    assert len(parsed["sarif"]["results"]) == 3 * len(LINES)
    assert parsed["prometheus"]["logs", 'outcome="failed"'] == 3 * len(LINES)


def test_page(world):
    """The report's tree is what it is without them, and a line for each log."""
    done = world.run("scan", "-q", "-r", "rules.yaml", "--no-redact", "--report", "out.html", "logs")
    assert done.code == 0, done.err
    page = check(Page(world.folder / "out.html"))
    assert len(rows(page)) == 3 * len(LINES)
    inert(page.source.replace("\t", " "), "report")
    assert not [one for one in page.root.all("a") if "docs.example" in one.get("href")]
    # Elements that load or run are as many as on any page.
    (world.folder / "plain").mkdir()
    (world.folder / "plain/a.log").write_bytes(BEFORE + b"oops x end\n")
    world.run("scan", "-q", "-r", "rules.yaml", "--report", "plain.html", "plain")
    other = Page(world.folder / "plain.html")
    for tag in ("script", "style", "img", "iframe", "object", "form", "link", "meta"):
        assert len(list(page.root.all(tag))) == len(list(other.root.all(tag))), tag


# ---- what is pasted ----

# A program for each name that the fixes call, which tells its arguments and nothing else.
STUB = 'frob() { for word; do printf "<%s>" "$word"; done; echo; }\n'


def pasted(world, fix):
    """What a shell says and leaves behind when it is given what a format showed."""
    folder = world.folder / "paste"
    if not folder.exists():
        folder.mkdir()
    done = subprocess.run(["sh", "-c", STUB + fix], cwd=folder, capture_output=True, timeout=PATIENCE, check=False,
                          env=world.environment, stdin=subprocess.DEVNULL)
    assert os.listdir(folder) == []
    return done.stdout.decode("utf-8", "replace")


def fixes(form, text):
    """The commands in an output as somebody would mark them to be pasted."""
    if form == "text":
        return [re.sub("(?m)^ {10}", "", block) for block in re.findall(r"(?ms)^  fix     (.*?)^  (?=prevent )", text)]
    return re.findall(r"(?ms)^```+sh\n(.*?)^```+$", text)


# A fix that is wrapped, one that ends in a comment, a comment, a variable, and quotes over lines.
FIXES = {
    "long": f"frob ${{what}} {WORDS}",
    "comment behind": f"frob ${{what}} # and look at ${{what}} {WORDS} frob ${{what}}",
    "comment": f"# frob ${{what}} {WORDS} frob ${{what}}\nfrob ${{what}}",
    "variable": f"A=1 frob ${{what}} {WORDS}",
    "escape": f"frob it\\'s ${{what}} {WORDS}",
    "double": f'frob "say \\"${{what}}\\"" ${{what}} {WORDS}',
    "over lines": f"frob '{WORDS}\n  {WORDS} ${{what}}\n' {WORDS}",
    "two values": f"frob ${{what}} ${{what}} {WORDS}",
}


@pytest.mark.parametrize("fix", FIXES.values(), ids=FIXES)
def test_pasted(classify, fix):
    """What is shown is what the rule has: no wrapping frees what was quoted, and nothing of the log is run."""
    rules = classify.rules(rule("r", "^oops (?<what>(?s:.*)) end$", runbook={"fix": fix, "prevent": "p"}))
    values = [text for text in SHELL] + [text + b" " + b"and more of it " * 8 for text in SHELL]
    for number, text in enumerate(values):
        classify.write(f"logs/{number:03}.log", b"oops " + text + b" end\n")
    meant = [log["runbook"]["fix"]
             for log in classify.run("scan", "-r", rules, "-o", "jsonl", "--no-redact", "logs").objects()]
    wanted = [pasted(classify, one) for one in meant]
    assert len(wanted) == len(values) and all("owned" not in said or "<" in said for said in wanted)
    for form in ("text", "markdown"):
        for columns in ("60", "100"):
            out = classify.run("scan", "-r", rules, "-o", form, "--no-redact", "logs", COLUMNS=columns).out
            found = fixes(form, out)
            assert len(found) == len(values)
            said = [pasted(classify, one) for one in found]
            # A text in quotes over lines is shown moved to the right.
            assert [re.sub(r"\s+", " ", one) for one in said] == [re.sub(r"\s+", " ", one) for one in wanted]


def test_lines_of_a_capture(classify):
    """A capture over several lines is one word in a fix, and no second command."""
    rules = classify.rules(rule("r", {"regex": r"^oops (?<what>.*(?:\n.*)?) end$", "lines": 2},
                                runbook={"fix": "frob ${what}", "prevent": "p"}))
    classify.write("logs/a.log", b"oops x\ntouch owned end\n")
    for form in ("text", "markdown"):
        (fix,) = fixes(form, classify.run("scan", "-r", rules, "-o", form, "logs").out)
        assert pasted(classify, fix) == "<x?touch owned>\n"
