# SPDX-License-Identifier: Apache-2.0
"""Logs by the batch, for engines that hand out work: Spark, Dask, a pool of processes.

Each function takes a batch of rows and gives a batch of records, or takes an
iterator of batches and gives an iterator. It keeps nothing between calls, so
that any process may be asked for any batch; what it gives has the columns of
`VERDICT_COLUMNS` or `MATCH_COLUMNS`, always of the same types. With the rules
beside it, it is an object that can be sent anywhere:

>>> from functools import partial
>>> from classify import Classifier
>>> from classify.batches import Packed, scan_contents
>>> scan = partial(scan_contents, classifier=Packed(Classifier()))
>>> [(found["source"], found["category"]) for found in scan([("a.log", b"npm ERR! code ENOSPC\\n")])]
[('a.log', 'disk_full')]

``frame.mapInArrow(scan, schema)`` of Spark, ``frame.map_partitions(scan)`` of
Dask and ``pool.map(scan, batches)`` of concurrent.futures take it as it is.

A batch is a record batch or a table of Arrow, a DataFrame of pandas, or a list
of rows; the answer is of the same kind, for a list a list of dicts.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator as IteratorType
from dataclasses import replace
from importlib import import_module
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union
from urllib.parse import unquote, urlsplit

from . import errors, native, sources
from .classifier import Classifier
from .results import Verdict
from .tables import MATCH_COLUMNS, VERDICT_COLUMNS, Record, arrow_schema, records

_ROWS = 1024             # records of an answer, where batches come as an iterator
_FEED = 256 << 10        # bytes of lines that go to the library at once
_KNOWN = 4               # classifiers that a process keeps

Batch = Any              # pyarrow.RecordBatch, pyarrow.Table, pandas.DataFrame, or a list of rows


# ---- rules on their way ----


class Packed:
    """A classifier in the form that travels: the compiled rules and the options, as bytes.

    In a process that receives it, it becomes a classifier once, however many
    batches come with it. Where engine, processor or version are not those of
    the sender, the rules in it are compiled anew, there.

    Args:
        classifier: what is to travel; None is the shipped packs.
    """

    __slots__ = ("_state", "_digest")

    def __init__(self, classifier: Optional[Classifier] = None) -> None:
        self._state: Dict[str, Any] = (classifier or Classifier()).__getstate__()
        told = repr((self._state["paths"], self._state["options"])).encode("utf-8", "surrogateescape")
        self._digest: bytes = hashlib.sha256(self._state["compiled"] + told).digest()

    def __reduce__(self) -> Tuple[Any, ...]:
        return _packed, (self._state, self._digest)

    def __len__(self) -> int:
        return len(self._state["compiled"])

    def classifier(self) -> Classifier:
        """The classifier, of which each process makes one."""
        return _kept(self._digest, self._unpack)

    def _unpack(self) -> Classifier:
        made = Classifier.__new__(Classifier)
        made.__setstate__(self._state)
        return made


def _packed(state: Dict[str, Any], digest: bytes) -> Packed:
    made = Packed.__new__(Packed)
    made._state, made._digest = state, digest
    return made


Rules = Union[None, Classifier, Packed]

_lock = threading.Lock()
_classifiers: OrderedDict[bytes, Classifier] = OrderedDict()


def _kept(digest: bytes, make: Callable[[], Classifier]) -> Classifier:
    with _lock:
        found = _classifiers.get(digest)
        if found is None:
            found = _classifiers[digest] = make()
            while len(_classifiers) > _KNOWN:
                _classifiers.popitem(last=False)
        _classifiers.move_to_end(digest)
        return found


def _of(rules: Rules) -> Classifier:
    if rules is None:
        return _kept(b"", Classifier)
    return rules.classifier() if isinstance(rules, Packed) else rules


def _after_fork() -> None:
    # A fork while another thread held the lock would leave it locked for ever.
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


# ---- the kinds of batches ----


class _Rows:
    """A batch, whatever its kind: its columns as sequences, and how an answer of its kind is made."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        kind = "list" if isinstance(batch, (list, tuple)) else type(batch).__module__.partition(".")[0]
        if kind not in ("list", "pandas", "pyarrow"):
            raise TypeError("a batch is a record batch or table of pyarrow, a DataFrame of pandas, or a list of rows, "
                            f"not {type(batch).__name__}")
        self.kind = kind

    def columns(self, names: Sequence[str]) -> Iterator[Tuple[Any, ...]]:
        """The rows, with these columns; those of a list have them by position."""
        if self.kind == "list":
            for row in self.batch:
                row = row if len(names) > 1 else (row,)
                if len(row) != len(names):
                    raise ValueError(f"a row is ({', '.join(names)}), not {len(row)} values")
                yield tuple(row)
            return
        yield from zip(*(self._column(name) for name in names))

    def _names(self) -> List[str]:
        return list(self.batch.columns if self.kind == "pandas" else self.batch.schema.names)

    def _column(self, name: str) -> Iterator[Any]:
        if name not in self._names():
            raise KeyError(f"the batch has no column {name!r}; it has {', '.join(map(repr, self._names()))}")
        if self.kind == "pandas":
            return iter(self.batch[name])
        return (_arrow_value(value) for value in self.batch.column(name))

    def answer(self, found: List[Tuple[int, Record]], columns: Mapping[str, type], keep: Sequence[str]) -> Batch:
        """A batch of the same kind: the records, and beside each the columns to keep of the row it is of."""
        told = [record for _, record in found]
        if self.kind == "list":
            if keep:
                raise ValueError("keep: the rows of a list have no names")
            return told
        pyarrow = import_module("pyarrow")  # only whoever has such batches needs to have it

        table = pyarrow.Table.from_pylist(told, schema=arrow_schema(columns))
        indexes = [index for index, _ in found]
        if self.kind == "pandas":
            pandas = import_module("pandas")
            frame = table.to_pandas(types_mapper={pyarrow.int64(): pandas.Int64Dtype()}.get)
            for name in keep:
                self._column(name)
                frame[name] = self.batch[name].take(indexes).array
            return frame
        for name in keep:
            self._column(name)
            field = self.batch.schema.field(name)
            values = self.batch.column(name).take(pyarrow.array(indexes, pyarrow.int64()))
            table = table.append_column(field, values)
        if isinstance(self.batch, pyarrow.Table):
            return table
        table = table.combine_chunks()
        whole = table.to_batches()
        return whole[0] if whole else pyarrow.RecordBatch.from_pylist([], schema=table.schema)


