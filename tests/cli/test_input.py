# SPDX-License-Identifier: Apache-2.0
"""What may be read, what happens when it cannot be, and the exit codes."""

import gzip
import json
import os
import signal
import subprocess
import sys

import pytest

from conftest import PATIENCE, binary, check_shape, rule, without_fallback

OOPS = rule("oops", "^oops")


@pytest.fixture(name="rules")
def rule_file(classify):
    """One rule for the word oops."""
    return classify.rules(OOPS, name="oops.yaml")


def scan(classify, rules, *arguments, **more):
    """scan -o jsonl."""
    return classify.run("scan", "-r", rules, "-o", "jsonl", *arguments, **more)


def only(done):
    """The one verdict of a run."""
    (answer,) = done.objects()
    check_shape(answer)
    return answer


# ---- exit codes ----

def test_zero(classify, rules):
    """A failed log alone is no failure of the program."""
    assert scan(classify, rules, "-", stdin=b"oops\n").code == 0


@pytest.mark.parametrize("log, code", [(b"oops\n", 1), (b"fine\n", 0), (b"", 0)])
def test_exit_code_option(classify, rules, log, code):
    """With --exit-code a failed log is 1."""
    assert scan(classify, rules, "--exit-code", "-", stdin=log).code == code


def test_exit_code_of_any_log(classify, rules):
    """One failed log of several is enough, wherever it stands."""
    for name, text in (("a", "fine\n"), ("b", "oops\n"), ("c", "fine\n")):
        classify.write(f"logs/{name}.log", text)
    assert scan(classify, rules, "--exit-code", "logs").code == 1


@pytest.mark.parametrize("arguments", [
    [], ["scan"], ["--bogus"], ["bogus"], ["scan", "--bogus", "a.log"],
    ["scan", "a.log", "--bogus"],
    ["scan", "-o", "yaml", "a.log"], ["scan", "-o"], ["scan", "--output=", "a.log"],
    ["scan", "--context", "x", "a.log"], ["scan", "--context", "21", "a.log"],
    ["scan", "--context=-1", "a.log"], ["scan", "--context", "", "a.log"],
    ["scan", "--context", "1x", "a.log"], ["scan", "--engine", "grep", "a.log"],
    ["scan", "--rules"], ["scan", "-q"], ["rules"], ["rules", "bogus"],
    ["rules", "list", "--bogus"],
    ["rules", "list", "a.log"], ["rules", "list", "-o", "xml"], ["rules", "list", "-r"],
    ["explain"], ["explain", "a.log", "a.log"], ["explain", "--rule"],
    ["explain", "--rule", "x", "a.log"],
    ["explain", "--rule", "no-such-rule"], ["match"], ["match", "a", "b"],
    ["match", "-o", "xml", "a"],
    ["match", "--bogus", "a"],
], ids=" ".join)
def test_usage(classify, arguments):
    """A usage error is 2, says what is wrong on standard error, and nothing is scanned."""
    classify.write("a.log", "oops\n")
    done = classify.run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("classify: ") and "--help" in done.err


def test_usage_wins(classify):
    """A usage error comes before anything else, faulty rules included."""
    bad = classify.rules(rule("bad", "("))
    done = classify.run("scan", "-r", bad, "--bogus", "missing.log")
    assert done.code == 2 and done.out == "" and "bad" not in done.err


@pytest.mark.parametrize("command", [[], ["scan"], ["rules"], ["rules", "test"], ["rules", "new"],
                                     ["explain"], ["match"]])
def test_help(classify, command):
    """Help goes to standard output, is 0, fits 100 columns and names its exit codes."""
    done = classify.run(*command, "--help")
    assert done.code == 0 and done.err == ""
    assert "usage: classify" in done.out
    assert max(map(len, done.out.splitlines())) <= 100
    assert classify.run(*command, "-h").out == done.out


def test_version(classify):
    """The version names the engine and the limits."""
    done = classify.run("--version")
    assert done.code == 0
    assert done.out.startswith("classify ") and "pcre2" in done.out and "1 MiB" in done.out


