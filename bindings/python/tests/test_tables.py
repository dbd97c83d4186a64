# SPDX-License-Identifier: Apache-2.0
"""Flat records."""

import json

import pytest

import classify

LOGS = [b"access denied for root\nstep failed\n", b"all done\n", b"", b"step failed\n"]


@pytest.fixture
def verdicts(small, tmp_path):
    return [small.scan(log) for log in LOGS] + list(small.scan_many([tmp_path / "none"]))


def check(rows, columns):
    for row in rows:
        assert list(row) == list(columns)
        for name, kind in columns.items():
            assert row[name] is None or type(row[name]) is kind, name


def test_verdicts(verdicts):
    rows = list(classify.records(verdicts))
    check(rows, classify.VERDICT_COLUMNS)
    assert [row["outcome"] for row in rows] == ["failed", "passed", "undetermined", "failed", "undetermined"]
    assert (rows[0]["fix"], json.loads(rows[0]["fields"])) == ("grant root", {"user": "root"})
    assert json.loads(rows[0]["also"])[0]["rule"] == "test-failed"
    assert "none" in rows[4]["error"] and rows[0]["error"] is None


def test_matches(small):
    rows = list(classify.records(small.matches(LOGS[0])))
    check(rows, classify.MATCH_COLUMNS)
    assert [row["rule"] for row in rows] == ["test-denied", "test-failed"]


def test_pandas(verdicts):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(classify.records(verdicts))
    assert list(frame.columns) == list(classify.VERDICT_COLUMNS)
    assert list(frame[frame.outcome == "failed"].category) == ["access_denied", "build_step_failed"]


def test_arrow(verdicts, small):
    pyarrow = pytest.importorskip("pyarrow")
    schema = classify.arrow_schema()
    table = pyarrow.Table.from_pylist(list(classify.records(verdicts)), schema=schema)
    assert table.schema == schema and table.num_rows == 5
    assert table.column("line").to_pylist() == [1, None, None, 1, None]
    empty = pyarrow.Table.from_pylist([], schema=classify.arrow_schema(classify.MATCH_COLUMNS))
    found = pyarrow.Table.from_pylist(list(classify.records(small.matches(LOGS[0]))), schema=empty.schema)
    assert pyarrow.concat_tables([empty, found]).num_rows == 2
