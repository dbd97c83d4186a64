# SPDX-License-Identifier: Apache-2.0
"""Spark: two executors of their own, each a process with its Python workers, and the answers of one machine."""

import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import classify
from classify import batches
from conftest import TOP

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")
if not shutil.which("java"):
    pytest.skip("there is no Java", allow_module_level=True)

LOG = b"begin\naccess denied for root\nstep failed\n"
FINE = b"working\nall done\n"
MASTER = "local-cluster[2,1,1024]"


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A session on a cluster of this machine: two workers, each with one core and 1 GiB."""
    from pyspark.sql import SparkSession

    # The cluster's own files: workers write theirs below SPARK_HOME otherwise.
    place = tmp_path_factory.mktemp("spark")
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_WORKER_DIR=str(place / "work"), SPARK_LOCAL_IP="127.0.0.1")
    made = (SparkSession.builder.master(MASTER).appName("classify tests")
            .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "4")
            .config("spark.local.dir", str(place)).config("spark.sql.warehouse.dir", str(place / "warehouse"))
            .config("spark.executorEnv.PYTHONPATH", os.environ.get("PYTHONPATH", ""))
            .config("spark.executor.memory", "512m").config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
    yield made
    made.stop()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive with blanks")
    for number in range(200):
        data = b"fine\n" * (number % 17) + (LOG if number % 3 else FINE)
        if number % 5:
            (folder / f"{number:03}.log").write_bytes(data)
        else:
            (folder / f"{number:03}.log.gz").write_bytes(gzip.compress(data))
    (folder / "damaged.gz").write_bytes(gzip.compress(LOG * 1000)[:100])
    return folder


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    from conftest import RULES

    path.write_text(RULES, encoding="utf-8")
    return classify.Classifier(path, cache=False)


def rows(frame):
    return sorted((row.asDict() for row in frame.collect()), key=lambda row: row["source"])


def expected(classifier, folder):
    return list(classify.records(classifier.scan_many([folder], jobs=1)))


def paths(folder):
    return sorted(str(path) for path in folder.iterdir())


def test_paths_on_two_executors(session, classifier, archive):
    from classify import spark

    given = session.createDataFrame([(path, number) for number, path in enumerate(paths(archive))], ["path", "job"])
    told = spark.scan_paths(given.repartition(8), classifier, keep=["job"])
    assert told.columns == [*classify.VERDICT_COLUMNS, "job"]
    found = rows(told)
    assert [row.pop("job") for row in found] == list(range(len(found)))
    assert found == expected(classifier, archive)
    assert [row["outcome"] for row in rows(told.filter("outcome = 'failed'"))].count("failed") == 134


def test_both_executors_work(session, classifier, archive):
    """The rules come to processes that have never seen the rule file, of two executors."""
    given = session.createDataFrame([(path,) for path in paths(archive)], ["path"]).repartition(8)

    def where(given):
        import os
        import time

        import pyarrow

        for batch in given:
            time.sleep(0.5)  # so that one executor cannot take all tasks before the other is asked
            home = os.environ["SPARK_EXECUTOR_DIRS"]
            yield pyarrow.RecordBatch.from_pydict({"executor": [home] * batch.num_rows})

    assert given.mapInArrow(where, "executor string").distinct().count() == 2


def test_files_that_spark_reads(session, classifier, archive):
    from classify import spark

    given = session.read.format("binaryFile").load(str(archive)).repartition(4)
    found = rows(spark.scan_contents(given, classifier, keep=["modificationTime"]))
    assert all(row.pop("modificationTime") is not None for row in found)
    wanted = expected(classifier, archive)
    assert [batches.local_path(row["source"]) for row in found] == [row["source"] for row in wanted]
    for row, want in zip(found, wanted):
        assert {**row, "source": want["source"], "error": None} == {**want, "error": None}
    # The names of Spark are URLs, which are paths as well.
    again = rows(spark.scan_paths(given.select("path"), classifier))
    assert again == wanted


def test_lines_of_logs(session, classifier):
    from classify import spark

    logs = {f"log-{number:02}": (LOG if number % 2 else FINE) * (number + 1) for number in range(30)}
    given = session.createDataFrame(
        [(name, at, line) for name, data in logs.items() for at, line in enumerate(data.decode().splitlines())],
        ["name", "at", "value"])
    # However rows are strewn over the cluster, the lines of a log come together in their order.
    from pyspark.sql.functions import rand

    told = spark.scan_lines(given.repartition(6).orderBy(rand(7)), classifier, source="name", line="value", order="at")
    assert rows(told) == list(classify.records(classifier.scan(data, name=name) for name, data in logs.items()))
    matches = spark.match_lines(given, classifier, line="value", keep=["name", "at"]).filter("rule = 'test-denied'")
    assert sorted((row["name"], row["at"]) for row in matches.collect()) == sorted(
        (name, at) for name, data in logs.items() for at, line in enumerate(data.splitlines()) if b"denied" in line)


def test_the_same_function_by_hand(session, classifier, archive):
    """What goes to a pool of processes or to Dask goes to Spark without change."""
    from functools import partial

    scan = partial(batches.scan_paths, classifier=batches.Packed(classifier))
    given = session.createDataFrame([(path,) for path in paths(archive)], ["path"]).repartition(3)
    from classify import spark

    schema = spark.scan_paths(given.limit(0), classifier).schema
    assert rows(given.mapInArrow(scan, schema)) == expected(classifier, archive)
    found = rows(given.mapInPandas(scan, schema))
    assert [(row["source"], row["outcome"], row["line"]) for row in found] == [
        (row["source"], row["outcome"], row["line"]) for row in expected(classifier, archive)]


def test_wrong_columns(session, classifier):
    from classify import spark

    given = session.createDataFrame([("a",)], ["name"])
    with pytest.raises(KeyError, match="no column 'path'; it has 'name'"):
        spark.scan_paths(given, classifier)
    with pytest.raises(ValueError, match="order"):
        spark.scan_lines(given, classifier, source="name", line="name")
    with pytest.raises(KeyError, match="no column 'at'"):
        spark.scan_lines(given, classifier, source="name", line="name", order=["at"])
    with pytest.raises(ValueError, match="'line' of its own"):
        spark.match_lines(given.withColumnRenamed("name", "line"), classifier, keep=["line"])


def test_the_documented_line(session, tmp_path):
    """What docs/spark.md says about spark-submit is run, word for word but for where the verdicts go."""
    text = (TOP / "docs/spark.md").read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("spark-submit --master 'local-cluster")]
    words = shlex.split(line)
    assert words[0] == "spark-submit" and words[-2:] == ["samples", "verdicts"]
    submit = Path(pyspark.__file__).parent / "bin/spark-submit"
    more = [word for name in ("spark.driver.bindAddress=127.0.0.1", "spark.driver.host=127.0.0.1",
                              f"spark.local.dir={tmp_path}", "spark.executor.memory=512m", "spark.ui.enabled=false")
            for word in ("--conf", name)]
    done = subprocess.run([str(submit), *more, *words[1:-1], str(tmp_path / "verdicts")], cwd=TOP, text=True,
                          capture_output=True, env={**os.environ, "SPARK_WORKER_DIR": str(tmp_path / "work")},
                          timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-5000:]
    samples = sorted(str(path) for path in (TOP / "samples").iterdir())
    wanted = {row["source"]: row["category"] for row in batches.scan_paths(samples)}
    told = [json.loads(line) for part in sorted((tmp_path / "verdicts").glob("*.json"))
            for line in part.read_text(encoding="utf-8").splitlines()]
    assert {batches.local_path(row["source"]): row.get("category") for row in told} == wanted
    assert "failed access_denied" in done.stdout
