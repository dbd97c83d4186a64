# SPDX-License-Identifier: Apache-2.0
"""The classifier: rules, and everything that can be asked of a log with them."""

from __future__ import annotations

import hashlib
import os
import warnings
import weakref
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice, repeat
from typing import Any, AsyncIterator, Callable, Dict, Generator, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

from . import errors, native, sources
from . import ruleset as _ruleset
from .follow import Chunks, follow
from .many import scan_many
from .results import Also, Fault, Match, Note, Rule, Runbook, Telling, Verdict
from .ruleset import RulePath
from .stream import Stream

Line = Union[str, bytes, bytearray, memoryview]
Rules = Union[None, RulePath, Sequence[RulePath]]

_BATCH = 4096            # lines that go to the library at once

# Of compiled forms that were unpickled: a hundred classifiers of one ruleset share it.
_restored: "weakref.WeakValueDictionary[bytes, _ruleset.Compiled]" = weakref.WeakValueDictionary()


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


class RuleWarning(UserWarning):
    """A rule was left out because of a fault; the text begins with ``file:line:column``."""


class Classifier:
    """Rules, compiled once, and what they tell of logs.

    Any number of threads may use one classifier at once; they share the
    compiled rules, and the interpreter's lock is released while they scan. A
    classifier can be pickled, and used after a fork.

    Args:
        rules: rule files or folders, each a path, or ``"default"`` for the
            shipped packs; None is the shipped packs.
        strict: a faulty rule is an error; otherwise it is left out with a
            `RuleWarning`, and listed in `faults`.
        unwrap: rules also see the message inside of a line's wrappers
            (timestamps, container prefixes, JSON, colours and so on).
        redact: secrets in texts and captures become ``[redacted]``.
        context: lines kept around the line that a verdict names, at most 20.
        max_line: bytes of a line that are looked at; None is 1 MiB.
        cache: compiled rules are kept below ``XDG_CACHE_HOME`` or
            ``~/.cache``, where the command line keeps them, too.

    Raises:
        ReadError: a path cannot be read.
        NoRulesError: not one rule is left.
        RuleError: with `strict`, a rule is faulty; has file, line and column.
        EngineError: the rules cannot be compiled in bounded time and memory.

    >>> classifier = Classifier()
    >>> verdict = classifier.scan(b"step 1\\nwrite /data/x: no space left on device\\n")
    >>> verdict.outcome, verdict.category, verdict.line
    ('failed', 'disk_full', 2)
    """

    def __init__(self, rules: Rules = None, *, strict: bool = False, unwrap: bool = True, redact: bool = False,
                 context: int = 0, max_line: Optional[int] = None, cache: bool = True) -> None:
        paths = self._paths(rules)
        self._start(_ruleset.load(paths, (), strict, cache), paths, (unwrap, redact, context, max_line))
        self._warn()

    @classmethod
    def from_text(cls, text: str, name: str = "<text>", **options: Any) -> Classifier:
        """A classifier for rules given as YAML; `name` stands for the file in faults.

        >>> mine = Classifier.from_text('''
        ... pack: mine
        ... rules:
        ...   - {id: mine-crash, title: It crashed, category: application_crash, match: 'core (?<what>dumped)'}
        ... ''')
        >>> mine.match("core dumped")[0].fields
        {'what': 'dumped'}
        """
        strict, cached = bool(options.pop("strict", False)), bool(options.pop("cache", True))
        made = cls.__new__(cls)
        made._start(_ruleset.load((), ((name, text),), strict, cached), (), cls._options(**options))
        made._warn()
        return made

    @classmethod
    def from_compiled(cls, compiled: Line, **options: Any) -> Classifier:
        """A classifier for rules in their compiled form, as `compiled` or ``classify compile`` gives it.

        The form decides what matches: it must come from where nobody else can
        write. Made for another engine or processor, it is compiled anew.

        Raises:
            RuleSyntaxError: it is no compiled form of this version, or is damaged.
        """
        made = cls.__new__(cls)
        made._start(_ruleset.restore(bytes(memoryview(compiled))), (), cls._options(**options))  # type: ignore[arg-type]
        return made

    @staticmethod
    def _options(unwrap: bool = True, redact: bool = False, context: int = 0,
                 max_line: Optional[int] = None) -> Tuple[Any, ...]:
        return unwrap, redact, context, max_line

    @staticmethod
    def _paths(rules: Rules) -> Tuple[RulePath, ...]:
        if rules is None:
            return ("default",)
        if isinstance(rules, (str, os.PathLike)):
            return (rules,)
        if isinstance(rules, (bytes, bytearray)):
            raise TypeError("rules: a path is a str or os.PathLike; Classifier.from_text takes rules as text")
        return tuple(rules)

    def _start(self, compiled: _ruleset.Compiled, paths: Sequence[RulePath], options: Tuple[Any, ...]) -> None:
        unwrap, redact, context, max_line = options
        if not 0 <= context <= 20:
            raise ValueError("context: 0 to 20 lines")
        self._compiled = compiled
        self._rule_paths = tuple(paths)
        self._given = options
        self._settings = (not unwrap, redact, context, max_line or 0)
        # Scanners that no thread uses. Appending to a list and popping from it are atomic, so there
        # is no lock that a fork could leave locked.
        self._quiet: List[native.Scanner] = []
        self._keeping: List[native.Scanner] = []

    def _warn(self) -> None:
        for fault in self.faults:
            if fault.level == "error":
                warnings.warn(str(fault), RuleWarning, stacklevel=3)

    # ---- what it is made of ----

    @property
    def rules(self) -> Tuple[Rule, ...]:
        """The rules, in the order in which they were read."""
        return self._compiled.rules()

    @property
    def faults(self) -> Tuple[Fault, ...]:
        """Faults of the rule files; empty where the compiled form came from the cache."""
        return self._compiled.faults

    @property
    def ruleset(self) -> str:
        """The hash of the rules, ``sha256:`` and 64 digits: what every verdict carries."""
        return self._compiled.hash

    def rule(self, identifier: str) -> Rule:
        """The rule with this id.

        Raises:
            KeyError: there is none.
        """
        if self._compiled.native.rule_of(identifier) is None:
            raise KeyError(identifier)
        return self._compiled.rule(identifier)

    def compiled(self) -> bytes:
        """The rules in their compiled form, for `from_compiled` and ``classify scan --database``."""
        return self._compiled.native.to_bytes()

    def __len__(self) -> int:
        return native.clsf_ruleset_count(self._compiled.native)

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        return f"<Classifier {len(self)} rules {self.ruleset[:19]}>"

    def __getstate__(self) -> Dict[str, Any]:
        return {"compiled": self.compiled(), "paths": self._rule_paths, "hash": self.ruleset,
                "options": self._given}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        digest = hashlib.sha256(state["compiled"]).digest()
        compiled = _restored.get(digest)
        if compiled is None:
            compiled = self._restore(state)
            _restored[digest] = compiled
        self._start(compiled, state["paths"], state["options"])

    @staticmethod
    def _restore(state: Dict[str, Any]) -> _ruleset.Compiled:
        try:
            return _ruleset.restore(state["compiled"])
        except errors.RuleSyntaxError:
            # Pickled by another version, which has another compiled form: the files may be here, too.
            try:
                compiled = _ruleset.load(state["paths"], (), False, True)
            except errors.ClassifyError:
                compiled = None
            if compiled is None or compiled.hash != state["hash"]:
                raise
            return compiled

    # ---- scanners ----

    def _new_scanner(self, keep: bool) -> native.Scanner:
        return native.Scanner(self._compiled.native, keep, *self._settings)

    def _take(self, keep: bool) -> native.Scanner:
        try:
            return (self._keeping if keep else self._quiet).pop()
        except IndexError:
            return self._new_scanner(keep)

    def _give(self, scanner: native.Scanner, keep: bool) -> None:
        scanner.reset()
        (self._keeping if keep else self._quiet).append(scanner)

    @contextmanager
    def _scanner(self, keep: bool = False) -> Iterator[native.Scanner]:
        scanner = self._take(keep)
        try:
            yield scanner
        finally:
            self._give(scanner, keep)

    def _verdict(self, source: str, told: Tuple[Any, ...], error: Optional[Exception] = None) -> Verdict:
        (outcome, category, identifier, title, runbook, line, fields, fingerprint, telling, also, noted, lines,
         size, before, after) = told
        rule = self._compiled.rule(identifier) if identifier else None
        number, offset, length, text = line or (None, None, None, None)
        return Verdict(
            source=source, outcome=outcome, category=category or None, rule=identifier,
            pack=rule.pack if rule else None, title=title if rule else None,
            severity=rule.severity if rule else None, owner=rule.owner if rule else None,
            retry=rule.retry if rule else None, line=number, offset=offset, length=length, text=text,
            fields=fields, runbook=Runbook(*runbook) if rule else None, fingerprint=fingerprint or None,
            telling=tuple(Telling(*one) for one in telling),
            also=tuple(Also(one[0], one[1] or None, *one[2:]) for one in also), lines=lines, bytes=size,
            ruleset=self._compiled.hash, warnings=tuple(Note(*one) for one in noted), before=before,
            after=after, error=error)

    def _match(self, source: str, told: Tuple[Any, ...]) -> Match:
        identifier, line, offset, length, text, fields = told
        rule = self._compiled.rule(identifier)
        return Match(source, identifier, rule.category, rule.role, rule.severity, line, offset, length, text,
                     fields)

    # ---- whole logs ----

    def scan(self, source: sources.Source, *, name: Optional[str] = None) -> Verdict:
        """The verdict for one log.

        Args:
            source: a path, of plain or compressed text; or the log itself, as
                anything with the buffer protocol (bytes, bytearray,
                memoryview, mmap, an array), which is not copied; or a file
                object with ``readinto`` or ``read``, which is read to its end.
                ``"archive.tar!member"`` is a log in an archive.
            name: what the verdict calls the log; else the path, the name of
                the file object, or ``-``.

        Raises:
            ReadError: the file cannot be opened, or is an archive without a log.
            InvalidError: the file is an archive of several logs, for `scan_archive`.
            TypeError: the source is none of these.

        A log that breaks off, by damage or a read error, has a verdict on what
        came before, with the warning ``truncated_input`` and the reason in
        `Verdict.error`. Binary data is not scanned, which `Verdict.error` tells.
        """
        if isinstance(source, (str, os.PathLike)):
            return self._scan_file(source, name)
        with self._scanner() as scanner:
            steps = (sources.file_pieces(scanner, source) if sources.is_file(source)
                     else sources.buffer_pieces(scanner, source, sources.STEP))
            error = sources.value_of(steps)
            return self._verdict(name or sources.name_of(source), scanner.finish(), error)

    def _scan_file(self, path: sources.Path, name: Optional[str]) -> Verdict:
        verdicts = self._scan_logs(path, native.Reader(_processors() > 1), lambda: False)
        verdict = next(verdicts, None)
        if verdict is None:
            raise errors.ReadError("an archive without a log", file=os.fspath(path))
        if verdict.source != os.fspath(path) and next(verdicts, None) is not None:
            raise errors.InvalidError("an archive of several logs: scan_archive() gives a verdict for each, and "
                                      "'ARCHIVE!MEMBER' names one", file=os.fspath(path))
        return replace(verdict, source=name) if name else verdict

    def _scan_logs(self, path: sources.Path, reader: native.Reader, stopped: sources.Stopped) -> Iterator[Verdict]:
        """The verdict of every log in a file; less of them, when somebody says so."""
        for name, failed in sources.logs(reader, path):
            if failed is not None:
                yield self._unread(name, failed)
                continue
            with self._scanner() as scanner:
                steps = sources.reader_pieces(scanner, reader, name, sources.STEP)
                try:
                    while not stopped():
                        next(steps)
                    return
                except StopIteration as end:
                    verdict = self._verdict(name, scanner.finish(), end.value)
            yield verdict

    def _unread(self, path: str, error: Exception) -> Verdict:
        """The verdict for what could not be opened."""
        with self._scanner() as scanner:
            scanner.truncated(getattr(error, "message", None) or str(error))
            return self._verdict(path, scanner.finish(), error)

    def scan_archive(self, path: sources.Path) -> Iterator[Verdict]:
        """The verdict of every log in a file: of an archive those of its members, ``archive!member``.

        What cannot be read in an archive has a verdict, ``undetermined``, with
        the reason in `Verdict.error`.

        Raises:
            ReadError: the file cannot be opened, or the archive is damaged
                between two logs, of which the first were yielded.
            LimitError: a limit of the reader ended the archive.
        """
        return self._scan_logs(path, native.Reader(_processors() > 1), lambda: False)

    def scan_many(self, paths: Iterable[sources.Path], *, jobs: Optional[int] = None, ordered: bool = True,
                  on_error: str = "keep") -> Iterator[Verdict]:
        """The verdicts of many logs, while they are scanned by several threads.

        Args:
            paths: files, archives, and folders; of a folder every regular file
                below it, sorted, links not followed. Any iterable: it is taken
                only as far ahead as the threads need work.
            jobs: threads; None is one for each processor of this process.
            ordered: verdicts come in the order of the paths; otherwise as they
                are ready.
            on_error: ``"keep"`` gives a path that cannot be read a verdict of
                its own, ``undetermined`` with the reason in `Verdict.error`,
                and goes on; ``"raise"`` raises the reason of the first log that
                could not be read, or not in full.

        Memory is bounded by `jobs`, not by the number of logs or their size.
        Closing the iterator, or an exception such as KeyboardInterrupt, ends the
        threads.
        """
        return scan_many(self, paths, _processors() if jobs is None else jobs, ordered, on_error)

    def matches(self, source: sources.Source, *, name: Optional[str] = None) -> Iterator[Match]:
        """Every match in a log, in its order, while it is read; of an archive, in each of its logs.

        The source and the name are as for `scan`. What could not be read in
        full is raised at the end, behind the matches of all that could.
        """
        error: Optional[errors.ClassifyError] = None
        if isinstance(source, (str, os.PathLike)):
            reader = native.Reader(_processors() > 1)
            for called, failed in sources.logs(reader, source):
                with self._scanner(keep=True) as scanner:
                    if failed is None:
                        failed = yield from self._matches(
                            scanner, sources.reader_pieces(scanner, reader, called, sources.PIECE), name or called)
                error = error or failed
        else:
            with self._scanner(keep=True) as scanner:
                steps = (sources.file_pieces(scanner, source) if sources.is_file(source)
                         else sources.buffer_pieces(scanner, source, sources.PIECE))
                error = yield from self._matches(scanner, steps, name or sources.name_of(source))
        if error:
            raise error

    def _matches(self, scanner: native.Scanner, steps: sources.Pieces,
                 name: str) -> Generator[Match, None, Optional[errors.ClassifyError]]:
        while True:
            try:
                next(steps)
            except StopIteration as end:
                error: Optional[errors.ClassifyError] = end.value
                break
            for told in scanner.take():
                yield self._match(name, told)
        scanner.finish()
        for told in scanner.take():
            yield self._match(name, told)
        return error

    # ---- lines ----

    def match(self, line: Line) -> Tuple[Match, ...]:
        """What matches a line by itself, as ``classify match`` tells it.

        Args:
            line: text or bytes; several lines are one short log.

        >>> [match.category for match in Classifier().match("dial tcp: lookup quay.example: no such host")]
        ['dns_failed']
        """
        try:
            scanner = self._keeping.pop()
        except IndexError:
            scanner = self._new_scanner(True)
        try:
            found = scanner.match(line)
        finally:
            self._keeping.append(scanner)
        return tuple([self._match("-", told) for told in found]) if found else ()

    def match_many(self, lines: Iterable[Line]) -> Iterator[Tuple[Match, ...]]:
        """What matches each of many lines by itself: for every line a tuple, mostly empty.

        Lines are taken 4096 at a time, so this is for files and other sources
        that do not wait; `follow` is for those that do.
        """
        rest = iter(lines)
        while True:
            batch = tuple(islice(rest, _BATCH))
            if not batch:
                return
            with self._scanner(keep=True) as scanner:
                found = scanner.match_many(batch)
            if not found:
                yield from repeat((), len(batch))
                continue
            answers: List[Tuple[Match, ...]] = [()] * len(batch)
            for index, told in found.items():
                answers[index] = tuple([self._match("-", one) for one in told])
            yield from answers

    # ---- logs in progress ----

    def stream(self, name: str = "-", *, on_match: Optional[Callable[[Match], Any]] = None) -> Stream:
        """A log that comes in pieces; a context manager.

        Args:
            name: what matches and the verdict call it.
            on_match: called for each match, in the thread that feeds.

        >>> with Classifier().stream("job-42") as stream:
        ...     found = stream.feed("npm ERR! code ENOSPC\\n")
        >>> stream.verdict.category
        'disk_full'
        """
        return Stream(self, name, on_match)

    def follow(self, reader: Chunks, *, name: str = "-") -> AsyncIterator[Match]:
        """The matches in what an asyncio reader or any async iterator of text or bytes brings.

        ``async for match in classifier.follow(reader)`` ends where the reader does.
        """
        return follow(self, reader, name)
