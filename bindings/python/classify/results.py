# SPDX-License-Identifier: Apache-2.0
"""What a scan answers: verdicts, matches, and what they are made of.

All of these are values: they cannot be changed, compare by content, sort by
where they come from, and can be pickled. Numbers of lines count from 1,
offsets and lengths are bytes of the decompressed log. Bytes of a log that are
not UTF-8 are U+FFFD in texts, one for each maximal subpart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Dict, Optional, Tuple


def _printable(name: str) -> str:
    """A file's name with U+FFFD for bytes that are not UTF-8, as everything that comes from outside has it."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", "replace")


def _shown(name: str) -> str:
    """The same as it may stand in a message: nothing of it acts in a terminal."""
    name = _printable(name)
    return name if name.isprintable() else name.encode("unicode_escape").decode("ascii")


class _Value:
    """What the values share: pickling by position, and no way to grow attributes."""

    __slots__: Tuple[str, ...] = ()

    def _parts(self) -> Tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), self._parts()


class _Placed(_Value):
    """A value with a source and a line, by which it sorts."""

    __slots__ = ()

    def _place(self) -> Tuple[Any, ...]:
        raise NotImplementedError

    def __hash__(self) -> int:
        return hash(self._place())

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._place() < other._place()

    def __le__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._place() <= other._place()

    def __gt__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._place() > other._place()

    def __ge__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._place() >= other._place()


@dataclass(frozen=True)
class Rule(_Value):
    """A rule of a ruleset, as it was read.

    Attributes:
        id: its name, stable for ever.
        pack: the pack it belongs to, or None.
        title: what it tells; may hold ``${name}`` of a capture.
        category: one of `classify.CATEGORIES`; None for a marker without one.
        role: ``cause``, ``symptom``, ``start``, ``success`` or ``failure``.
        severity: ``info``, ``low``, ``medium``, ``high`` or ``critical``.
        owner: who has to act: ``user``, ``platform`` or ``upstream``.
        retry: whether trying again helps: ``never``, ``now`` or ``later``.
        runbook: cause, fix, prevention and a link.
        file: the rule file.
        line: where it stands there.
        expressions: what it looks for, as the judge compiles it.
        explains: ids, or patterns over ids, of what it causes.
    """

    __slots__ = ("id", "pack", "title", "category", "role", "severity", "owner", "retry", "runbook",
                 "file", "line", "expressions", "explains")

    id: str
    pack: Optional[str]
    title: str
    category: Optional[str]
    role: str
    severity: str
    owner: str
    retry: str
    runbook: Runbook
    file: str
    line: int
    expressions: Tuple[str, ...]
    explains: Tuple[str, ...]


@dataclass(frozen=True)
class Runbook(_Value):
    """What to do: why it happened, how to mend it, how to prevent it, where to read on."""

    __slots__ = ("cause", "fix", "prevent", "url")

    cause: str
    fix: str
    prevent: str
    url: str

    def to_dict(self) -> Dict[str, str]:
        """The object ``runbook`` of the command line's JSON."""
        return {"cause": self.cause, "fix": self.fix, "prevent": self.prevent, "url": self.url}


@dataclass(frozen=True)
class Telling(_Value):
    """One of the most telling lines of a failure that no rule knows."""

    __slots__ = ("line", "text")

    line: int
    text: str


@dataclass(frozen=True)
class Also(_Value):
    """A rule that matched and was not chosen. `why_not` says the reason, `count` on how many lines."""

    __slots__ = ("rule", "category", "line", "text", "count", "why_not")

    rule: str
    category: Optional[str]
    line: int
    text: str
    count: int
    why_not: str


@dataclass(frozen=True)
class Note(_Value):
    """What a verdict does not hide, with one of a closed list of codes.

    The codes are ``truncated_input``, ``line_too_long``, ``limit_reached``,
    ``rule_quarantined``, ``match_limit``, ``no_timestamps`` and
    ``engine_fallback``. `line` and `offset` are None where no place is known.
    """

    __slots__ = ("code", "message", "line", "offset")

    code: str
    message: str
    line: Optional[int]
    offset: Optional[int]


@dataclass(frozen=True)
class Fault(_Value):
    """A fault of a rule file. An ``error`` leaves the rule out, a ``warning`` changes nothing."""

    __slots__ = ("level", "file", "line", "column", "rule", "message")

    level: str
    file: str
    line: int
    column: int
    rule: Optional[str]
    message: str

    def __str__(self) -> str:
        return f"{_shown(self.file)}:{self.line}:{self.column}: {_shown(self.message)}"


