# SPDX-License-Identifier: Apache-2.0
"""How far a scan is: seen on a terminal, nowhere else, and never in the way of what is told."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from conftest import PATIENCE, binary, rule

DRAWN = re.compile(rb"\r([^\r\x1b\n]+)\x1b\[K")


@pytest.fixture(name="rules")
def rule_file(classify):
    """A rule, and a log that it matches."""
    classify.write("a.log", "oops\n")
    return classify.rules(rule("oops", "^oops"), name="rules.yaml")


class Terminal:
    """A program whose standard error, and output if asked for, is a terminal."""

    def __init__(self, classify, *arguments, columns=80, output=False, before=(), **environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        attributes = termios.tcgetattr(slave)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, attributes)

        def own_terminal():
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.told = b""
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [*before, binary(), *map(str, arguments)], stdin=subprocess.PIPE, stderr=slave,
            stdout=slave if output else subprocess.DEVNULL, cwd=classify.folder, preexec_fn=own_terminal,
            env={**classify.environment, "TERM": "xterm", **environment})
        os.close(slave)

    def read(self, seconds):
        """What comes next, if anything does; False when nothing more will."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        try:
            piece = os.read(self.master, 65536) if ready else None
        except OSError:
            piece = b""
        self.told += piece or b""
        return piece != b""

    def wait_for(self, pattern):
        """Reads until a line of progress matches."""
        end = time.monotonic() + PATIENCE
        while not any(re.search(pattern, line) for line in DRAWN.findall(self.told)):
            assert time.monotonic() < end and self.read(1), self.told
        return self

    def end(self):
        """Reads to the end; the exit status."""
        self.process.stdin.close()
        while self.read(PATIENCE):
            pass
        self.seconds = time.monotonic() - self.begun
        os.close(self.master)
        return self.process.wait(PATIENCE)

    def screen(self):
        """What a terminal shows at the end."""
        lines, column = [""], 0
        for part in re.findall(rb"\x1b\[K|\r|\n|[^\r\n\x1b]+", self.told):
            if part == b"\r":
                column = 0
            elif part == b"\n":
                lines.append("")
                column = 0
            elif part == b"\x1b[K":
                lines[-1] = lines[-1][:column]
            else:
                text = part.decode()
                lines[-1] = lines[-1][:column] + text + lines[-1][column + len(text):]
                column += len(text)
        return lines


def slow_log(classify):
    """A log that is scanned for long by the slow way of scanning, far longer than it takes to be seen."""
    classify.write("slow.log", "nothing in here at all 1234567890\n" * 3_000_000)
    return ["--engine", "pcre2", "-r", "default", "slow.log"]


def test_pipe(classify, rules):
    """While a pipe is read, logs, failures and speed are told; no part, for nobody knows the whole."""
    terminal = Terminal(classify, "scan", "-r", rules, "-j", "1", "a.log", "-")
    terminal.process.stdin.write(b"fine\n" * 1_000_000)
    terminal.process.stdin.flush()
    terminal.wait_for(rb"^5 MB  1 log, 1 failed  \d+ [kMG]?B/s$")
    assert terminal.end() == 0
    assert b"%" not in terminal.told
    assert terminal.screen() == [""]


def test_files(classify, rules):
    """Of files the part that is done is known, with a bar and the time that is left; an interrupt clears it away."""
    assert rules.exists()
    terminal = Terminal(classify, "scan", *slow_log(classify))
    terminal.wait_for(rb"^\[=*> *\]  +\d+ %  \d logs?, \d failed  \d+ [kMG]?B/s  [0-9:]+ left$")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert terminal.screen() == [
        "classify: slow.log: interrupted; what came before it was scanned",
        "classify: interrupted; what was found so far is complete", ""]


