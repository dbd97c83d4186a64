# SPDX-License-Identifier: Apache-2.0
"""Plain and gzip: what is one log, whole or damaged."""

import gzip
import os
import random
import struct
import subprocess
import zlib

import pytest

from conftest import BUSY, INVALID, IO, LIMIT, STOPPED, binary, took_less

RANDOM = random.Random(7)
TEXT = b"".join(b"%08d a line of a log, %s\n" % (i, RANDOM.randbytes(6).hex().encode()) for i in range(50000))


def only(answer):
    """The one log of a file."""
    assert not answer.failures and not answer.refused
    (log,) = answer.logs
    return log


def bgzf(data, size=0xff00):
    """Gzip as genomics tools write it: small members, each telling its size, and an empty one at the end."""
    out = b""
    for start in [*range(0, len(data), size), None]:
        part = b"" if start is None else data[start:start + size]
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = packer.compress(part) + packer.flush()
        out += (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" + struct.pack("<H", len(body) + 25) + body
                + struct.pack("<II", zlib.crc32(part), len(part)))
    return out


def with_header(data, name=b"", comment=b"", extra=b"", checked=False):
    """Gzip with all that a header may carry."""
    flags = 8 * bool(name) | 16 * bool(comment) | 4 * bool(extra) | 2 * checked
    head = b"\x1f\x8b\x08" + bytes([flags]) + b"\1\2\3\4\0\3"
    head += struct.pack("<H", len(extra)) + extra if extra else b""
    head += name + b"\0" if name else b""
    head += comment + b"\0" if comment else b""
    head += struct.pack("<H", zlib.crc32(head) & 0xffff) if checked else b""
    return head + gzip.compress(data, mtime=0)[10:]


@pytest.mark.parametrize("data", [b"", b"x", b"\n", TEXT[:511], TEXT[:65536], TEXT[:65537], TEXT],
                         ids=lambda data: str(len(data)))
@pytest.mark.parametrize("ahead", [0, 1])
def test_whole(reader, data, ahead):
    """All of it comes, by file and by pipe, packed or not, and ends as often as it is asked."""
    os.utime(reader.write("a.log", data), (10**9, 10**9))
    log = only(reader("a.log", ahead=ahead))
    assert (log.name, log.mtime, log.data, log.end) == (b"a.log", 10**9, data, STOPPED)
    packed = gzip.compress(data)
    reader.write("a.gz", packed)
    answer = reader("a.gz", ahead=ahead)
    assert (only(answer).data, only(answer).end, answer.position) == (data, STOPPED, len(packed))
    for content in (data, packed):
        log = only(reader("-", stdin=content, ahead=ahead))
        assert (log.name, log.mtime, log.data, log.end) == (b"-", None, data, STOPPED)


def test_pieces(reader):
    """No piece is larger than 1 MiB, and none is empty."""
    reader.write("a.gz", gzip.compress(TEXT))
    reader.write("a.log", TEXT * 3)
    for name in ("a.gz", "a.log"):
        sizes = [len(piece) for piece in only(reader(name)).pieces]
        assert 0 < min(sizes) and max(sizes) <= 1 << 20


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 511, 4096])
def test_dribble(reader, size):
    """However the bytes come through a pipe."""
    data = TEXT[:2000 * min(size, 50)]
    for content in (data, gzip.compress(data), bgzf(data, 999), b"\x1f", b"B", b"\x1f\x8b", b"PK"):
        expected = data if len(content) > 2 else content
        log = only(reader.dribble(content, size))
        if content == b"\x1f\x8b":
            assert log.end == IO
        else:
            assert (log.data, log.end) == (expected, STOPPED)


