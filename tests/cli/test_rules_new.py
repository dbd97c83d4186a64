# SPDX-License-Identifier: Apache-2.0
"""`rules new`: whatever the line, the rule that comes out loads and holds what it says."""

import gzip
import json
import re

import pytest

from conftest import DATA, rule

LINES = {
    "kaniko": "error building image: error building stage: failed to execute command: waiting for "
              "process to exit: exit status 42",
    "kaniko-logrus": 'time="2026-03-01T10:00:00Z" level=error msg="cannot unpack layer '
                     'sha256:0f343b0931126a20f133d67c2b018a3b: archive/tar: invalid header"',
    "kaniko-push": "error pushing image: failed to push to destination "
                   "registry.example/team/app:7: unexpected status code 502 Bad Gateway",
    "colour": "\x1b[31mERRO\x1b[0m[0012] snapshot of /var/lib/x.db was odd",
    "npm": "npm ERR! code E418",
    "npm-path": "npm ERR! path /builds/team/app/node_modules/left-pad/package.json",
    "npm-quoted": "npm ERR! 404  'left-pad@^9.0.0' is not in this registry.",
    "node": "Error: Cannot find module 'express'",
    "node-stack": "    at Object.<anonymous> (/srv/app/index.js:12:5)",
    "go": "./main.go:17:3: undefined: http.Foo",
    "go-mod": "go: team.example/lib@v1.4.2: reading go.mod at revision v1.4.2: unknown revision",
    "go-test": "--- FAIL: TestParse/empty_(1) (0.03s)",
    "go-dial": "dial tcp 10.0.0.7:5432: connect: connection refused",
    "go-panic": "panic: runtime error: index out of range [3] with length 3",
    "terraform": "│ Error: Reference to undeclared resource \"aws_s3_bucket.logs\"",
    "terraform-on": "on modules/net/main.tf line 12, in resource \"aws_subnet\" \"b\":",
    "k8s": "Warning  BackOff  3m2s (x12 over 5m)  kubelet  Back-off restarting the container",
    "k8s-klog": 'E0302 08:01:12.000101       1 reflector.go:140] "Cannot list" pod="ci/run-7f9c"',
    "k8s-sched": "0/12 nodes are available: 3 Insufficient cpu, 9 node(s) had odd taints.",
    "python": "ModuleNotFoundError: No module named 'yaml'",
    "python-file": '  File "/srv/app/main.py", line 88, in <module>',
    "python-key": "KeyError: ('a', 1)",
    "java": "Caused by: java.lang.IllegalStateException: id 0x7ffe01 is gone",
    "gcc": "src/x.c:7:3: error: ‘frob’ undeclared (first use in this function)",
    "json": '{"level":"error","status":503,"msg":"upstream \\"pay\\" took 31.5s"}',
    "logfmt": "reason=Evicted node=ip-10-0-3-9.example usage=93% request-id=ab-12/x",
    "url": "GET https://files.example/a/b.tar.gz?x=1&y=[2] gave 500.",
    "uuid": "job 123e4567-e89b-12d3-a456-426614174000 was lost",
    "metacharacters": r"a.b* (c) [d] {e} ^f$ g|h \i +j? k/l #m ~n",
    "backslashes": r"cannot open C:\Users\ci\a b\x.log: \\share\d is not there",
    "quotes": "it's \"so\" 'and' `so` don't \"mix'em\" up",
    "tabs": "FAILED\t3\ttests\tin   7  modules",
    "bytes": b"bad name caf\xe9 \xff\xfe in archive 'x\xc3' of 7 files",
    "bytes-only": b"\xfd\xfc\xfe",
    "utf8": "größe der Datei überschritten: 12 GiB",
    "number": "403",
    "short": "x",
    "marks": "!!! ??? ***",
    "long": "the frobnicator gave up: " + "state=7a/b " * 700,
    "long-word": "e" * 5000,
    "long-json": '{"msg":"the sink is clogged at 7","rest":"' + "y" * 3000 + '"}',
    "bar": "10%\r55%\r100%\rcannot rename part 7",
    "yaml": "- key: 'value' # not: a comment, {no} [flow] & *alias !tag %x @y",
    "dollar": "cost ${HOME} $(id) `id` \\1 is not set",
    "timestamped": "2026-03-01T10:00:00.123Z stderr F lease held by 9f8e7d6c since 2026-03-01T09:00:00Z",
    "versions": "needs node >= v18.2.0-rc.1, found 16.20.1.",
    "same-key": "a=1 a=2 a=3 b=x/1 b=x/2",
    "many": " ".join(f"k{n}={n}" for n in range(60)),
}


