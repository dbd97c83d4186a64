# SPDX-License-Identifier: Apache-2.0
"""Whole logs: from every kind of source the same verdict, which is the command line's."""

import array
import io
import json
import mmap

import pytest

import classify
from conftest import TOP

LOG = b"begin\naccess denied for root\nstep failed\n"


def test_a_buffer(small):
    verdict = small.scan(LOG)
    assert verdict.failed and not verdict.passed
    assert (verdict.category, verdict.rule, verdict.pack) == ("access_denied", "test-denied", "test")
    assert (verdict.line, verdict.offset, verdict.length) == (2, 6, 22)
    assert verdict.text == "access denied for root"
    assert verdict.title == "root may not read"
    assert verdict.fields == {"user": "root"}
    assert verdict.runbook == classify.Runbook("A right is missing.", "grant root", "Review.",
                                               "https://docs.example/denied")
    (loser,) = verdict.also
    assert (loser.rule, loser.line, loser.why_not) == ("test-failed", 3, "explained by test-denied")
    assert (verdict.lines, verdict.bytes, verdict.error) == (3, len(LOG), None)


class OnlyRead(io.RawIOBase):
    """A file object of bytes that comes in small pieces."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def readable(self):
        return True

    def readinto(self, buffer):
        piece = self.data[:min(3, len(buffer))]
        self.data = self.data[len(piece):]
        buffer[:len(piece)] = piece
        return len(piece)


class OnlyReadinto:
    """The least that is a file object."""

    def __init__(self, data):
        self.readinto = io.BytesIO(data).readinto


@pytest.mark.parametrize("source", [
    LOG, bytearray(LOG), memoryview(LOG), array.array("b", LOG), io.BytesIO(LOG), io.StringIO(LOG.decode()),
    OnlyRead(LOG), OnlyReadinto(LOG), io.BufferedReader(OnlyRead(LOG)),
], ids=lambda source: type(source).__name__)
def test_every_kind_of_source(small, source):
    assert small.scan(source) == small.scan(LOG)


def test_paths_and_maps(small, tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(LOG)
    expected = small.scan(LOG, name=str(path))
    assert small.scan(path) == small.scan(str(path)) == expected
    with open(path, "rb") as file:
        assert small.scan(file) == expected
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            assert small.scan(view, name=str(path)) == expected
    with open(path, encoding="utf-8") as text:
        assert small.scan(text) == expected


def test_empty(small, tmp_path):
    path = tmp_path / "empty.log"
    path.touch()
    for source in (b"", memoryview(b""), io.BytesIO(), path):
        verdict = small.scan(source)
        assert (verdict.outcome, verdict.lines, verdict.bytes) == ("undetermined", 0, 0)


@pytest.mark.parametrize("source", [None, 7, object(), [b"x"], {}])
def test_what_is_no_source(small, source):
    with pytest.raises(TypeError):
        small.scan(source)


def test_a_file_that_is_not_there(small, tmp_path):
    with pytest.raises(classify.ReadError) as caught:
        small.scan(tmp_path / "no.log")
    assert caught.value.file == str(tmp_path / "no.log")
    assert isinstance(caught.value, OSError) and caught.value.errno == 2
    with pytest.raises(OSError):
        small.scan(tmp_path)


def test_a_read_error_in_the_middle(small):
    class Breaks(io.BytesIO):
        def readinto(self, buffer):
            if self.tell():
                raise OSError(5, "the disk is gone")
            return super().readinto(buffer)

    verdict = small.scan(Breaks(LOG))
    assert verdict.category == "access_denied"
    assert [warning.code for warning in verdict.warnings] == ["truncated_input"]
    assert "the disk is gone" in verdict.warnings[0].message
    assert isinstance(verdict.error, OSError)


def test_bytes_that_are_no_text(small):
    verdict = small.scan(b"\xff denied for joe \xe2\x82\n")
    assert verdict.text == "\ufffd denied for joe \ufffd"


def test_context(rules):
    verdict = classify.Classifier(rules, context=1).scan(LOG)
    assert (verdict.before, verdict.after) == ("begin\n", "step failed\n")


def test_redact_and_unwrap(rules):
    secret = b"token=ghp_abcdefghijklmnopqrstuvwxyz0123456789 denied for joe\n"
    assert "ghp_" in classify.Classifier(rules).scan(secret).text
    assert "ghp_" not in classify.Classifier(rules, redact=True).scan(secret).text
    wrapped = b'{"log":"denied \\u0066or joe\\n"}\n'
    assert classify.Classifier(rules).scan(wrapped).failed
    assert not classify.Classifier(rules, unwrap=False).scan(wrapped).failed


def samples():
    return sorted(path for path in (TOP / "samples").iterdir() if path.suffix == ".log")


@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_as_the_command_line_says(shipped, command, path):
    (told,) = command("scan", "--rules", TOP / "rules", "-o", "jsonl", path)
    assert shipped.scan(path).to_dict() == told
    told["source"] = "-"
    assert shipped.scan(path.read_bytes()).to_dict() == told
    assert [match.to_dict() for match in shipped.matches(path)] == command(
        "scan", "--rules", TOP / "rules", "--matches", path)


def corpus():
    """Logs beside the source tree, where there are some."""
    return sorted((TOP.parent / "shared" / "corpus").glob("*.jsonl"))


@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.name)
def test_the_corpus(shipped, command, path, tmp_path):
    logs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [log.get("log") or log.get("text") or "" for log in logs]
    assert any(texts)
    folder = tmp_path / "logs"
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.log").write_text(text, encoding="utf-8")
    told = command("scan", "--rules", TOP / "rules", "-o", "jsonl", folder)
    assert [verdict.to_dict() for verdict in shipped.scan_many([folder])] == told