def _arrow_value(value: Any) -> Any:
    """A text as str; bytes where they are, without a copy."""
    buffer = value.as_buffer() if hasattr(value, "as_buffer") and value.is_valid else None
    kind = str(value.type)
    return buffer if buffer is not None and "binary" in kind else value.as_py()


def check_kept(keep: Sequence[str], columns: Mapping[str, type]) -> None:
    """Columns that are kept have names that no column of the answer has."""
    taken = set(keep) & set(columns)
    if taken:
        raise ValueError(f"keep: the answer has a column {sorted(taken)[0]!r} of its own")


Work = Callable[[Iterator[Tuple[Any, ...]]], Iterator[Tuple[int, Record]]]


def _run(batches: Union[Batch, Iterator[Batch]], work: Work, names: Sequence[str], columns: Mapping[str, type],
         keep: Sequence[str]) -> Any:
    check_kept(keep, columns)
    if isinstance(batches, IteratorType):
        return _stream(batches, work, names, columns, keep)
    rows = _Rows(batches)
    return rows.answer(list(work(rows.columns(names))), columns, keep)


def _stream(batches: Iterator[Batch], work: Work, names: Sequence[str], columns: Mapping[str, type],
            keep: Sequence[str]) -> Iterator[Batch]:
    """Answers of bounded size: an engine gives thousands of paths at once, and a verdict may have pages of text."""
    for batch in batches:
        rows = _Rows(batch)
        found: List[Tuple[int, Record]] = []
        for one in work(rows.columns(names)):
            found.append(one)
            if len(found) == _ROWS:
                yield rows.answer(found, columns, keep)
                found = []
        if found:
            yield rows.answer(found, columns, keep)


# ---- files ----


