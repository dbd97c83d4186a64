# SPDX-License-Identifier: Apache-2.0
"""The formats for people: text, markdown; the json document; redaction."""

import gzip
import json
import os
import pty
import re
import subprocess

import pytest

from conftest import DATA, LOG_KEYS, PATIENCE, binary, check_shape, rule, without_fallback

RULES = ("-r", "rules.yaml")
LOGS = sorted(path.name for path in (DATA / "logs").iterdir())


# ---- text ----

@pytest.mark.parametrize("name", LOGS)
def test_text(classify, golden, name):
    """One log, as people see it."""
    done = classify.run("scan", *RULES, f"logs/{name}", cwd=DATA)
    assert done.code == 0
    golden(name.replace(".log", ".txt"), done.out)


def test_text_folder(classify, golden):
    """Several logs, with the sum and what they share."""
    done = classify.run("scan", *RULES, "logs", cwd=DATA)
    assert done.code == 0
    golden("folder.txt", done.out)


def test_text_context(classify, golden):
    """The lines around the one that shows it."""
    done = classify.run("scan", *RULES, "--context", "2", "logs/1-disk.log", cwd=DATA)
    golden("context.txt", done.out)


def test_text_quiet(classify, golden):
    """One line a log, and no notes."""
    done = classify.run("scan", *RULES, "-q", "logs", cwd=DATA)
    assert done.err == ""
    assert len(done.out.splitlines()) == len(LOGS)
    golden("quiet.txt", done.out)


@pytest.mark.parametrize("columns", ["60", "100", "200"])
def test_text_keeps_to_the_width(classify, columns):
    """Paragraphs are wrapped to COLUMNS; a word that is longer may stand out."""
    done = classify.run("scan", *RULES, "logs/1-disk.log", cwd=DATA, COLUMNS=columns)
    for line in done.out.splitlines()[1:]:
        assert len(line) <= int(columns) or " " not in line.strip()


def test_text_shows_no_control(classify):
    """No byte of a log reaches the terminal as a control or a direction mark."""
    done = classify.run("scan", *RULES, "--context", "3", "logs/5-hostile.log", cwd=DATA)
    controls = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f]"
    assert not re.search(controls, done.out)


def test_names_show_no_control(classify):
    """The same holds for names of files, in results and in complaints."""
    name = "a\x1b[2J\nb.log"
    classify.write(name, "oops\n")
    rules = classify.rules(rule("r", "^oops"))
    done = classify.run("scan", "-r", rules, name, name + "x")
    assert done.code == 2
    for text in (done.out, done.err):
        assert "\x1b" not in text and "\nb.log" not in text


@pytest.mark.parametrize("form", ["text", "markdown", "jsonl", "json"])
@pytest.mark.parametrize("log", ["oops\n", "fine\n"])
def test_limits_are_visible(classify, form, log):
    """A rule that was left out and an input that was cut are told in every format."""
    path = classify.write("a.log.gz", gzip.compress(log.encode() * 1000)[:-4])
    rules = classify.rules(rule("r", "^oops"), rule("bad", "("))
    done = classify.run("scan", "-r", rules, "-o", form, path)
    assert done.code == 3
    text = done.out.replace("\\_", "_")
    assert "truncated_input" in text and "rule_quarantined" in text


