# SPDX-License-Identifier: Apache-2.0
"""Batches: every kind of batch has the same answers, and so has every engine that hands them out."""

import concurrent.futures
import gzip
import io
import multiprocessing
import os
import pickle
import tarfile
from functools import partial

import pytest

import classify
from classify import batches

LOG = b"begin\naccess denied for root\nstep failed\n"
FINE = b"working\nall done\n"


@pytest.fixture
def archive(tmp_path):
    """A folder of logs of every kind, and what there is to be told of each."""
    folder = tmp_path / "logs with blanks"
    folder.mkdir()
    (folder / "a.log").write_bytes(LOG)
    (folder / "b.log.gz").write_bytes(gzip.compress(FINE * 1000))
    (folder / "empty.log").touch()
    (folder / "binary").write_bytes(bytes(range(32)) * 100)
    (folder / "damaged.gz").write_bytes(gzip.compress(os.urandom(5000).hex().encode() + b"\n" + LOG)[:3000])
    return folder


def expected(classifier, folder):
    return list(classify.records(classifier.scan_many([folder], jobs=1)))


def paths(folder):
    return sorted(str(path) for path in folder.iterdir())


@pytest.fixture
def arrow():
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture
def pandas(arrow):
    return pytest.importorskip("pandas", reason="pandas is not installed")


def test_paths(small, archive):
    told = batches.scan_paths(paths(archive), small)
    assert told == expected(small, archive)
    by_name = {os.path.basename(row["source"]): row for row in told}
    assert by_name["a.log"]["category"] == "access_denied"
    assert by_name["b.log.gz"]["outcome"] == "passed"
    assert "binary data" in by_name["binary"]["error"]
    assert by_name["damaged.gz"]["error"] and "truncated_input" in by_name["damaged.gz"]["warnings"]
    # A folder is all that is in it.
    assert batches.scan_paths([str(archive)], small) == told


def test_an_iterator_is_answered_by_one(small, archive):
    asked = []

    def given():
        for path in paths(archive):
            asked.append(path)
            yield [path]

    told = batches.scan_paths(given(), small)
    assert next(told) == expected(small, archive)[:1]
    assert len(asked) == 1
    assert [row for rows in told for row in rows] == expected(small, archive)[1:]


def test_answers_have_bounded_size(small):
    rows = [(str(number), LOG) for number in range(batches._ROWS * 2 + 5)]
    told = list(batches.scan_contents(iter([rows]), small))
    assert [len(rows) for rows in told] == [batches._ROWS, batches._ROWS, 5]
    assert [row["source"] for rows in told for row in rows] == [name for name, _ in rows]


@pytest.mark.parametrize("path, reason", [
    (None, "the row has no path"), (7, "the row has no path"), ("/none/such.log", "No such file or directory"),
    ("file:/none/such.log", "No such file or directory"), ("a\0b", "null byte"),
    ("s3://bucket/key.log", "scan_contents"), ("hdfs://host.example/key.log", "scan_contents"),
])
def test_what_cannot_be_read_is_told(small, path, reason):
    (row,) = batches.scan_paths([path], small)
    assert row["outcome"] == "undetermined"
    assert reason in row["error"]
    assert tuple(row) == tuple(classify.VERDICT_COLUMNS)


def test_urls_are_paths(small, archive):
    path = archive / "a.log"
    (row,) = batches.scan_paths([path.as_uri()], small)
    assert (row["source"], row["category"]) == (str(path), "access_denied")
    assert "%20" in path.as_uri()
    (row,) = batches.scan_paths(["file:" + path.as_uri()[len("file://"):]], small)
    assert (row["source"], row["category"]) == (str(path), "access_denied")


def test_contents_are_what_files_are(small, archive):
    rows = [(path, open(path, "rb").read()) for path in paths(archive)]
    assert batches.scan_contents(rows, small) == expected(small, archive)


