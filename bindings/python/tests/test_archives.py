# SPDX-License-Identifier: Apache-2.0
"""Files that hold other files, and what cannot be read."""

import gzip
import io
import os
import tarfile
import zipfile

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


def test_folders_too_deep(small, tmp_path):
    for depth in (64, 65):
        folder = tmp_path / "top" / "/".join("d" * depth)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "a.log").write_bytes(LOG)
    found = list(small.scan_many([tmp_path / "top"]))
    assert [verdict.error is None for verdict in found] == [True, False]
    assert isinstance(found[1].error, classify.LimitError) and found[0].category == "access_denied"


def tar_of(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


MEMBERS = {"a.log": LOG, "deep/b.log": b"all done\n", "c.log.gz": gzip.compress(LOG), "empty": b""}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "logs.tar.gz"
    tar_of(path, MEMBERS)
    return path


def test_an_archive(small, command, rules, archive):
    told = command("scan", "--rules", rules, "-o", "jsonl", archive)
    assert len(told) == 4 and told[0]["source"] == f"{archive}!a.log"
    assert [verdict.to_dict() for verdict in small.scan_archive(archive)] == told
    assert [verdict.to_dict() for verdict in small.scan_many([archive])] == told
    assert [match.source for match in small.matches(archive)] == [f"{archive}!a.log"] * 2 + [
        f"{archive}!deep/b.log"] + [f"{archive}!c.log.gz"] * 2


def test_an_archive_is_not_one_log(small, archive, tmp_path):
    with pytest.raises(classify.InvalidError, match="scan_archive"):
        small.scan(archive)
    only = tmp_path / "only.tar"
    tar_of(only, {"a.log": LOG}, "w")
    assert small.scan(only).source == f"{only}!a.log"
    nothing = tmp_path / "nothing.zip"
    with zipfile.ZipFile(nothing, "w") as empty:
        empty.mkdir("folder") if hasattr(empty, "mkdir") else empty.writestr("folder/", "")
    with pytest.raises(classify.ReadError):
        small.scan(nothing)
    assert list(small.scan_archive(nothing)) == []


def test_a_member_by_name(small, archive, tmp_path):
    verdict = small.scan(f"{archive}!deep/b.log")
    assert (verdict.source, verdict.outcome) == (f"{archive}!deep/b.log", "passed")
    for name in (f"{archive}!none.log", f"{tmp_path}/none.tar!a.log", f"{archive}!"):
        with pytest.raises(classify.ReadError):
            small.scan(name)
    odd = tmp_path / "odd!name.log"
    odd.write_bytes(LOG)
    assert small.scan(odd).source == str(odd)


def test_a_cut_archive(small, tmp_path):
    path = tmp_path / "cut.tar"
    tar_of(path, {"a.log": LOG, "b.log": LOG * 10_000}, "w")
    path.write_bytes(path.read_bytes()[:100_000])
    found = []
    try:
        for verdict in small.scan_archive(path):
            found.append(verdict)
    except classify.ReadError:
        pass
    assert found[0].category == "access_denied" and found[0].error is None
    kept = list(small.scan_many([path]))
    assert kept[0] == found[0] and any(verdict.error for verdict in kept[1:])


def test_a_member_that_cannot_be_read(small, tmp_path):
    path = tmp_path / "some.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.log", LOG)
        archive.writestr("secret.log", LOG)
    data = bytearray(path.read_bytes())
    # The flag "encrypted" of the second member, in its own header and in the directory.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark, data.index(mark) + 1) + offset] |= 1
    path.write_bytes(data)
    good, secret = small.scan_many([path])
    assert good.category == "access_denied" and good.error is None
    assert secret.source == f"{path}!secret.log" and secret.outcome == "undetermined"
    assert isinstance(secret.error, classify.ReadError)
    with pytest.raises(classify.ReadError):
        list(small.matches(path))


def test_many_members_do_not_fill_memory(small, tmp_path):
    path = tmp_path / "many.tar"
    tar_of(path, {f"{number}.log": LOG for number in range(1000)}, "w")
    verdicts = small.scan_many([path, path], jobs=2)
    assert next(verdicts).source == f"{path}!0.log"
    assert sum(1 for _ in verdicts) == 1999
    given_up = small.scan_many([path] * 100, jobs=3, ordered=False)
    next(given_up)
    given_up.close()
