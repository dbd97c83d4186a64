# SPDX-License-Identifier: Apache-2.0
"""scan --state: what is remembered, what is scanned again, and what a kill leaves behind."""

import io
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import tarfile
import time

import pytest

from conftest import PATIENCE, binary, marker, rule

DNS = rule("dns", r"lookup (?<host>\S+): no such host", category="dns_failed", title="No name ${host}",
           runbook={"cause": "No address.", "fix": "dig ${host}"})
DISK = rule("disk", "no space left", category="disk_full", severity="critical", owner="user")
STEP = rule("step", r"exit status \d+", role="symptom")
START = marker("begin", r"^job (?<job>\w+) starts", "start")
GOOD = marker("good", "^all done", "success")

LOGS = {
    "a.log": "job a starts\nlookup db.example: no such host\nexit status 2\n",
    "b.log": "job b starts\nall done\n",
    "c.log": "2026-03-01T10:00:00Z job c starts\n2026-03-01T10:05:00Z no space left\n",
    "d.log": "nothing to see\n",
    "e.log": "exit status 7\nwrong moon\n",
}


def write_logs(classify, logs=None, folder="logs"):
    for name, text in (logs or LOGS).items():
        classify.write(f"{folder}/{name}", text)
    return classify.folder / folder


def scan(classify, rules, *options, code=0, state="s.db", inputs=("logs",), **environment):
    """A scan with a state; returns the run, whose logs are under `sources`."""
    done = classify.run("scan", "--rules", rules, "-o", "jsonl", "--state", state, *options, *inputs, **environment)
    assert done.code == code, done.err
    done.sources = [log["source"] for log in done.objects()]
    return done


def dump(path):
    """All that is remembered of logs, without what tells one run from another."""
    with sqlite3.connect(path) as db:
        rows = db.execute(
            "SELECT f.path, f.size, f.mtime, f.content, f.logs, f.limited, s.hash, s.options, l.source, l.outcome,"
            " l.category, l.rule, l.pack, l.system, l.severity, l.owner, l.retry, l.title, l.line, l.offset, l.length,"
            " l.text, l.before, l.after, l.fields, l.fingerprint, l.telling, l.also, l.warnings, l.lines, l.bytes,"
            " l.first_time, l.last_time, l.timed, b.cause, b.fix, b.prevent, b.url,"
            " (SELECT group_concat(m) FROM (SELECT rule || ':' || count || ':' || first_line || ':' || last_line AS m"
            "  FROM matches WHERE log = l.id ORDER BY rule))"
            " FROM files f JOIN rulesets s ON s.id = f.ruleset LEFT JOIN logs l ON l.file = f.id"
            " LEFT JOIN runbooks b ON b.id = l.runbook ORDER BY f.path, l.id").fetchall()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
    return rows


def same_as_from_scratch(classify, rules, *options, inputs=("logs",), state="s.db"):
    fresh = classify.folder / "fresh.db"
    fresh.unlink(missing_ok=True)
    scan(classify, rules, "-q", *options, state="fresh.db", inputs=inputs)
    ours, theirs = dump(classify.folder / state), dump(fresh)
    assert len(ours) == len(theirs)
    for our, their in zip(ours, theirs):
        assert our == their


def test_second_run_scans_what_is_new(classify):
    rules = classify.rules(DNS, DISK, STEP, START, GOOD)
    logs = write_logs(classify)
    first = scan(classify, rules)
    assert first.sources == [f"logs/{name}" for name in sorted(LOGS)]
    assert "unchanged" not in first.err
    second = scan(classify, rules)
    assert second.sources == []
    assert "5 logs of 5 files unchanged since 20" in second.err
    (logs / "f.log").write_text("no space left\n")
    third = scan(classify, rules)
    assert third.sources == ["logs/f.log"]
    assert "5 logs of 5 files unchanged" in third.err
    same_as_from_scratch(classify, rules)
    assert scan(classify, rules, "-q").err == ""


