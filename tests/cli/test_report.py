# SPDX-License-Identifier: Apache-2.0
"""The HTML report: what it says, what it keeps out, and how it behaves in a browser."""

import base64
import hashlib
import io
import itertools
import os
import re
import signal
import subprocess
import tarfile
from datetime import datetime
from html.parser import HTMLParser

import pytest

from browser import CHROMIUM, Browser
from conftest import DATA, PATIENCE, binary, marker, rule

VOID = {"meta", "br", "input", "hr", "link", "img"}
ELEMENTS = VOID | {
    "html", "head", "title", "style", "body", "a", "header", "p", "h1", "h2", "h3", "main", "section", "dl", "div",
    "dt", "dd", "ol", "ul", "li", "svg", "defs", "pattern", "rect", "g", "path", "line", "text", "table", "thead",
    "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption", "pre", "code", "span", "b", "i", "var",
    "small", "time", "form", "label", "select", "option", "output", "footer", "script"}


class Element:
    """An element with its children; texts among them are strings."""

    def __init__(self, tag, attributes):
        self.tag, self.attributes, self.children = tag, attributes, []

    def get(self, name):
        """An attribute, or None."""
        return self.attributes.get(name)

    def all(self, *tags):
        """The elements below, of these tags if any are given."""
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    yield child
                yield from child.all(*tags)

    def of_class(self, name):
        """The elements below that have the class."""
        return [one for one in self.all() if name in (one.get("class") or "").split()]

    @property
    def text(self):
        """All text below."""
        return "".join(one if isinstance(one, str) else one.text for one in self.children)