def test_which_code_wins(classify, rules):
    """3 over 2 over 1 over 0, and the output is complete in all of them."""
    faulty = classify.rules(OOPS, rule("bad", "("))
    classify.write("oops.log", "oops\n")
    classify.write("fine.log", "fine\n")
    for expected, file, logs in ((0, rules, ["fine.log"]), (1, rules, ["oops.log", "fine.log"]),
                                 (2, rules, ["missing.log", "oops.log"]),
                                 (2, rules, ["fine.log", "missing.log"]),
                                 (3, faulty, ["fine.log"]), (3, faulty, ["oops.log"]),
                                 (3, faulty, ["missing.log", "oops.log"])):
        done = scan(classify, file, "--exit-code", *logs)
        assert done.code == expected
        found = {log["source"] for log in done.objects() if log["lines"]}
        assert found == set(logs) - {"missing.log"}


# ---- inputs that cannot be read ----

def test_missing_file(classify, rules):
    """A missing file is named, and the others are scanned."""
    classify.write("b.log", "oops\n")
    done = scan(classify, rules, "a.log", "b.log")
    assert done.code == 2 and "a.log" in done.err
    assert [log["source"] for log in done.objects()][-1] == "b.log"


def test_missing_is_told_when_quiet(classify, rules):
    """-q silences notes, not failures."""
    done = scan(classify, rules, "-q", "a.log")
    assert done.code == 2 and "a.log" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(classify, rules):
    """A file or folder that may not be read is named, and the others are scanned."""
    classify.write("logs/a/x.log", "oops\n")
    classify.write("logs/b.log", "oops\n").chmod(0)
    classify.write("logs/c.log", "oops\n")
    folder = classify.folder / "logs/a"
    folder.chmod(0)
    try:
        done = scan(classify, rules, "logs")
    finally:
        folder.chmod(0o700)
    assert done.code == 2
    assert "logs/a" in done.err and "logs/b.log" in done.err
    assert [log["source"] for log in done.objects() if log["lines"]] == ["logs/c.log"]


def test_rules_that_are_missing(classify, rules):
    """A rule file that is not there is 2; without any rule it is 3 and nothing is scanned."""
    classify.write("a.log", "oops\n")
    done = classify.run("scan", "-r", rules, "-r", "none.yaml", "-o", "jsonl", "a.log")
    assert done.code == 2 and "none.yaml" in done.err
    assert only(done)["rule"] == "oops"
    done = classify.run("scan", "-r", "none.yaml", "-o", "jsonl", "a.log")
    assert done.code == 3 and "none.yaml" in done.err


def test_standard_input_that_is_none(classify, rules):
    """Standard input that is closed, or a folder, is told, and 2."""
    for source in ("<&-", "</"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {source}', "sh", binary(), "scan", "-r", str(rules), "-"],
            capture_output=True, timeout=PATIENCE, env=classify.environment, check=False)
        assert done.returncode == 2 and b"classify: -: " in done.stderr


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"),
                    reason="needs a file that cannot be read")
def test_read_error(classify, rules):
    """A read that fails in the middle is told, and 2."""
    done = scan(classify, rules, "/proc/self/mem")
    assert done.code == 2 and "/proc/self/mem: " in done.err
    for answer in done.objects():
        check_shape(answer)
        assert [warning["code"] for warning in answer["warnings"]] == ["truncated_input"]


# ---- gzip ----

DATA = b"noise\n" * 5000 + b"oops\n" + bytes(range(32, 127)) * 50 + b"\n"


def test_gzip(classify, rules):
    """A compressed log is one log, with or without the ending, also on standard input."""
    packed = gzip.compress(DATA)
    for name in ("a.log.gz", "a.log"):
        path = classify.write(name, packed)
        answer = only(scan(classify, rules, path))
        assert (answer["line"], answer["bytes"]) == (5001, len(DATA))
    assert only(scan(classify, rules, "-", stdin=packed))["line"] == 5001


def test_gzip_in_name_only(classify, rules):
    """What the bytes are decides, not what the name says."""
    assert only(scan(classify, rules, classify.write("a.log.gz", b"fine\noops\n")))["line"] == 2
    for data in (b"\x1f", b"\x1f\n", b"\x1foops\noops\n"):
        assert scan(classify, rules, classify.write("b.log", data)).code == 0


