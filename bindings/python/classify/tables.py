# SPDX-License-Identifier: Apache-2.0
"""Verdicts and matches as flat records, for pandas, Arrow and whatever else wants rows.

Every record has every column, always with the same type or None:
``pandas.DataFrame(records(verdicts))`` and
``pyarrow.Table.from_pylist(list(records(verdicts)), schema=arrow_schema())``
give the same table for one verdict as for a million.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any, Dict, Iterable, Iterator, Mapping, Union

from .results import Match, Verdict

# Columns in their order, and the type of each. What has parts of its own is JSON.
VERDICT_COLUMNS: Mapping[str, type] = {
    "source": str, "outcome": str, "category": str, "rule": str, "pack": str, "title": str, "severity": str,
    "owner": str, "retry": str, "line": int, "offset": int, "length": int, "text": str, "fields": str,
    "cause": str, "fix": str, "prevent": str, "url": str, "fingerprint": str, "telling": str, "also": str,
    "lines": int, "bytes": int, "ruleset": str, "warnings": str, "error": str,
}
MATCH_COLUMNS: Mapping[str, type] = {
    "source": str, "rule": str, "category": str, "role": str, "severity": str, "line": int, "offset": int,
    "length": int, "text": str, "fields": str,
}

Record = Dict[str, Union[str, int, None]]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _of_verdict(verdict: Verdict) -> Record:
    told = verdict.to_dict()
    told.update(told["runbook"] or {})
    told["error"] = None if verdict.error is None else str(verdict.error)
    for name in ("fields", "telling", "also", "warnings"):
        told[name] = _json(told[name])
    return {name: told.get(name) for name in VERDICT_COLUMNS}


def _of_match(match: Match) -> Record:
    told = match.to_dict()
    told["fields"] = _json(told["fields"])
    return {name: told[name] for name in MATCH_COLUMNS}


def records(results: Iterable[Union[Verdict, Match]]) -> Iterator[Record]:
    """A flat dict for each verdict or match, with the keys of `VERDICT_COLUMNS` or `MATCH_COLUMNS`.

    >>> from classify import Classifier, records
    >>> rows = list(records([Classifier().scan(b"npm ERR! code ENOSPC\\n")]))
    >>> rows[0]["category"], rows[0]["line"]
    ('disk_full', 1)
    """
    for result in results:
        yield _of_verdict(result) if isinstance(result, Verdict) else _of_match(result)


def arrow_schema(columns: Mapping[str, type] = VERDICT_COLUMNS) -> Any:
    """The schema of the records for Arrow.

    Raises:
        ImportError: pyarrow is not installed.
    """
    pyarrow = import_module("pyarrow")  # only whoever asks for it needs to have it
    types = {str: pyarrow.string(), int: pyarrow.int64()}
    return pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
