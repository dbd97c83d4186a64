# SPDX-License-Identifier: Apache-2.0
"""Where logs come from: files and archives, file objects, buffers, folders."""

from __future__ import annotations

import errno
import os
from typing import Any, Callable, Generator, Iterator, List, Optional, Protocol, Tuple, TypeVar, Union

from . import errors, native

Path = Union[str, "os.PathLike[str]"]

STEP = 16 << 20          # bytes between two looks for a signal, or for whether somebody still waits
PIECE = 1 << 20          # bytes between two looks at matches
_SAMPLE = 8192           # what tells text from binary
_MAX_DEPTH = 64          # folders below a folder, as in the command line

# Feeds a log piece by piece, so that its user may look at matches in between; its value tells why the
# log broke off, or None. What is no text is not scanned, as by the command line.
Pieces = Generator[None, None, Optional[errors.ClassifyError]]


class Readable(Protocol):
    """A file object, of bytes or of text."""

    def read(self, size: int, /) -> Union[bytes, str]:
        """The next bytes or characters, empty at the end."""


Source = Union[Path, bytes, bytearray, memoryview, Readable, Any]

_Value = TypeVar("_Value")


def name_of(source: Source) -> str:
    """What a log is called that nobody named."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    named = getattr(source, "name", None)
    return named if isinstance(named, str) else "-"


def is_file(source: Source) -> bool:
    """Whether the source is a file object."""
    return hasattr(source, "readinto") or hasattr(source, "read")


def value_of(steps: Generator[Any, None, _Value]) -> _Value:
    """Runs a generator to its end, for its value."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            value: _Value = stop.value
            return value


def _binary(name: str) -> errors.ReadError:
    return errors.ReadError("binary data, not scanned", file=name)


def _unreadable(name: str, error: OSError) -> errors.ReadError:
    return errors.ReadError(error.strerror or str(error), file=name, library_code=error.errno or 0)


# ---- buffers and file objects ----


def buffer_pieces(scanner: native.Scanner, source: Any, size: int) -> Pieces:
    """Of what has the buffer protocol."""
    try:
        whole = memoryview(source)
    except TypeError:
        raise TypeError("a log is a path, a file object, or an object with the buffer protocol, "
                        f"not {type(source).__name__}") from None
    if not whole.c_contiguous:
        raise BufferError("a log in memory must be contiguous")
    if whole.nbytes == 0:
        return None
    whole = whole.cast("B")
    if native.is_binary(whole[:_SAMPLE]):
        return _binary(name_of(source))
    for at in range(0, len(whole), size):
        scanner.feed(whole[at:at + size])
        yield
    return None


def file_pieces(scanner: native.Scanner, file: Any) -> Pieces:
    """Of a file object, through one buffer where it has `readinto`."""
    name = name_of(file)
    buffer = memoryview(bytearray(PIECE)) if hasattr(file, "readinto") else None
    held: Any = 0 if buffer is not None else None
    sampled = False
    try:
        while True:
            if buffer is not None:
                length = file.readinto(buffer[held:])
                if length is None:
                    raise errors.ReadError("a file object that does not wait has nothing to read", file=name)
                held += length
                if length and not sampled and held < _SAMPLE:
                    continue
                piece: Any = buffer[:held]
                held = 0
            else:
                piece = file.read(PIECE)
            if not len(piece):
                return None
            if not sampled and native.is_binary(piece):
                return _binary(name)
            sampled = True
            scanner.feed(piece)
            yield
    except OSError as error:
        # Bytes that came in before the error, and waited for others.
        if buffer is not None and held:
            scanner.feed(buffer[:held])
        told = error if isinstance(error, errors.ReadError) else _unreadable(name, error)
        scanner.truncated(told.message)
        return told


# ---- files and archives ----


def _archive_of(name: str) -> Optional[str]:
    """The part of ``archive!member`` that is a file. One whose own name has the mark in it was found before."""
    at = name.find("!")
    while at >= 0:
        if at and os.path.exists(name[:at]) and not os.path.isdir(name[:at]):
            return name[:at]
        at = name.find("!", at + 1)
    return None


def _open(reader: native.Reader, name: str) -> bool:
    """Opens a file, or the archive of ``archive!member``; true when it is such a member that is wanted."""
    try:
        reader.open(name)
        return False
    except errors.ReadError as error:
        archive = _archive_of(name) if error.library_code in (errno.ENOENT, errno.ENOTDIR) else None
        if archive is None:
            raise
        reader.open(archive)
        return True


def logs(reader: native.Reader, path: Path) -> Iterator[Tuple[str, Optional[errors.ClassifyError]]]:
    """The names of the logs in a file; with an error, those that cannot be read.

    Raises:
        ReadError: the file cannot be opened, or breaks off between two logs.
    """
    wanted = os.fspath(path)
    single = _open(reader, wanted)
    name: Optional[str] = ""
    while name is not None:
        failed: Optional[errors.ClassifyError] = None
        try:
            name = reader.next()
        except errors.ClassifyError as error:
            error.file = error.file or wanted
            failed = error
        for what, which, why in reader.remarks():
            if what != native.CLSF_REMARK_SKIPPED and not single:
                kind = errors.LimitError if what == native.CLSF_REMARK_LIMIT else errors.ReadError
                yield which, kind(why, file=which)
        if failed:
            raise failed
        if name is not None and (not single or name == wanted):
            yield name, None
            if single:
                return
    if single:
        raise errors.ReadError("the archive has no such log", file=wanted)


def reader_pieces(scanner: native.Scanner, reader: native.Reader, name: str, size: int) -> Pieces:
    """Of the log at hand of a reader."""
    state = native.SCAN_MORE
    try:
        while state == native.SCAN_MORE:
            state = scanner.read(reader, size)
            yield
    except (errors.ReadError, errors.LimitError) as error:
        error.file = error.file or name
        scanner.truncated(error.message)
        return error
    return _binary(name) if state == native.SCAN_BINARY else None


# ---- folders ----


def walk(path: Path) -> Iterator[Tuple[str, Optional[errors.ClassifyError]]]:
    """The path itself, or every regular file below a folder: sorted bytewise, links not followed.

    With an error, a folder that cannot be walked.
    """
    name = os.fspath(path)
    if not os.path.isdir(name):
        yield name, None
        return
    waiting: List[Tuple[str, bool, int]] = [(name, True, 0)]
    while waiting:
        current, is_folder, depth = waiting.pop()
        if not is_folder:
            yield current, None
            continue
        if depth > _MAX_DEPTH:
            yield current, errors.LimitError("folders nested too deep", file=current)
            continue
        found: List[Tuple[str, bool, int]] = []
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    folder = entry.is_dir(follow_symlinks=False)
                    if folder or entry.is_file(follow_symlinks=False):
                        found.append((entry.path, folder, depth + 1))
        except OSError as error:
            yield current, _unreadable(current, error)
        waiting += sorted(found, key=lambda one: os.fsencode(one[0]), reverse=True)


Stopped = Callable[[], bool]