def test_an_archive_in_a_row(small, tmp_path):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, data in (("one.log", LOG), ("two.log", FINE)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    path = tmp_path / "logs.tar"
    path.write_bytes(held.getvalue())
    told = batches.scan_contents([("logs.tar", held.getvalue())], small)
    found = batches.scan_paths([str(path)], small)
    assert [row["source"].replace(str(tmp_path) + "/", "") for row in found] == [row["source"] for row in told]
    assert [row["outcome"] for row in told] == [row["outcome"] for row in found]
    assert "/proc" not in repr(told)


@pytest.mark.parametrize("content, reason", [(None, "no content"), (5, "no content")])
def test_contents_that_are_none(small, content, reason):
    (row,) = batches.scan_contents([("a.log", content)], small)
    assert (row["source"], row["outcome"]) == ("a.log", "undetermined")
    assert reason in row["error"]


def test_contents_leave_no_descriptor(small):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        batches.scan_contents([("a", LOG), ("b", gzip.compress(LOG)[:20]), ("c", None)], small)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_lines_of_logs(small, cut):
    logs = {"a": LOG, "b": FINE, "c": b"\n\n", "d": LOG + FINE}
    rows = [(name, line) for name, data in logs.items() for line in data.decode().splitlines()]
    whole = [small.scan(data, name=name) for name, data in logs.items()]
    pieces = [rows[at:at + cut] for at in range(0, len(rows), cut)]
    told = [row for answer in batches.scan_lines(iter(pieces), small) for row in answer]
    assert told == list(classify.records(whole))
    assert batches.scan_lines(rows, small) == told


def test_lines_that_are_none_and_bytes(small):
    rows = [("a", None), ("a", b"access denied for root"), ("a", "caf\xe9"), (None, "x"), (None, None)]
    first, second = batches.scan_lines(rows, small)
    assert (first["line"], first["lines"], first["bytes"]) == (2, 3, 1 + 23 + 6)
    assert (second["source"], second["lines"]) == ("-", 2)
    assert batches.scan_lines([], small) == [] == list(batches.scan_lines(iter([]), small))


def test_many_lines_go_in_pieces(small):
    lines = [f"line {number} of no interest at all" for number in range(30000)] + ["access denied for root"]
    (row,) = batches.scan_lines([("a", line) for line in lines], small)
    assert (row["line"], row["lines"]) == (30001, 30001)


def test_matches_of_lines(small):
    lines = ["fine", "access denied for root", None, "step failed", "access denied for eve"]
    told = batches.match_lines(lines, small)
    assert [(row["rule"], row["text"]) for row in told] == [
        ("test-denied", "access denied for root"), ("test-failed", "step failed"),
        ("test-denied", "access denied for eve")]
    assert tuple(told[0]) == tuple(classify.MATCH_COLUMNS)


# ---- Arrow and pandas ----


def test_arrow(small, archive, arrow):
    names = paths(archive)
    for given in (arrow.RecordBatch.from_pydict({"path": names}), arrow.table({"path": names})):
        told = batches.scan_paths(given, small)
        assert type(told) is type(given)
        assert told.schema == classify.arrow_schema()
        assert told.to_pylist() == expected(small, archive)
        (again,) = batches.scan_paths(iter([given]), small)
        assert again.equals(told)
    nothing = batches.scan_paths(arrow.RecordBatch.from_pydict({"path": []}), small)
    assert (nothing.num_rows, nothing.schema) == (0, classify.arrow_schema())


def test_arrow_contents(small, archive, arrow):
    names = paths(archive)
    for kind in (arrow.binary(), arrow.large_binary()):
        given = arrow.table({"content": arrow.array([open(name, "rb").read() for name in names], kind), "path": names})
        assert batches.scan_contents(given, small).to_pylist() == expected(small, archive)


def test_columns_that_are_kept(small, arrow, pandas):
    given = arrow.RecordBatch.from_pydict({"text": ["step failed", "fine", "access denied for x"], "job": [4, 5, 6],
                                           "when": [None, 1.5, 2.5]})
    told = batches.match_lines(given, small, line="text", keep=["when", "job"])
    assert told.schema.names == [*classify.MATCH_COLUMNS, "when", "job"]
    assert told.column("job").to_pylist() == [4, 6]
    assert told.column("when").to_pylist() == [None, 2.5]
    frame = given.to_pandas()
    frame.index = [10, 20, 30]
    told = batches.match_lines(frame, small, line="text", keep=["job"])
    assert list(told["job"]) == [4, 6]


def test_pandas(small, archive, pandas):
    frame = pandas.DataFrame({"path": [*paths(archive), None]})
    told = batches.scan_paths(frame, small)
    assert list(told.columns) == list(classify.VERDICT_COLUMNS)
    assert list(told["source"])[:-1] == [row["source"] for row in expected(small, archive)]
    assert "no path" in told["error"].iloc[-1]
    assert str(told["line"].dtype) == "Int64"
    # An empty frame has the same types: what Dask asks first.
    assert list(batches.scan_paths(frame.head(0), small).dtypes) == list(told.dtypes)


@pytest.mark.parametrize("call, error, message", [
    (lambda c, f: batches.scan_paths(f.rename(columns={"path": "name"}), c), KeyError, "'path'; it has 'name'"),
    (lambda c, f: batches.scan_paths(f, c, keep=["line"]), ValueError, "'line' of its own"),
    (lambda c, f: batches.scan_paths(f, c, keep=["none"]), KeyError, "no column 'none'"),
])
def test_wrong_columns(small, pandas, call, error, message):
    with pytest.raises(error, match=message):
        call(small, pandas.DataFrame({"path": ["x"]}))


@pytest.mark.parametrize("given", [None, "path", 5, {"path": "x"}])
def test_what_is_no_batch(small, given):
    with pytest.raises(TypeError, match="a batch is"):
        batches.scan_paths(given, small)


def test_rows_of_another_width(small):
    with pytest.raises(ValueError, match="a row is"):
        batches.scan_contents([("a", b"", 3)], small)
    with pytest.raises(ValueError, match="keep"):
        batches.scan_paths(["x"], small, keep=["job"])


# ---- rules on their way ----


def test_packed_rules(small, rules):
    packed = batches.Packed(small)
    again = pickle.loads(pickle.dumps(packed))
    assert again.classifier() is packed.classifier()
    assert again.classifier().ruleset == small.ruleset
    assert len(packed) == len(small.compiled())
    # The options come along, and make another classifier.
    hidden = pickle.loads(pickle.dumps(batches.Packed(classify.Classifier(rules, redact=True)))).classifier()
    assert hidden is not again.classifier()
    secret = "access denied for root, password=hunter2hunter2"
    assert "hunter2" not in batches.match_lines([secret], hidden)[0]["text"]
    assert "hunter2" in batches.match_lines([secret], packed)[0]["text"]


def checksum(data):
    """What a compiled form is signed with, against damage (libclassify/digest.c)."""
    mask = (1 << 64) - 1

    def mix(a, b):
        half = (1 << 32) - 1
        cross = ((a >> 32) * (b & half) + (a & half) * (b >> 32)) & mask
        return (a & half) * (b & half) ^ (a >> 32) * (b >> 32) ^ ((cross << 32 | cross >> 32) & mask)

    total = mix(len(data) ^ 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
    for at in range(0, len(data), 8):
        eight = int.from_bytes(data[at:at + 8], "little")
        total = (total + eight * 0xa0761d6478bd642f + 0xe7037ed1a0b428db) & mask
        total = (((total << 29 | total >> 35) & mask) + mix(total, eight ^ 0x8ebc6af09c88c6e3)) & mask
    return mix(total, 0x589965cc75374cc3)


def test_packed_on_another_platform(small, python, tmp_path):
    """Databases of a processor that is not this one are compiled anew, in the process that receives them."""
    head = 32
    own = small.compiled()
    assert own[24:head] == checksum(own[head:]).to_bytes(8, "little")
    at = own.index(b"; tune ") + 7
    body = bytearray(own[head:])
    body[at - head] ^= 1
    packed = batches.Packed(small)
    packed._state["compiled"] = own[:24] + checksum(bytes(body)).to_bytes(8, "little") + bytes(body)
    path = tmp_path / "packed"
    path.write_bytes(pickle.dumps(packed))
    told = python("import pickle, sys; from classify import batches\n"
                  "packed = pickle.load(open(sys.argv[1], 'rb'))\n"
                  "compiled = packed.classifier().compiled()\n"
                  "print(b'; tune ' + bytes([int(sys.argv[2])]) in compiled, "
                  "batches.match_lines(['access denied for eve'], packed)[0]['rule'])", path, own[at])
    assert told.split() == ["True", "test-denied"]


def test_a_pool_of_processes(small, archive):
    scan = partial(batches.scan_paths, classifier=batches.Packed(small))
    names = paths(archive)
    for method in ("spawn", "fork"):
        context = multiprocessing.get_context(method)
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            told = [row for rows in pool.map(scan, [[name] for name in names]) for row in rows]
        assert told == expected(small, archive)


def test_dask(small, archive, pandas):
    pytest.importorskip("dask", reason="dask is not installed")
    frames = pytest.importorskip("dask.dataframe", reason="dask's DataFrame is not installed")
    scan = partial(batches.scan_paths, classifier=batches.Packed(small))
    frame = pandas.DataFrame({"path": paths(archive)})
    for scheduler in ("threads", "processes"):
        given = frames.from_pandas(frame, npartitions=3)
        told = given.map_partitions(scan, meta=scan(frame.head(0))).compute(scheduler=scheduler)
        assert list(told["source"]) == [row["source"] for row in expected(small, archive)]
        assert list(told["outcome"]) == [row["outcome"] for row in expected(small, archive)]
