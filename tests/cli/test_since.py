# SPDX-License-Identifier: Apache-2.0
"""Windows of time: which lines are looked at, by the log's own timestamps, and what is said of the others."""

import datetime
import gzip
import json
import os
import random
import subprocess

import pytest

from conftest import binary, check_shape, rule, without_fallback

ANY = [rule("any", "^.", severity="low"), rule("oops", "oops")]
LINE = 64 * 1024
HEAD = 256 * 1024


@pytest.fixture(name="rules")
def rule_file(classify):
    """A rule that every line matches which is not empty, and one for a failure."""
    return classify.rules(*ANY, name="rules.yaml")


def clock(hour, minute=0, day=20):
    """A timestamp."""
    return f"2026-11-{day:02}T{hour:02}:{minute:02}:00Z"


def scan(classify, rules, *arguments, **more):
    """scan -o jsonl."""
    return classify.run("scan", "-r", rules, "-o", "jsonl", *arguments, **more)


def seen(classify, rules, log, *options):
    """The numbers of the lines that were looked at."""
    return sorted({match["line"] for match in classify.matches(rules, log, *options) if match["rule"] == "any"})


def test_lines_in_window(classify, rules):
    """Lines without a time belong to the last that had one, those at the top to the first; numbers are the log's."""
    log = (f"a banner\n{clock(9)} one\n  two\n{clock(10)} three\n  oops four\n{clock(11)} five\n  six\n"
           f"{clock(10, 30)} late\n")
    assert seen(classify, rules, log, "--since", clock(10)) == [4, 5, 6, 7, 8]
    assert seen(classify, rules, log, "--until", clock(10)) == [1, 2, 3]
    assert seen(classify, rules, log, "--since", clock(10), "--until", clock(11)) == [4, 5, 8]
    assert seen(classify, rules, log, "--since", clock(8)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert seen(classify, rules, log, "--since", clock(11), "--until", clock(12)) == [6, 7]
    answer = classify.verdict(rules, log, "--since", clock(10), "--until", clock(11))
    assert (answer["rule"], answer["line"], answer["offset"]) == ("oops", 5, log.index("  oops"))
    assert (answer["lines"], answer["bytes"], answer["warnings"]) == (8, len(log), [])
    assert classify.verdict(rules, log, "--until", clock(10))["outcome"] != "failed"


def test_left_out(classify, rules):
    """A log outside is counted and not told; that it cannot be read in full is."""
    for name, hour in (("a", 9), ("b", 10), ("c", 11), ("d", 12)):
        classify.write(f"logs/{name}.log", f"{clock(hour)} oops\n")
    done = scan(classify, rules, "--since", clock(11), "logs")
    assert (done.code, done.err) == (0, "classify: 2 logs outside --since, left out\n")
    assert [log["source"] for log in done.objects()] == ["logs/c.log", "logs/d.log"]
    done = scan(classify, rules, "--exit-code", "--since", clock(8), "--until", clock(9), "logs")
    assert (done.code, done.out) == (0, "")
    assert done.err == "classify: 4 logs outside --since and --until, left out\n"
    assert scan(classify, rules, "--until", clock(10), "logs").err == "classify: 3 logs outside --until, left out\n"
    assert classify.run("scan", "-r", rules, "-q", "--since", clock(12), "logs").err == ""
    classify.write("logs/a.log", gzip.compress(f"{clock(9)} oops\n".encode() * 1000)[:-9])
    done = scan(classify, rules, "--since", clock(11), "logs")
    assert done.code == 2 and "logs/a.log: the gzip data ends too early" in done.err


def test_no_timestamps(classify, rules):
    """A log that tells no time is scanned, and says so; an empty one has nothing to say."""
    answer = classify.verdict(rules, "one\noops\n", "--since", "2h")
    assert answer["rule"] == "oops"
    (warning,) = answer["warnings"]
    assert warning["code"] == "no_timestamps" and warning["line"] is None
    assert classify.verdict(rules, "", "--since", "2h")["warnings"] == []
    wide = b"\xff\xfe" + "one\noops\n".encode("utf-16-le")
    assert classify.verdict(rules, wide, "--since", "2h")["line"] == 2
    uptime = "[    0.5] one\n[ 3600.1] oops\n"
    assert classify.verdict(rules, uptime, "--since", "2h")["warnings"][0]["code"] == "no_timestamps"


def test_nothing_across(classify):
    """Lines of context, and expressions over several lines, do not reach across what is left out; sequences do."""
    rules = classify.rules(
        rule("joined", {"regex": "alpha[\\s\\S]*omega", "lines": 3}), rule("two", {"sequence": ["alpha", "omega"]}))
    log = f"{clock(10)} alpha\n{clock(5)} left out\n{clock(10)} omega\n{clock(10)} end\n"
    done = classify.run("scan", "-r", rules, "--context", "2", "--since", clock(9), "-", stdin=log.encode())
    assert "two" in done.out and "joined" not in done.out and "left out" not in done.out
    assert "end" in done.out
    assert "joined" in classify.run("scan", "-r", rules, "--matches", "-", stdin=log.encode()).out


NOW = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.timezone.utc)


