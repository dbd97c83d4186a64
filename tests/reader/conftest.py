# SPDX-License-Identifier: Apache-2.0
"""How the tests reach the reader library: through the program `logs`, whose records they read."""

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# Guards against a program that hangs; nothing is measured with it.
PATIENCE = 120

STOPPED, INVALID, IO, LIMIT, BUSY = 1, -1, -3, -8, -11
SKIPPED, UNREADABLE, REMARK_LIMIT = 0, 1, 2


def binary():
    """The path of the program."""
    return os.path.abspath(os.environ.get("READER_LOGS") or str((HERE / "../../build/tests/reader_logs").resolve()))


@dataclass
class Log:
    """A log as it was read."""
    name: bytes
    mtime: int | None
    data: bytes = b""
    size: int = 0
    pieces: list = field(default_factory=list)
    end: int | None = None
    message: str = ""


@dataclass
class Answer:
    """All that was said of some files."""
    logs: list = field(default_factory=list)
    remarks: list = field(default_factory=list)    # (what, name, why)
    failures: list = field(default_factory=list)   # (code, message), of looking for the next log
    refused: list = field(default_factory=list)    # the same, of opening
    position: int = 0
    memory: int = 0                                # in KiB

    def contents(self):
        """Names and data, of logs that were read in full."""
        assert all(log.end == STOPPED for log in self.logs), [log.message for log in self.logs]
        assert not self.failures and not self.refused
        return [(log.name.decode(), log.data) for log in self.logs]


def parse(output):
    """The records of the program."""
    answer, at = Answer(), 0
    while at < len(output):
        letter = output[at:at + 1]
        first, second, rest = output[at + 1:].split(b"\0", 2)
        digits = re.match(rb"\d+\n", rest).group()
        at += 1 + len(first) + 1 + len(second) + 1 + len(digits)
        data = output[at:at + int(digits)]
        assert len(data) == int(digits)
        at += len(data)
        if letter == b"L":
            answer.logs.append(Log(first, int(second) if second else None))
        elif letter == b"D":
            answer.logs[-1].pieces.append(data)
            answer.logs[-1].size += int(first)
        elif letter == b"E":
            answer.logs[-1].end, answer.logs[-1].message = int(first), second.decode()
        elif letter == b"R":
            answer.remarks.append((int(first), second.decode(errors="surrogateescape"), data.decode()))
        elif letter == b"N":
            answer.failures.append((int(first), second.decode()))
        elif letter == b"O":
            answer.refused.append((int(first), second.decode()))
        elif letter == b"P":
            answer.position = int(first)
        elif letter == b"M":
            answer.memory = int(first)
    for log in answer.logs:
        log.data = b"".join(log.pieces)
    return answer


class Reader:
    """Runs the program in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, name, data):
        """Writes a file, and returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def __call__(self, *paths, stdin=None, **options):
        arguments = [str(word) for name, value in options.items()
                     for word in ("--" + name.replace("_", "-"), int(value))]
        done = subprocess.run([binary(), *arguments, "--", *paths], capture_output=True, check=False,
                              input=stdin, timeout=PATIENCE, cwd=self.folder)
        assert done.returncode == 0, done.stderr.decode()
        return parse(done.stdout)

    def dribble(self, data, size, **options):
        """Standard input is a pipe that brings `size` bytes at a time, each read before the next."""
        arguments = [str(word) for name, value in options.items()
                     for word in ("--" + name.replace("_", "-"), int(value))]
        with subprocess.Popen([binary(), *arguments, "-"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, cwd=self.folder, bufsize=0) as process:
            # As much as the pipe holds is written at once otherwise.
            for start in range(0, len(data), size):
                process.stdin.write(data[start:start + size])
            process.stdin.close()
            output = process.stdout.read()
            assert process.wait(PATIENCE) == 0
        return parse(output)


def took_less(answer, kilobytes):
    """Whether so much memory was enough; sanitizers need more, and are not asked."""
    program = Path(binary()).read_bytes()
    return answer.memory < kilobytes or b"__asan_init" in program or b"__tsan_init" in program


@pytest.fixture
def reader(tmp_path):
    """The library, in an empty folder."""
    return Reader(tmp_path)
