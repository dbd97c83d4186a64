# SPDX-License-Identifier: Apache-2.0
"""Archives and compressed logs on the command line: a log per member, what is no log, what is broken."""

import bz2
import gzip
import io
import json
import lzma
import os
import signal
import subprocess
import tarfile
import zipfile

import pytest

from conftest import PATIENCE, binary, check_shape, rule, without_fallback


@pytest.fixture(name="rules")
def rule_file(classify):
    """A rule for the word oops, with what it captures."""
    return classify.rules(rule("oops", "^oops(?: (?<what>\\w+))?"), name="rules.yaml")


def scan(classify, rules, *arguments, **more):
    """scan -o jsonl."""
    return classify.run("scan", "-r", rules, "-o", "jsonl", *arguments, **more)


def sources(done):
    """What was scanned, and what came of it."""
    return [(log["source"], log["outcome"][0]) for log in done.objects()]


def tar(members, mode="w"):
    """A tar archive: names, and bytes or the type of what is no file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=tarfile.GNU_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, bytes) and len(data) == 1:
                info.type = data
                info.linkname = "../../etc/passwd"
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data) if info.size else None)
    return out.getvalue()


def pack(members):
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


THREE = [("a.log", b"oops alpha\n"), ("dir/b.log", b"fine\n"), ("dir/c.log", b"well\noops beta\n")]


@pytest.mark.parametrize("name, data", [
    ("x.tar", tar(THREE)), ("x.tgz", tar(THREE, "w:gz")), ("x", tar(THREE, "w:xz")), ("x.log", tar(THREE, "w:bz2")),
    ("x.zip", pack(THREE)), ("x.tar.zip", pack(THREE)),
], ids=["tar", "tgz", "xz", "bz2", "zip", "name"])
def test_members(classify, rules, name, data):
    """What an archive is, its content tells; each member is a log under the archive's name and its own."""
    path = classify.write(name, data)
    for done, prefix in ((scan(classify, rules, name), name), (scan(classify, rules, "-", stdin=data), "-"),
                         (scan(classify, rules, "--jobs", "1", path), str(path))):
        assert (done.code, done.err) == (0, "")
        assert sources(done) == [(f"{prefix}!a.log", "f"), (f"{prefix}!dir/b.log", "u"), (f"{prefix}!dir/c.log", "f")]
        for log in done.objects():
            check_shape(log)
        assert [log["line"] for log in done.objects()] == [1, None, 2]
    text = classify.run("scan", "-r", rules, name).out
    assert f"{name}!a.log" in text and "2 failed, 0 passed, 1 undetermined" in text
    matches = classify.run("scan", "-r", rules, "--matches", name).objects()
    assert [match["source"] for match in matches] == [f"{name}!a.log", f"{name}!dir/c.log"]