@pytest.mark.parametrize("first, last", [
    ("Nov 20 09:59:59 host app: one", "Nov 20 10:00:01 host app: two"),
    ("09:59:59 one", "10:00:01 two"),
    ("E1120 09:59:59.000000       1 x.go:1] one", "E1120 10:00:01.000000       1 x.go:1] two"),
])
def test_stamps_without_a_year(classify, rules, first, last):
    """A stamp that tells no year, or no date, means the nearest to when the file was last changed."""
    path = classify.write("a.log", f"{first}\n{last}\n")
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    done = classify.run("scan", "-r", rules, "--matches", "--since", clock(10), path)
    assert [match["line"] for match in done.objects()] == [2]
    os.utime(path, (NOW.timestamp() - 86400 * 3,) * 2)
    if "20" in first.split()[0] + first.split()[1]:
        assert classify.run("scan", "-r", rules, "--matches", "--since", clock(10), path).out != ""
    else:
        assert "1 log outside" in classify.run("scan", "-r", rules, "--since", clock(10), path).err


def test_year_ends(classify, rules):
    """In January, December is that of the year before."""
    path = classify.write("a.log", "Dec 31 23:59:00 host app: one\nJan  1 00:01:00 host app: two\n")
    changed = datetime.datetime(2026, 1, 1, 0, 2, tzinfo=datetime.timezone.utc).timestamp()
    os.utime(path, (changed, changed))
    for since, lines in (("2025-12-31", [1, 2]), ("2026-01-01", [2])):
        done = classify.run("scan", "-r", rules, "--matches", "--since", since, path)
        assert [match["line"] for match in done.objects()] == lines