@pytest.fixture
def small(classify):
    """Rules in place of the shipped packs, which take their time and know some of the lines."""
    return classify.rules(rule("none", "zzz"))


@pytest.mark.parametrize("name", LINES)
def test_any_line(classify, small, name):
    """The rule loads without a warning, and its examples hold both ways, through both engines."""
    line = LINES[name] if isinstance(LINES[name], bytes) else LINES[name].encode()
    done = classify.run("rules", "new", "-r", small, "--category", "tool_bug", "-",
                        stdin=line + b"\n")
    assert done.code == 0, done.err
    path = classify.write("new.yaml", done.out)
    check = classify.run("rules", "check", "-r", path)
    assert check.code == 0 and "0 warnings" in check.out, check.err
    test = classify.run("rules", "test", "--no-passing", "--strict", "-r", path)
    assert test.code == 0, test.out
    assert "1 rules, 4 examples passed, 0 failed" in test.out
    # The line as it came is matched, too, and bless has nothing to add.
    (log,) = classify.run("scan", "-r", path, "-o", "jsonl", "-", stdin=line).objects()
    assert log["outcome"] == "failed" and log["category"] == "tool_bug"
    assert "nothing to fill in" in classify.run("rules", "test", "--no-passing", "--bless", "-r", path).err


def made(classify, line, *options):
    """The rule for a line, as `rules list` and `match` show it."""
    small = classify.rules(rule("none", "zzz"), name="small.yaml")
    done = classify.run("rules", "new", "-r", small, "--category", "unknown", *options, "--", line)
    assert done.code == 0, done.err
    path = classify.write("new.yaml", done.out)
    (listed,) = classify.run("rules", "list", "-r", path, "-o", "jsonl").objects()
    (match,) = classify.run("match", "-r", path, "-o", "jsonl", "--", line).objects()
    return listed, match["fields"], path


@pytest.mark.parametrize("line, fields", [
    ("exit status 42", {"status": "42"}),
    ("request failed: status=503", {"status": "503"}),
    ("Cannot find module 'express'", {"module": "express"}),
    ("pull of registry.example/team/app:7 is slow", {"image": "registry.example/team/app:7"}),
    ("job 123e4567-e89b-12d3-a456-426614174000 was lost",
     {"job": "123e4567-e89b-12d3-a456-426614174000"}),
    ("look at https://files.example/a?b=1.", {"url": "https://files.example/a?b=1"}),
    ("it took 1m30s", {"took": "1m30s"}),
    ("needs 4.2GiB more", {"needs": "4.2GiB"}),
    ("commit deadbeef1 is gone", {"commit": "deadbeef1"}),
    ("main.c:7:3: odd token", {"file": "main.c", "line": "7", "column": "3"}),
    ("found v1.2.3 here", {"version": "v1.2.3"}),
    ("dial tcp 10.0.0.7:5432: broken", {"address": "10.0.0.7:5432"}),
    ("a=1 a=2 told", {"a": "1", "a_2": "2"}),
    ("broken by 'Error('<pool> gone')' 7", {"value": "<pool> gone", "number": "7"}),
    ("reason=Evicted level=error of it", {}),
    ("TS2304 and x509 and UTF8 are words", {}),
])
def test_captures(classify, line, fields):
    """What varies is captured, under the name of its key, of the word before it, or of its kind."""
    assert made(classify, line)[1] == fields


def test_other_values_match(classify):
    """The point of a capture: the same failure with other values is the same failure."""
    _, _, path = made(classify, "pull of registry.example/team/app:7 took 31s, status=503")
    done = classify.run("match", "-r", path, "-o", "jsonl",
                        "pull of other.example:5000/x@sha256:0a took 2m3s, status=404")
    assert done.objects()[0]["fields"] == {
        "image": "other.example:5000/x@sha256:0a", "took": "2m3s", "status": "404"}
    assert classify.run("match", "-r", path, "push of registry.example/team/app:7").code == 1