@pytest.mark.parametrize("columns", [1, 2, 7, 16, 20, 40, 60, 200])
def test_width(classify, rules, columns):
    """Whatever the width, a line of progress stays within it, and leaves the last column empty."""
    assert rules.exists()
    terminal = Terminal(classify, "scan", *slow_log(classify), columns=columns)
    terminal.wait_for(rb"\d" if columns > 2 else b"")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    lines = DRAWN.findall(terminal.told)
    assert lines and all(len(line) <= max(columns - 1, 1) for line in lines)
    barred = [line for line in lines if b"[" in line]
    assert len(barred) == (0 if columns < 10 else len(lines) if columns >= 60 else len(barred))


def test_not_in_the_way(classify, rules):
    """Results and messages on the same terminal stand on lines of their own, and nothing stays behind."""
    os.mkfifo(classify.folder / "pipe")
    terminal = Terminal(classify, "scan", "-r", rules, "-q", "a.log", "pipe", "missing", "a.log", output=True,
                        NO_COLOR="1")
    assert terminal.read(PATIENCE)
    with open(classify.folder / "pipe", "wb"):
        pass
    assert terminal.end() == 2
    quiet = terminal.screen()
    assert not DRAWN.findall(terminal.told)
    terminal = Terminal(classify, "scan", "-r", rules, "--matches", "a.log", "-", "missing", "a.log", output=True)
    terminal.wait_for(rb"1 log, 1 failed")
    terminal.process.stdin.write(b"oops\n")
    assert terminal.end() == 2
    shown = terminal.screen()
    assert len(shown) == 5 and shown[-1] == ""
    assert [line[:12] for line in shown[:-1]] == ['{"schema":1,', '{"schema":1,', "classify: mi", '{"schema":1,']
    assert [line.split()[0] for line in quiet[:-1]] == ["a.log", "pipe", "classify:", "a.log"]


def test_rate(classify, rules):
    """It is drawn at most ten times a second."""
    terminal = Terminal(classify, "scan", "-r", rules, "-j", "2", "-")
    for _ in range(3):
        drawn = len(DRAWN.findall(terminal.told))
        terminal.process.stdin.write(b"fine\n" * 100)
        terminal.process.stdin.flush()
        while len(DRAWN.findall(terminal.told)) < drawn + 2:
            assert terminal.read(PATIENCE)
    assert terminal.end() == 0
    assert 6 <= len(DRAWN.findall(terminal.told)) <= terminal.seconds * 10 + 1


@pytest.mark.parametrize("options, environment", [
    (["-q"], {}), ([], {"TERM": "dumb"}), ([], {"TERM": ""}), (["background"], {}),
])
def test_none(classify, rules, options, environment):
    """Quiet, on a terminal that cannot clear a line, or in the background: nothing is drawn."""
    before = ["sh", "-c", 'set -m; "$@" & wait $!', "sh"] if options == ["background"] else []
    terminal = Terminal(classify, "scan", "-r", rules, *([] if before else options), "--matches", "-", before=before,
                        **environment)
    # As long as it would take to be drawn, and more.
    end = time.monotonic() + 1
    while time.monotonic() < end:
        terminal.read(0.1)
    assert terminal.end() == 0
    assert terminal.told.replace(b"classify: -: empty\n", b"") == b""


def test_no_colour(classify, rules):
    """There is nothing in it but text, the beginning of the line and what clears its rest."""
    terminal = Terminal(classify, "scan", "-r", rules, "-", NO_COLOR="1").wait_for(b"logs")
    assert terminal.end() == 0
    assert set(re.findall(rb"\x1b[^A-Za-z]*[A-Za-z]", terminal.told)) == {b"\x1b[K"}


def test_piped(classify, rules):
    """With standard error piped there is none."""
    with subprocess.Popen([binary(), "scan", "-r", str(rules), "--matches", "-"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**classify.environment, "TERM": "xterm"}) as process:
        process.stdin.write(b"oops\n")
        process.stdin.flush()
        # Told after as long a wait as progress is drawn after.
        assert b"oops" in process.stdout.readline()
        process.stdin.close()
        assert process.stderr.read() == b""