def test_what_is_remembered(classify):
    rules = classify.rules(DNS, DISK, STEP, START, GOOD)
    write_logs(classify)
    scan(classify, rules, "--context", "1")
    db = sqlite3.connect(classify.folder / "s.db")
    db.row_factory = sqlite3.Row
    logs = {row["source"]: row for row in db.execute("SELECT * FROM logs")}
    a = logs["logs/a.log"]
    assert (a["outcome"], a["category"], a["rule"], a["pack"]) == ("failed", "dns_failed", "dns", "test")
    assert (a["line"], a["offset"], a["text"]) == (2, 13, "lookup db.example: no such host")
    assert (a["before"], a["after"], a["title"]) == ("job a starts\n", "exit status 2\n", "No name db.example")
    assert json.loads(a["fields"]) == {"host": "db.example"}
    assert json.loads(a["also"])[0]["rule"] == "step"
    c = logs["logs/c.log"]
    assert (c["first_time"], c["last_time"], c["timed"]) == ("2026-03-01T10:00:00.000Z", "2026-03-01T10:05:00.000Z", 1)
    assert logs["logs/b.log"]["outcome"] == "passed" and logs["logs/b.log"]["rule"] is None
    assert logs["logs/d.log"]["timed"] == 0
    matched = db.execute("SELECT rule, count FROM matches WHERE log = ? ORDER BY rule", (a["id"],)).fetchall()
    assert [tuple(row) for row in matched] == [("begin", 1), ("dns", 1), ("step", 1)]
    failures = {row["source"]: row for row in db.execute("SELECT * FROM failures")}
    assert sorted(failures) == ["logs/a.log", "logs/c.log", "logs/e.log"]
    assert failures["logs/a.log"]["fix"] == "dig db.example"
    assert failures["logs/a.log"]["path"] == str(classify.folder.resolve() / "logs/a.log")
    db.close()


def test_touched_grown_changed(classify):
    rules = classify.rules(DNS, DISK, STEP)
    logs = write_logs(classify)
    long = "x" * 70000 + "\n"
    (logs / "long.log").write_text(long * 3)
    scan(classify, rules)
    for name in ("c.log", "long.log"):
        os.utime(logs / name, (10**9, 10**9))
    assert scan(classify, rules).sources == []
    # The new time is remembered: the content is not looked at again.
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM files WHERE mtime = 1000000000000000000").fetchone() == (2,)
    with (logs / "d.log").open("a") as log:
        log.write("no space left\n")
    (logs / "e.log").write_text("exit status 7\nwrong sun!\n")
    done = scan(classify, rules)
    assert done.sources == ["logs/d.log", "logs/e.log"]
    assert "had grown and was scanned anew, whole" in done.err
    # A change of the end, under the same size and another time.
    (logs / "long.log").write_text(long * 2 + long[:-15] + "no space left\n\n")
    assert (logs / "long.log").stat().st_size == len(long) * 3
    assert scan(classify, rules).sources == ["logs/long.log"]
    same_as_from_scratch(classify, rules)


def test_changed_at_once(classify):
    """A file that changes right after it was scanned is seen, whatever its time says."""
    rules = classify.rules(DISK)
    log = classify.write("logs/a.log", "all is well\n")
    scan(classify, rules)
    status = log.stat()
    log.write_text("disk full..\n".replace("disk full..", "no spc left"))
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert log.stat().st_mtime_ns == status.st_mtime_ns and log.stat().st_size == status.st_size
    assert scan(classify, rules).sources == ["logs/a.log"]


def test_a_change_in_the_middle(classify):
    """Where size and both ends are the same, what is between them is not looked at again."""
    rules = classify.rules(DISK)
    end, middle = "x" * 65535 + "\n", "all is well\n"
    path = classify.write("logs/a.log", end + middle + end)
    os.utime(path, (10**9, 10**9))
    scan(classify, rules)
    for text, again in ((end + "no spc left\n" + end, []), (end[1:] + "\n" + middle + end, ["logs/a.log"])):
        path.write_text(text)
        os.utime(path, (10**9 + len(again) + 1,) * 2)
        assert scan(classify, rules).sources == again


def test_many_changed_rules(classify):
    """Two hundred changed rules are asked which files they concern; with more, all files are scanned."""
    def rules(changed):
        return classify.rules(DISK, *[rule(f"r{n}", f"never {'here' if n >= changed else 'there'} {n}!")
                                      for n in range(450)])

    write_logs(classify)
    scan(classify, rules(0))
    done = scan(classify, rules(200))
    assert done.sources == [] and "200 rules changed" in done.err
    scan(classify, rules(0))
    done = scan(classify, rules(201))
    assert len(done.sources) == len(LOGS) and "scanned again because of 201 changed rules" in done.err


