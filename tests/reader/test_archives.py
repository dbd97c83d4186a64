# SPDX-License-Identifier: Apache-2.0
"""Tar and zip: their members are logs, however deep they lie and whatever is wrong with them."""

import bz2
import gzip
import io
import lzma
import os
import random
import select
import signal
import struct
import subprocess
import tarfile
import threading
import zipfile

import pytest

from conftest import IO, LIMIT, PATIENCE, REMARK_LIMIT, SKIPPED, STOPPED, UNREADABLE, binary, parse, took_less

RANDOM = random.Random(11)


def log(lines, word="line"):
    """A text that does not compress to nothing."""
    return b"".join(b"%08d %s %s\n" % (i, word.encode(), RANDOM.randbytes(8).hex().encode()) for i in range(lines))


LOGS = {"a.log": log(3), "b/empty.log": b"", "b/c.log": log(3000), "b/large.log": log(36000), "last": b"no line end"}


def tar(members, form=tarfile.GNU_FORMAT, mode="w"):
    """A tar archive. A member is bytes, or a function that changes the header of an empty one."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.mtime = 1_600_000_000
            if callable(data):
                data(info)
                archive.addfile(info)
            else:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Unseekable(io.RawIOBase):
    """What a zip archive is written to that is to have sizes behind its members."""

    def __init__(self):
        super().__init__()
        self.data = bytearray()

    def writable(self):
        """It is."""
        return True

    def write(self, data):
        """Appends."""
        self.data += data
        return len(data)


def zipped(members, method=zipfile.ZIP_DEFLATED, streamed=False):
    """A zip archive; `streamed`: as one that was written to a pipe."""
    out = Unseekable() if streamed else io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10))
            info.compress_type = method
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return bytes(out.data if streamed else out.getvalue())


def packed(program, data):
    """What a program of the system makes of it."""
    return subprocess.run([program, "-c", "-q"], input=data, capture_output=True, check=True).stdout


PACKERS = {
    "plain": lambda data: data, "gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
    "zst": lambda data: packed("zstd", data), "lz4": lambda data: packed("lz4", data),
}
ARCHIVES = {
    "gnu": tar, "ustar": lambda m: tar(m, tarfile.USTAR_FORMAT), "pax": lambda m: tar(m, tarfile.PAX_FORMAT),
    "zip": zipped, "stored": lambda m: zipped(m, zipfile.ZIP_STORED), "streamed": lambda m: zipped(m, streamed=True),
    "zip-bz2": lambda m: zipped(m, zipfile.ZIP_BZIP2),
}


def expected(source, members):
    """The logs of an archive."""
    return [(f"{source}!{name}", data) for name, data in members.items()]


def old_tar(name, data):
    """As Unix wrote it in 1979: no signature, only a checksum."""
    head = name.ljust(100, b"\0") + b"   644 \0" + b"     0 \0" * 2 + b"%11o " % len(data) + b"%11o " % 10**9
    head = (head + b" " * 8 + b"\0").ljust(512, b"\0")
    return (head[:148] + b"%6o\0 " % sum(head) + head[156:] + data + bytes(-len(data) % 512) + bytes(1024))


# ---- whole ones ----

@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("archive", ARCHIVES)
def test_whole(reader, archive, packer):
    """Every archive in every compression, from a file, by a thread of its own, and through a pipe."""
    content = PACKERS[packer](ARCHIVES[archive](LOGS))
    # Below that no thread is made.
    assert len(content) > 256 * 1024
    reader.write("some.file", content)
    for ahead in (0, 1):
        answer = reader("some.file", ahead=ahead)
        assert answer.contents() == expected("some.file", LOGS) and answer.remarks == []
        assert answer.position <= len(content)
    assert reader("-", stdin=content).contents() == expected("-", LOGS)


@pytest.mark.parametrize("packer", list(PACKERS)[1:])
def test_compressed(reader, packer):
    """What is compressed alone is one log, of several parts too, with zeros behind it."""
    text, pack = LOGS["b/large.log"], PACKERS[packer]
    for name, content in (("one", pack(text)), ("two", pack(text[:5000]) + pack(b"") + pack(text[5000:])),
                          ("padded", pack(text) + bytes(4096))):
        reader.write(name, content)
        for answer in (reader(name), reader(name, ahead=1), reader("-", stdin=content)):
            (entry,) = answer.logs
            assert (entry.data, entry.end, answer.position) == (text, STOPPED, len(content)), name


@pytest.mark.parametrize("packer", list(PACKERS)[1:])
def test_compressed_dribble(reader, packer):
    """However the bytes come."""
    content = PACKERS[packer](LOGS["b/c.log"][:2000])
    for size in (1, 3, 100):
        assert reader.dribble(content, size).contents() == [("-", LOGS["b/c.log"][:2000])]


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("size", [1, 13, 511, 4096])
def test_archive_dribble(reader, archive, size):
    """However the bytes of an archive come through a pipe."""
    members = {"a.log": log(2), "b.log": log(20), "empty": b""}
    content = ARCHIVES[archive](members)
    assert reader.dribble(content, size).contents() == expected("-", members)
    assert reader.dribble(gzip.compress(content), size).contents() == expected("-", members)


@pytest.mark.parametrize("packer", list(PACKERS)[1:])
def test_compressed_cut(reader, packer):
    """Cut short: all that can be decoded is there, then the failure with its place."""
    text = LOGS["b/large.log"]
    content = PACKERS[packer](text)
    for cut in (len(content) - 1, len(content) // 2, 30):
        (entry,) = reader("-", stdin=content[:cut]).logs
        assert entry.end == IO and text.startswith(entry.data)
        name = {"gz": "gzip", "bz2": "bzip2", "zst": "zstd"}.get(packer, packer)
        assert entry.message == f"the {name} data ends too early, at offset {cut}"
    # The blocks of lz4 and bzip2 are as large as this log, and all of one is needed.
    (entry,) = reader("-", stdin=content[:len(content) * 3 // 4]).logs
    assert len(entry.data) > len(text) // 4 or packer in ("lz4", "bz2")


@pytest.mark.parametrize("packer", list(PACKERS)[1:])
def test_compressed_damage(reader, packer):
    """Damage, and something else behind the end: told with the place; what came before is there."""
    text = LOGS["b/large.log"]
    content = PACKERS[packer](text)
    damaged = bytearray(content)
    for i in range(len(content) // 2, len(content) // 2 + 50):
        damaged[i] ^= 0xff
    (entry,) = reader("-", stdin=bytes(damaged)).logs
    assert entry.end == IO and " data at offset " in entry.message and entry.data != text
    (entry,) = reader("-", stdin=content + b"something else").logs
    assert entry.end == IO and entry.data == text
    assert entry.message.endswith(f" follows at offset {len(content)}")


def test_zstd_frames_that_are_skipped(reader):
    """As parallel compressors write them, before, between and behind."""
    skipped = b"\x5a\x2a\x4d\x18" + struct.pack("<I", 5) + b"12345"
    for packer in ("zst", "lz4"):
        content = skipped + PACKERS[packer](b"one\n") + skipped * 3 + PACKERS[packer](b"two\n") + skipped
        assert reader("-", stdin=content).contents() == [("-", b"one\ntwo\n")]
    large = b"\x50\x2a\x4d\x18" + struct.pack("<I", 200000) + bytes(200000)
    assert reader("-", stdin=large + PACKERS["zst"](b"one\n")).contents() == [("-", b"one\n")]


def test_large_frame_that_is_skipped(reader):
    """So large a one is none: what begins like it is a text."""
    for size, end in ((64 << 20, STOPPED), ((64 << 20) - 1, IO)):
        text = b"P*M\x18" + struct.pack("<I", size) + b" is how it begins\n" * 300
        (entry,) = reader("-", stdin=text).logs
        assert entry.end == end and (entry.data == text) is (end == STOPPED)


def test_window(reader):
    """A window that is too large to be had is told."""
    data = os.urandom(3000000)
    long = subprocess.run(["zstd", "-c", "-q", "--ultra", "-22", "--long=30", "--no-check"], input=data, capture_output=True,
                          check=True).stdout
    if long[5] >> 3 > 17 or not long[4] & 0x20:
        (entry,) = reader("-", stdin=long).logs
        assert entry.end in (LIMIT, STOPPED)
    content = lzma.compress(b"x" * 1000, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}])
    (entry,) = reader("-", stdin=content).logs
    assert entry.end == LIMIT and "more than 128 MiB" in entry.message and "xz data at offset" in entry.message


def test_old_tar(reader):
    """A tar of the seventh edition."""
    reader.write("old", old_tar(b"x.log", LOGS["a.log"]))
    assert reader("old").contents() == [("old!x.log", LOGS["a.log"])]


def test_zip_lzma(reader):
    """Another method of zip. Libarchive cannot read an empty member in that."""
    members = {name: data for name, data in LOGS.items() if data}
    for content in (zipped(members, zipfile.ZIP_LZMA), zipped(members, zipfile.ZIP_LZMA, streamed=True)):
        reader.write("a.zip", content)
        assert reader("a.zip").contents() == expected("a.zip", members)


def test_empty(reader):
    """Archives without members hold no logs, and that is no fault."""
    for content in (zipped({}), tar({"a/": lambda info: setattr(info, "type", tarfile.DIRTYPE)}),
                    gzip.compress(zipped({}))):
        answer = reader("-", stdin=content)
        assert answer.contents() == [] and answer.remarks == []


def test_concatenated(reader):
    """Archives one behind the other are both read."""
    content = tar({"a": b"one\n"}) + tar({"b": b"two\n"})
    assert reader("-", stdin=content).contents() == [("-!a", b"one\n"), ("-!b", b"two\n")]


def test_mtime(reader):
    """A member has its own time."""
    reader.write("a.tar", tar({"x": b"1\n"}))
    assert reader("a.tar").logs[0].mtime == 1_600_000_000
    reader.write("a.tar.gz", gzip.compress(tar({"x": b"1\n"})))
    assert reader("a.tar.gz").logs[0].mtime == 1_600_000_000
    reader.write("a.zip", zipped({"x": b"1\n"}))
    assert reader("a.zip").logs[0].mtime is not None


@pytest.mark.parametrize("archive", ["gnu", "pax", "zip", "streamed"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_names(reader, archive, locale, monkeypatch):
    """Names are texts: of any characters, of any length, pointing anywhere; nothing is written."""
    monkeypatch.setenv("LC_ALL", locale)
    members = {name: b"x\n" for name in (
        "é.log", "日本.log", "../../etc/passwd", "/abs/olute.log", "a!b.log", "with blank", "l\nf", "n" * 200 + ".log",
        "d/" * 150 + "deep.log", "./dot.log")}
    if archive == "zip" or archive == "streamed":
        members.pop("l\nf")
    reader.write("x", ARCHIVES[archive](members))
    assert reader("x").contents() == expected("x", members)
    assert sorted(os.listdir(reader.folder)) == ["x"]


def test_names_of_no_encoding(reader):
    """Bytes that are no UTF-8 come as they are."""
    content = tar({"n\udcff.log": b"x\n"})
    assert reader("-", stdin=content).logs[0].name == b"-!n\xff.log"
    content = zipped({"nEE.log": b"x\n"}).replace(b"nEE.log", b"n\xe9\xff.log")
    assert reader("-", stdin=content).logs[0].name == b"-!n\xe9\xff.log"


# ---- one in the other ----

def test_nested(reader):
    """An archive in an archive is opened, a compressed member too, and by default no deeper."""
    inner = {"c.log": log(50), "d.log.gz": gzip.compress(log(60))}
    texts = {"c.log": inner["c.log"], "d.log.gz": gzip.decompress(inner["d.log.gz"])}
    content = tar({"one.log": b"1\n", "b.zip": zipped(inner), "b.tar.xz": lzma.compress(tar(inner)),
                   "two.log.zst": PACKERS["zst"](b"2\n")})
    reader.write("a.tar", content)
    wanted = [("a.tar!one.log", b"1\n"), *expected("a.tar!b.zip", texts), *expected("a.tar!b.tar.xz", texts),
              ("a.tar!two.log.zst", b"2\n")]
    for ahead in (0, 1):
        assert reader("a.tar", ahead=ahead).contents() == wanted
    reader.write("o.zip", zipped({"a.tar.gz": gzip.compress(content), "z.log": b"z\n"}))
    answer = reader("o.zip")
    assert answer.contents() == [("o.zip!a.tar.gz!one.log", b"1\n"), ("o.zip!a.tar.gz!two.log.zst", b"2\n"),
                                 ("o.zip!z.log", b"z\n")]
    assert [(what, name) for what, name, _ in answer.remarks] == [
        (REMARK_LIMIT, "o.zip!a.tar.gz!b.zip"), (REMARK_LIMIT, "o.zip!a.tar.gz!b.tar.xz")]
    assert answer.remarks[0][2] == "zip in what is in an archive already: deeper than 1, not read"
    answer = reader("o.zip", depth=2)
    assert len(answer.contents()) == 7 and answer.remarks == []


def test_compressed_thrice(reader):
    """One compression on the other is opened once; deeper ones are told."""
    content = gzip.compress(lzma.compress(bz2.compress(b"x\n")))
    answer = reader("-", stdin=content)
    assert answer.logs == [] and [what for what, _, _ in answer.remarks] == [REMARK_LIMIT]
    assert reader("-", stdin=content, depth=2).contents() == [("-", b"x\n")]


# ---- what is no log, or cannot be read ----

def kind(what, target=""):
    """A member that is no file."""
    def change(info):
        info.type, info.linkname = what, target
    return change


@pytest.mark.parametrize("ahead", [0, 1])
def test_no_logs(reader, ahead):
    """Links and devices are told and passed over; folders are nothing to tell."""
    members = {"a.log": b"1\n", "folder": kind(tarfile.DIRTYPE), "soft": kind(tarfile.SYMTYPE, "/etc/passwd"),
               "hard": kind(tarfile.LNKTYPE, "a.log"), "char": kind(tarfile.CHRTYPE), "block": kind(tarfile.BLKTYPE),
               "fifo": kind(tarfile.FIFOTYPE), "z.log": b"2\n"}
    reader.write("a.tgz", gzip.compress(tar(members)) + bytes(2 << 20))
    answer = reader("a.tgz", ahead=ahead)
    assert answer.contents() == [("a.tgz!a.log", b"1\n"), ("a.tgz!z.log", b"2\n")]
    assert answer.remarks == [
        (SKIPPED, "a.tgz!soft", "a link"), (SKIPPED, "a.tgz!hard", "a link to another member"),
        (SKIPPED, "a.tgz!char", "a device or a socket"), (SKIPPED, "a.tgz!block", "a device or a socket"),
        (SKIPPED, "a.tgz!fifo", "a named pipe")]


def encrypted(members, which):
    """A zip archive with the flag of encryption on one member, and twelve bytes more, as the old method has them."""
    content = bytearray(zipped(members, zipfile.ZIP_STORED))
    at = content.index(b"PK\3\4" + content[4:6], 0)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.index(which.encode())
        at = content.rindex(signature, 0, content.index(which.encode(), at if signature == b"PK\3\4" else at + 1))
        content[at + offset] |= 1
    return bytes(content)


def test_encrypted(reader):
    """An encrypted member is told, and the others are read."""
    content = encrypted({"a.log": b"1\n", "secret.log": b"no one may read this\n", "z.log": b"2\n"}, "secret.log")
    reader.write("a.zip", content)
    for answer, name in ((reader("a.zip"), "a.zip"), (reader("-", stdin=content), "-")):
        assert answer.contents() == [(f"{name}!a.log", b"1\n"), (f"{name}!z.log", b"2\n")]
        assert answer.remarks == [(UNREADABLE, f"{name}!secret.log", "encrypted")]


def test_unknown_method(reader):
    """So is one in a method that is not known."""
    content = bytearray(zipped({"a.log": b"1\n", "b.log": b"other\n", "z.log": b"2\n"}, zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        at = content.index(signature, content.index(signature) + 1)
        content[at + offset] = 9
    reader.write("a.zip", bytes(content))
    answer = reader("a.zip")
    assert answer.contents() == [("a.zip!a.log", b"1\n"), ("a.zip!z.log", b"2\n")]
    ((what, name, why),) = answer.remarks
    assert (what, name) == (UNREADABLE, "a.zip!b.log") and "method" in why


# ---- damaged ----

@pytest.mark.parametrize("ahead", [0, 1])
def test_cut_tar(reader, ahead):
    """A tar that is cut, packed or not: the log at hand so far, its failure, and that of the archive."""
    content = tar(LOGS)
    cut = content.index(b"b/large.log") + 512 + 100000
    reader.write("a.tar", content[:cut])
    answer = reader("a.tar", ahead=ahead)
    assert [entry.end for entry in answer.logs] == [STOPPED, STOPPED, STOPPED, IO]
    assert answer.logs[-1].data == LOGS["b/large.log"][:100000]
    assert answer.logs[-1].message == f"the tar archive ends too early, at offset {cut}"
    assert answer.failures == [(IO, answer.logs[-1].message)]
    packed_up = gzip.compress(content)[:len(gzip.compress(content)) * 2 // 3]
    reader.write("a.tgz", packed_up)
    answer = reader("a.tgz", ahead=ahead)
    assert answer.logs[-1].end == IO and LOGS["b/large.log"].startswith(answer.logs[-1].data)
    assert len(answer.logs[-1].data) > 100000
    assert answer.logs[-1].message == f"the gzip data ends too early, at offset {len(packed_up)}"
    assert answer.failures == [(IO, answer.logs[-1].message)]


def test_damaged_tar_header(reader):
    """A header that is damaged: told, and what follows is found again."""
    content = bytearray(tar({"a": b"1\n", "b": b"2\n" * 1000, "c": b"3\n"}))
    content[1024 + 5] ^= 0xff
    for packer in (bytes, gzip.compress):
        reader.write("a.tar", packer(content))
        answer = reader("a.tar")
        assert answer.contents() == [("a.tar!a", b"1\n"), ("a.tar!c", b"3\n")]
        ((what, name, why),) = answer.remarks
        assert (what, name) == (UNREADABLE, "a.tar")
        assert why.startswith("damaged tar archive at offset 1024")
    content = bytearray(tar({"a": b"1\n"}))
    answer = reader("-", stdin=bytes(content[:1024]) + b"garbage " * 128)
    assert answer.logs[0].data == b"1\n" and answer.failures[0][0] == IO and "offset 1024" in answer.failures[0][1]


def test_damaged_zip_member(reader):
    """A damaged member of a zip archive costs no other: damage in its data, and in its checksum."""
    members = {"a.log": log(100), "b.log": log(40000), "c.log": log(100), "d.log": log(3000), "e.log": log(10)}
    for streamed in (False, True):
        content = bytearray(zipped(members, streamed=streamed))
        for name, at in (b"b.log", 300000), (b"d.log", 5):
            at += content.index(name)
            content[at:at + 40] = b"\xff" * 40
        reader.write("a.zip", bytes(content))
        answer = reader("a.zip")
        assert [(entry.name, entry.end) for entry in answer.logs] == [
            (b"a.zip!a.log", STOPPED), (b"a.zip!b.log", IO), (b"a.zip!c.log", STOPPED), (b"a.zip!e.log", STOPPED)]
        assert [entry.data for entry in answer.logs if entry.end == STOPPED] == [
            members["a.log"], members["c.log"], members["e.log"]]
        assert "damaged zip archive at offset " in answer.logs[1].message and answer.failures == []
        assert answer.logs[1].data[:300000] == members["b.log"][:300000]
        # Nothing is left of what is damaged at its beginning.
        assert [(what, name) for what, name, _ in answer.remarks] == [(UNREADABLE, "a.zip!d.log")]
        answer = reader("-", stdin=bytes(content))
        assert [entry.data for entry in answer.logs if entry.end == STOPPED][-1:] == [members["e.log"]]
    members = {"a.log": log(100), "b.log": log(3000), "c.log": log(100), "d.log": log(10)}
    content = bytearray(zipped(members, zipfile.ZIP_STORED))
    content[content.index(b"b.log") + 500] ^= 1
    reader.write("a.zip", bytes(content))
    for answer in (reader("a.zip"), reader("-", stdin=bytes(content))):
        assert [entry.end for entry in answer.logs] == [STOPPED, IO, STOPPED, STOPPED]
        assert len(answer.logs[1].data) == len(members["b.log"]) and "CRC" in answer.logs[1].message


def test_damaged_zip_header(reader):
    """The same of the header of a member, with and without a central directory."""
    members = {"a.log": log(100), "b.log": log(3000), "c.log": log(100), "d.log": log(10)}
    content = bytearray(zipped(members))
    at = content.index(b"b.log") - 30
    content[at:at + 4] = b"oops"
    reader.write("a.zip", bytes(content))
    answer = reader("a.zip")
    assert [name for name, _ in answer.contents()] == ["a.zip!a.log", "a.zip!c.log", "a.zip!d.log"]
    assert [(what, name) for what, name, _ in answer.remarks] == [(UNREADABLE, "a.zip")]
    assert f"offset {at}" in answer.remarks[0][2]
    answer = reader("-", stdin=bytes(content))
    assert [name for name, _ in answer.contents()][-2:] == ["-!c.log", "-!d.log"]


def test_cut_zip(reader):
    """A zip archive without its end is read from its beginning."""
    content = zipped(LOGS)
    for cut in (len(content) - 10, len(content) - 100, content.index(b"b/large.log") + 50000):
        reader.write("a.zip", content[:cut])
        for answer in (reader("a.zip"), reader("-", stdin=content[:cut])):
            assert [entry.data for entry in answer.logs][:3] == list(LOGS.values())[:3]
            if cut < len(content) // 2:
                assert answer.logs[3].end == IO and LOGS["b/large.log"].startswith(answer.logs[3].data)
                assert answer.logs[3].message == f"the zip archive ends too early, at offset {cut}"
                assert answer.failures == [(IO, answer.logs[3].message)]


def test_damaged_inside(reader):
    """An archive in an archive that is damaged: told, and the outer one goes on."""
    inner = gzip.compress(tar(LOGS))
    content = zipped({"a.tgz": inner[:len(inner) // 2], "b.log": b"x\n", "c.tgz": inner}, zipfile.ZIP_STORED)
    reader.write("o.zip", content)
    answer = reader("o.zip")
    assert answer.failures == []
    assert [(what, name) for what, name, _ in answer.remarks] == [(UNREADABLE, "o.zip!a.tgz")]
    assert answer.remarks[0][2].startswith("the gzip data ends too early, at offset ")
    assert [entry.name.decode() for entry in answer.logs][-6:] == ["o.zip!b.log"] + [
        f"o.zip!c.tgz!{name}" for name in LOGS]


def test_every_flip(reader):
    """One byte is changed, anywhere: whatever comes of it, it is said or it does no harm."""
    members = {"a.log": log(4), "b.log": log(5), "c.log": log(6)}
    for name, content in (("tar", tar(members)[:5632]), ("zip", zipped(members)), ("streamed", zipped(members, streamed=True)),
                          ("tgz", gzip.compress(tar(members)))):
        paths = []
        for i in range(0, len(content), 41):
            damaged = bytearray(content)
            damaged[i] ^= 0x81
            paths.append(reader.write(f"{name}/{i}", bytes(damaged)))
        answer = reader(*paths, again=1)
        # All was read, one file after the other, to its end.
        assert answer.refused == [] and answer.logs


# ---- bombs ----

def sparse(size):
    """A tar with a file of so many bytes of which none is there, as GNU tar writes it."""
    info = tarfile.TarInfo("sparse.log")
    info.size = 0
    head = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    head[156] = ord("S")
    head[386:398] = b"%011o\0" % size
    head[398:410] = b"%011o\0" % 0
    head[483:495] = b"%011o\0" % size
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


def test_sparse(reader):
    """Holes are zeros; more of them than the limits allow end the log."""
    reader.write("a.tar", sparse(3 << 20))
    (entry,) = reader("a.tar").logs
    assert entry.data == bytes(3 << 20) and entry.end == STOPPED
    reader.write("b.tar", sparse(6 << 30))
    answer = reader("b.tar", quiet=1)
    assert answer.logs[0].end == LIMIT and answer.logs[0].size < 65 << 20
    assert took_less(answer, 40000)


@pytest.mark.parametrize("ahead", [0, 1])
def test_bombs(reader, ahead):
    """What is little on disk and much in memory ends at the limits, wherever it lies, in little memory."""
    zeros = bytes(100 << 20)
    bomb = bz2.compress(zeros)
    for name, content in (("b.bz2", bomb), ("b.zip", zipped({"x": zeros}, zipfile.ZIP_BZIP2)),
                          ("b.tar", tar({"x.bz2": bomb})), ("tar.bz2", bz2.compress(tar({"x": zeros}))),
                          ("many.zip", zipped({f"{i}.bz2": bomb for i in range(20)}))):
        reader.write(name, content)
        answer = reader(name, ahead=ahead, quiet=1)
        assert [entry.end for entry in answer.logs][-1:] in ([LIMIT], [STOPPED]), name
        said = [entry.message for entry in answer.logs if entry.end == LIMIT] + [why for _, why in answer.failures]
        assert any("more than 2000 times" in text for text in said), name
        assert sum(entry.size for entry in answer.logs) < 130 << 20
        assert took_less(answer, 60000), name
        # Nobody reads the log: passing over it is bounded as well.
        answer = reader(name, ahead=ahead, quiet=1, skip=1)
        assert took_less(answer, 60000)


def test_members_limit(reader):
    """More members than may be are told, and not read."""
    content = tar({str(i): b"x\n" for i in range(10)})
    answer = reader("-", stdin=content, members=4)
    assert [entry.name for entry in answer.logs] == [b"-!0", b"-!1", b"-!2", b"-!3"]
    assert answer.remarks == [(REMARK_LIMIT, "-", "more than 4 members; the rest is not read")]
    assert reader("-", stdin=content, members=10).remarks == []


def test_member_bytes(reader):
    """A log that is too large does not end the archive; one that makes the whole too large does."""
    content = tar({"a": bytes(5000), "b": b"x\n"})
    answer = reader("-", stdin=content, member_bytes=1000)
    assert [(entry.size, entry.end) for entry in answer.logs] == [(1000, LIMIT), (2, STOPPED)]
    answer = reader("-", stdin=content, total_bytes=1000)
    assert answer.logs == [] and answer.remarks[0][:2] == (REMARK_LIMIT, "-!a")
    assert answer.failures == [(LIMIT, "decompressed to more than 1000 bytes; the rest is not read")]


def test_overlapping_zip(reader):
    """Many members that share their data: the ratio counts the file once."""
    content = bytearray(zipped({"a.log": bytes(60 << 20)}))
    entry = content.index(b"PK\1\2")
    end = content.index(b"PK\5\6")
    one = bytes(content[entry:end])
    # The same member under other headers: a copy of the local header at the front points into the same bytes.
    copies = b"".join(one.replace(b"a.log", b"%05d" % i) for i in range(50))
    tail = bytearray(content[end:])
    struct.pack_into("<HHII", tail, 8, 50, 50, len(copies), entry)
    reader.write("a.zip", bytes(content[:entry]) + copies + bytes(tail))
    answer = reader("a.zip", quiet=1)
    assert sum(log_.size for log_ in answer.logs) < 200 << 20


def test_pax_without_end(reader):
    """A header that tells of a header of gigabytes is no reason to take memory."""
    head = bytearray(tarfile.TarInfo("x").tobuf(tarfile.USTAR_FORMAT))
    head[156] = ord("x")
    head[124:136] = b"77777777777\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    answer = reader("-", stdin=bytes(head) + b"1" * 5000)
    assert answer.logs == [] and answer.failures[0][0] == IO
    assert took_less(answer, 40000)


def test_many_members(reader):
    """A zip archive with more members than its directory is read for takes no memory for them."""
    number = 70000
    local = b"".join(struct.pack("<4sHHHHHIIIHH6s", b"PK\3\4", 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, b"%06d" % i)
                     for i in range(number))
    central = b"".join(struct.pack("<4sHHHHHHIIIHHHHHII6s", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 6, 0, 0, 0, 0, 0,
                                   36 * i, b"%06d" % i) for i in range(number))
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 65535, 65535, len(central), len(local), 0)
    reader.write("a.zip", local + central + end)
    answer = reader("a.zip", skip=1)
    assert len(answer.logs) == number and took_less(answer, 20000)


@pytest.mark.parametrize("archive", ["text", "gnu", "zip"])
@pytest.mark.parametrize("packer", ["plain", "gz", "zst"])
@pytest.mark.parametrize("ahead", [0, 1])
def test_interrupted(reader, archive, packer, ahead):
    """A signal interrupts a read that waits, which then goes on, wherever it was."""
    content = PACKERS[packer](log(20000) if archive == "text" else ARCHIVES[archive](LOGS))
    whole = reader("-", stdin=content).contents()
    for cut in (1, 700, len(content) // 2):
        # Until the program says otherwise, the signal is ignored.
        with subprocess.Popen([binary(), "--ahead", str(ahead), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              bufsize=0, preexec_fn=lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN)) as process:
            feeder = threading.Thread(target=lambda: process.stdin.write(content[:cut]))
            feeder.start()
            output = b""
            while b"S\0\0000\n" not in output:
                # Where it is by now nobody knows: it may not wait yet, or already wait for more.
                process.send_signal(signal.SIGUSR1)
                while select.select([process.stdout], [], [], 0.01)[0]:
                    output += os.read(process.stdout.fileno(), 1 << 16)
                assert process.poll() is None
            # It may have waited before all of this part was there, and then it goes on to write.
            while feeder.is_alive():
                while select.select([process.stdout], [], [], 0.01)[0]:
                    output += os.read(process.stdout.fileno(), 1 << 16)
            feeder = threading.Thread(target=lambda: (process.stdin.write(content[cut:]), process.stdin.close()))
            feeder.start()
            output += process.stdout.read()
            feeder.join()
        assert parse(output).contents() == whole


def test_freed_while_it_waits(reader):
    """A reader whose thread waits for a pipe can be freed."""
    content = tar({"a": b"1\n", "b": b"2\n" * 5000})
    with subprocess.Popen([binary(), "--leave", "1", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          bufsize=0) as process:
        process.stdin.write(content[:2048])
        # It ends though its input does not.
        assert parse(process.stdout.read()).logs[0].data == b"1\n"
        assert process.wait(PATIENCE) == 0


def test_files_that_change(reader):
    """A file that grows is read up to the size that it had; one that is cut meanwhile is told."""
    path = reader.folder / "a.log"
    path.write_bytes(b"x\n" * 3_000_000)
    for change, end in ((lambda: path.open("ab").write(b"more\n" * 1000), STOPPED),
                        (lambda: os.truncate(path, 4_000_000), IO)):
        path.write_bytes(b"x\n" * 3_000_000)
        with subprocess.Popen([binary(), "a.log"], stdout=subprocess.PIPE, cwd=reader.folder) as process:
            begun = process.stdout.read(100)
            change()
            answer = parse(begun + process.stdout.read())
        (entry,) = answer.logs
        assert entry.end == end
        if end == STOPPED:
            assert entry.size == 6_000_000
        else:
            assert entry.message == "the file became shorter while it was read, to 4000000 bytes" or "shorter" in entry.message
