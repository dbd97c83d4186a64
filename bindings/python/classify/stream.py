# SPDX-License-Identifier: Apache-2.0
"""A log that comes in pieces."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, Optional, Tuple, Type, Union

from . import native
from .errors import BusyError, InvalidError
from .results import Match, Verdict, _shown

if TYPE_CHECKING:
    from .classifier import Classifier


class Stream:
    """A log in progress, made by `Classifier.stream`; a context manager.

    Leaving the ``with`` block ends the log, unless by an exception. A stream
    is for one thread at a time; a call while another is in it raises
    `BusyError`.

    Attributes:
        name: what the log is called.
        verdict: the verdict, once the log has ended; None before.
    """

    def __init__(self, classifier: Classifier, name: str, on_match: Optional[Callable[[Match], Any]]) -> None:
        self.name = name
        self.verdict: Optional[Verdict] = None
        self._classifier = classifier
        self._on_match = on_match
        self._scanner: Optional[native.Scanner] = classifier._take(True)

    def _open(self) -> native.Scanner:
        if self._scanner is None:
            raise InvalidError("the log has ended")
        return self._scanner

    def _told(self, scanner: native.Scanner) -> Tuple[Match, ...]:
        found = tuple([self._classifier._match(self.name, told) for told in scanner.take()])
        if self._on_match:
            for match in found:
                self._on_match(match)
        return found

    def feed(self, data: Union[str, bytes, bytearray, memoryview]) -> Tuple[Match, ...]:
        """Takes the next bytes, wherever they end; gives the matches that they completed.

        A match is told when its line is complete, and later where something
        behind it may still excuse it.

        Raises:
            InvalidError: the log has ended.
            BusyError: another thread is feeding it.
        """
        scanner = self._open()
        scanner.feed(data)
        return self._told(scanner)

    def truncated(self, message: str) -> None:
        """Notes that the log is not complete; the verdict then has the warning ``truncated_input``."""
        self._open().truncated(message)

    def finish(self) -> Tuple[Match, ...]:
        """Ends the log, which makes `verdict`; gives the matches that were still waiting for its end."""
        scanner = self._open()
        self.verdict = self._classifier._verdict(self.name, scanner.finish())
        try:
            return self._told(scanner)
        finally:
            self.close()

    def close(self) -> None:
        """Gives up a log that has not ended; nothing else may follow."""
        if self._scanner is not None:
            # Not while another thread is in it: that raises.
            self._classifier._give(self._scanner, True)
            self._scanner = None

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        if self._scanner is not None and kind is None:
            self.finish()
        self.close()

    def __reduce__(self) -> Tuple[Any, ...]:
        raise TypeError("a log in progress cannot be pickled; its classifier and its verdict can")

    def __repr__(self) -> str:
        return f"<Stream {_shown(self.name)} {'open' if self._scanner is not None else self.verdict or 'closed'}>"


__all__ = ["BusyError", "Stream"]