class Page(HTMLParser):
    """A page as a tree; what is not closed as it was opened is an error."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.source = path.read_bytes().decode("utf-8")
        self.root = Element("", {})
        self.stack = [self.root]
        self.feed(self.source)
        self.close()
        assert len(self.stack) == 1, self.stack[-1].tag

    def handle_starttag(self, tag, attrs):
        assert tag in ELEMENTS, tag
        assert len(dict(attrs)) == len(attrs)
        element = Element(tag, dict(attrs))
        self.stack[-1].children.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop().tag == tag

    def handle_data(self, data):
        self.stack[-1].children.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def id(self, name):
        """The element of this id."""
        (found,) = [one for one in self.root.all() if one.get("id") == name]
        return found

    @property
    def headline(self):
        """What the page begins with."""
        (head,) = self.root.all("h1")
        return head.text


def check(page):
    """What holds of every report."""
    root = page.root
    ids = [one.get("id") for one in root.all() if one.get("id")]
    assert len(set(ids)) == len(ids)
    for one in root.all():
        assert not any(name.startswith("on") or name in ("style", "src", "srcset", "background", "action")
                       for name in one.attributes), one.attributes
        if one.get("aria-labelledby"):
            assert one.get("aria-labelledby") in ids
        if one.get("fill"):
            assert re.fullmatch(r"url\(#(p\d)\)", one.get("fill"))[1] in ids
        if one.tag == "a":
            href = one.get("href")
            assert (href[0] == "#" and href[1:] in ids) or re.fullmatch(r"https?://[^\s\"<>]+", href)
        if one.tag == "th":
            assert one.get("scope") in ("col", "row")
        if one.tag in ("meta", "script", "style"):
            assert not one.get("href")
    # Headings go down one step at a time.
    levels = [int(one.tag[1]) for one in root.all("h1", "h2", "h3")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:]))
    # The policy allows what is there and nothing else.
    (policy,) = [one.get("content") for one in root.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert parts["default-src"] == parts["base-uri"] == parts["form-action"] == "'none'"
    assert set(parts) == {"default-src", "base-uri", "form-action", "style-src", "script-src"}
    for tag, name in (("style", "style-src"), ("script", "script-src")):
        (inline,) = root.all(tag)
        digest = base64.b64encode(hashlib.sha256(inline.text.encode()).digest()).decode()
        assert parts[name] == f"'sha256-{digest}'"
    (style,) = root.all("style")
    assert "@import" not in style.text and "url(" not in style.text
    body = page.source[page.source.index("<body>"):]
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", body)
    return page


def report(classify, *arguments, code=0, **more):
    """The page of a scan."""
    done = classify.run("scan", "-q", "--report", "out.html", *arguments, **more)
    assert done.code == code, done.err
    return check(Page(classify.folder / "out.html"))


def rows(page):
    """The table of failures, a list of texts for each row."""
    (body,) = page.id("failures").all("tbody")
    return [[cell.text for cell in row.all("td", "th")] for row in body.all("tr")]


def rule_rows(page):
    """The table of rules by id."""
    (table,) = page.root.of_class("rules")
    (body,) = table.all("tbody")
    return {next(row.all("small")).text: [cell.text for cell in row.all("td")] for row in body.all("tr")}


def cause(page, name):
    """The details of the rule or template."""
    (found,) = [one for one in page.root.of_class("cause") if next(one.of_class("facts")[0].all("code")).text == name]
    return found


def disk(day, volume="/var", lines=1):
    """A log of a failure at noon of a day, with steps before it."""
    steps = "".join(f"2026-03-{day:02}T11:00:{n:02}Z step {n}\n" for n in range(lines))
    return f"{steps}2026-03-{day:02}T12:00:00Z oops {volume} is full\nafter\n"


@pytest.fixture
def rules(classify):
    """Rules for the logs of these tests."""
    return classify.rules(
        rule("disk", r"oops (?<volume>\S+) is full", title="${volume} is full", category="disk_full", severity="high",
             retry="later", explains=["push"],
             runbook={"cause": "The volume ${volume} is full.", "fix": "df -h ${volume}\n", "prevent": "Clean up.",
                      "url": "https://docs.example/disk"}),
        rule("push", "^push failed", owner="user", role="symptom"),
        rule("upstream", "^they are down", owner="upstream", category="service_unavailable"),
        marker("ended", "^exit 1$", "failure"), marker("done", "^all is well$", "success"), name="report.yaml")


# ---- what it says ----

def test_says_what_jsonl_says(classify):
    """Every failed log is listed, and every rule with its count."""
    done = classify.run("scan", "-o", "jsonl", "-r", DATA / "rules.yaml", "--redact", DATA / "logs")
    logs = done.objects()
    failed = [log for log in logs if log["outcome"] == "failed"]
    page = report(classify, "-r", DATA / "rules.yaml", DATA / "logs")
    assert page.headline == f"{len(failed)} of {len(logs)} logs failed"
    told = {(row[1], row[2], row[3]) for row in rows(page)}
    assert told == {(f"{log['source']}:{log['line']}", log["category"], log["rule"] or log["fingerprint"])
                    for log in failed}
    counted = {name: int(cells[1]) for name, cells in rule_rows(page).items()}
    assert counted == {name: sum(log["rule"] == name for log in failed)
                       for name in {log["rule"] for log in failed} - {None}}
    for log in failed:
        assert log["rule"] is None or cause(page, log["rule"]).text.count(log["source"]) == 1
    figures = {one.text: two.text.split()[0] for one, two in
               zip(page.root.of_class("figures")[0].all("dt"), page.root.of_class("figures")[0].all("dd"))}
    for outcome in ("failed", "passed", "undetermined"):
        assert int(figures[outcome]) == sum(log["outcome"] == outcome for log in logs)
    assert logs[0]["ruleset"] in next(page.root.all("footer")).text


def test_first_screen(classify, rules):
    """How many failed, of what, since when, and who has to act."""
    for day in (2, 5, 9):
        classify.write(f"logs/disk-{day}.log", disk(day))
    for n in range(2):
        classify.write(f"logs/push-{n}.log", f"2026-03-07T10:0{n}:00Z push\npush failed\n")
    classify.write("logs/up.log", "2026-03-07T10:00:00Z x\nthey are down\n")
    classify.write("logs/fine.log", "2026-03-08T10:00:00Z x\nall is well\n")
    page = report(classify, "-r", rules, "logs")
    assert page.headline == "6 of 7 logs failed"
    assert "2026-03-02 12:00 to 2026-03-09 12:00 UTC" in page.root.of_class("meta")[0].text
    (top,) = page.root.of_class("top")
    first, second, third = top.all("li")
    assert first.of_class("count")[0].text == "3" and first.of_class("title")[0].text == "/var is full"
    assert first.of_class("facts")[0].text == (
        "disk_full · since 2026-03-02 12:00, last 2026-03-09 12:00 · platform · retry later")
    assert second.of_class("count")[0].text == "2" and third.of_class("count")[0].text == "1"
    (act,) = page.root.of_class("act")
    told = {row.of_class("owner")[0].text: next(row.all("td")).text for row in list(act.all("tr"))[1:]}
    assert told == {"platform": "3", "user": "2", "upstream": "1"}
    assert rule_rows(page)["disk"][3:5] == ["2026-03-02 12:00", "2026-03-09 12:00"]


def test_evidence(classify, rules):
    """The line with its number among its neighbours, what was captured, the runbook, and who lost."""
    classify.write("a.log", disk(2, "/srv", lines=6) + "push failed\n")
    page = report(classify, "-r", rules, "a.log")
    assert page.headline == "The log failed"
    found = cause(page, "disk")
    shown = [(next(one.all("i")).text, next(one.all("code")).text, one.tag) for one in found.of_class("l")]
    assert shown == [("4", "2026-03-02T11:00:03Z step 3", "span"), ("5", "2026-03-02T11:00:04Z step 4", "span"),
                     ("6", "2026-03-02T11:00:05Z step 5", "span"),
                     ("7", "2026-03-02T12:00:00Z oops /srv is full", "b"), ("8", "after", "span"),
                     ("9", "push failed", "span")]
    assert found.of_class("fields")[0].text == "volume/srv"
    runbook = found.of_class("runbook")[0]
    assert [one.text for one in runbook.all("dd")] == [
        "The volume /srv is full.", "df -h /srv", "Clean up.", "https://docs.example/disk"]
    assert next(runbook.all("a")).get("href") == "https://docs.example/disk"
    assert found.of_class("fix")[0].tag == "pre"
    assert "push, line 9: explained by disk" in found.of_class("losers")[0].text


def test_titles_that_differ(classify, rules):
    """A title that is not the same for all logs has the names of captures in their place."""
    for day, volume in ((2, "/a"), (3, "/b")):
        classify.write(f"logs/{day}.log", disk(day, volume))
    page = report(classify, "-r", rules, "logs")
    (var,) = page.root.of_class("top")[0].all("var")
    assert var.text == "volume"
    assert sorted(row[4].split(" is full")[0] for row in rows(page)) == ["/a", "/b"]


def test_examples_are_few_and_new(classify, rules):
    """Of many logs of a cause the first and the newest are shown, and the page says of how many."""
    for day in (5, 9, 3, 7, 1, 8):
        classify.write(f"logs/{len(os.listdir(classify.folder))}-{day}.log", disk(day))
    paths = [f"logs/{name}" for name in os.listdir(classify.folder / "logs")]
    paths.sort(key=lambda name: [5, 9, 3, 7, 1, 8].index(int(name.split("-")[1][0])))
    page = report(classify, "-r", rules, *paths)
    found = cause(page, "disk")
    assert "Showing 3 of 6 logs: the newest and the first" in found.text
    assert [one.text for one in found.all("time")][2:] == ["2026-03-09 12:00", "2026-03-08 12:00", "2026-03-05 12:00"]


def test_novel(classify, rules):
    """What no rule explains is grouped by template, with its telling lines and the way to a rule."""
    for n in range(3):
        classify.write(f"logs/{n}.log", f"fatal: frob {n} is gone\nexit 1\n")
    (log, *_) = classify.run("scan", "-o", "jsonl", "-r", rules, "logs").objects()
    page = report(classify, "-r", rules, "logs")
    found = cause(page, log["fingerprint"])
    assert "fatal: frob" in found.of_class("l")[0].text
    assert f"classify rules new --from-group {log['fingerprint']}" in found.text
    assert "h-novel" in [one.get("id") for one in page.root.all("h2")]
    (act,) = page.root.of_class("act")
    assert "not known" in act.text


def test_shared(classify, rules):
    """Captured values that several logs have are told, with the logs."""
    for day in range(1, 6):
        classify.write(f"logs/{day}.log", disk(day, "/data" if day < 5 else "/other"))
    page = report(classify, "-r", rules, "logs")
    (shared,) = page.root.of_class("shared")
    (group,) = [one for one in shared.children if isinstance(one, Element)]
    assert group.of_class("title")[0].text.startswith("5 of 5 ")
    assert group.of_class("values")[0].text == "4 with volume /data"
    assert [one.text for one in group.of_class("sources")[0].all("li")] == [f"logs/{day}.log" for day in range(1, 6)]


def over_time(page):
    """The table of the chart: a list of the beginning of a slot and its sum."""
    (chart,) = page.root.of_class("chart")
    (body,) = chart.all("tbody")
    return [(next(row.all("th")).text, int(next(row.all("td")).text.replace(",", ""))) for row in body.all("tr")]


def test_over_time(classify, rules):
    """Each failure stands at its own time, in slots that fit the span."""
    for day in (2, 2, 9):
        classify.write(f"logs/{day}-{len(os.listdir(classify.folder))}.log", disk(day))
        classify.write(f"x{day}-{len(os.listdir(classify.folder))}", "")
    page = report(classify, "-r", rules, "logs")
    assert over_time(page) == [("2026-03-02 12:00", 2), ("2026-03-09 12:00", 1)]
    classify.write("logs/later.log", "2026-05-20T10:00:00Z push\n2026-05-20T10:00:00Z they\nthey are down\n")
    page = report(classify, "-r", rules, "logs")
    assert over_time(page) == [("2026-03-02", 2), ("2026-03-09", 1), ("2026-05-20", 1)]
    assert sum(int(one.text) for one in page.root.of_class("legend")[0].all("b")) == 4


def test_over_many_years(classify, rules):
    """Weeks and months where days would be too many; nothing is lost."""
    for year in range(1990, 2026, 5):
        classify.write(f"logs/{year}.log", f"{year}-01-01T10:00:00Z oops /var is full\n")
    told = over_time(report(classify, "-r", rules, "logs"))
    assert [count for _, count in told] == [1] * 8
    assert all(begin[:4] in (str(year), str(year - 1)) for (begin, _), year in zip(told, range(1990, 2026, 5)))


def test_far_from_the_rest(classify, rules):
    """A clock that was never set does not press all the rest into one bar; the page says so."""
    for n in range(20):
        classify.write(f"logs/{n}.log", f"2026-03-{n + 1:02}T10:00:00Z oops /var is full\n")
    classify.write("logs/old.log", "1980-01-01T00:00:00Z oops /var is full\n")
    page = report(classify, "-r", rules, "logs")
    assert len(over_time(page)) == 20
    assert "1 earlier and 0 later failures are not drawn" in page.root.text
    assert page.headline == "21 of 21 logs failed" and len(rows(page)) == 21


def test_times_of_files(classify, rules):
    """A log that tells no day stands where its file was last changed, and the page says so."""
    for n, moment in enumerate((1767225600, 1767312000)):
        path = classify.write(f"logs/{n}.log", "push failed\n")
        os.utime(path, (moment, moment))
    page = report(classify, "-r", rules, "logs")
    assert sorted(row[0] for row in rows(page)) == ["2026-01-01 00:00", "2026-01-02 00:00"]
    assert "2 failed logs tell no day" in page.root.text
    page = report(classify, "-r", rules, "-", stdin=b"push failed\n")
    assert [row[0] for row in rows(page)] == ["no date"]


@pytest.mark.parametrize("line, changed, meant", [
    ("Mar  3 10:00:01 host app[1]: oops /var is full", "2024-03-04 08:00", "2024-03-03 10:00"),
    ("Dec 31 23:00:01 host app[1]: oops /var is full", "2024-01-01 08:00", "2023-12-31 23:00"),
    ("E0303 10:00:01.000000       1 a.go:1] oops /var is full", "2023-03-03 11:00", "2023-03-03 10:00"),
    ("Sep  9 10:00:01 host app[1]: oops /var is full", "2024-03-04 08:00", "2023-09-09 10:00"),
    ("08:00:01 oops /var is full", "2024-03-04 22:00", "2024-03-04 08:00"),
    ("23:59:01 oops /var is full", "2024-03-04 00:10", "2024-03-03 23:59"),
])
def test_part_of_a_time(classify, rules, line, changed, meant):
    """A line that tells no year or no day means the last before the file was changed."""
    path = classify.write("a.log", line + "\n")
    moment = datetime.fromisoformat(changed + "+00:00").timestamp()
    os.utime(path, (moment, moment))
    (row,) = rows(report(classify, "-r", rules, "a.log"))
    assert row[0] == meant


def test_members_of_archives(classify, rules):
    """A member stands at the time that the archive has for it, where it tells none itself."""
    with tarfile.open(classify.folder / "a.tar", "w") as archive:
        for name, text in (("own.log", disk(2)), ("none.log", "push failed\n")):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text), 1767225600
            archive.addfile(member, io.BytesIO(text.encode()))
    told = {row[1]: row[0] for row in rows(report(classify, "-r", rules, "a.tar"))}
    assert told == {"a.tar!own.log:2": "2026-03-02 12:00", "a.tar!none.log:1": "2026-01-01 00:00"}


def test_with_a_window(classify, rules):
    """With --since and --until the page says so."""
    for day in (2, 3, 4):
        classify.write(f"logs/{day}.log", disk(day))
    page = report(classify, "-r", rules, "--since", "2026-03-03", "--until", "2026-03-04", "logs")
    assert page.headline == "The log failed"
    assert "Only lines from 2026-03-03 00:00 on and before 2026-03-04 00:00 were looked at" in (
        page.root.of_class("notices")[0].text)


def test_with_a_state(classify, rules):
    """With --state the report is of all that is remembered, and looks as if all were scanned now."""
    for day in (2, 3, 4):
        classify.write(f"logs/{day}.log", disk(day, "/data", lines=5))
    classify.write("logs/novel.log", "2026-03-02T12:00:00Z fatal: frob is gone\nexit 1\n")
    classify.write("logs/fine.log", "all is well\n")

    def plain(page):
        """Without what differs from run to run: when it was made, and what the engine could."""
        page = re.sub("made <time.*?</time>", "", page)
        return re.sub(r'<ul class="notices">\n<li>[^\n]*<code>engine_fallback</code>\.</li>\n</ul>\n', "", page)

    whole = plain(report(classify, "-r", rules, "logs").source)
    state = ("-r", rules, "--state", "state.db", "--report", "out.html")
    pages = []
    for _ in range(2):
        done = classify.run("scan", "-o", "jsonl", *state, "logs")
        assert done.code == 0, done.err
        pages.append(plain((classify.folder / "out.html").read_text()))
    assert done.out == "" and pages[0] == pages[1] == whole
    classify.write("logs/5.log", disk(5, "/data"))
    assert len(classify.run("scan", "-o", "jsonl", *state, "logs").objects()) == 1
    page = check(Page(classify.folder / "out.html"))
    assert page.headline == "5 of 6 logs failed"
    assert page.root.of_class("values")[0].text == "all with volume /data"


def test_nothing_failed(classify, rules):
    """A page without failures says so and shows no empty tables."""
    for n in range(2):
        classify.write(f"logs/{n}.log", "all is well\n")
    page = report(classify, "-r", rules, "logs")
    assert page.headline == "None of 2 logs failed"
    assert not list(page.root.all("table"))
    assert report(classify, "-r", rules, "logs/0.log").headline == "The log did not fail"
    (classify.folder / "empty").mkdir()
    assert report(classify, "-r", rules, "empty").headline == "There was no log"
    page = report(classify, "-r", classify.write("none.yaml", "rules: []\n"), "logs", code=3)
    assert "No rule could be loaded" in page.root.text or "2 logs failed" in page.headline


def test_more_than_is_listed(classify, rules):
    """Beyond what is listed the newest are, and the page says of how many."""
    logs = classify.folder / "logs"
    logs.mkdir()
    for n in range(5010):
        (logs / f"{n:04}.log").write_text(f"2026-03-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z oops /v is full\n")
    page = report(classify, "-r", rules, "logs")
    assert page.headline == "5,010 of 5,010 logs failed"
    assert "The newest 5,000 of 5,010" in page.root.text
    told = [row[1] for row in rows(page)]
    assert told == [f"logs/{n:04}.log:1" for n in range(5009, 9, -1)]
    assert sum(count for _, count in over_time(page)) == 5010


def test_more_than_is_shown(classify):
    """Beyond so many causes the most common are shown with evidence; all of them are in the table."""
    rules = classify.rules(*(rule(f"r-{n:03}", f"^oops {n}$") for n in range(310)))
    logs = classify.folder / "logs"
    logs.mkdir()
    for n in range(310):
        (logs / f"{n}.log").write_text(f"oops {n}\n")
    (logs / "again.log").write_text("oops 309\n")
    page = report(classify, "-r", rules, "logs")
    assert len(page.root.of_class("cause")) == 300 and len(rule_rows(page)) == 310
    assert cause(page, "r-309")
    assert "Showing 300 of 310, the most common ones" in page.root.text


def test_more_than_is_told_apart(classify, rules):
    """Failures of causes beyond the limit are counted, and the page says how many they are."""
    logs = classify.folder / "logs"
    logs.mkdir()
    words = ["".join(letters) for letters in itertools.product("bdfgklmnprstvz", repeat=4)][:10007]
    for word in words:
        (logs / f"{word}.log").write_text(f"fatal: cannot frob the {word}a today\nexit 1\n")
    page = report(classify, "-r", rules, "logs")
    assert page.headline == "10,007 of 10,007 logs failed"
    (notices,) = page.root.of_class("notices")
    assert "7 failures are counted and not told: there are more than 10,000 causes" in notices.text
    (act,) = page.root.of_class("act")
    assert next(act.all("td")).text == "10,007"


def test_more_groups_than_are_told(classify):
    """Twelve groups, and twelve logs of each."""
    rules = classify.rules(*(rule(f"r-{n:02}", f"^oops {n:02} (?<volume>\\S+)") for n in range(13)))
    for n in range(13):
        for k in range(13):
            classify.write(f"logs/{n}-{k}.log", f"oops {n:02} /data/{n}\n")
    page = report(classify, "-r", rules, "logs")
    assert "Showing 12 of 13 groups" in page.root.text and "12 of 13 logs" in page.root.text
    assert {len(list(one.all("li"))) for one in page.root.of_class("sources")} == {12}


def test_more_systems_and_categories_than_are_told(classify):
    """Sixty-four systems are told apart, the last one for all others, and seven categories have a colour."""
    categories = ["disk_full", "timeout", "dns_failed", "tls_invalid", "access_denied", "auth_failed", "rate_limited",
                  "tool_bug", "node_failed"]
    arguments = []
    for n in range(66):
        arguments += ["-r", classify.rules(rule(f"r-{n:02}", f"^oops {n:02}", category=categories[n % 9]), pack=f"pack{n:02}")]
        classify.write(f"logs/{n:02}.log", f"2026-03-01T10:00:00Z x\noops {n:02}\n")
    page = report(classify, *arguments, "logs")
    texts = [one.text for one in page.root.all("th", "td", "option")]
    assert "others" in texts and "pack62" in texts and "pack63" not in texts
    assert "all other" in page.root.of_class("legend")[0].text


def test_long_texts(classify):
    """Of a long line 2000 bytes are shown, 400 of one around it, 300 of a title, 160 in the table."""
    rules = classify.rules(rule("r", r"^oops (?<what>x+)", title="Oops: ${what}"))
    classify.write("a.log", "y" * 500 + "\noops " + "x" * 2500 + "\n")
    page = report(classify, "-r", rules, "a.log")
    found = cause(page, "r")
    assert [next(one.all("code")).text for one in found.of_class("l")] == ["y" * 400 + "\u2026", "oops " + "x" * 1995 + "\u2026"]
    assert {one.text for one in page.root.of_class("title")} == {"Oops: " + "x" * 294}
    assert rows(page)[0][4] == "Oops: " + "x" * 294 + "oops " + "x" * 155 + "\u2026"


# ---- beside the output, and what goes wrong ----

@pytest.mark.parametrize("options", [["-o", "text"], ["-o", "jsonl"], ["-o", "json"], ["-o", "csv"], ["--matches"],
                                     ["-o", "postmortem"], ["-o", "sarif"]], ids=" ".join)
def test_beside_any_output(classify, rules, options):
    """The output is what it is without the report."""
    for day in (2, 3):
        classify.write(f"logs/{day}.log", disk(day, lines=5))
    alone = classify.run("scan", "-r", rules, *options, "--redact", "logs")
    beside = classify.run("scan", "-r", rules, *options, "--redact", "--report", "out.html", "logs")
    assert beside.out == alone.out and beside.err == alone.err
    page = check(Page(classify.folder / "out.html"))
    assert page.headline == "2 of 2 logs failed"
    assert len(cause(page, "disk").of_class("l")) == 2 * 5


def test_incident(classify, rules):
    """An incident is one log."""
    classify.write("inc/build.log", "all quiet\n")
    classify.write("inc/events.log", disk(2))
    page = report(classify, "-r", rules, "--incident", "inc")
    assert page.headline == "The log failed"
    assert rows(page)[0][1] == "inc!events.log:2"


def test_redaction(classify, rules):
    """Secrets are hidden, in the output beside it, too; --no-redact shows them, and the page says so."""
    log = b"password=hunter2hunter2\n2026-03-02T12:00:00Z oops /var is full for password=hunter3hunter3\n"
    page = report(classify, "-r", rules, "-", stdin=log)
    assert "hunter" not in page.source and "secrets are hidden" in page.root.text
    assert "hunter" not in classify.run("scan", "-o", "jsonl", "--report", "x.html", "-r", rules, "-", stdin=log).out
    page = report(classify, "-r", rules, "--no-redact", "-", stdin=log)
    assert "hunter2" in page.source and "hunter3" in page.source and "secrets are shown" in page.root.text


def test_a_file_that_is_there(classify, rules):
    """It is replaced whole; a link leads to what is replaced."""
    classify.write("a.log", disk(2))
    classify.write("real.html", "old")
    (classify.folder / "out.html").symlink_to("real.html")
    report(classify, "-r", rules, "a.log")
    assert (classify.folder / "out.html").is_symlink()
    assert "old" != (classify.folder / "real.html").read_text()


def test_a_file_that_cannot_be(classify, rules):
    """Nowhere to write is told, and the output is complete all the same."""
    classify.write("a.log", disk(2))
    done = classify.run("scan", "-q", "-r", rules, "--report", "no/such/out.html", "a.log")
    assert done.code == 2 and "no/such/out.html: No such file" in done.err and "FAILED" in done.out
    for name in ("-", ""):
        done = classify.run("scan", "-r", rules, "--report", name, "a.log")
        assert done.code == 2 and "--report takes the name of a file" in done.err and done.out == ""


def test_warnings_are_told(classify, rules):
    """What was left out or cut is said before anything else."""
    bad = classify.rules(rule("bad", "("))
    page = report(classify, "-r", rules, "-r", bad, "-", "missing", code=3, stdin=b"oops /var is full\n")
    (notices,) = page.root.of_class("notices")
    assert "1 faulty rule was left out" in notices.text
    assert "Not every input could be read in full" in notices.text


def test_interrupted(classify, rules):
    """An interrupt ends the scan, and the page says that it is not all."""
    classify.write("a.log", disk(2))
    with subprocess.Popen([binary(), "scan", "-o", "jsonl", "-r", str(rules), "--report", "out.html", "-j", "1", "a.log",
                           "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          cwd=classify.folder, env=classify.environment) as process:
        # More than a pipe holds: when it is written, the program is reading.
        process.stdin.write(b"they are down\n" * 100000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(PATIENCE) == 130
    page = check(Page(classify.folder / "out.html"))
    assert "The scan was interrupted" in page.root.of_class("notices")[0].text
    assert {row[3] for row in rows(page)} == {"disk", "upstream"}


HOSTILE = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "</style><b>", "</title>", "<!-- x", "]]>",
    "<img src=x onerror=alert(1)>", '" onmouseover="alert(1)', "' x='", "&lt;b&gt; &amp; &#60;",
    "</pre></code></details>", "\u202eabc\u202c\u2066", "\x1b[31mred\x1b[0m \x1b]0;title\x07", "\x08 and some more words \x7f\u0085",
    "\ufeff\ufffe\uffff", "javascript:alert(1)", "${volume} {{x}}", "<svg onload=alert(1)>", "\u2028\u2029",
]


def hostile_page(classify, code=0):
    """A page of logs whose every text would act."""
    rules = classify.rules(
        rule("r", r"^oops (?<what>.*) end$", title="Oops: ${what}", owner="user",
             runbook={"cause": "It is ${what}.", "fix": "echo ${what}", "prevent": "No ${what}.",
                      "url": "https://docs.example/${what}"}),
        rule("loser", "^before", category="timeout"), marker("ended", "^exit 1$", "failure"), pack="p<b>\"'&")
    for number, text in enumerate(HOSTILE):
        name = text.replace("/", "_")
        classify.write(f"logs/{number:02} {name}.log", f"before {text}\noops {text} end\nafter {text}\n")
        classify.write(f"logs/u{number:02}.log", f"fatal: cannot frob {text} in {'x' * number}\nexit 1\n")
    return report(classify, "-r", rules, "--no-redact", "logs", code=code)


def test_hostile(classify):
    """No byte of a log or of its name is markup: the tree is what it is, and the text is there."""
    page = hostile_page(classify)
    assert len(rows(page)) == 2 * len(HOSTILE)
    text = page.root.text
    for one in HOSTILE:
        if not re.search("[^ -~]", one):
            assert f"oops {one} end" in text
    assert "red \\x1b]0;title\\x07" in text
    assert "\\u202eabc\\u202c\\u2066" in text
    assert not [one for one in page.root.all("a") if "docs.example" in one.get("href")]


# ---- in a browser ----

browser_only = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not here (Debian package chromium)")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """One browser for all tests."""
    with Browser(tmp_path_factory.mktemp("browser")) as one:
        yield one


@pytest.fixture
def many(classify, rules):
    """The file of a page with something of everything."""
    for day in range(1, 15):
        classify.write(f"logs/disk-{day}.log", disk(day, "/data" if day % 3 else "/srv"))
        classify.write(f"logs/push-{day}.log", f"2026-03-{day:02}T09:00:00Z x\npush failed\n")
        classify.write(f"logs/fine-{day}.log", "all is well\n")
    for n in range(3):
        classify.write(f"logs/novel-{n}.log", f"fatal: frob {n} is gone {'from here ' * 30}\nexit 1\n")
        classify.write(f"logs/{'very-' * 30}long-name-{n}.log", "they are down\n")
    report(classify, "-r", rules, "logs")
    return classify.folder / "out.html"


VISIBLE = "[...document.querySelectorAll('#failures tbody tr')].filter(row => row.offsetHeight > 0)"

# Every text with less contrast to its ground than WCAG 2.2 wants at AA.
CONTRAST = """(() => {
  const parse = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => {
    const [r, g, b] = parse(color).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = getComputedStyle(e).backgroundColor, parts = parse(color);
      if (parts.length === 3 || parts[3] === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const bad = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.getClientRects().length || ['SCRIPT', 'STYLE', 'TITLE', 'title'].includes(element.tagName))
      continue;
    const style = getComputedStyle(element);
    const front = light(element instanceof SVGElement ? style.fill : style.color), back = light(ground(element));
    const ratio = (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
    if (ratio < 4.5) bad.push([element.tagName, element.className, element.textContent.slice(0, 30), ratio]);
  }
  return bad;
})()"""

# The colours of the bars, each with its contrast to the ground of the page.
BARS = """(() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const back = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll('.defs rect, .chart .s0')].map(e => {
    const front = light(getComputedStyle(e).fill);
    return (Math.max(front, back) + .05) / (Math.min(front, back) + .05);
  });
})()"""


@browser_only
@pytest.mark.parametrize("width", [1400, 400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_looks(browser, many, width, scheme):
    """It fits the window, has enough contrast, asks for nothing and complains of nothing."""
    page = browser.page(many, width=width, scheme=scheme)
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= width
    dark = page.run("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert page.run(CONTRAST) == []
    assert all(ratio >= 3 for ratio in page.run(BARS))
    assert page.complaints() == []
    assert page.requests() == [f"file://{many}"]


@browser_only
def test_filter(browser, many):
    """Words and a category narrow the table; what is left is counted."""
    page = browser.page(many)
    every = page.run(f"{VISIBLE}.length")
    assert every == 34
    page.click("document.getElementById('filter-text')")
    page.type("DISK-3 full")
    assert page.run(f"{VISIBLE}.map(row => row.cells[1].textContent)") == ["logs/disk-3.log:2"]
    assert page.run("document.getElementById('filter-shown').textContent") == "1 of 34"
    page.run("const text = document.getElementById('filter-text'); text.value = ''; text.dispatchEvent(new Event('input'))")
    assert page.run(f"{VISIBLE}.length") == every
    page.run("const one = document.getElementById('filter-category'); one.value = 'unknown';"
             "one.dispatchEvent(new Event('change'))")
    assert page.run(f"{VISIBLE}.map(row => row.cells[2].textContent)") == ["unknown"] * 3
    assert page.complaints() == []


@browser_only
def test_sort(browser, many):
    """A click on a column's head sorts by it, another the other way; numbers are numbers; keys do it, too."""
    page = browser.page(many)
    column = "[...document.querySelectorAll('#failures tbody tr')].map(row => row.cells[1].textContent.toLowerCase())"
    head = "document.querySelectorAll('#failures thead th')[1]"
    page.click(f"{head}.querySelector('button')")
    up = page.run(column)
    assert up == sorted(up) and page.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    page.run(f"{head}.querySelector('button').focus()")
    page.key("Enter", 13, "\r")
    assert page.run(column) == sorted(up, reverse=True)
    assert page.run("document.querySelectorAll('#failures [aria-sort]').length") == 1
    counts = "[...document.querySelectorAll('.rules tbody tr')].map(row => Number(row.cells[2].textContent))"
    before = page.run(counts)
    assert before == sorted(before, reverse=True)
    page.click("document.querySelector('.rules th[data-sort=number] button')")
    assert page.run(counts) == sorted(before)
    assert page.complaints() == []