def test_gone_files_stay(classify):
    rules = classify.rules(DISK)
    logs = write_logs(classify)
    scan(classify, rules)
    (logs / "c.log").unlink()
    assert scan(classify, rules).sources == []
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM logs WHERE category = 'disk_full'").fetchone() == (1,)


def test_one_file_by_many_names(classify):
    rules = classify.rules(DISK)
    logs = write_logs(classify)
    (classify.folder / "link").symlink_to(logs)
    scan(classify, rules)
    for name in ("./logs/", "link/", "logs/../logs", str(logs)):
        assert scan(classify, rules, inputs=(name,)).sources == [], name
    # The same input twice in one run is one file in the state.
    scan(classify, rules, state="twice.db", inputs=("logs", "link/", "logs/a.log"))
    with sqlite3.connect(classify.folder / "twice.db") as db:
        assert db.execute("SELECT count(*), sum(logs) FROM files").fetchone() == (5, 5)
        assert db.execute("SELECT count(*) FROM logs").fetchone() == (5,)


def test_names_of_any_bytes(classify):
    rules = classify.rules(DISK)
    name = os.fsencode(str(classify.folder)) + b"/caf\xe9%?#'.log"
    with open(name, "wb") as log:
        log.write(b"this log begins with text\nno space left \xff\x00.\n")
    assert len(scan(classify, rules, inputs=(os.fsdecode(name),)).objects()) == 1
    assert scan(classify, rules, inputs=(os.fsdecode(name),)).objects() == []
    with sqlite3.connect(classify.folder / "s.db") as db:
        (path, text), = db.execute("SELECT path, text FROM failures")
    assert path == os.path.realpath(os.fsencode(str(classify.folder))) + b"/caf\xe9%?#'.log"
    assert text == "no space left \ufffd\ufffd."


# ---- rules that change ----

MORE = rule("moon", "wrong moon", category="config_invalid", severity="critical")
QUIET = rule("quiet", "never there")

CHANGES = {
    # the rules after the change; the logs that are scanned again; how many rules changed
    "new": ([DNS, DISK, STEP, START, GOOD, MORE], ["e.log"], 1),
    "new, nowhere": ([DNS, DISK, STEP, START, GOOD, QUIET], [], 1),
    "gone": ([DNS, STEP, START, GOOD], ["c.log"], 1),
    "gone, a loser": ([DNS, DISK, START, GOOD], ["a.log", "e.log"], 1),
    "gone, a marker": ([DNS, DISK, STEP, START], ["b.log"], 1),
    "title": ([{**DNS, "title": "Lost ${host}"}, DISK, STEP, START, GOOD], ["a.log"], 1),
    "severity": ([DNS, {**DISK, "severity": "low"}, STEP, START, GOOD], ["c.log"], 1),
    "runbook": ([{**DNS, "runbook": {"fix": "host ${host}"}}, DISK, STEP, START, GOOD], ["a.log"], 1),
    "explains": ([{**DNS, "explains": ["step"]}, DISK, STEP, START, GOOD], ["a.log"], 1),
    "condition": ([DNS, DISK, {**STEP, "match": "exit status 7|nothing to"}, START, GOOD],
                  ["a.log", "d.log", "e.log"], 1),
    "unless": ([DNS, DISK, {**STEP, "unless": "status 7"}, START, GOOD], ["a.log", "e.log"], 1),
    "examples": ([{**DNS, "examples": {"match": [{"line": "lookup x: no such host"}]}}, DISK, STEP, START, GOOD], [], 0),
    "several": ([{**DNS, "title": "x"}, STEP, START, GOOD, MORE, QUIET], ["a.log", "c.log", "e.log"], 4),
}


@pytest.mark.parametrize("change", CHANGES)
def test_rule_change(classify, change):
    after, again, count = CHANGES[change]
    logs = write_logs(classify)
    shutil.copy(logs / "c.log", logs / "other.bin")
    scan(classify, classify.rules(DNS, DISK, STEP, START, GOOD))
    rules = classify.rules(*after)
    done = scan(classify, rules)
    if "c.log" in again:
        again = [*again, "other.bin"]
    assert done.sources == [f"logs/{name}" for name in again]
    if again:
        assert f"scanned again because of {count} changed rule" in done.err
    elif count:
        assert f"{count} rule changed, which concerns none of them" in done.err
    same_as_from_scratch(classify, rules)
    assert scan(classify, rules).sources == []
    # And back again.
    before = classify.rules(DNS, DISK, STEP, START, GOOD)
    scan(classify, before)
    same_as_from_scratch(classify, before)