def test_gzip_members(classify, rules):
    """Several members are one log, and a line may go on in the next."""
    parts = (b"noise\noo", b"", b"ps", b" and on\nend\n")
    packed = b"".join(map(gzip.compress, parts))
    answer = only(scan(classify, rules, "-", stdin=packed))
    assert (answer["line"], answer["text"], answer["lines"]) == (2, "oops and on", 3)
    assert answer["warnings"] == []


def test_gzip_padding(classify, rules):
    """Zero bytes behind the last member are no fault; tapes and tools leave them."""
    done = scan(classify, rules, "-", stdin=gzip.compress(DATA) + b"\0" * 512)
    assert done.code == 0 and only(done)["rule"] == "oops"


def test_gzip_empty(classify, rules):
    """The empty log, compressed, and a file of no bytes with the ending."""
    for name, data in (("a.gz", gzip.compress(b"")), ("b.gz", b"")):
        done = scan(classify, rules, classify.write(name, data))
        answer = only(done)
        assert done.code == 0
        assert (answer["outcome"], answer["lines"], answer["bytes"]) == ("undetermined", 0, 0)
        assert answer["warnings"] == []


@pytest.mark.parametrize("damage", ["header", "middle", "trailer", "last-byte"])
def test_gzip_truncated(classify, rules, damage):
    """A cut archive is read as far as it goes, told as a warning, and 2."""
    packed = gzip.compress(DATA)
    cut = {"header": 5, "middle": len(packed) // 2, "trailer": len(packed) - 8,
           "last-byte": len(packed) - 1}[damage]
    done = scan(classify, rules, classify.write("a.log.gz", packed[:cut]))
    answer = only(done)
    assert done.code == 2 and "a.log.gz" in done.err
    (warning,) = answer["warnings"]
    assert warning["code"] == "truncated_input"
    assert warning["offset"] == answer["bytes"]
    if damage in ("trailer", "last-byte"):
        assert answer["rule"] == "oops" and answer["bytes"] == len(DATA)


def test_gzip_corrupt(classify, rules):
    """Damage inside, or a wrong checksum: what came before it counts, and it is told."""
    packed = bytearray(gzip.compress(DATA))
    packed[-6] ^= 0xff
    done = scan(classify, rules, classify.write("a.gz", bytes(packed)))
    assert done.code == 2
    assert only(done)["rule"] == "oops"
    assert only(done)["warnings"][0]["code"] == "truncated_input"
    packed = gzip.compress(b"oops\n") + b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff"
    done = scan(classify, rules, classify.write("b.gz", packed))
    assert done.code == 2 and only(done)["rule"] == "oops"


def test_gzip_garbage(classify, rules):
    """Something else behind the last member: what came before it counts, and it is told."""
    done = scan(classify, rules, classify.write("a.gz", gzip.compress(DATA) + b"plain text"))
    assert done.code == 2
    assert only(done)["rule"] == "oops" and only(done)["bytes"] == len(DATA)
    assert only(done)["warnings"][0]["code"] == "truncated_input"


def test_exit_code_of_a_cut_log(classify, rules):
    """2 comes before 1."""
    packed = gzip.compress(DATA)[:-1]
    assert scan(classify, rules, "--exit-code", "-", stdin=packed).code == 2


# ---- odd bytes ----

def test_empty(classify, rules):
    """An empty log is undetermined, and no failure."""
    done = scan(classify, rules, classify.write("a.log", b""))
    assert done.code == 0
    assert only(done)["outcome"] == "undetermined" and only(done)["lines"] == 0
    assert scan(classify, rules, "/dev/null").code == 0


@pytest.mark.parametrize("data", [
    b"\x7fELF\x02\x01\x01" + bytes(57) + bytes(range(256)) * 40 + b"\noops\n",
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40 + b"\noops\n",
    bytes(range(256)) * 64,
], ids=["elf", "png", "all-bytes"])
def test_binary(classify, rules, data):
    """Binary data is undetermined, whatever lines it seems to hold."""
    done = scan(classify, rules, classify.write("a.bin", data))
    assert done.code == 0
    assert only(done)["outcome"] == "undetermined"