@pytest.mark.parametrize("packer", [None, zlib.compressobj(6, zlib.DEFLATED, 31)], ids=["plain", "gzip"])
def test_text_that_waits(packer):
    """A text that comes line by line is given line by line, before there are 512 bytes of it."""
    with subprocess.Popen([binary(), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        for line in (b"one line\n", b"another\n"):
            process.stdin.write(packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else line)
            seen = b""
            while line not in seen:
                more = process.stdout.read(4096)
                assert more
                seen += more
        process.stdin.close()
        process.stdout.read()


@pytest.mark.parametrize("ahead", [0, 1])
def test_members(reader, ahead):
    """Members are one log, however small they are, with headers of all kinds, and padding behind them."""
    for packed in (b"".join(gzip.compress(TEXT[i:i + 7001]) for i in range(0, len(TEXT), 7001)), bgzf(TEXT),
                   gzip.compress(TEXT) + gzip.compress(b""), gzip.compress(b"") * 3 + gzip.compress(TEXT),
                   gzip.compress(TEXT, 0), gzip.compress(TEXT) + bytes(100000),
                   with_header(TEXT[:9000], name=b"a.log") + bytes(3) + with_header(
                       TEXT[9000:], b"n" * 70000, b"c" * 70000, b"e" * 65000, checked=True)):
        reader.write("a.gz", packed)
        answer = reader("a.gz", ahead=ahead)
        assert only(answer).data == TEXT and only(answer).end == STOPPED
        assert answer.position == len(packed)


def test_every_cut(reader):
    """Cut anywhere, what came before is given, and the place is told."""
    data = TEXT[:3000]
    packed = with_header(data[:2000], b"name", b"comment", b"extra", checked=True) + gzip.compress(data[2000:])
    cut_at_member = len(packed) - len(gzip.compress(data[2000:]))
    for cut in range(2, len(packed), 7):
        log = only(reader("-", stdin=packed[:cut]))
        assert data.startswith(log.data)
        if cut == cut_at_member:
            continue
        assert log.end == IO and log.message == f"the gzip data ends too early, at offset {cut}"
    # The data is complete, its checksum is not.
    assert only(reader("-", stdin=packed[:-1])).data == data


def test_corrupt(reader):
    """Damage is found at the latest by the checksum, and told with its place."""
    packed = gzip.compress(TEXT)
    found = set()
    for where in [12, 50, len(packed) // 2, len(packed) - 6, len(packed) - 2]:
        damaged = bytearray(packed)
        damaged[where] ^= 0x55
        log = only(reader("-", stdin=bytes(damaged)))
        assert log.end == IO
        assert log.message.startswith("corrupt gzip data at offset ") or "ends too early" in log.message
        found.add(log.message)
    log = only(reader("-", stdin=packed[:-8] + bytes(8)))
    assert log.data == TEXT and log.end == IO and "corrupt gzip data at offset " in log.message
    log = only(reader("-", stdin=packed[:-4] + bytes(4)))
    assert log.data == TEXT and log.end == IO and "corrupt gzip data at offset " in log.message
    assert len(found) > 1


def test_garbage(reader):
    """What follows and is no gzip is told, with its place."""
    packed = gzip.compress(TEXT)
    for behind, where in ((b"garbage", 0), (bytes(10) + b"garbage", 10)):
        log = only(reader("-", stdin=packed + behind))
        assert log.data == TEXT and log.end == IO
        assert log.message == f"data that is no gzip follows at offset {len(packed) + where}"
    log = only(reader("-", stdin=packed + b"\x1f\x8bgarbage and more of it"))
    assert log.data == TEXT and log.end == IO and "corrupt gzip data" in log.message


@pytest.mark.parametrize("text", [
    b"\x1f\x8b is how it begins, by accident\n" * 3, b"\x1f\x8b\x08 is how it begins, by accident\n" * 90,
    b"BZh is how it begins\n" * 30, b"BZh9 is how it begins\n", b"PK\x03\x04 is how it begins\n" * 40,
    b"PK is how it begins\n", b"\x28\xb5\x2f\xfd is how it begins\n" * 50,
    b"\xfd7zXZ is how it begins\n", b"ustar\n" * 400, b"P*M\x18 is how it begins\n" * 30,
], ids=lambda text: repr(text[:8]))
def test_text_like_a_signature(reader, text):
    """A text that only begins like something else is a text."""
    reader.write("a.log", text)
    for log in (only(reader("a.log")), only(reader("-", stdin=text)), only(reader.dribble(text, 3))):
        assert (log.data, log.end) == (text, STOPPED)


def test_twice(reader):
    """Compressed twice is opened twice, and not three times: that is told."""
    packed = gzip.compress(gzip.compress(TEXT))
    log = only(reader("-", stdin=packed))
    assert (log.data, log.end) == (TEXT, STOPPED)


@pytest.mark.parametrize("ahead", [0, 1])
def test_limits(reader, ahead):
    """A bomb, a log and a file that are too large end at their limits, which is told."""
    reader.write("bomb.gz", gzip.compress(bytes(100 << 20)))
    log = only(reader("bomb.gz", ahead=ahead, ratio=500, quiet=1))
    assert log.end == LIMIT and log.message == (
        "decompressed to more than 500 times what was read; the rest is not read")
    assert 62 << 20 <= log.size < 64 << 20
    log = only(reader("bomb.gz", ahead=ahead, ratio=1100, quiet=1))
    assert log.end == STOPPED and log.size == 100 << 20
    log = only(reader("bomb.gz", ahead=ahead, member_bytes=1 << 20))
    assert log.end == LIMIT and log.size == 1 << 20 and "more than 1048576 bytes" in log.message
    log = only(reader("bomb.gz", ahead=ahead, total_bytes=3 << 20))
    assert log.end == LIMIT and log.size <= 3 << 20 and "more than 3145728 bytes" in log.message
    reader.write("plain.log", TEXT)
    log = only(reader("plain.log", ahead=ahead, member_bytes=len(TEXT)))
    assert log.end == STOPPED
    log = only(reader("plain.log", ahead=ahead, member_bytes=len(TEXT) - 1))
    assert log.end == LIMIT and log.data == TEXT[:-1]


def test_memory(reader):
    """Half a gigabyte in half a megabyte of gzip takes no more memory than a small log."""
    reader.write("bomb.gz", gzip.compress(bytes(100 << 20), 9) * 5)
    reader.write("small.log", TEXT[:100])
    assert took_less(reader("bomb.gz", quiet=1), reader("small.log", quiet=1).memory + 4096)


def test_again(reader):
    """A reader that is used for file after file knows nothing of the last."""
    expected = []
    for i in range(50):
        data = TEXT[:i * 37]
        content = (data, gzip.compress(data), gzip.compress(data)[:-3])[i % 3]
        reader.write(f"{i}", content)
        expected.append((b"%d" % i, data, IO if i % 3 == 2 else STOPPED))
    for ahead in (0, 1):
        answer = reader(*[str(i) for i in range(50)], again=1, ahead=ahead)
        assert [(log.name, log.data, log.end) for log in answer.logs] == expected
    answer = reader("0", "missing", "3", again=1)
    assert len(answer.logs) == 2 and answer.refused == [(IO, "No such file or directory")]


def test_not_to_be_read(reader):
    """What is no file is told when it is opened."""
    reader.folder.joinpath("folder").mkdir()
    assert reader("missing").refused == [(IO, "No such file or directory")]
    assert reader("folder").refused == [(IO, "is a folder")]
    reader.folder.joinpath("ring").symlink_to("ring")
    assert reader("ring").refused[0][0] == IO
    assert only(reader("/dev/null")).end == STOPPED
    assert STOPPED > 0 > IO and BUSY < LIMIT < INVALID


def test_fifo(reader):
    """A named pipe is read to its end."""
    import threading
    path = reader.folder / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(TEXT)))
    writer.start()
    assert only(reader("pipe")).data == TEXT
    writer.join()