@pytest.mark.parametrize("line", [
    'time="2026-03-01T10:00:00Z" level=error msg="the sink is clogged"',
    '{"level":"error","msg":"the sink is clogged"}',
    "2026-03-01T10:00:00Z stderr F the sink is clogged",
    "\x1b[31mthe sink is clogged\x1b[0m",
    "E0302 08:01:12.000101       1 sink.go:140] the sink is clogged",
    "5%\r10%\rthe sink is clogged",
])
def test_wrapper_is_left_out(classify, line):
    """The expression is that of the bare message; the example is the line as it came."""
    listed, _, path = made(classify, line)
    assert listed["expressions"] == ["the sink is clogged"]
    assert classify.run("match", "-r", path, "the sink is clogged").code == 0
    assert "0 failed" in classify.run("rules", "test", "-r", path).out


def test_names_and_title(classify):
    """Id, pack, title and category are those that were asked for, or made of the message."""
    listed, _, _ = made(classify, "Cannot find module 'express'")
    assert listed["rule"] == "mine-cannot-find-module" and listed["pack"] == "mine"
    assert listed["title"] == "Cannot find module '${module}'"
    listed, _, _ = made(classify, "Cannot find module 'express'", "--id", "a.b", "--pack", "p: 'q'",
                        "--title", "No # module: '${module}'", "--category", "tool_bug")
    assert listed["rule"] == "a.b" and listed["pack"] == "p: 'q'"
    assert listed["title"] == "No # module: '${module}'" and listed["category"] == "tool_bug"


def test_long_title(classify):
    """It ends with a whole word."""
    listed, _, _ = made(classify, "the sink " + "of number 7 is clogged and " * 5)
    assert len(listed["title"]) <= 90 and listed["title"].endswith(("clogged", "and", "is", "of", "}", "number"))


def test_limits(classify):
    """Of a long message 300 bytes are the expression, and 2048 the example; 24 values are captured."""
    listed, _, path = made(classify, "frobnicator gave up " + "and so on and on " * 200)
    assert 250 < len(listed["expressions"][0]) <= 300 and not listed["expressions"][0].endswith(" a")
    (example,) = re.findall(r"- line: '(frobnicator.*)'$", path.read_text(), re.M)[:1]
    assert len(example) == 2048
    _, fields, _ = made(classify, " ".join(f"k{n}={n}" for n in range(30)))
    assert len(fields) == 24


def test_large_input(classify, small):
    """Standard input is read up to 16 MiB."""
    done = classify.run("rules", "new", "-r", small, "-", stdin=b"x" * (18 << 20) + b"\n")
    assert done.code == 2 and done.out == "" and "-: more than 16 MiB" in done.err


def test_ids_are_new(classify):
    """An id that a loaded rule has is not given again."""
    path = classify.rules(rule("mine-the-sink-clogged", "zzz"))
    done = classify.run("rules", "new", "-r", path, "the sink clogged")
    assert done.code == 0 and "id: mine-the-sink-clogged-2\n" in done.out
    done = classify.run("rules", "new", "-r", path, "--id", "mine-the-sink-clogged", "x")
    assert done.code == 2 and done.out == ""


def test_category(classify):
    """Without --category it is that of a rule that knows the line, or unknown; both are told."""
    path = classify.rules(rule("known", "clogged", category="queue_stalled"))
    done = classify.run("rules", "new", "-r", path, "the sink is clogged")
    assert "category: queue_stalled\n" in done.out and "known" in done.err
    done = classify.run("rules", "new", "-r", path, "the sink is open")
    assert "category: unknown\n" in done.out and "queue_stalled" in done.err
    done = classify.run("rules", "new", "--category", "nope", "x")
    assert done.code == 2 and done.out == "" and "queue_stalled" in done.err


def test_reject_is_the_opposite(classify, small):
    """The near-miss says that it went well, or speaks of something else."""
    done = classify.run("rules", "new", "-r", small, "pulling of the layer: permission denied")
    assert "reject:\n        - 'pulling of the layer: permission granted'" in done.out
    done = classify.run("rules", "new", "-r", small, "Upload FAILED: part 3")
    assert "reject:\n        - 'Upload SUCCEEDED: part 3'" in done.out
    done = classify.run("rules", "new", "-r", small, "the sink clogs")
    assert "reject:\n        - 'the sink other'" in done.out