def test_random_rule_changes(classify):
    """Whatever changes in whatever order, the state is that of a scan from scratch."""
    dice = random.Random(4)
    words = ["red", "green", "blue", "grey", "pink"]
    lines = [f"{a} {b}\n" for a in words for b in words] + ["the end\n", "all done\n"]
    logs = {f"{i}.log": "".join(dice.choices(lines, k=dice.randrange(1, 8))) for i in range(40)}
    write_logs(classify, logs)

    def any_rule(i):
        kind = dice.randrange(5)
        match = dice.choice([f"{dice.choice(words)} {dice.choice(words)}", f"^{dice.choice(words)}",
                             {"sequence": [dice.choice(words), dice.choice(words)], "within": "3 lines"},
                             {"count": 2, "of": dice.choice(words), "within": "5 lines"}])
        if kind == 0:
            return marker(f"r{i}", dice.choice(["the end", "all done"]), dice.choice(["success", "failure", "start"]))
        more = {"role": dice.choice(["cause", "symptom"]), "severity": dice.choice(["low", "medium", "info", "high"])}
        if dice.randrange(3) == 0:
            more["explains"] = [f"r{dice.randrange(8)}"]
        if dice.randrange(4) == 0:
            more["unless"] = dice.choice([dice.choice(words), {"regex": dice.choice(words), "within": "2 lines",
                                                                 "where": "after"}])
        return rule(f"r{i}", match, category=dice.choice(["timeout", "disk_full", "unknown"]), **more)

    kept = [any_rule(i) for i in range(8)]
    spared = 0
    for _ in range(12):
        rules = classify.rules(*kept)
        spared += len(logs) - len(scan(classify, rules).sources)
        same_as_from_scratch(classify, rules)
        for i in dice.sample(range(len(kept)), dice.randrange(1, 3)):
            kept[i] = any_rule(i)
        if dice.randrange(3) == 0:
            kept[dice.randrange(len(kept))] = any_rule(dice.randrange(100, 110))
        kept = list({one["id"]: one for one in kept}.values())
    assert spared > 50


def test_limited_logs_are_scanned_again(classify):
    """Rules share limits: where a log met one, any change has it scanned again."""
    hard = rule("hard", "^(a+)+$")
    classify.write("logs/hard.log", "a" * 60 + "b\n")
    classify.write("logs/easy.log", "nothing\n")
    first = scan(classify, classify.rules(hard))
    assert any(w["code"] == "match_limit" for log in first.objects() for w in log["warnings"])
    rules = classify.rules(hard, QUIET)
    assert scan(classify, rules).sources == ["logs/hard.log"]
    same_as_from_scratch(classify, rules)


def test_quarantined_rules(classify):
    """A rule that becomes faulty is gone; warnings about it are no matter of the logs."""
    logs = write_logs(classify)
    scan(classify, classify.rules(DNS, DISK))
    rules = classify.rules(DNS, {**DISK, "match": "("})
    done = scan(classify, rules, code=3)
    assert done.sources == ["logs/c.log"]
    assert logs.is_dir()
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM logs WHERE warnings <> '[]'").fetchone() == (0,)


def test_other_options(classify):
    rules = classify.rules(DNS, DISK)
    write_logs(classify)
    scan(classify, rules)
    for options in (["--no-unwrap"], ["--context", "2"], ["--redact"]):
        done = scan(classify, rules, *options)
        assert len(done.sources) == 5, options
        assert "5 files of those remembered: each was scanned anew, for the options are others" in done.err
        same_as_from_scratch(classify, rules, *options)
        assert scan(classify, rules, *options).sources == []
    assert scan(classify, rules, "--redact", "--engine", "pcre2").sources == []
    assert scan(classify, rules, "--redact", "--jobs", "1").sources == []


# ---- archives ----