@browser_only
def test_links_lead_somewhere(browser, many):
    """A link to a cause opens it."""
    page = browser.page(many)
    page.run("window.target = document.querySelector('.cause:not([open]) .body');"
             "window.link = document.querySelector(`#failures a[href='#${target.id}']`)")
    assert page.run("target.closest('details').open") is False
    page.click("window.link")
    page.run("new Promise(done => setTimeout(done, 0))")
    assert page.run("target.closest('details').open") is True
    assert page.run("target.getBoundingClientRect().top < innerHeight") is True


@browser_only
def test_keyboard(browser, many):
    """The first tab offers to skip; everything that can be clicked can be reached."""
    page = browser.page(many)
    page.key("Tab", 9)
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("[...document.querySelectorAll('a, button, summary, input, select')]"
                    ".every(one => one.tabIndex === 0)") is True


@browser_only
def test_on_paper(browser, many):
    """What is closed on the screen is there on paper, black on white, and what only a screen has use for is not."""
    page = browser.page(many, width=800, scheme="dark")
    heights = "[...document.querySelectorAll('.cause:not([open]) .body')].map(one => one.checkVisibility(" \
              "{contentVisibilityAuto: true}) ? one.offsetHeight : 0)"
    assert page.run(heights) == [0]
    page.call("Emulation.setEmulatedMedia", media="print", features=[])
    # The page learns of it when it is drawn the next time.
    page.run(f"new Promise(done => {{ const look = () => matchMedia('print').matches && {heights}[0] > 0"
             " ? done() : setTimeout(look, 10); look() })")
    assert page.run(heights)[0] > 0
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("document.getElementById('filter').offsetHeight") == 0