@pytest.mark.parametrize("squeeze", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_compressed(classify, rules, squeeze):
    """A compressed log is one log, and keeps its name."""
    classify.write("a.log", squeeze(b"fine\noops alpha\n"))
    (log,) = scan(classify, rules, "a.log").objects()
    assert (log["source"], log["line"], log["bytes"]) == ("a.log", 2, 16)


def test_nested(classify, rules):
    """An archive in an archive is opened; the same for any number of jobs, among other inputs, in order."""
    inner = tar(THREE, "w:gz")
    for number in range(12):
        classify.write(f"logs/{number:02}.zip", pack([("b/in.tar.gz", inner), ("z.log", b"oops\n" * number * 10000)]))
        classify.write(f"logs/{number:02}.zzz", b"oops\n")
    outputs = {scan(classify, rules, "-j", jobs, "logs").raw for jobs in (1, 2, 5)}
    assert len(outputs) == 1
    found = [json.loads(line)["source"] for line in outputs.pop().splitlines()]
    assert found[:5] == ["logs/00.zip!b/in.tar.gz!a.log", "logs/00.zip!b/in.tar.gz!dir/b.log",
                         "logs/00.zip!b/in.tar.gz!dir/c.log", "logs/00.zip!z.log", "logs/00.zzz"]
    assert found == sorted(found) and len(found) == 60


def test_one_member(classify, rules):
    """A log of an archive is named as verdicts name it, by scan and by explain."""
    classify.write("x.zip", pack([("in.tar", tar(THREE)), ("z.log", b"fine\n")]))
    classify.write("odd!name.log", "oops\n")
    assert sources(scan(classify, rules, "x.zip!in.tar!a.log")) == [("x.zip!in.tar!a.log", "f")]
    assert sources(scan(classify, rules, "x.zip!z.log", "odd!name.log")) == [("x.zip!z.log", "u"), ("odd!name.log", "f")]
    done = classify.run("explain", "-r", rules, "x.zip!in.tar!dir/c.log")
    assert done.code == 0 and "oops beta" in done.out
    done = scan(classify, rules, "x.zip!nothing", "y.zip!z.log", "odd!name.log!x", "z.log")
    assert done.code == 2 and done.out == ""
    assert done.err.splitlines() == [
        "classify: x.zip!nothing: the archive has no such log", "classify: y.zip!z.log: No such file or directory",
        "classify: odd!name.log!x: the archive has no such log", "classify: z.log: No such file or directory"]
    done = classify.run("explain", "-r", rules, "x.zip")
    assert done.code == 2 and "ARCHIVE!MEMBER" in done.err


def test_no_logs_in_it(classify, rules):
    """Links and devices are no logs: counted once for an archive, no failure, and -q says nothing."""
    names = [("a.log", b"oops\n"), ("l1", tarfile.SYMTYPE), ("l2", tarfile.LNKTYPE), ("p", tarfile.FIFOTYPE),
             ("d", tarfile.CHRTYPE), ("../../up.log", b"fine\n"), ("/abs.log", b"fine\n")]
    classify.write("x.tar", tar(names))
    classify.write("empty.zip", pack([]))
    done = scan(classify, rules, "x.tar", "empty.zip")
    assert done.code == 0
    assert [name for name, _ in sources(done)] == ["x.tar!a.log", "x.tar!../../up.log", "x.tar!/abs.log"]
    remark, empty = done.err.splitlines()
    assert remark.startswith("classify: x.tar: 4 entries are no logs; x.tar!l1: ")
    assert empty == "classify: empty.zip: an archive without logs"
    assert classify.run("scan", "-r", rules, "-q", "x.tar", "empty.zip").err == ""


def test_names_do_not_act(classify, rules):
    """Whatever the name of a member, it is text: on the terminal, in JSON, and as a path."""
    classify.write("x.tar", tar([("\x1b[2Jname\nof.log", b"oops\n")]))
    done = classify.run("scan", "-r", rules, "x.tar")
    assert "\x1b" not in done.out and "\\x1b[2Jname" in done.out
    (log,) = scan(classify, rules, "x.tar").objects()
    assert log["source"] == "x.tar!\x1b[2Jname\nof.log"
    assert sorted(path.name for path in classify.folder.iterdir()) == ["home", "rules.yaml", "x.tar"]


def encrypted(members):
    """A zip whose members say that they are encrypted."""
    data = bytearray(pack(members))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


def test_encrypted(classify, rules):
    """Members that cannot be read are told, the first twenty by name; the status is 2, the rest is scanned."""
    classify.write("x.zip", encrypted([(f"{number}.log", b"oops\n") for number in range(50)]))
    classify.write("y.log", "oops\n")
    done = scan(classify, rules, "x.zip", "y.log")
    assert done.code == 2 and sources(done) == [("y.log", "f")]
    lines = done.err.splitlines()
    assert all(line.startswith(f"classify: x.zip!{number}.log: ") for number, line in enumerate(lines[:20]))
    assert "classify: x.zip: 30 more entries cannot be read" in lines and len(lines) <= 22


def test_cut_archive(classify, rules):
    """Of an archive that is cut, what was read is told, then the place where it ends; the next input is scanned."""
    many = [(f"{number}.log", b"oops %d\n" % number + os.urandom(3000).hex().encode() + b"\n") for number in range(200)]
    whole = tar(many, "w:gz")
    classify.write("x.tgz", whole[:len(whole) // 2])
    classify.write("y.log", "oops\n")
    done = scan(classify, rules, "x.tgz", "y.log")
    found = done.objects()
    assert done.code == 2 and found[-1]["source"] == "y.log" and 50 < len(found) < 150
    assert [log["source"] for log in found[:-1]] == [f"x.tgz!{number}.log" for number in range(len(found) - 1)]
    assert str(len(whole) // 2) in done.err
    assert done.err.startswith("classify: x.tgz")


def test_bomb(classify, rules):
    """What swells beyond all measure is left, with what came before it, and told."""
    path = classify.write("x.xz", lzma.compress(b"oops\n" + b"a\n" * 40_000_000, preset=0))
    done = scan(classify, rules, path, "missing")
    assert done.code == 2 and "missing" in done.err
    (log,) = done.objects()
    assert log["rule"] == "oops" and log["bytes"] < 80_000_000
    assert [warning["code"] for warning in log["warnings"]] == ["truncated_input"]


# ---- while it is read ----

def test_told_while_read(classify, rules):
    """Members are told when they are over, while the archive is still being read; an interrupt ends it."""
    data = tar([("a.log", b"oops alpha\n"), ("b.log", b"oops beta\n" * 100), ("c.log", b"fine\n" * 1000)])
    with subprocess.Popen([binary(), "scan", "-r", str(rules), "-o", "jsonl", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                          env=classify.environment) as process:
        process.stdin.write(data[:1536])
        log = json.loads(without_fallback(process.stdout.readline()))
        assert (log["source"], log["fields"]) == ("-!a.log", {"what": "alpha"})
        process.stdin.write(data[1536:4096])
        assert json.loads(process.stdout.readline())["source"] == "-!b.log"
        process.send_signal(signal.SIGINT)
        complaint = process.stderr.read()
        rest = process.stdout.read()
        process.wait(PATIENCE)
    assert process.returncode == 130
    for line in rest.splitlines():
        assert json.loads(line)["source"] == "-!c.log"
    assert b"classify: -" in complaint and b"interrupted; what was found so far is complete" in complaint


def test_many_members(classify, rules):
    """A thousand members of two archives at a time stand in order."""
    names = [(f"{number:04}.log", b"oops\n" if number % 3 else b"fine\n") for number in range(1000)]
    classify.write("1.tar", tar(names))
    classify.write("2.zip", pack(names))
    done = scan(classify, rules, "-j", "2", "1.tar", "2.zip", "1.tar")
    assert [log["source"] for log in done.objects()] == [
        f"{archive}!{name}" for archive in ("1.tar", "2.zip", "1.tar") for name, _ in names]