def test_from_log(classify, small):
    """A line by its number, of plain files and gzip; what is not there is 2."""
    text = "one\n\ntwo 2 two\nthree\n"
    log = classify.write("a.log", text)
    packed = classify.write("b.log.gz", gzip.compress(text.encode()))
    colon = classify.write("c:3", "colons are fine\nin names\n")
    for path in (log, packed):
        done = classify.run("rules", "new", "-r", small, "--from", f"{path}:3")
        assert done.code == 0 and "match: 'two (?<two>\\d+) two'" in done.out
        for bad in ("2", "9", "99999999999999999999"):
            done = classify.run("rules", "new", "-r", small, "--from", f"{path}:{bad}")
            assert done.code == 2 and done.out == ""
    done = classify.run("rules", "new", "-r", small, "--from", f"{colon}:2")
    assert done.code == 0 and "match: 'in names'" in done.out
    done = classify.run("rules", "new", "-r", small, "--from", "missing.log:3")
    assert done.code == 2 and "missing.log" in done.err


def test_from_unknown_failure(classify):
    """Of a log that no rule knows, the most telling line; of one that is known, none."""
    log = "starting up\nchecking 3 files\nfatal error: the sink is clogged\nbye\n"
    path = classify.rules(rule("other", "zzz"))
    for arguments in (["--from", classify.write("x.log", log)], ["--from", "-"], ["-"], [log]):
        done = classify.run("rules", "new", "-r", path, *arguments, stdin=log.encode())
        assert done.code == 0, done.err
        assert "match: 'fatal error: the sink is clogged'" in done.out
        assert "line 3" in done.err
    known = classify.rules(rule("known", "clogged"))
    done = classify.run("rules", "new", "-r", known, "--from", "-", stdin=log.encode())
    assert done.code == 2 and done.out == "" and "line 3 is known" in done.err
    done = classify.run("rules", "new", "-r", DATA / "rules.yaml", "--from", "-",
                        stdin=b"Pushed image to x\n")
    assert done.code == 2 and "passed" in done.err
    done = classify.run("rules", "new", "--from", "-", stdin=b"\n\n")
    assert done.code == 2 and done.out == ""


def test_output(classify, small):
    """A file is made, never replaced without being told so, and links are not followed then."""
    done = classify.run("rules", "new", "-r", small, "-o", "new.yaml", "the sink is clogged")
    assert done.code == 0 and done.out == "new.yaml: mine-the-sink-clogged\n"
    before = (classify.folder / "new.yaml").read_text()
    assert before.startswith("pack: mine\n")
    done = classify.run("rules", "new", "-r", small, "-o", "new.yaml", "another line")
    assert done.code == 2 and "--force" in done.err
    assert (classify.folder / "new.yaml").read_text() == before
    (classify.folder / "link.yaml").symlink_to("nowhere.yaml")
    assert classify.run("rules", "new", "-r", small, "-o", "link.yaml", "another line").code == 2
    assert not (classify.folder / "nowhere.yaml").exists()
    assert classify.run("rules", "new", "-r", small, "-o", "new.yaml", "--force", "another line").code == 0
    assert "another line" in (classify.folder / "new.yaml").read_text()
    assert classify.run("rules", "new", "-r", small, "-o", "no/such/folder.yaml", "x").code == 2


@pytest.mark.parametrize("arguments", [
    [], ["a", "b"], ["--from", "x", "y"], ["--force", "x"], ["--nope", "x"], ["--id"], [""], ["  \t"],
    ["--id", "-bad id", "x"], ["--id", "", "x"],
])
def test_wrong_usage(classify, small, arguments):
    """Told, with status 2 and nothing on standard output."""
    done = classify.run("rules", "new", "-r", small, *arguments)
    assert done.code == 2 and done.out == "" and done.err


def test_binary_input(classify):
    """What is no text makes no rule."""
    done = classify.run("rules", "new", "-", stdin=bytes(range(256)) * 64)
    assert done.code == 2 and done.out == ""


def test_lines_of_the_shipped_packs(classify, small):
    """Lines of many kinds, the examples of the shipped packs, make rules that hold."""
    done = classify.run("rules", "list", "-o", "jsonl")
    files = {one["file"] for one in done.objects()}
    lines = [line for path in sorted(files)[::6]
             for line in re.findall(r"(?m)^        - line: '((?:[^'\n]|'')+)'$", open(path, encoding="utf-8").read())]
    for line in lines[::len(lines) // 40]:
        line = line.replace("''", "'")
        done = classify.run("rules", "new", "-r", small, "--category", "unknown", "--", line)
        assert done.code == 0, (line, done.err)
        path = classify.write("new.yaml", done.out)
        assert classify.run("rules", "test", "--no-passing", "-r", path).code == 0, line
    assert len(lines) > 40
