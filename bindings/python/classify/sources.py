# SPDX-License-Identifier: Apache-2.0
"""Where logs come from: paths, file objects, buffers, folders."""

from __future__ import annotations

import os
from typing import Any, Iterator, List, Optional, Protocol, Tuple, Union

from . import errors, native

Path = Union[str, "os.PathLike[str]"]

_READ = 1 << 20
_PIECE = 4 << 20         # of a buffer, between two looks at its matches
_MAX_DEPTH = 64          # folders below a folder, as in the command line


class Readable(Protocol):
    """A file object, of bytes or of text."""

    def read(self, size: int, /) -> Union[bytes, str]:
        """The next bytes or characters, empty at the end."""


Source = Union[Path, bytes, bytearray, memoryview, Readable, Any]


def name_of(source: Source) -> str:
    """What a log is called that nobody named."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    named = getattr(source, "name", None)
    return named if isinstance(named, str) else "-"


def feed(scanner: native.Scanner, source: Source) -> Tuple[str, Optional[Exception]]:
    """Feeds all of a log; gives its name, and why it broke off if it did."""
    if not isinstance(source, (str, os.PathLike)) and not hasattr(source, "read"):
        scanner.feed(_buffer(source))
        return name_of(source), None
    error: Optional[Exception] = None
    try:
        for _ in pieces(scanner, source):
            pass
    except errors.ReadError:
        raise
    except OSError as caught:
        error = _unreadable(name_of(source), caught)
        scanner.truncated(str(caught))
    return name_of(source), error


def _buffer(source: Any) -> memoryview:
    try:
        return memoryview(source)
    except TypeError:
        raise TypeError("a log is a path, a file object, or an object with the buffer protocol, "
                        f"not {type(source).__name__}") from None


def pieces(scanner: native.Scanner, source: Source) -> Iterator[None]:
    """Feeds a log piece by piece, so that somebody may look at matches in between."""
    if isinstance(source, (str, os.PathLike)):
        try:
            file = open(source, "rb", buffering=0)
        except OSError as error:
            raise _unreadable(source, error) from error
        with file:
            yield from _file_pieces(scanner, file)
    elif hasattr(source, "read"):
        yield from _file_pieces(scanner, source)
    else:
        whole = _buffer(source)
        if whole.nbytes == 0:
            return
        whole = whole.cast("B")
        for at in range(0, len(whole), _PIECE):
            scanner.feed(whole[at:at + _PIECE])
            yield


def _unreadable(source: Path, error: OSError) -> errors.ReadError:
    return errors.ReadError(error.strerror or str(error), file=os.fspath(source),
                            library_code=error.errno or 0)


def _file_pieces(scanner: native.Scanner, file: Any) -> Iterator[None]:
    readinto = getattr(file, "readinto", None)
    buffer = memoryview(bytearray(_READ)) if readinto else None
    while True:
        if readinto and buffer is not None:
            length = readinto(buffer)
            piece: Any = buffer[:length] if length else None
        else:
            piece = file.read(_READ)
        if not piece:
            return
        scanner.feed(piece)
        yield


def walk(path: Path) -> Iterator[str]:
    """The path itself, or every regular file below a folder: sorted bytewise, links not followed."""
    name = os.fspath(path)
    if not os.path.isdir(name):
        yield name
        return
    waiting: List[Tuple[str, int]] = [(name, 0)]
    while waiting:
        current, depth = waiting.pop()
        if depth and not os.path.isdir(current):
            yield current
            continue
        if depth > _MAX_DEPTH:
            raise errors.LimitError(f"folders nested more than {_MAX_DEPTH} deep", file=current)
        try:
            with os.scandir(current) as entries:
                found = [entry.path for entry in entries
                         if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)]
        except OSError as error:
            raise _unreadable(current, error) from error
        waiting += [(entry, depth + 1) for entry in sorted(found, key=os.fsencode, reverse=True)]
