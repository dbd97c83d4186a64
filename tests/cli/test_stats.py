# SPDX-License-Identifier: Apache-2.0
"""classify stats: what a state remembers, counted by one key or two."""

import csv
import io
import json
import os
import sqlite3
import subprocess

import pytest

from conftest import HERE, PATIENCE, binary, marker, rule

RULES = (
    rule("dns", r"lookup (?<host>\S+): no such host", category="dns_failed", owner="platform"),
    rule("disk", "no space left", category="disk_full", owner="user", severity="critical"),
    rule("moon", "wrong moon", category="disk_full", owner="user"),
    marker("good", "all done", "success"),
    marker("bad", "job failed", "failure"),
)

# The day, and what happens on it.
LOGS = [
    ("2026-03-01", "lookup a.example: no such host"),
    ("2026-03-01", "lookup b.example: no such host"),
    ("2026-03-02", "no space left"),
    ("2026-03-02", "all done"),
    ("2026-03-09", "lookup a.example: no such host"),
    ("2026-03-09", "wrong moon"),
    ("2026-03-31", "all done"),
    ("2026-04-01", "nothing"),
    ("2026-04-01", "no space left"),
    ("2026-04-02", "error: an odd thing, unexpected\n2026-04-02T12:01:00Z job failed"),
]


@pytest.fixture
def state(classify):
    """A state over ten logs of two months."""
    rules = classify.rules(*RULES)
    for i, (day, text) in enumerate(LOGS):
        classify.write(f"logs/{i}.log", f"{day}T11:00:00Z begin\n{day}T12:00:00Z {text}\n")
    done = classify.run("scan", "--rules", rules, "--state", "s.db", "-q", "-o", "jsonl", "logs")
    assert done.code == 0, done.err
    classify.scan_again = lambda: classify.run("scan", "--rules", rules, "--state", "s.db", "-q", "-o", "jsonl", "logs")
    return "s.db"


def rows(classify, state, *options):
    """Totals, and the rows, from jsonl; csv has to hold the same."""
    done = classify.run("stats", state, "-o", "jsonl", *options)
    assert done.code == 0, done.err
    totals, *found = done.objects()
    assert set(totals) == {"schema", "totals"}
    table = list(csv.DictReader(io.StringIO(classify.run("stats", state, "-o", "csv", *options).out)))
    assert len(table) == len(found)
    for line, row in zip(table, found):
        assert row.pop("schema") == 1
        assert {key: "" if value is None else f"{value:.6f}" if key == "share" else str(value)
                for key, value in row.items()} == line
    return totals["totals"], found


def counts(classify, state, key, *options):
    return [(row[key], row["count"]) for row in rows(classify, state, "--by", key, *options)[1]]


def test_totals(classify, state):
    totals, _ = rows(classify, state)
    scanned = totals.pop("scanned")
    assert scanned.startswith("20") and scanned.endswith("Z")
    assert totals == {"files": 10, "logs": 10, "failed": 7, "passed": 2, "undetermined": 1,
                      "first": "2026-03-01T11:00:00.000Z", "last": "2026-04-02T12:01:00.000Z"}


def test_category_is_the_default(classify, state):
    _, found = rows(classify, state)
    assert [(row["category"], row["count"]) for row in found] == [("disk_full", 3), ("dns_failed", 3), ("unknown", 1)]
    dns = found[1]
    assert dns == {"category": "dns_failed", "count": 3, "logs": 3, "share": round(3 / 7, 6),
                   "first": "2026-03-01T11:00:00.000Z", "last": "2026-03-09T12:00:00.000Z",
                   "example": "logs/4.log", "line": 2}


def test_every_key(classify, state):
    assert counts(classify, state, "rule") == [("dns", 3), ("disk", 2), (None, 1), ("moon", 1)]
    assert counts(classify, state, "pack") == [("test", 6), (None, 1)]
    assert counts(classify, state, "owner") == [("platform", 3), ("user", 3), (None, 1)]
    assert counts(classify, state, "severity") == [("high", 4), ("critical", 2), (None, 1)]
    assert counts(classify, state, "outcome") == [("failed", 7), ("passed", 2), ("undetermined", 1)]
    assert counts(classify, state, "day") == [
        ("2026-03-01", 2), ("2026-03-02", 1), ("2026-03-09", 2), ("2026-03-31", 0), ("2026-04-01", 1),
        ("2026-04-02", 1)]
    # Weeks are named by their Mondays: the 1st of March 2026 is a Sunday.
    assert counts(classify, state, "week") == [("2026-02-23", 2), ("2026-03-02", 1), ("2026-03-09", 2),
                                               ("2026-03-30", 2)]
    assert counts(classify, state, "month") == [("2026-03", 5), ("2026-04", 2)]
    assert counts(classify, state, "system") == [("test", 7), (None, 0)]
    assert len(counts(classify, state, "source")) == 10
    _, months = rows(classify, state, "--by", "month")
    assert [row["logs"] for row in months] == [7, 3]


