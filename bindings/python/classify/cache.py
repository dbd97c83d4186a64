# SPDX-License-Identifier: Apache-2.0
"""Compiled rules kept from one run to the next.

The folder, the names and the form of the files are those of the command line
(tools/classify/cache.c), and so is the rule of trust: a file decides what
matches, so it is believed only where nobody but this user or root can write.
Whatever goes wrong with a cache means compiling, never an error.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from typing import Callable, Optional

_SUFFIX = ".clsfrs"
_MAX_SIZE = 1 << 30
_MAX_AGE = 30 * 24 * 3600  # seconds that an unused file is kept


def folder() -> Optional[str]:
    """Below XDG_CACHE_HOME or the home; None where there is neither."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    home = os.environ.get("HOME", "")
    # The specification says that a relative path is to be ignored.
    if base.startswith("/"):
        return f"{base}/classify"
    if home.startswith("/"):
        return f"{home}/.cache/classify"
    return None


def _is_trusted(found: os.stat_result) -> bool:
    return found.st_uid in (os.geteuid(), 0) and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _folder_trusted(path: str) -> bool:
    found = os.stat(path)
    return stat.S_ISDIR(found.st_mode) and _is_trusted(found)


def _read_trusted(path: str) -> Optional[bytes]:
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or not _is_trusted(found) or found.st_size > _MAX_SIZE:
            return None
        return file.read()


def load(place: str, key: str, restore: Callable[[memoryview], bool]) -> bool:
    """Gives the compiled form of this key to `restore`, which says whether it is good."""
    path = os.path.join(place, key + _SUFFIX)
    try:
        data = _read_trusted(path) if _folder_trusted(place) else None
        if data is None:
            return False
        # The key stands in front, so that no other ruleset is taken for this one.
        head = key.encode("ascii")
        if data.startswith(head) and restore(memoryview(data)[len(head):]):
            os.utime(path)  # used today: what is not is removed some day
            return True
        os.unlink(path)
    except OSError:
        pass
    return False


def store(place: str, key: str, compiled: bytes) -> None:
    """Keeps a compiled form; removes what was not used for long. Silent when it cannot."""
    beside = None
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        if not _folder_trusted(place):
            return
        path = os.path.join(place, key + _SUFFIX)
        handle, beside = tempfile.mkstemp(prefix=key + _SUFFIX + ".", dir=place)
        with open(handle, "wb") as file:
            file.write(key.encode("ascii"))
            file.write(compiled)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(beside, path)
        beside = None
        _prune(place)
    except OSError:
        pass
    finally:
        if beside:
            try:
                os.unlink(beside)
            except OSError:
                pass


def _prune(place: str) -> None:
    now = time.time()
    with os.scandir(place) as entries:
        for entry in entries:
            # Files that a killed writer left beside have more behind the suffix.
            if _SUFFIX not in entry.name or not entry.is_file(follow_symlinks=False):
                continue
            if now - entry.stat(follow_symlinks=False).st_mtime > _MAX_AGE:
                os.unlink(entry.path)