def on_terminal(classify, *arguments, **environment):
    """What the program writes to a terminal as its standard output."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([binary(), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          stdout=theirs,
                          stderr=subprocess.DEVNULL, cwd=DATA,
                          env={**classify.environment, **environment}) as process:
        os.close(theirs)
        parts = []
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            parts.append(part)
        process.wait(PATIENCE)
    os.close(ours)
    return without_fallback(b"".join(parts).replace(b"\r\n", b"\n")).decode()


def test_colour(classify):
    """Colour on a terminal, none with NO_COLOR or on a dumb terminal; the words are the same."""
    arguments = ("scan", *RULES, "logs/1-disk.log")
    plain = classify.run(*arguments, cwd=DATA).out
    coloured = on_terminal(classify, *arguments, TERM="xterm")
    assert "\x1b[" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == plain
    assert on_terminal(classify, *arguments, TERM="xterm", NO_COLOR="1") == plain
    assert on_terminal(classify, *arguments, TERM="dumb") == plain
    assert "\x1b[" not in on_terminal(classify, *arguments, "-o", "jsonl", TERM="xterm")


def test_standard_error_is_silent(classify):
    """Nothing but the results when there is nothing to complain of."""
    done = classify.run("scan", *RULES, "logs/1-disk.log", "logs/3-passed.log", cwd=DATA)
    assert done.err == ""


@pytest.mark.parametrize("context", [0, 1, 3, 20])
def test_context_in_text(classify, context):
    """--context shows so many lines on either side, as far as there are any."""
    rules = classify.rules(rule("r", "^hit"))
    log = "".join(f"{'hit' if n == 31 else 'line'} {n}\n" for n in range(1, 62))
    done = classify.run("scan", "-r", rules, "--context", context, "-", stdin=log.encode())
    shown = re.findall(r"^[ >] line (\d+) +(.*)$", done.out, re.M)
    expected = [(str(number), text) for number, text in enumerate(log.splitlines(), 1)
                if abs(number - 31) <= context]
    assert shown == expected


def test_context_at_the_ends(classify):
    """At the ends of a log there is less of it."""
    rules = classify.rules(rule("r", "^hit"))
    for log in ("hit", "hit\n", "a\nhit\n", "hit\nb", "a\r\nhit\r\nb\r\n"):
        done = classify.run("scan", "-r", rules, "--context", "5", "-", stdin=log.encode())
        assert re.findall(r"^[ >] line \d+ +(.*)$", done.out, re.M) == log.splitlines()


def test_long_context(classify):
    """Above a line 8 KiB are kept, and of each line 8 KiB; with redaction, none of one that is cut."""
    rules = classify.rules(rule("r", "^hit"))

    def shown(log, *options):
        return classify.run("scan", "-r", rules, "-o", "markdown", "--context", "20", *options, "-", stdin=log.encode()).out

    above = shown("".join(f"above {n:02} {'x' * 990}\n" for n in range(20)) + "hit\n")
    assert [n for n in range(20) if f"above {n:02}" in above] == list(range(12, 20))
    plain = shown("hit\nlong " + "y z " * 2100 + "\nend\n", "--no-redact")
    assert plain.count("y z ") == (8192 - len("long ")) // 4 and "\nend\n" in plain
    assert "```text\nhit\n\nend\n```" in shown("hit\nlong " + "y z " * 2100 + "\nend\n")


def test_long_texts(classify):
    """Of a long line the text format shows 600 bytes, and `explain` 160 of a candidate's."""
    rules = classify.rules(rule("r", "^hit"), rule("loser", "^lost", severity="low"))
    log = ("lost" + "y" * 700 + "\nhit" + "x" * 700 + "\n").encode()
    shown = classify.run("scan", "-r", rules, "-", stdin=log, COLUMNS="1000").out
    assert "hit" + "x" * 597 + " ..." in shown and "x" * 598 not in shown
    told = classify.run("explain", "-r", rules, "-", stdin=log).out.partition("candidates\n")[2]
    assert "lost" + "y" * 156 in told and "y" * 157 not in told


def test_many_losers(classify):
    """Five of the rules that were not chosen are told, the others counted."""
    rules = classify.rules(*[rule(f"r{n}", f"^fault {n}") for n in range(9)])
    out = classify.run("scan", "-r", rules, "-", stdin=b"".join(b"fault %d\n" % n for n in range(9))).out
    assert out.count("earlier: ") == 5 and "and 3 more; 'classify explain' lists them" in out


def test_odd_widths(classify):
    """A width that is none, or out of all proportion, counts as a hundred columns."""
    def shown(columns):
        return classify.run("scan", *RULES, "logs/1-disk.log", cwd=DATA, COLUMNS=columns).out

    for columns in ("39", "1001", "x", "-1"):
        assert shown(columns) == shown("100")
    assert len({shown(columns) for columns in ("40", "100", "1000")}) == 3


def test_profile(classify):
    """The forty expressions that cost the most, each up to 60 bytes."""
    rules = classify.rules(*[rule(f"r{n:02}", f"^(?:x|{n:02})[yz]" + "w?" * 50) for n in range(50)])
    done = classify.run("scan", "-r", rules, "--profile", "-", stdin=b"xy\n" * 10)
    table = done.err.partition("rule: expression\n")[2].splitlines()
    assert len(table) == 40
    for line in table:
        found = re.fullmatch(r" +10 +10 +10 +[0-9.]+  (r\d\d): (.*)", line)
        assert found and len(found[2].removesuffix("  (always)")) == 60


