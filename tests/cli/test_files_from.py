# SPDX-License-Identifier: Apache-2.0
"""Lists of paths: from files and standard input, by lines and NUL, read as they come."""

import json
import signal
import subprocess

import pytest

from conftest import PATIENCE, binary, rule


@pytest.fixture(name="rules")
def rule_file(classify):
    """One rule, and some logs."""
    for name in ("a.log", "b c.log", "d/x.log", "d/e/y.log", "d/z.log", "-", "-o"):
        classify.write(name, "oops\n")
    return classify.rules(rule("oops", "^oops"), name="rules.yaml")


def sources(done):
    """What was scanned, in order."""
    return [log["source"] for log in done.objects()]


def scan(classify, rules, *arguments, **more):
    """scan -o jsonl."""
    return classify.run("scan", "-r", rules, "-o", "jsonl", *arguments, **more)


EXPECTED = ["a.log", "b c.log", "d/e/y.log", "d/x.log", "d/z.log", "a.log"]


@pytest.mark.parametrize("options, data", [
    ([], b"a.log\nb c.log\nd\na.log\n"), ([], b"a.log\nb c.log\nd\na.log"), ([], b"\n\na.log\nb c.log\n\nd\na.log\n\n"),
    ([], b"a.log\0b c.log\0d\0a.log\0"), ([], b"a.log\0b c.log\0d\0a.log"), (["-0"], b"a.log\0b c.log\0d\0a.log\0"),
    (["--null"], b"\0a.log\0\0b c.log\0d/\0a.log"),
])
def test_lists(classify, rules, options, data):
    """Lines or NUL, with or without an end, empty entries left out; from a file and from standard input."""
    classify.write("list", data)
    for done in (scan(classify, rules, *options, "--files-from", "list"),
                 scan(classify, rules, *options, "--files-from=-", stdin=data)):
        assert (done.code, done.err) == (0, "")
        assert sources(done) == EXPECTED


def test_order(classify, rules):
    """What is named comes first, then each list in turn; standard input may be a log beside a list."""
    classify.write("one", "d/z.log\n")
    classify.write("two", "a.log\n")
    done = scan(classify, rules, "--files-from", "one", "b c.log", "--files-from", "two", "-", stdin=b"oops\n")
    assert sources(done) == ["b c.log", "-", "d/z.log", "a.log"]
    assert scan(classify, rules, "--files-from", "empty-list-is-missing").code == 2
    classify.write("empty", "")
    done = scan(classify, rules, "--files-from", "empty")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_names_like_options(classify, rules):
    """In a list, names are names: a dash alone is a file, and so is what looks like an option."""
    done = scan(classify, rules, "--files-from=-", stdin=b"-\n-o\n")
    assert sources(done) == ["./-", "-o"] and done.code == 0


def test_newline_in_name(classify, rules):
    """With NUL between them, names may hold line ends, also where the list comes byte by byte."""
    classify.write("two\nlines.log", "oops\n")
    data = b"two\nlines.log\0a.log\0"
    assert sources(scan(classify, rules, "--files-from=-", stdin=data)) == ["two\nlines.log", "a.log"]
    with subprocess.Popen([binary(), "scan", "-r", str(rules), "-o", "jsonl", "-0", "--files-from", "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=classify.folder,
                          env=classify.environment) as process:
        for at in range(len(data)):
            process.stdin.write(data[at:at + 1])
        process.stdin.close()
        found = [json.loads(line)["source"] for line in process.stdout.read().splitlines()]
    assert found == ["two\nlines.log", "a.log"]


def test_missing(classify, rules):
    """What is missing is told with its line in the list, in order, and the rest is scanned."""
    classify.write("list", "a.log\n\nmissing\nd/x.log\nd/x.log/y\n")
    done = scan(classify, rules, "--files-from", "list", "nothing")
    assert done.code == 2 and sources(done) == ["a.log", "d/x.log"]
    assert done.err.splitlines() == [
        "classify: nothing: No such file or directory",
        "classify: list:3: missing: No such file or directory",
        "classify: list:5: d/x.log/y: Not a directory"]


def test_bad_entries(classify, rules):
    """A line that is too long, and one with a NUL where lines were meant, are told and left out."""
    data = b"a.log\n" + b"x" * 70000 + b"\nd/x.log\n" + b"y" * 200000 + b"\n" + b"d\0y\nd/z.log\n"
    done = scan(classify, rules, "--files-from=-", stdin=data)
    assert done.code == 2 and sources(done) == ["a.log", "d/x.log", "d/z.log"]
    assert done.err.splitlines() == [
        "classify: -:2: longer than 65536 bytes, left out", "classify: -:4: longer than 65536 bytes, left out",
        "classify: -:5: a NUL byte in a list of lines; is --null meant?"]


def test_unreadable_list(classify, rules):
    """A list that cannot be read is told; what is named is scanned."""
    for name, why in (("missing", "No such file or directory"), ("d", "Is a directory")):
        done = scan(classify, rules, "--files-from", name, "a.log")
        assert done.code == 2 and sources(done) == ["a.log"]
        assert why in done.err and done.err.startswith(f"classify: {name}")


@pytest.mark.parametrize("arguments, message", [
    (["--files-from", "-", "-"], "only once"), (["--files-from", "-", "--files-from", "-"], "only once"),
    (["--incident", "--files-from", "list"], "--incident"), (["--files-from"], "needs a value"),
])
def test_usage(classify, rules, arguments, message):
    """Standard input is one thing only, and an incident is not a list."""
    done = scan(classify, rules, *arguments)
    assert done.code == 2 and done.out == "" and message in done.err


def test_endless(classify, rules):
    """A list that goes on: each log is told when it was scanned, and an interrupt ends the waiting."""
    with subprocess.Popen([binary(), "scan", "-r", str(rules), "-o", "jsonl", "--files-from", "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
                          cwd=classify.folder, env=classify.environment) as process:
        for name in ("a.log", "d/z.log", "missing", "d/x.log"):
            process.stdin.write(name.encode() + b"\n")
            if name != "missing":
                assert json.loads(process.stdout.readline())["source"] == name
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == b""
        assert process.wait(PATIENCE) == 130
        assert b"-:3: missing" in process.stderr.read()


def test_many(classify, rules):
    """A long list keeps its order with many jobs."""
    names = [f"many/{number:05}" for number in range(3000)]
    for name in names:
        classify.write(name, "oops\n")
    text = "\n".join(names * 3) + "\n"
    done = scan(classify, rules, "-j", "8", "--files-from=-", stdin=text.encode())
    assert sources(done) == names * 3