def test_archives_are_one_source(classify, state):
    db = sqlite3.connect(classify.folder / state)
    db.execute("UPDATE logs SET file = (SELECT min(id) FROM files)")
    db.commit()
    db.close()
    assert [count for _, count in counts(classify, state, "source")] == [7]


def test_two_keys(classify, state):
    _, found = rows(classify, state, "--by", "category,month")
    assert [(row["category"], row["month"], row["count"]) for row in found] == [
        ("disk_full", "2026-03", 2), ("disk_full", "2026-04", 1), ("dns_failed", "2026-03", 3),
        ("unknown", "2026-04", 1)]
    again = rows(classify, state, "--by", "category", "--by", "month")[1]
    assert again == found
    _, found = rows(classify, state, "--by", "month,outcome")
    assert [(row["month"], row["outcome"], row["count"]) for row in found] == [
        ("2026-03", "failed", 5), ("2026-03", "passed", 2), ("2026-04", "failed", 2), ("2026-04", "undetermined", 1)]


def test_since_and_until(classify, state):
    totals, found = rows(classify, state, "--since", "2026-03-02", "--until", "2026-04-01")
    assert (totals["logs"], totals["failed"]) == (5, 3)
    assert [(row["category"], row["count"]) for row in found] == [("disk_full", 2), ("dns_failed", 1)]
    assert rows(classify, state, "--since", "2026-04-01T12:00:00Z")[0]["logs"] == 3
    assert rows(classify, state, "--since", "2026-04-01T12:00:01Z")[0]["logs"] == 1
    assert rows(classify, state, "--until", "2020-01-01") == (
        {**rows(classify, state, "--until", "2020-01-01")[0], "logs": 0, "failed": 0}, [])


def test_top(classify, state):
    assert counts(classify, state, "rule", "--top", "2") == [("dns", 3), ("disk", 2)]
    assert counts(classify, state, "rule", "--top", "3") == [("dns", 3), ("disk", 2), (None, 1)]
    # Of days the newest are taken, and stay in their order.
    assert counts(classify, state, "day", "--top", "2") == [("2026-04-01", 1), ("2026-04-02", 1)]
    assert len(counts(classify, state, "rule", "--top", "0")) == 4
    assert [row["rule"] for row in rows(classify, state, "--by", "rule,month", "--top", "1")[1]] == ["dns"]


def test_text(classify, state, golden):
    out = ""
    for options in (["--by", "category"], ["--by", "day"], ["--by", "outcome"], ["--by", "rule", "--top", "2"],
                    ["--by", "category,month"], ["--by", "month,outcome"]):
        done = classify.run("stats", state, *options, COLUMNS="80")
        assert done.code == 0 and done.err == ""
        assert all(len(line) <= 80 for line in done.out.splitlines())
        out += f"$ classify stats s.db {' '.join(options)}\n{done.out}\n"
    ascii_only = classify.run("stats", state, "--by", "category,month", LC_ALL="C")
    assert ascii_only.out.isascii()
    scanned = sqlite3.connect(classify.folder / state).execute("SELECT begun FROM runs").fetchone()[0]
    golden("stats.txt", out.replace(f"{scanned[:10]} {scanned[11:16]}", "YYYY-MM-DD HH:MM"))


def test_names_that_act(classify):
    """What comes from names of files acts neither in a terminal nor in a spreadsheet."""
    rules = classify.rules(*RULES)
    classify.write("logs/\x1b[31m=1+1.log", "no space left\n")
    classify.run("scan", "--rules", rules, "--state", "s.db", "-q", "logs")
    done = classify.run("stats", "s.db", "--by", "source")
    assert "\x1b" not in done.out and "\\x1b[31m=1+1.log" in done.out
    classify.write("=cmd.log", "no space left\n")
    classify.run("scan", "--rules", rules, "--state", "t.db", "-q", "=cmd.log")
    assert ',"\'=cmd.log",' in classify.run("stats", "t.db", "-o", "csv").out


