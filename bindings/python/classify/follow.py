# SPDX-License-Identifier: Apache-2.0
"""Matches in what comes through asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, AsyncIterator, Union

from .results import Match

if TYPE_CHECKING:
    from .classifier import Classifier

Chunks = Union[asyncio.StreamReader, AsyncIterator[bytes], AsyncIterator[str]]

_READ = 1 << 18
_APART = 1 << 16         # from so many bytes on, scanning is left to a thread


async def _chunks(reader: Chunks) -> AsyncIterator[Union[bytes, str]]:
    if isinstance(reader, asyncio.StreamReader):
        # read() and not lines: a line may be longer than the reader's limit.
        while chunk := await reader.read(_READ):
            yield chunk
    else:
        async for piece in reader:
            yield piece


async def follow(classifier: Classifier, reader: Chunks, name: str) -> AsyncIterator[Match]:
    """See `Classifier.follow`. A large piece is scanned by a thread, so that the loop goes on meanwhile."""
    loop = asyncio.get_running_loop()
    stream = classifier.stream(name)
    try:
        async for chunk in _chunks(reader):
            if len(chunk) < _APART:
                found = stream.feed(chunk)
            else:
                found = await loop.run_in_executor(None, stream.feed, chunk)
            for match in found:
                yield match
        for match in stream.finish():
            yield match
    finally:
        stream.close()
