# SPDX-License-Identifier: Apache-2.0
"""Files that hold other files, and what cannot be read."""

import gzip
import io
import os

import pytest

import classify

LOG = b"begin\naccess denied for root\nstep failed\n"


def test_gzip_is_one_log(small, tmp_path):
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(LOG))
    assert small.scan(path) == small.scan(LOG, name=str(path))
    assert [match.rule for match in small.matches(path)] == ["test-denied", "test-failed"]


def test_a_cut_gzip(small, command, rules, tmp_path):
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LOG + os.urandom(3000).hex().encode())[:-500])
    verdict = small.scan(path)
    assert verdict.category == "access_denied"
    assert isinstance(verdict.error, classify.ReadError) and verdict.error.file == str(path)
    assert [verdict.to_dict()] == command("scan", "--rules", rules, "-o", "jsonl", path, codes=(2,))
    with pytest.raises(classify.ReadError):
        list(small.matches(path))
    (kept,) = small.scan_many([path])
    assert kept == verdict and str(kept.error) == str(verdict.error)
    with pytest.raises(classify.ReadError):
        list(small.scan_many([path], on_error="raise"))


def test_binary_data(small, command, rules, tmp_path):
    data = bytes(range(256)) * 64
    path = tmp_path / "core"
    path.write_bytes(data)
    (told,) = command("scan", "--rules", rules, "-o", "jsonl", path)
    for source in (path, data, io.BytesIO(data)):
        verdict = small.scan(source, name=str(path))
        assert verdict.to_dict() == told
        assert "binary" in str(verdict.error)


def test_a_name_that_is_no_text(small, command, rules, tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.log"
    with open(path, "wb") as file:
        file.write(LOG)
    verdict = small.scan(os.fsdecode(path))
    assert os.fsencode(verdict.source) == path
    (told,) = command("scan", "--rules", rules, "-o", "jsonl", path)
    assert verdict.to_dict() == told


def test_folders(small, command, rules, tmp_path):
    top = tmp_path / "logs"
    for name in ("b/2.log", "b/1.log", "a.log", "b.log", "c/deep/er/x.log", "Z.log", "\u00e4.log"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(LOG + name.encode())
    (top / "link").symlink_to(top / "a.log")
    (top / "around").symlink_to(top)
    os.mkfifo(top / "pipe")
    found = [verdict.to_dict() for verdict in small.scan_many([top])]
    assert len(found) == 7
    assert found == command("scan", "--rules", rules, "-o", "jsonl", top)