def test_exit_code_is_of_all(classify, state):
    assert classify.scan_again().code == 0
    assert classify.run("stats", state, "--exit-code").code == 1
    assert classify.run("stats", state, "--exit-code", "--until", "2020-01-01").code == 0


def test_forget_missing(classify, state):
    for i in (0, 1, 2, 3):
        (classify.folder / f"logs/{i}.log").unlink()
    assert rows(classify, state)[0]["logs"] == 10
    done = classify.run("stats", state, "--forget-missing", "-o", "jsonl")
    assert done.code == 0
    assert "forgot 4 files that are gone, with 4 logs" in done.err
    assert done.objects()[0]["totals"]["logs"] == 6
    db = sqlite3.connect(classify.folder / state)
    for table in ("matches", "logs"):
        orphans = {"matches": "log NOT IN (SELECT id FROM logs)", "logs": "file NOT IN (SELECT id FROM files)"}[table]
        assert db.execute(f"SELECT count(*) FROM {table} WHERE {orphans}").fetchone() == (0,)
    db.close()
    assert classify.scan_again().objects() == []


def test_faults(classify, state):
    classify.write("text.db", "no database at all, but a text that is long enough to be looked at " * 10)
    classify.write("empty.db", "")
    for name, why in (("none.db", "No such file"), ("text.db", "no SQLite database"), ("logs", ""),
                      ("empty.db", "it is empty")):
        for options in ([], ["--forget-missing"]):
            done = classify.run("stats", name, *options)
            assert done.code == 2 and done.out == ""
            assert f"classify: {name}: " in done.err and why in done.err, done.err
    assert not (classify.folder / "none.db").exists()
    for options, why in ((["--by", "moon"], "not counted by 'moon': category, rule, pack"),
                         (["--by", "day,rule,pack"], "one or two different keys"),
                         (["--by", "day,day"], "one or two different keys"), (["--top", "-1"], "--top takes a number"),
                         (["--since", "soonish"], "'soonish'"), (["-o", "json"], "unknown output 'json'"),
                         (["other.db"], "name one state"), (["--moon"], "unknown option '--moon'")):
        done = classify.run("stats", state, *options)
        assert done.code == 2 and done.out == "" and why in done.err, done.err
    assert "name one state" in classify.run("stats").err
    assert classify.run("stats", "--help").out.startswith("usage: classify stats")


def test_the_page_on_states(classify, state):
    """What docs/state.md says of the tables is so: its queries run, and every column is described."""
    page = (HERE / "../../docs/state.md").read_text(encoding="utf-8")
    db = sqlite3.connect(classify.folder / state)
    queries = page.split("```sql")[1].split("```")[0].split(";")
    hosts, *_ = [db.execute(query).fetchall() for query in queries if query.strip()]
    assert [(host, n) for host, n, _ in hosts] == [("a.example", 2), ("b.example", 1)]
    for table in ("logs", "files", "runs", "rules", "rulesets", "runbooks", "matches"):
        columns = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        assert columns
        part = page if table == "runbooks" else page.split(f"\n### {table}")[-1].split("\n### ")[0] \
            if f"\n### {table}" in page else page
        missing = {column for column in columns - {"id"} if f"`{column}`" not in part}
        assert not missing, table
    db.close()


def test_no_room_for_the_output(classify, state):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([binary(), "stats", state], stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE,
                              cwd=classify.folder, env=classify.environment, check=False)
    assert done.returncode == 2 and b"cannot write the output" in done.stderr


def test_read_only_place(classify, state):
    """A state in a folder where nothing may be written can still be read."""
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    classify.folder.chmod(0o555)
    try:
        assert rows(classify, state)[0]["logs"] == 10
    finally:
        classify.folder.chmod(0o755)


def test_after_a_kill(classify, state):
    """What a killed run has left in its log beside the state counts."""
    db = sqlite3.connect(classify.folder / state, isolation_level=None)
    db.execute("PRAGMA wal_autocheckpoint = 0")
    db.execute("DELETE FROM logs WHERE outcome = 'passed'")
    copy = classify.folder / "copy"
    copy.mkdir()
    for suffix in ("", "-wal"):
        (copy / f"s.db{suffix}").write_bytes((classify.folder / f"s.db{suffix}").read_bytes())
    db.close()
    done = classify.run("stats", "copy/s.db", "-o", "jsonl")
    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[0])["totals"]["passed"] == 0