def archive(path, members):
    """A tar with these members, changed in 2026."""
    with tarfile.open(path, "w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            info.mtime = 1772359200
            tar.addfile(info, io.BytesIO(text.encode()))


def test_archives(classify):
    """An archive is one file with all its logs: unchanged, changed, and with other rules."""
    rules = classify.rules(DNS, DISK, STEP, START, GOOD)
    (classify.folder / "logs").mkdir()
    archive(classify.folder / "logs/all.tar.gz", LOGS)
    archive(classify.folder / "logs/other.tar.gz", {"x.log": "nothing\n", "y.log": "nothing else\n"})
    first = scan(classify, rules)
    assert first.sources == [f"logs/all.tar.gz!{name}" for name in LOGS] + [
        "logs/other.tar.gz!x.log", "logs/other.tar.gz!y.log"]
    done = scan(classify, rules)
    assert done.sources == [] and "7 logs of 2 files unchanged" in done.err
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT path, logs FROM files ORDER BY path").fetchall() == [
            (str(classify.folder.resolve() / "logs/all.tar.gz"), 5),
            (str(classify.folder.resolve() / "logs/other.tar.gz"), 2)]
        # What tells no time has that of the member, not that of the archive.
        assert db.execute("SELECT DISTINCT last_time FROM logs WHERE NOT timed").fetchall() == [
            ("2026-03-01T10:00:00.000Z",)]
    # One member that a new rule concerns brings the whole archive, and no other one.
    rules = classify.rules(DNS, DISK, STEP, START, GOOD, MORE)
    done = scan(classify, rules)
    assert len(done.sources) == 5 and "scanned again because of 1 changed rule" in done.err
    same_as_from_scratch(classify, rules)
    archive(classify.folder / "logs/all.tar.gz", {"a.log": LOGS["a.log"], "z.log": "no space left\n"})
    assert scan(classify, rules).sources == ["logs/all.tar.gz!a.log", "logs/all.tar.gz!z.log"]
    same_as_from_scratch(classify, rules)


def test_archive_without_logs(classify):
    rules = classify.rules(DISK)
    (classify.folder / "logs").mkdir()
    with tarfile.open(classify.folder / "logs/none.tar.gz", "w:gz") as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
    assert scan(classify, rules).sources == []
    assert "0 logs of 1 file unchanged" in scan(classify, rules).err


def test_cut_archive(classify):
    """What came before the cut is remembered; the archive is read again each time, and tells so."""
    rules = classify.rules(DISK)
    (classify.folder / "logs").mkdir()
    dice = random.Random(2)
    archive(classify.folder / "logs/cut.tar.gz",
            {f"{i}.log": "no space left\n" + "".join(dice.choices("abcdefgh ", k=20000)) for i in range(9)})
    path = classify.folder / "logs/cut.tar.gz"
    path.write_bytes(path.read_bytes()[:-20000])
    first = scan(classify, rules, code=2)
    again = scan(classify, rules, code=2)
    assert 0 < len(first.sources) < 9 and again.sources == first.sources
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM logs").fetchone() == (len(first.sources),)


def test_killed_in_an_archive(classify):
    """An archive is remembered whole or not at all."""
    rules = classify.rules(DNS, DISK, STEP, GOOD)
    (classify.folder / "logs").mkdir()
    texts = list(LOGS.values())
    archive(classify.folder / "logs/many.tar.gz", {f"{i}.log": texts[i % 5] + f"{i}\n" for i in range(4000)})
    for wanted in (1, 300_000, 900_000):
        run = start(classify, rules)
        out = b""
        while len(out) < wanted:
            piece = os.read(run.stdout.fileno(), 65536)
            assert piece
            out += piece
        run.send_signal(signal.SIGKILL)
        rest, _ = run.communicate(timeout=PATIENCE)
        held = remembered(classify.folder / "s.db")
        assert len(held) in (0, 4000)
        if held:
            assert (out + rest).count(b"\n") == 4000
    scan(classify, rules)
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM logs").fetchone() == (4000,)
    same_as_from_scratch(classify, rules)


# ---- what is not remembered ----

def test_flowing_inputs(classify):
    rules = classify.rules(DISK)
    for _ in range(2):
        done = classify.run("scan", "--rules", rules, "-o", "jsonl", "--state", "s.db", "-", stdin=b"no space left\n")
        assert done.code == 0
        assert len(done.objects()) == 1
        assert done.err.count("not remembered") == 1
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM files").fetchone() == (0,)