def local_path(path: str) -> str:
    """The path that a ``file:`` URL means, as Spark writes it; anything else is a path already."""
    if not path.startswith("file:"):
        return path
    return unquote(urlsplit(path).path)


def _verdicts_of_path(classifier: Classifier, reader: native.Reader, given: Any) -> Iterator[Verdict]:
    if not isinstance(given, str):
        yield classifier._unread("", errors.ReadError("the row has no path"))
        return
    path = local_path(given)
    if "://" in path and not os.path.exists(path):
        yield classifier._unread(path, errors.ReadError(
            "no path of a mounted file system; scan_contents takes the bytes of objects in a store", file=path))
        return
    for file, failed in sources.walk(path):
        if failed is not None:
            yield classifier._unread(file, failed)
            continue
        try:
            yield from classifier._scan_logs(file, reader, lambda: False)
        except (errors.ClassifyError, OSError, ValueError) as error:
            yield classifier._unread(file, error)


def scan_paths(batches: Union[Batch, Iterator[Batch]], classifier: Rules = None, *, column: str = "path",
               keep: Sequence[str] = ()) -> Any:
    """Verdicts of the logs at paths: files, archives, and folders, plain or compressed.

    Args:
        batches: rows with a path each, which every process that is asked must
            be able to read; ``file:`` URLs are paths.
        classifier: the rules, packed or not; None is the shipped packs.
        column: the column of the path.
        keep: columns to have beside each verdict.

    What cannot be read has a record, too: ``undetermined``, with the reason in
    the column ``error``. So has a row without a path.
    """

    def work(rows: Iterator[Tuple[Any, ...]]) -> Iterator[Tuple[int, Record]]:
        known, reader = _of(classifier), native.Reader(False)
        for index, (path,) in enumerate(rows):
            for record in records(_verdicts_of_path(known, reader, path)):
                yield index, record

    return _run(batches, work, (column,), VERDICT_COLUMNS, keep)


# ---- bytes ----


def _named(verdict: Verdict, held: str, name: str) -> Verdict:
    """What was read through a name of the process's own has the name that it was given."""
    if verdict.error is not None and getattr(verdict.error, "file", None):
        verdict.error.file = verdict.error.file.replace(held, name)  # type: ignore[attr-defined]
    return replace(verdict, source=verdict.source.replace(held, name, 1))


def _verdicts_of_content(classifier: Classifier, reader: native.Reader, name: Any, content: Any) -> Iterator[Verdict]:
    name = name if isinstance(name, str) else "-"
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogateescape")
    try:
        whole = memoryview(content)
    except TypeError:
        yield classifier._unread(name, errors.ReadError("the row has no content", file=name))
        return
    # The reader knows what is compressed and what is an archive, and it reads files.
    handle = os.memfd_create("log", os.MFD_CLOEXEC)
    try:
        at = 0
        while at < whole.nbytes:
            at += os.write(handle, whole[at:])
        held = f"/proc/self/fd/{handle}"
        try:
            for verdict in classifier._scan_logs(held, reader, lambda: False):
                yield _named(verdict, held, name)
        except (errors.ClassifyError, OSError) as error:
            yield _named(classifier._unread(held, error), held, name)
    finally:
        os.close(handle)


def scan_contents(batches: Union[Batch, Iterator[Batch]], classifier: Rules = None, *, path: str = "path",
                  content: str = "content", keep: Sequence[str] = ()) -> Any:
    """Verdicts of logs whose bytes are in the rows, as ``binaryFile`` of Spark reads them from any store.

    Args:
        batches: rows with a name and bytes, which may be compressed or an archive.
        classifier: the rules, packed or not; None is the shipped packs.
        path: the column of the name, which the verdicts have as source.
        content: the column of the bytes; text is taken as UTF-8.
        keep: columns to have beside each verdict.
    """

    def work(rows: Iterator[Tuple[Any, ...]]) -> Iterator[Tuple[int, Record]]:
        known, reader = _of(classifier), native.Reader(False)
        for index, (name, data) in enumerate(rows):
            for record in records(_verdicts_of_content(known, reader, name, data)):
                yield index, record

    return _run(batches, work, (path, content), VERDICT_COLUMNS, keep)