def test_forms_of_time(classify, rules):
    """What a time may look like; what is relative is so to now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamps = [now - datetime.timedelta(days=days, minutes=30) for days in (9, 3, 1, 0)]
    stamps.append(now + datetime.timedelta(minutes=10))
    log = "".join(f"{stamp:%Y-%m-%dT%H:%M:%SZ} x\n" for stamp in stamps)
    for since, lines in (("now", [5]), ("20m", [5]), ("1200s", [5]), ("40m", [4, 5]), ("25h", [3, 4, 5]),
                         ("1d1h", [3, 4, 5]), ("1w", [2, 3, 4, 5]), ("4d", [2, 3, 4, 5]), ("999999w", [1, 2, 3, 4, 5]),
                         (f"@{int(stamps[2].timestamp())}", [3, 4, 5]), (f"{stamps[1]:%Y-%m-%d %H:%M}", [2, 3, 4, 5]),
                         (f"{stamps[1]:%Y-%m-%d}", [2, 3, 4, 5]), ("1970-01-02", [1, 2, 3, 4, 5]),
                         (f"{stamps[2]:%Y-%m-%dT%H:%M:%S}", [3, 4, 5]),
                         (f"{stamps[2] + datetime.timedelta(hours=2):%Y-%m-%dT%H:%M:%S}.000+02:00", [3, 4, 5]),
                         (f"{stamps[2] - datetime.timedelta(hours=5):%Y-%m-%dt%H:%M:%S}-0500", [3, 4, 5])):
        assert seen(classify, rules, log, "--since", since) == lines, since


@pytest.mark.parametrize("time", [
    "", "x", "2", "h", "2x", "-2h", "2h ", "2026", "2026-13-01", "2026-02-30", "2026-11-20T", "2026-11-20T25:00",
    "2026-11-20T10", "2026-11-20T10:00:00+1", "2026-11-20T10:00:00ZZ", "20261120", "@", "@x", "@99999999999", "0999-01-01",
])
def test_no_time(classify, rules, time):
    """What is no time is wrong usage."""
    done = scan(classify, rules, f"--since={time}", "-")
    assert done.code == 2 and "is no time: " in done.err


def test_usage(classify, rules):
    """A window has a beginning before its end, and neither an incident nor a state has one."""
    done = scan(classify, rules, "--since", "1h", "--until", "2h", "-")
    assert done.code == 2 and "--since is not before --until" in done.err
    assert scan(classify, rules, "--incident", "--since", "1h", "-").code == 2
    done = scan(classify, rules, "--state", "x", "--until", "1h", "-")
    assert done.code == 2 and "--state remembers whole logs" in done.err


def test_long_head(classify, rules):
    """What stands above the first timestamp belongs to it, as far as 256 KiB of it can wait."""
    for size, found in ((HEAD, []), (HEAD + 1, [1, 2])):
        head = ("oops\n" + "x" * 1000).ljust(size - 1, "x") + "\n"
        assert seen(classify, rules, head + f"{clock(8)} out\n", "--since", clock(10)) == found, size


# ---- however the bytes come ----

def expected(lines):
    """Which lines are inside, told again: each is (has a time, that is inside, bytes)."""
    inside, head, state, size = [], [], None, 0
    for number, (timed, good, data) in enumerate(lines, 1):
        if timed:
            if state is None and good:
                inside += head
            state = good
        elif state is None:
            head.append(number)
            size += len(data)
            if size > HEAD:
                inside += head
                state = True
                continue
        if state:
            inside.append(number)
    return inside if state is not None else head


def random_log(generator):
    """Lines of all lengths, some with a time inside the window, some with one outside."""
    lines = []
    untimed = generator.choice([0, 0, 1, 5, 40])
    for number in range(generator.randrange(1, 60)):
        kind = generator.randrange(3) if number >= untimed else 2
        stamp = (clock(10, generator.randrange(60)) + " ", clock(12) + " ", "")[kind]
        length = generator.choice([1, 10, 100, 100, 1000, 10000, LINE - 2, LINE - 1, LINE, LINE + 1, 3 * LINE])
        text = (stamp + "x" * length)[:max(length, len(stamp) + 1)]
        lines.append((kind < 2, kind == 0, text.encode() + generator.choice([b"\n", b"\n", b"\r\n"])))
    if generator.randrange(2):
        lines[-1] = (*lines[-1][:2], lines[-1][2].rstrip(b"\r\n"))
    return lines


@pytest.mark.parametrize("size", [1000, 50000, 100000])
def test_long_lines_at_the_top(classify, rules, size):
    """Lines that wait for the first time are counted once, in however many pieces they come."""
    data = b"x" * (2 * LINE + 5) + b"\n" + b"y" * LINE + f"\n{clock(12)} out\n{clock(10)} in\n".encode()
    with subprocess.Popen([binary(), "scan", "-r", str(rules), "--matches", "--until", clock(11), "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=classify.environment, bufsize=0) as process:
        for start in range(0, len(data), size):
            process.stdin.write(data[start:start + size])
        process.stdin.close()
        (match,) = [json.loads(line) for line in process.stdout.read().splitlines()]
    assert (match["line"], match["offset"]) == (4, data.index(b"in\n") - 21)


@pytest.mark.parametrize("seed", range(12))
def test_cut_proof(classify, rules, seed):
    """Whatever the pieces, the same lines are looked at, and they have their places in the whole log."""
    generator = random.Random(seed)
    lines = random_log(generator)
    data = b"".join(line for _, _, line in lines)
    places, at = {}, 0
    for number, (_, _, line) in enumerate(lines, 1):
        places[number] = at
        at += len(line)
    wanted = [(number, places[number]) for number in expected(lines)]
    path = classify.write("a.log", data)
    options = ["scan", "-r", str(rules), "--matches", "--since", clock(10), "--until", clock(11)]
    done = classify.run(*options, path)
    assert [(match["line"], match["offset"]) for match in done.objects()] == wanted
    for most in (100, 5000, LINE, 4 * LINE):
        with subprocess.Popen([binary(), *options, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=classify.environment, bufsize=0) as process:
            rest = data if most > 100 else data[:20000]
            while rest:
                size = generator.randrange(1, most)
                process.stdin.write(rest[:size])
                rest = rest[size:]
            process.stdin.close()
            found = [json.loads(line) for line in without_fallback(process.stdout.read()).splitlines()]
        if most > 100:
            assert [(match["line"], match["offset"]) for match in found] == wanted
    answer = classify.run("scan", "-r", rules, "-o", "jsonl", "--since", clock(8), "--until", clock(13), path).objects()[0]
    check_shape(answer)
    assert answer["lines"] == len(lines) and answer["bytes"] == len(data)


def test_postmortem(classify, rules):
    """A post-mortem tells from when to when the lines are that were looked at."""
    classify.write("a.log", f"{clock(8)} one\n{clock(10)} two\n{clock(11)} oops\n{clock(12)} end\n")
    done = classify.run("scan", "-r", rules, "-o", "postmortem", "--since", clock(10), "--until", clock(12), "a.log")
    assert done.code == 0 and "10:00" in done.out and "11:00" in done.out
    assert "08:00" not in done.out and "12:00" not in done.out