def test_incomplete_inputs(classify):
    """What could not be read in full is scanned again, and the exit status says so again."""
    import gzip

    rules = classify.rules(DISK)
    whole = gzip.compress(b"".join(b"line %d\nno space left\n" % i for i in range(5000)))
    classify.write("logs/cut.gz", whole[:-2000])
    classify.write("logs/whole.gz", whole)
    assert len(scan(classify, rules, code=2).sources) == 2
    done = scan(classify, rules, code=2)
    assert done.sources == ["logs/cut.gz"]
    assert "was not read in full the last time" in done.err
    classify.write("logs/cut.gz", whole)
    assert scan(classify, rules).sources == ["logs/cut.gz"]
    assert scan(classify, rules).sources == []


def test_state_among_the_logs(classify):
    rules = classify.rules(DISK)
    write_logs(classify)
    for expected in (5, 0, 0):
        assert len(scan(classify, rules, state="logs/s.db").sources) == expected


def test_usage(classify):
    rules = classify.rules(DISK)
    write_logs(classify)
    for option in ("--matches", "--incident"):
        done = classify.run("scan", "--rules", rules, "--state", "s.db", option, "logs")
        assert done.code == 2 and "--state" in done.err and done.out == ""
    assert not (classify.folder / "s.db").exists()


# ---- all that is remembered ----

def test_prometheus_tells_all(classify):
    rules = classify.rules(DNS, DISK, STEP, GOOD)
    logs = write_logs(classify)
    write_logs(classify, folder="elsewhere")

    def counts(*inputs, state="s.db"):
        done = classify.run("scan", "--rules", rules, "-o", "prometheus", "--state", state, *inputs)
        assert done.code == 0, done.err
        return [line for line in done.out.splitlines()
                if line.startswith(("classify_scan_logs{", "classify_scan_failures{", "classify_scan_rule_failures{"))
                and not line.endswith(" 0")]

    first = counts("logs")
    assert 'classify_scan_logs{outcome="failed"} 3' in first
    counts("elsewhere")
    assert sorted(counts("logs")) == sorted(first)
    (logs / "g.log").write_text("no space left\n")
    assert 'classify_scan_failures{category="disk_full"} 2' in counts("logs")
    # A file that is gone still counts.
    (logs / "g.log").unlink()
    assert 'classify_scan_failures{category="disk_full"} 2' in counts("logs")


def test_reports_take_turns(classify):
    """A run with a report scans nothing again that runs without one remember, and tells of it."""
    rules = classify.rules(DNS, DISK, STEP, GOOD)
    write_logs(classify)
    first = scan(classify, rules)
    assert all("job a starts" not in json.dumps(log) for log in first.objects())
    for _ in range(2):
        done = scan(classify, rules, "--no-redact", "--report", "r.html")
        assert done.sources == []
        page = (classify.folder / "r.html").read_text()
        for text in ("lookup db.example: no such host", "no space left", "job a starts"):
            assert text in page
        assert scan(classify, rules).sources == []


def test_prometheus_of_a_list(classify):
    """Inputs that a list names are those that the run comes by."""
    rules = classify.rules(DNS, DISK, STEP, GOOD)
    write_logs(classify)
    scan(classify, rules)
    (classify.folder / "list").write_text("logs/a.log\nlogs/b.log\n")
    done = classify.run("scan", "--rules", rules, "-o", "prometheus", "--state", "s.db", "--files-from", "list")
    assert 'classify_scan_logs{outcome="failed"} 1' in done.out
    assert 'classify_scan_logs{outcome="passed"} 1' in done.out
    assert 'classify_scan_logs{outcome="undetermined"} 0' in done.out


def test_exit_code_is_of_this_run(classify):
    rules = classify.rules(DISK)
    write_logs(classify)
    scan(classify, rules, "--exit-code", code=1)
    scan(classify, rules, "--exit-code", code=0)


# ---- what can go wrong ----

def test_bad_states(classify):
    rules = classify.rules(DISK)
    write_logs(classify)
    scan(classify, rules)
    good = (classify.folder / "s.db").read_bytes()
    with sqlite3.connect(classify.folder / "other.db") as db:
        db.execute("CREATE TABLE x (y)")
    (classify.folder / "text.db").write_text("this is no database, but a text of some length\n" * 30)
    (classify.folder / "cut.db").write_bytes(good[:5000])
    (classify.folder / "newer.db").write_bytes(good)
    with sqlite3.connect(classify.folder / "newer.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    for name, why in (("other.db", "a database of something else"), ("text.db", "no SQLite database"),
                      ("cut.db", "damaged"), ("newer.db", "format 99"), ("none/s.db", "No such file"),
                      ("logs", "Is a directory")):
        before = (classify.folder / name).read_bytes() if name.endswith(".db") and "none" not in name else None
        done = scan(classify, rules, state=name, code=2)
        assert len(done.sources) == 5, name
        assert f"{name}: " in done.err and why in done.err, done.err
        if before is not None:
            assert (classify.folder / name).read_bytes() == before, name