@browser_only
def test_without_script(browser, many):
    """All of it is there without JavaScript, and nothing that would need it."""
    page = browser.page(many, script=False)
    answer = page.call("DOM.getDocument", depth=-1)["root"]["nodeId"]
    found = page.call("DOM.querySelectorAll", nodeId=answer, selector="#failures tbody tr")["nodeIds"]
    assert len(found) == 34
    assert all(page.call("DOM.getBoxModel", nodeId=one)["model"]["height"] > 0 for one in (found[0], found[-1]))
    form = page.call("DOM.querySelector", nodeId=answer, selector="#filter")["nodeId"]
    style = page.call("CSS.enable") or page.call("CSS.getComputedStyleForNode", nodeId=form)["computedStyle"]
    assert {"name": "display", "value": "none"} in style
    assert not page.call("DOM.querySelectorAll", nodeId=answer, selector="button")["nodeIds"]


@browser_only
def test_hostile_in_a_browser(browser, classify):
    """Nothing of a log acts: no script runs, nothing is asked for, and the policy has nothing to forbid."""
    hostile_page(classify)
    page = browser.page(classify.folder / "out.html", width=400)
    assert page.complaints() == [] and len(page.requests()) == 1
    assert page.run("document.scripts.length") == 1
    assert page.run("document.querySelectorAll('img, iframe, object, embed, link').length") == 0
    assert page.run("document.querySelectorAll('#failures tbody tr').length") == 2 * len(HOSTILE)
    page.run("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.run("document.documentElement.scrollWidth") <= 400
    page.run("document.body.appendChild(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert page.run("window.ran") is None