# ---- the document ----

def test_json(classify):
    """One document: the logs as in jsonl, and what several of them share."""
    done = classify.run("scan", *RULES, "-o", "json", "logs", cwd=DATA)
    document = json.loads(done.out)
    assert set(document) == {"schema", "logs", "groups"} and document["schema"] == 1
    for log in document["logs"]:
        check_shape(log)
    same = classify.run("scan", *RULES, "-o", "jsonl", "logs", cwd=DATA).objects()
    assert document["logs"] == same
    (group,) = [group for group in document["groups"] if group["rule"] == "demo-disk-full"]
    assert group["count"] == 2 and group["failed"] == 4
    assert group["category"] == "disk_full"
    assert group["fields"] == {"volume": "/var/lib/build"}
    assert group["sources"] == ["logs/1-disk.log", "logs/2-disk.log"]


def test_json_groups_share_only_what_is_equal(classify):
    """A capture in which the logs differ is not shared; unknown failures group by template."""
    classify.write("logs/a.log", "copying: write /a: no space left on device\n")
    classify.write("logs/b.log", "copying: write /b: no space left on device\n")
    for name, number in (("c", 17), ("d", 23), ("e", 42)):
        classify.write(f"logs/{name}.log",
                       f"fatal: no frob {number}\nbuild ended with exit code 1\n")
    done = classify.run("scan", "-r", DATA / "rules.yaml", "-o", "json", "logs")
    groups = json.loads(done.out)["groups"]
    assert [(g["rule"], g["category"], g["count"], g["fields"]) for g in groups] == [
        (None, "unknown", 3, {}), ("demo-disk-full", "disk_full", 2, {})]
    assert groups[0]["fingerprint"] and groups[1]["fingerprint"] is None


def test_json_of_nothing(classify):
    """No log at all is still a document."""
    (classify.folder / "empty").mkdir()
    done = classify.run("scan", "-r", DATA / "rules.yaml", "-o", "json", "empty")
    assert json.loads(done.out) == {"schema": 1, "logs": [], "groups": []}
    done = classify.run("scan", "-r", DATA / "rules.yaml", "-o", "json", "missing")
    assert done.code == 2
    assert json.loads(done.out)["logs"] == []


def test_jsonl_has_no_groups(classify):
    """jsonl holds logs alone."""
    done = classify.run("scan", *RULES, "-o", "jsonl", "logs", cwd=DATA)
    assert all(set(log) == LOG_KEYS for log in done.objects())


# ---- markdown ----

def outside_of_code(markdown):
    """The lines of a document that are not inside a fenced block, and those that are."""
    outside, inside, fence = [], [], None
    for line in markdown.splitlines():
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)$", line)
        if fence is None:
            if found and ("`" not in found[2] or found[1][0] == "~"):
                fence = found[1]
            else:
                outside.append(line)
        elif found and found[1].startswith(fence) and not found[2].strip():
            fence = None
        else:
            inside.append(line)
    assert fence is None, "a fence is left open"
    return outside, inside