def test_damage_inside(classify):
    """Pages that are overwritten: told, and the scan ends with its results."""
    rules = classify.rules(DISK)
    write_logs(classify, {f"{i}.log": f"no space left {i} {'x' * 300}\n" for i in range(400)})
    scan(classify, rules)
    state = classify.folder / "s.db"
    data = bytearray(state.read_bytes())
    for at in range(4096 * 3, len(data), 4096):
        data[at:at + 200] = b"\xa5" * 200
    state.write_bytes(data)
    done = scan(classify, rules, code=2)
    assert "s.db: " in done.err
    assert len(done.sources) == 400


def test_read_only(classify):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    rules = classify.rules(DISK)
    write_logs(classify)
    scan(classify, rules)
    (classify.folder / "s.db").chmod(0o444)
    done = scan(classify, rules, code=2)
    assert "Permission denied" in done.err and len(done.sources) == 5


@pytest.mark.parametrize("room", [60_000, 150_000, 400_000])
def test_no_room(classify, room):
    """A file that may not grow, at the start and midway: what was scanned is told, and the exit status is 2."""
    rules = classify.rules(DISK)
    write_logs(classify, {f"{i}.log": f"no space left {i} {'x' * 3000}\n" for i in range(400)})

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    # The results go through a pipe, which no such limit concerns; so does no cache.
    done = subprocess.run(
        [binary(), "scan", "--no-cache", "--rules", str(rules), "-o", "jsonl", "--state", "s.db", "logs"],
        capture_output=True, timeout=PATIENCE, cwd=classify.folder, env=classify.environment, preexec_fn=limit,
        check=False)
    assert done.returncode == 2
    assert b"s.db: " in done.stderr
    assert len(done.stdout.splitlines()) == 400
    # With room again, it goes on as if nothing had been.
    scan(classify, rules)
    same_as_from_scratch(classify, rules)


def test_output_that_is_lost_is_not_remembered(classify):
    rules = classify.rules(DISK)
    write_logs(classify)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [binary(), "scan", "--rules", str(rules), "-o", "jsonl", "--state", "s.db", "logs"], stdout=full,
            stderr=subprocess.PIPE, timeout=PATIENCE, cwd=classify.folder, env=classify.environment, check=False)
    assert done.returncode == 2
    assert len(scan(classify, rules).sources) == 5


# ---- two at once, and kills ----

def start(classify, rules, *options, state="s.db", inputs=("logs",), **more):
    return subprocess.Popen(
        [binary(), "scan", "--rules", str(rules), "-o", "jsonl", "--state", state, *options, *inputs],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=classify.folder,
        env=classify.environment, **more)


def test_two_at_once(classify):
    rules = classify.rules(DISK)
    write_logs(classify)
    scan(classify, rules)
    # The first waits for its standard input, and holds the state meanwhile.
    first = start(classify, rules, inputs=("logs", "-"))
    try:
        first.stdin.write(b"no space left\n" * 100000)
        first.stdin.flush()
        done = scan(classify, rules, code=2)
        assert done.sources == [] and "another run is using it; nothing was scanned" in done.err
        # Reading is possible all the time.
        with sqlite3.connect(f"file:{classify.folder}/s.db?mode=ro", uri=True) as db:
            assert db.execute("SELECT count(*) FROM logs").fetchone() == (5,)
    finally:
        out, err = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, err
    assert len(out.splitlines()) == 1
    assert scan(classify, rules).sources == []


def remembered(path):
    if not path.exists():
        return set()
    db = sqlite3.connect(path)
    try:
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        return {source for source, in db.execute("SELECT source FROM logs")} if tables else set()
    finally:
        db.close()