@dataclass(frozen=True, repr=False)
class Match(_Placed):
    """A rule whose whole condition held, and the line that completed it.

    Attributes:
        source: the log.
        rule: the rule's id.
        category: its category; None for a marker without one.
        role: its role.
        severity: its severity.
        line: the line, counted from 1.
        offset: bytes before the line.
        length: bytes of the whole line, without its end.
        text: the line, cut at 8 KiB.
        fields: the captures, by name.
    """

    __slots__ = ("source", "rule", "category", "role", "severity", "line", "offset", "length", "text",
                 "fields")

    source: str
    rule: str
    category: Optional[str]
    role: str
    severity: str
    line: int
    offset: int
    length: int
    text: str
    fields: Dict[str, str]

    __hash__ = _Placed.__hash__

    def _place(self) -> Tuple[Any, ...]:
        return self.source, self.line, self.rule

    def __repr__(self) -> str:
        fields = "".join(f", {name}={value!r}" for name, value in self.fields.items())
        return f"<Match {_shown(self.source)}:{self.line} {self.rule} ({self.category or self.role}{fields})>"

    def to_dict(self) -> Dict[str, Any]:
        """The object that ``classify scan --matches`` prints, key for key."""
        return {"schema": 1, "source": _printable(self.source), "rule": self.rule, "category": self.category,
                "role": self.role, "severity": self.severity, "line": self.line, "offset": self.offset,
                "length": self.length, "text": self.text, "fields": dict(self.fields)}


@dataclass(frozen=True, repr=False)
class Verdict(_Placed):
    """The answer for a log.

    Attributes:
        source: the log: a path, ``archive!member``, or what was given as its name.
        outcome: ``failed``, ``passed`` or ``undetermined``.
        category: what failed; ``unknown`` where no rule says why; None unless failed.
        rule: the id of the rule that tells the cause, or None.
        pack: its pack, or None.
        title: the cause in a sentence, captures filled in, or None.
        severity: ``medium``, ``high`` or ``critical``, or None.
        owner: who has to act, or None.
        retry: whether trying again helps, or None.
        line: the line that shows it, counted from 1, or None.
        offset: bytes before that line, or None.
        length: bytes of that line, or None.
        text: that line, cut at 8 KiB, or None.
        fields: the captures, by name.
        runbook: what to do, or None.
        fingerprint: of the template of a failure that no rule knows, or None.
        telling: the most telling lines of such a failure, best first.
        also: what else matched, and why it was not chosen; at most 20.
        lines: lines of the log.
        bytes: bytes of the log, decompressed.
        ruleset: the hash of the rules that judged.
        warnings: what is not hidden: limits, damage, rules left out; ``warnings`` in JSON.
        before: up to `context` lines before the line, as text.
        after: up to `context` lines behind it.
        error: why the log could not be read in full, or None; see `Classifier.scan_many`.
    """

    __slots__ = ("source", "outcome", "category", "rule", "pack", "title", "severity", "owner", "retry",
                 "line", "offset", "length", "text", "fields", "runbook", "fingerprint", "telling",
                 "also", "lines", "bytes", "ruleset", "warnings", "before", "after", "error")

    source: str
    outcome: str
    category: Optional[str]
    rule: Optional[str]
    pack: Optional[str]
    title: Optional[str]
    severity: Optional[str]
    owner: Optional[str]
    retry: Optional[str]
    line: Optional[int]
    offset: Optional[int]
    length: Optional[int]
    text: Optional[str]
    fields: Dict[str, str]
    runbook: Optional[Runbook]
    fingerprint: Optional[str]
    telling: Tuple[Telling, ...]
    also: Tuple[Also, ...]
    lines: int
    bytes: int
    ruleset: str
    warnings: Tuple[Note, ...]
    before: str
    after: str
    error: Optional[Exception]

    @property
    def failed(self) -> bool:
        """Whether the log tells a failure."""
        return self.outcome == "failed"

    @property
    def passed(self) -> bool:
        """Whether the log tells a success and no failure."""
        return self.outcome == "passed"

    def __eq__(self, other: object) -> bool:
        # Errors compare by identity, which says nothing of what they tell.
        if not isinstance(other, Verdict):
            return NotImplemented
        return self._parts()[:-1] == other._parts()[:-1]

    __hash__ = _Placed.__hash__

    def _place(self) -> Tuple[Any, ...]:
        return self.source, self.line or 0, self.rule or ""

    def __repr__(self) -> str:
        told = [_shown(self.source), self.outcome]
        told += [part for part in (self.category, self.rule) if part]
        if self.line:
            told.append(f"line {self.line}")
        if self.title:
            told.append(repr(self.title))
        if self.error:
            told.append(f"error {str(self.error)!r}")
        return f"<Verdict {' '.join(told)}>"

    def to_dict(self) -> Dict[str, Any]:
        """The object that ``classify scan -o jsonl`` prints, key for key."""
        return {
            "schema": 1, "source": _printable(self.source), "outcome": self.outcome, "category": self.category,
            "rule": self.rule, "pack": self.pack, "title": self.title, "severity": self.severity,
            "owner": self.owner, "retry": self.retry, "line": self.line, "offset": self.offset,
            "length": self.length, "text": self.text, "fields": dict(self.fields),
            "runbook": self.runbook.to_dict() if self.runbook else None,
            "fingerprint": self.fingerprint,
            "telling": [{"line": t.line, "text": t.text} for t in self.telling],
            "also": [{"rule": a.rule, "category": a.category, "line": a.line, "text": a.text,
                      "count": a.count, "why_not": a.why_not} for a in self.also],
            "lines": self.lines, "bytes": self.bytes, "ruleset": self.ruleset,
            "warnings": [{"code": n.code, "message": n.message, "line": n.line, "offset": n.offset}
                         for n in self.warnings],
        }