HOSTILE = [
    "```", "````", "``````````", "~~~", "```sh", "   ```", "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>", "</pre></code>", "<!-- ", "&lt;b&gt;", "| a | b |", "# big",
    "[x](javascript:alert(1))", "![x](https://evil.example/x.png)", "[x]: https://evil.example",
    "*x* _x_ ~~x~~ `x`", "\\", "\\`", "@team", "@@team/x@", "`@team`", "\\@team", "#1", "team/x#12", "GH-12", "!1", "-----", "- [ ] x", "1. x", "> x",
    "$$x$$",
    "https://evil.example/", "www.evil.example",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_is_inert(classify, text):
    """Whatever a log holds, nothing of it acts in the ticket."""
    rules = classify.rules(rule("r", "^oops (?<what>.*)$", title="Oops: ${what}",
                                runbook={"cause": "It is ${what}.", "fix": "echo ${what}",
                                         "prevent": "No ${what}."}))
    log = f"{text}\noops {text}\n{text}\n"
    done = classify.run("scan", "-r", rules, "-o", "markdown", "--context", "1", "--no-redact",
                        "-",
                        stdin=log.encode())
    outside, inside = outside_of_code(done.out)
    assert inside[:3] == log.splitlines()
    prose = "\n".join(outside)
    assert not re.search(r"<", prose)
    assert not re.search(r"&(?!lt;|gt;|amp;|#[0-9]+;)", prose)
    # Bare addresses become links by themselves in tickets.
    assert not re.search(r"://|www\.", prose)
    # Behind the backslash, an @ or # would still call somebody, or lead to another ticket.
    calls = re.sub(r"`(@+|#|-)`", "", re.sub(r"\\[^@#]|&#\d+;", "", prose))
    assert not re.search(r"@|#\d|gh-\d", calls, re.I)
    # Every sign that could begin a link, an image, emphasis or code is escaped.
    bare = re.sub(r"`(@+|#|-)`", "", re.sub(r"\\[!-/:-@\[-`{-~]", "", prose))
    for line in bare.splitlines():
        if line.startswith("Ruleset `"):
            continue
        line = re.sub(r"^(## |\*\*[A-Z][A-Za-z ]*[.:]\*\*|- |\|[-| ]*\|$)", "", line)
        assert not re.search(r"[`*\[\]]|!\[", line), line
    # A cell of the table cannot end early.
    for line in outside:
        if line.startswith("| ") and line != "| | |":
            assert len(re.findall(r"(?<!\\)\|", re.sub(r"\\\\", "", line))) == 3


def test_markdown_unknown(classify):
    """A failure without a rule has its telling lines in a block as well."""
    log = "fatal: ``` could <b>not</b> be found\nbuild ended with exit code 1\n"
    done = classify.run("scan", "-r", DATA / "rules.yaml", "-o", "markdown", "-",
                        stdin=log.encode())
    outside, inside = outside_of_code(done.out)
    assert "fatal: ``` could <b>not</b> be found" in inside
    assert "<" not in "\n".join(outside)


def test_markdown(classify, golden):
    """The whole of it."""
    done = classify.run("scan", *RULES, "-o", "markdown", "logs", cwd=DATA)
    golden("folder.md", re.sub("sha256:[0-9a-f]{64}", "sha256:HASH", done.out))


def test_markdown_name(classify):
    """The name of a file is no markup either."""
    name = "<b>|`x`\n# y.log"
    classify.write(name, "oops\n")
    done = classify.run("scan", "-r", classify.rules(rule("r", "^oops")), "-o", "markdown", name)
    outside, _ = outside_of_code(done.out)
    assert not any("<b>" in line or line.startswith("# ") for line in outside)


# ---- redaction ----

SECRETS = [
    ("password=hunter01xyz", "hunter01xyz"),
    ("DB_PASSWORD: hunter02xyz", "hunter02xyz"),
    ('"password":"hunter03xyz"', "hunter03xyz"),
    ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef"),
    ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA=="),
    ("https://deploy:s3cr3t@git.example/x.git", "s3cr3t"),
    ("https://0123456789abcdef0123@git.example/x.git", "0123456789abcdef0123"),
    ("key AKIAABCDEFGHIJKLMNOP used", "AKIAABCDEFGHIJKLMNOP"),
    ("token ghp_abcdefghijklmnopqrstuvwxyz0123456789", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"),
    ("glpat-abcdefghijklmnopqrst given", "glpat-abcdefghijklmnopqrst"),
    ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
     "eyJzdWIiOiIxMjM0NTY3ODkwIn0"),
    ("docker login --password hunter04xyz registry.example", "hunter04xyz"),
    ("docker login --password=hunter05xyz", "hunter05xyz"),
    ("export API_KEY='hunter06xyz'", "hunter06xyz"),
    ("aws_secret_access_key = hunter07/abc+defgh", "hunter07/abc"),
    ("mail to jane.doe@corp.example failed", "jane.doe@corp.example"),
    ("posted with xoxb-2048-4096-abcdefghijkl", "xoxb-2048-4096-abcdefghijkl"),
    ("| " + "Kq7/vN2x" * 8, "Kq7/vN2x" * 8),
]


@pytest.mark.parametrize("options, shown", [
    (["-o", "text"], True), (["-o", "jsonl"], True), (["-o", "json"], True), (["--matches"], True),
    (["-o", "markdown"], False), (["-o", "markdown", "--no-redact"], True),
    (["-o", "text", "--redact"], False), (["-o", "jsonl", "--redact"], False),
    (["-o", "json", "--redact"], False), (["--matches", "--redact"], False),
], ids=lambda value: " ".join(value) if isinstance(value, list) else None)
def test_redaction(classify, options, shown):
    """Secrets are hidden where asked, and by default in what is pasted into tickets."""
    rules = classify.rules(rule("r", "^oops (?<what>.*)$", title="Oops: ${what}",
                                runbook={"cause": "${what}", "fix": "echo ${what}"}),
                           rule("loser", "^before", severity="low"))
    for number, (line, _) in enumerate(SECRETS):
        classify.write(f"logs/{number:02}.log", f"before {line}\noops {line}\nafter {line}\n")
    extra = [] if "--matches" in options else ["--context", "1"]
    done = classify.run("scan", "-r", rules, *options, *extra, "logs")
    assert done.code == 0
    # Text is wrapped at the width, and markdown escapes what could act.
    text = re.sub(r"\\([_@+])", r"\1", re.sub(r"\n +", "", done.out))
    expected = [secret for _, secret in SECRETS] if shown else []
    assert [secret for _, secret in SECRETS if secret in text] == expected


def test_redaction_of_unknown(classify):
    """Telling lines are redacted as well."""
    log = "fatal: cannot log in with password=hunter2hunter2\nbuild ended with exit code 1\n"
    for options in (["-o", "jsonl", "--redact"], ["--redact"], ["-o", "markdown"]):
        done = classify.run("scan", "-r", DATA / "rules.yaml", *options, "-", stdin=log.encode())
        assert "cannot log in" in done.out and "hunter2" not in done.out


def test_redaction_of_what_is_cut(classify):
    """The last word of a capture that was cut may be half a secret: it is left out, up to 512 bytes of it."""
    rules = classify.rules(rule("r", "^got (?<what>.*)$"))
    for value, kept in (("well " * 820, "well " * 819), ("well " * 800 + "_" * 300, "well " * 800),
                        ("_" * 5000, "_" * (4096 - 512))):
        assert classify.verdict(rules, f"got {value}\n")["fields"]["what"] == value[:4096]
        assert classify.verdict(rules, f"got {value}\n", "--redact")["fields"]["what"] == kept


def test_redaction_leaves_the_rest(classify):
    """What is no secret stays: digests, commits, hosts and paths are needed to act."""
    rules = classify.rules(rule("r", "^oops"))
    for line in ("oops registry.example/app@sha256:" + "0a" * 32 + " commit " + "1b" * 20
                 + " at https://git.example/team/app.git in /srv/tokens/README by uid 1000",
                 "oops container " + "2c" * 32,
                 "oops in /home/Builder7/" + "src/Main" * 8,
                 "oops 123e4567-e89b-12d3-a456-426614174000"):
        done = classify.run("scan", "-r", rules, "-o", "jsonl", "--redact", "-", stdin=line.encode())
        assert done.objects()[0]["text"] == line


KEY = ["-----BEGIN RSA PRIVATE KEY-----", *("Kq7/vN2x" * 7 + f"{i:08}" for i in range(12)), "Zm9vYmFy==",
       "-----END RSA PRIVATE KEY-----"]


@pytest.mark.parametrize("prefix", ["", "2026-03-01T10:00:00.123456789Z ", "app-1  | "])
def test_redaction_of_a_key(classify, prefix):
    """Each line of a key, also where its beginning is not in what is shown, behind what wrappers put in front."""
    log = [prefix + line for line in [*KEY, "oops"]]
    done = classify.run("scan", "-r", classify.rules(rule("r", "^oops$")), "-o", "markdown", "--context", "8", "-",
                        stdin="\n".join(log).encode())
    assert "[redacted]" in done.out and "END RSA" in done.out and "Kq7/vN2x" not in done.out


def test_redaction_keeps_places(classify):
    """Offset and length stay those of the data."""
    rules = classify.rules(rule("r", "^oops"))
    line = "oops password=hunter2hunter2"
    done = classify.run("scan", "-r", rules, "-o", "jsonl", "--redact", "-", stdin=line.encode())
    assert done.objects()[0]["length"] == len(line)