def test_killed_at_any_moment(classify):
    """However often it is killed: what is remembered was told, and in the end nothing is missing or twice."""
    dice = random.Random(11)
    rules = classify.rules(DNS, DISK, STEP, GOOD)
    texts = list(LOGS.values())
    for i in range(4000):
        classify.write(f"logs/{i % 40}/{i}.log", texts[i % len(texts)] + f"{i}\n")
    # Filled up beforehand, so that all runs are alike.
    scan(classify, rules, state="warm.db", inputs=("logs/0",))
    told, kills, kept = set(), 0, []
    for _ in range(12):
        run = start(classify, rules, "--jobs", "2")
        out = b""
        wanted = dice.choice([0, 1, 200_000, 400_000, 800_000, 1_200_000])
        while len(out) < wanted:
            piece = os.read(run.stdout.fileno(), 65536)
            if not piece:
                break
            out += piece
        run.send_signal(signal.SIGKILL)
        rest, _ = run.communicate(timeout=PATIENCE)
        if run.returncode == 0:
            # It was done before: the next one begins anew.
            (classify.folder / "s.db").unlink()
            told, kept = set(), []
            continue
        kills += 1
        # The line that the kill has cut does not count as told.
        told |= {json.loads(line)["source"] for line in (out + rest).split(b"\n")[:-1]}
        held = remembered(classify.folder / "s.db")
        assert held <= told
        kept.append(len(held))
        assert kept == sorted(kept)
    assert kills
    last = scan(classify, rules)
    assert len(set(last.sources)) == len(last.sources)
    assert told | set(last.sources) == {f"logs/{i % 40}/{i}.log" for i in range(4000)}
    assert len(last.sources) == 4000 - (kept[-1] if kept else 0)
    same_as_from_scratch(classify, rules)
    assert scan(classify, rules).sources == []


def test_killed_in_a_rule_change(classify):
    """Some files with the old rules and some with the new: each is brought up to date once."""
    rules = classify.rules(DNS, STEP)
    texts = list(LOGS.values())
    for i in range(3000):
        classify.write(f"logs/{i}.log", texts[i % len(texts)] + f"{i}\n")
    scan(classify, rules)
    for change in ([DNS, STEP, DISK], [DNS, MORE], [{**DNS, "title": "other"}, MORE, STEP]):
        rules = classify.rules(*change)
        run = start(classify, rules)
        os.read(run.stdout.fileno(), 1)
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=PATIENCE)
    scan(classify, rules)
    same_as_from_scratch(classify, rules)


@pytest.mark.parametrize("output", ["jsonl", "json", "junit", "sarif", "postmortem"])
def test_killed_before_the_output_ends(classify, output):
    """What a format would have told at its end is not remembered when that does not come."""
    rules = classify.rules(DISK)
    for i in range(1100):
        classify.write(f"logs/{i}.log", f"no space left {i}\n")
    os.mkfifo(classify.folder / "pipe")
    arguments = ["scan", "--rules", str(rules), "-o", output, "--state", "s.db", "--jobs", "1", "logs", "pipe"]
    run = subprocess.Popen([binary(), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                           cwd=classify.folder, env=classify.environment)
    # Whoever opens it for reading has come by all that is before it.
    with open(classify.folder / "pipe", "wb"):
        if output == "jsonl":
            deadline = time.monotonic() + PATIENCE
            while len(remembered(classify.folder / "s.db")) < 1000 and time.monotonic() < deadline:
                time.sleep(0.05)
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=PATIENCE)
    held = remembered(classify.folder / "s.db")
    assert len(held) >= 1000 if output == "jsonl" else not held
    done = classify.run(*arguments[:-1])
    assert done.code == 0
    assert output == "jsonl" or all(f"logs/{i}.log" in done.out for i in range(0, 1100, 137)) or output == "postmortem"
    assert len(remembered(classify.folder / "s.db")) == 1100


def test_interrupted(classify):
    """A log that an interrupt cut is not remembered; those before it are."""
    rules = classify.rules(DISK)
    write_logs(classify)
    os.mkfifo(classify.folder / "pipe")
    run = start(classify, rules, "--jobs", "1", inputs=("logs", "pipe"))
    with open(classify.folder / "pipe", "wb") as pipe:
        pipe.write(b"no space left\n")
        pipe.flush()
        deadline = time.monotonic() + PATIENCE
        while len(remembered(classify.folder / "s.db")) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130, err
    with sqlite3.connect(classify.folder / "s.db") as db:
        assert db.execute("SELECT count(*) FROM logs").fetchone() == (5,)
        assert db.execute("SELECT interrupted, ended IS NOT NULL FROM runs").fetchone() == (1, 1)
    assert scan(classify, rules).sources == []
