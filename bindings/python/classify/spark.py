# SPDX-License-Identifier: Apache-2.0
"""Archives of logs on Apache Spark: a DataFrame of logs in, a DataFrame of verdicts out.

    from classify import spark

    logs = session.read.text("paths.txt").withColumnRenamed("value", "path")
    spark.scan_paths(logs).write.parquet("verdicts")

The rules are compiled once, by the driver, and broadcast in their compiled
form. The work is done by the functions of `classify.batches` within the
executors, on batches of Arrow. ``docs/spark.md`` tells how the package gets
there. Needs pyspark 3.3 or later and pyarrow.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

from . import batches
from .batches import Packed, Rules
from .classifier import Classifier
from .tables import MATCH_COLUMNS, VERDICT_COLUMNS

DataFrame = Any          # pyspark.sql.DataFrame, which type checkers may not know


class _Broadcast:
    """Packed rules that Spark carries to each executor once, not with each task."""

    def __init__(self, broadcast: Any) -> None:
        self._broadcast = broadcast

    def packed(self) -> Packed:
        packed: Packed = self._broadcast.value
        return packed


class _Sent:
    """Packed rules that go with the function, where there is no broadcast: on Spark Connect."""

    def __init__(self, packed: Packed) -> None:
        self._packed = packed

    def packed(self) -> Packed:
        return self._packed


def _on_executor(given: Iterator[Any], function: Callable[..., Iterator[Any]], rules: Any) -> Iterator[Any]:
    return function(given, classifier=rules.packed())


def _rules(frame: DataFrame, classifier: Rules) -> Any:
    packed = classifier if isinstance(classifier, Packed) else Packed(classifier)
    context = getattr(frame.sparkSession, "_sc", None)
    return _Sent(packed) if context is None else _Broadcast(context.broadcast(packed))


def _schema(frame: DataFrame, columns: Mapping[str, type], keep: Sequence[str]) -> Any:
    types = import_module("pyspark.sql.types")
    kinds = {str: types.StringType(), int: types.LongType()}
    return types.StructType([types.StructField(name, kinds[kind]) for name, kind in columns.items()]
                      + [frame.schema[name] for name in keep])


def _check_columns(frame: DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise KeyError(f"the DataFrame has no column {missing[0]!r}; it has {', '.join(map(repr, frame.columns))}")


def _map(frame: DataFrame, function: Callable[..., Any], names: Sequence[str], columns: Mapping[str, type],
         classifier: Rules, keep: Sequence[str] = ()) -> DataFrame:
    _check_columns(frame, (*names, *keep))
    batches.check_kept(keep, columns)
    # Only these columns go to Python.
    wanted = frame.select(*dict.fromkeys((*names, *keep)))
    work = partial(_on_executor, function=function, rules=_rules(frame, classifier))
    return wanted.mapInArrow(work, _schema(frame, columns, keep))


def scan_paths(frame: DataFrame, classifier: Rules = None, *, column: str = "path", keep: Sequence[str] = ()) -> DataFrame:
    """Verdicts of the logs at paths that every executor can read; see `classify.batches.scan_paths`.

    Args:
        frame: a row for each file, archive or folder.
        classifier: the rules; None is the shipped packs.
        column: the column of the path; ``file:`` URLs are paths.
        keep: columns of the frame to have beside each verdict.

    Returns:
        A DataFrame with `VERDICT_COLUMNS`, one row for each log.
    """
    return _map(frame, partial(batches.scan_paths, column=column, keep=tuple(keep)), (column,), VERDICT_COLUMNS,
                classifier, keep)


def scan_contents(frame: DataFrame, classifier: Rules = None, *, path: str = "path", content: str = "content",
                  keep: Sequence[str] = ()) -> DataFrame:
    """Verdicts of logs whose bytes Spark has read, as with ``read.format("binaryFile")``, from any store.

    Args:
        frame: a row for each file, with its name and its bytes.
        classifier: the rules; None is the shipped packs.
        path: the column of the name.
        content: the column of the bytes, which may be compressed or an archive.
        keep: columns of the frame to have beside each verdict.

    Returns:
        A DataFrame with `VERDICT_COLUMNS`, one row for each log.
    """
    return _map(frame, partial(batches.scan_contents, path=path, content=content, keep=tuple(keep)), (path, content),
                VERDICT_COLUMNS, classifier, keep)


def scan_lines(frame: DataFrame, classifier: Rules = None, *, source: str = "source", line: str = "line",
               order: Sequence[str] = (), partitions: Optional[int] = None) -> DataFrame:
    """Verdicts of logs that are rows of lines: all lines of a source become one log.

    Args:
        frame: a row for each line.
        classifier: the rules; None is the shipped packs.
        source: the column that tells the logs apart.
        line: the column of the line.
        order: columns by which the lines of a log are sorted. Spark promises
            no order of rows without.
        partitions: how many tasks the sources are spread over; None is as
            many as the session shuffles to.

    Returns:
        A DataFrame with `VERDICT_COLUMNS`, one row for each source.
    """
    by = (order,) if isinstance(order, str) else tuple(order)
    if not by:
        raise ValueError("order: the columns by which the lines of a log are sorted")
    _check_columns(frame, (source, line, *by))
    spread = frame.repartition(source) if partitions is None else frame.repartition(partitions, source)
    # A log's lines follow each other in one partition: no task holds more of them than a batch.
    return _map(spread.sortWithinPartitions(source, *by), partial(batches.scan_lines, source=source, line=line),
                (source, line), VERDICT_COLUMNS, classifier)


def match_lines(frame: DataFrame, classifier: Rules = None, *, line: str = "line", keep: Sequence[str] = ()) -> DataFrame:
    """What matches each line by itself; see `classify.batches.match_lines`.

    Args:
        frame: a row for each line.
        classifier: the rules; None is the shipped packs.
        line: the column of the line.
        keep: columns of the frame to have beside each match.

    Returns:
        A DataFrame with `MATCH_COLUMNS`, one row for each match.
    """
    return _map(frame, partial(batches.match_lines, line=line, keep=tuple(keep)), (line,), MATCH_COLUMNS, classifier,
                keep)


__all__ = ["Classifier", "match_lines", "scan_contents", "scan_lines", "scan_paths"]