# ---- lines ----


class _Log:
    """The log whose lines are coming in."""

    def __init__(self, classifier: Classifier, source: Any) -> None:
        self.source = source
        self.classifier = classifier
        self.waiting: List[bytes] = []
        self.size = 0
        self.scanner = classifier._new_scanner(False)

    def add(self, line: Any) -> None:
        data = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else _bytes_of(line)
        self.waiting.append(data)
        self.size += len(data) + 1
        if self.size >= _FEED:
            self._feed()

    def _feed(self) -> None:
        if self.waiting:
            self.scanner.feed(b"\n".join(self.waiting) + b"\n")
        self.waiting, self.size = [], 0

    def verdict(self) -> Verdict:
        self._feed()
        name = self.source if isinstance(self.source, str) else "-" if _is_null(self.source) else str(self.source)
        return self.classifier._verdict(name, self.scanner.finish())


def _is_null(value: Any) -> bool:
    """None, and the other values that pandas has for nothing, which are not equal to themselves."""
    return value is None or bool(type(value).__name__ in ("NAType", "NaTType") or value != value)


def _bytes_of(line: Any) -> bytes:
    return b"" if _is_null(line) else bytes(memoryview(line))


def scan_lines(batches: Union[Batch, Iterator[Batch]], classifier: Rules = None, *, source: str = "source",
               line: str = "line") -> Any:
    """Verdicts of logs that come as lines: rows that follow each other with the same source are one log.

    Args:
        batches: rows with a source and a line, without its end. With an
            iterator, a log goes on from one batch to the next.
        classifier: the rules, packed or not; None is the shipped packs.
        source: the column that tells the logs apart.
        line: the column of the line; a row without one is an empty line.
    """

    def work(rows: Iterator[Tuple[Any, ...]]) -> Iterator[Tuple[int, Record]]:
        known = _of(classifier)
        log: Optional[_Log] = None
        for name, text in rows:
            name = None if _is_null(name) else name
            if log is None or log.source != name:
                if log is not None:
                    yield from ((0, record) for record in records([log.verdict()]))
                log = _Log(known, name)
            log.add(text)
        if log is not None:
            yield from ((0, record) for record in records([log.verdict()]))

    if not isinstance(batches, IteratorType):
        return _run(batches, work, (source, line), VERDICT_COLUMNS, ())
    return _scan_lines(batches, work, (source, line))


def _scan_lines(batches: Iterator[Batch], work: Work, names: Sequence[str]) -> Iterator[Batch]:
    """Rows of all batches are one sequence; an answer is of the kind of the first."""
    first = next(batches, None)
    if first is None:
        return
    kind = _Rows(first)

    def rows() -> Iterator[Tuple[Any, ...]]:
        yield from kind.columns(names)
        for batch in batches:
            yield from _Rows(batch).columns(names)

    found: List[Tuple[int, Record]] = []
    for one in work(rows()):
        found.append(one)
        if len(found) == _ROWS:
            yield kind.answer(found, VERDICT_COLUMNS, ())
            found = []
    if found:
        yield kind.answer(found, VERDICT_COLUMNS, ())


def match_lines(batches: Union[Batch, Iterator[Batch]], classifier: Rules = None, *, line: str = "line",
                keep: Sequence[str] = ()) -> Any:
    """What matches each line by itself: a record for each match, none for most lines.

    Args:
        batches: rows with a line each.
        classifier: the rules, packed or not; None is the shipped packs.
        line: the column of the line.
        keep: columns to have beside each match, to tell where the line is from.
    """

    def work(rows: Iterator[Tuple[Any, ...]]) -> Iterator[Tuple[int, Record]]:
        lines: Iterable[Any] = ((text if isinstance(text, str) else _bytes_of(text)) for (text,) in rows)
        for index, found in enumerate(_of(classifier).match_many(lines)):
            for record in records(found):
                yield index, record

    return _run(batches, work, (line,), MATCH_COLUMNS, keep)


__all__ = ["Packed", "local_path", "match_lines", "scan_contents", "scan_lines", "scan_paths"]