def test_nul(classify, rules):
    """NUL bytes in a text are a note, not the end of it."""
    data = b"some text\n" * 100 + b"\0" * 4096 + b"\noops \0 x\n" + b"more text\n" * 100
    done = scan(classify, rules, classify.write("a.log", data))
    answer = only(done)
    assert done.code == 0 and "a.log" in done.err
    assert answer["rule"] == "oops" and answer["text"] == "oops \0 x"
    assert answer["bytes"] == len(data) and answer["lines"] == 202


def test_invalid_utf8(classify, rules):
    """Bytes that are no UTF-8 are a note, not a failure."""
    data = b"some text\n" * 100 + b"oops \xff\xfe\n"
    done = scan(classify, rules, classify.write("a.log", data))
    assert done.code == 0 and "a.log" in done.err
    assert only(done)["text"] == "oops \ufffd\ufffd"
    assert scan(classify, rules, "-q", "a.log").err == ""


# Runs a program and tells its largest size. A child counts its parent's until it is another program: this one is small.
WEIGH = [sys.executable, "-S", "-c", """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss, file=sys.stderr)
sys.exit(os.waitstatus_to_exitcode(status))
"""]


def check_size(process):
    """Ends the program that WEIGH ran; its largest size is bounded."""
    kilobytes = int(process.stderr.read().splitlines()[-1])
    assert process.wait() == 0
    assert kilobytes < 150 * 1024


def test_huge_line(classify, rules):
    """A line of 200 MB costs no more memory than its limit, and its length is told."""
    size = 200 * 1000 * 1000
    block = b"x" * 1000000
    with subprocess.Popen([*WEIGH, binary(), "scan", "-r", str(rules), "-o", "jsonl", "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=classify.environment) as process:
        process.stdin.write(b"first\noops ")
        for _ in range(size // len(block)):
            process.stdin.write(block)
        process.stdin.write(b"\nlast\n")
        process.stdin.close()
        output = without_fallback(process.stdout.read())
        check_size(process)
    (answer,) = [json.loads(line) for line in output.splitlines()]
    check_shape(answer)
    assert answer["line"] == 2 and answer["offset"] == 6
    assert answer["length"] == size + 5 and answer["text"] == "oops " + "x" * 8187
    assert answer["lines"] == 3 and answer["bytes"] == size + 17
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["line"], warning["offset"]) == ("line_too_long", 2, 6)


def test_gzip_bomb(classify, rules):
    """200 MB of blanks in 200 KB of gzip are read in bounded memory."""
    packed = gzip.compress(b" " * 50_000_000 + b"\noops\n", compresslevel=1)
    with subprocess.Popen([*WEIGH, binary(), "scan", "-r", str(rules), "-q", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=classify.environment) as process:
        process.stdin.write(packed * 4)
        process.stdin.close()
        output = process.stdout.read()
        check_size(process)
    assert b"oops" in output


# ---- folders ----

def test_folder_order(classify, rules):
    """Entries are taken in the order of their bytes, at each level."""
    names = ["B.log", "a.log", "a/z.log", "a/Z.log", "a.d/x.log", "ab.log", "é.log", "_.log",
             "10.log",
             "9.log", "日.log", "a b.log"]
    for name in names:
        classify.write(f"logs/{name}", "fine\n")
    found = [log["source"] for log in scan(classify, rules, "logs").objects()]

    def walk(prefix, paths):
        heads = sorted({path.split("/", 1)[0] for path in paths}, key=os.fsencode)
        for head in heads:
            below = [path.split("/", 1)[1] for path in paths if path.startswith(head + "/")]
            yield from walk(f"{prefix}{head}/", below) if below else [prefix + head]

    assert found == list(walk("logs/", names))


def test_folder_with_a_slash(classify, rules):
    """A slash at the end of a folder's name is not doubled."""
    classify.write("logs/a.log", "fine\n")
    assert only(scan(classify, rules, "logs/"))["source"] == "logs/a.log"


def test_arguments_keep_their_order(classify, rules):
    """What is named is taken in the order in which it is named, as often as it is."""
    for name in ("a", "b"):
        classify.write(name, "fine\n")
    found = [log["source"] for log in scan(classify, rules, "b", "a", "-", "b").objects()]
    assert found == ["b", "a", "-", "b"]


def test_links_in_folders(classify, rules):
    """Links inside a folder are not followed, so that no ring is walked."""
    classify.write("elsewhere/x.log", "oops\n")
    classify.write("logs/a.log", "fine\n")
    logs = classify.folder / "logs"
    (logs / "file.log").symlink_to(classify.folder / "elsewhere/x.log")
    (logs / "folder").symlink_to(classify.folder / "elsewhere")
    (logs / "ring").symlink_to(logs)
    (logs / "nowhere").symlink_to(classify.folder / "missing")
    done = scan(classify, rules, "logs")
    assert done.code == 0
    assert [log["source"] for log in done.objects()] == ["logs/a.log"]


def test_link_that_is_named(classify, rules):
    """A link that is named is meant."""
    classify.write("x.log", "oops\n")
    (classify.folder / "link").symlink_to("x.log")
    answer = only(scan(classify, rules, "link"))
    assert (answer["source"], answer["rule"]) == ("link", "oops")


def test_no_waiting_for_pipes(classify, rules):
    """A named pipe inside a folder is not waited for."""
    classify.write("logs/a.log", "fine\n")
    os.mkfifo(classify.folder / "logs/pipe")
    assert [log["source"] for log in scan(classify, rules, "logs").objects()] == ["logs/a.log"]


def test_odd_names(classify, rules):
    """Names with blanks, quotes, line ends and bytes that are no UTF-8."""
    for name in (b"a b.log", b'"q".log', b"l\nf.log", b"x\xff.log", b"-dash.log"):
        path = os.path.join(os.fsencode(classify.folder), b"logs", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"oops\n")
    done = scan(classify, rules, "logs")
    assert done.code == 0
    assert [log["source"] for log in done.objects()] == [
        'logs/"q".log', "logs/-dash.log", "logs/a b.log", "logs/l\nf.log", "logs/x\ufffd.log"]
    done = scan(classify, rules, "--", "-dash.log", cwd=classify.folder / "logs")
    assert only(done)["source"] == "-dash.log"


# ---- the other side of standard output ----

def with_stdout(classify, target, *arguments):
    """Runs with standard output redirected by a shell."""
    return subprocess.run(["sh", "-c", f'"$@" {target}', "sh", binary(), *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=PATIENCE,
                          cwd=classify.folder, env=classify.environment, check=False)


@pytest.mark.parametrize("arguments", [
    ["scan", "-r", "oops.yaml", "x.log"], ["scan", "-r", "oops.yaml", "-o", "jsonl", "x.log"],
    ["scan", "-r", "oops.yaml", "-o", "json", "x.log"],
    ["scan", "-r", "oops.yaml", "--matches", "x.log"],
    ["scan", "-r", "oops.yaml", "-o", "markdown", "x.log"],
    ["explain", "-r", "oops.yaml", "x.log"],
    ["explain", "-r", "oops.yaml", "--rule", "oops"], ["rules", "list", "-r", "oops.yaml"],
    ["rules", "check", "-r", "oops.yaml"], ["rules", "test", "-r", "oops.yaml"],
    ["match", "-r", "oops.yaml", "oops"], ["--help"], ["--version"], ["scan", "--help"],
    ["rules", "--help"], ["explain", "--help"], ["match", "--help"],
], ids=" ".join)
def test_full_disk(classify, rules, arguments):
    """Output that could not be written is told, and 2."""
    assert rules.exists()
    classify.write("x.log", "oops\n")
    done = with_stdout(classify, ">/dev/full", *arguments)
    assert done.returncode == 2
    assert b"No space left" in done.stderr


def test_closed_output(classify, rules):
    """With standard output closed nothing is lost in silence, and no input is written to."""
    log = classify.write("x.log", "oops\n")
    done = with_stdout(classify, ">&-", "scan", "-r", rules, "x.log")
    assert done.returncode == 2 and done.stderr
    assert log.read_bytes() == b"oops\n"


def test_reader_that_leaves(classify, rules):
    """A reader that has seen enough ends the program without a word."""
    for number in range(300):
        classify.write(f"logs/{number}.log", "oops " + "x" * 5000 + "\n")
    for options in (["-o", "jsonl"], ["-o", "text"], ["--matches"]):
        with subprocess.Popen([binary(), "scan", "-r", str(rules), *options, "logs"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              cwd=classify.folder, env=classify.environment) as process:
            process.stdout.read(10)
            process.stdout.close()
            complaint = process.stderr.read()
            process.wait(PATIENCE)
        assert complaint == b""
        assert process.returncode in (-signal.SIGPIPE, 128 + signal.SIGPIPE, 0)


def test_interrupt(classify, rules):
    """Interrupted is 130, as a shell sees it."""
    with subprocess.Popen([binary(), "scan", "-r", str(rules), "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=classify.environment) as process:
        # More than a pipe holds: when it is written, the program is reading.
        process.stdin.write(b"fine\n" * 400000)
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    assert process.returncode in (-signal.SIGINT, 130)


# ---- however the bytes come ----

MIXED = (b"first line\r\n" + "größe 日本 \U0001f600\n".encode()
         + b'{"level":"error","msg":"oops \\"x\\""}\r\n' + b"\x1b[31moops\x1b[0m again\n"
         + b"10%\r50%\roops\n\n\n" + b"oops at the very end, without a line end")


def in_chunks(classify, rules, data, size, *options):
    """Feeds standard input in pieces, each handed over by itself."""
    with subprocess.Popen([binary(), "scan", "-r", str(rules), *options, "-"],
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env=classify.environment, bufsize=0) as process:
        for start in range(0, len(data), size):
            process.stdin.write(data[start:start + size])
        process.stdin.close()
        output = process.stdout.read()
        process.wait(PATIENCE)
    assert process.returncode == 0
    return without_fallback(output).replace(b'"source":"-"', b'"source":"?"')


@pytest.mark.parametrize("data", [
    MIXED, MIXED + b"\n", b"\xef\xbb\xbf" + MIXED,
    b"\xff\xfe" + MIXED.decode().encode("utf-16-le"),
    b"x" * 9000 + b"\noops\n" + b"y" * 9000, b"\r\n\r\noops\r", b"oops",
], ids=["mixed", "ended", "mark", "utf-16", "long", "returns", "word"])
@pytest.mark.parametrize("options", [["-o", "jsonl"], ["--matches"]], ids=["verdict", "matches"])
def test_cut_proof(classify, data, options):
    """From a file, in pieces of any size, or compressed: the same but for the name."""
    rules = classify.rules(OOPS, rule("end", "at the (?<what>.*) end", explains=["oops"]),
                           rule("pair", {"sequence": ["^first", "^oops again$"]}, severity="low"))
    outputs = set()
    for name, content in (("a.log", data), ("a.log.gz", gzip.compress(data))):
        path = classify.write(name, content)
        done = classify.run("scan", "-r", rules, *options, path)
        assert done.code == 0
        outputs.add(done.raw.replace(f'"source":"{path}"'.encode(), b'"source":"?"'))
    for size in (1, 7, 4096, len(data)):
        outputs.add(in_chunks(classify, rules, data, size, *options))
    assert len(outputs) == 1
    assert b"oops" in outputs.pop()


@pytest.mark.parametrize("fill", [4095, 8191, 65535, 262143, 262144, 524287, 524288])
def test_hit_at_a_border(classify, rules, fill):
    """A line that lies across the border of a block or a read is one line."""
    for back in (0, 1, 3, 5):
        data = b"n" * (fill - back - 1) + b"\noops here\r\nend\n"
        answer = only(scan(classify, rules, "-", stdin=data))
        assert (answer["line"], answer["offset"], answer["length"]) == (2, fill - back, 9)
        assert answer["text"] == "oops here" and answer["lines"] == 3


def test_binary_behind_text(classify, rules):
    """The first 8 KiB tell what it is."""
    binary_data = bytes(range(256)) * 64
    for size, outcome in ((100, "undetermined"), (8192, "failed")):
        path = classify.write("a.log", b"oops\n".ljust(size, b"x") + binary_data)
        assert only(scan(classify, rules, path))["outcome"] == outcome


def test_long_message(classify, rules):
    """A message is cut, and the next one is a line of its own."""
    done = scan(classify, rules, "x" * 3000, "missing")
    first, second = done.err.splitlines()
    assert first == "classify: " + "x" * 2047 and second.startswith("classify: missing: ")
