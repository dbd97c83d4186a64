#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An archive of logs on Apache Spark: every file below a folder or a store's URL to a verdict.

usage: spark-submit [OPTIONS OF SPARK] spark_archive.py [--paths] INPUT OUTPUT

The verdicts go to OUTPUT, as JSON, one object in a line; standard output has how many logs failed
with what. Spark reads the files, from wherever it can. With --paths it only lists them, and each
executor opens what it is given: better for large files on a file system that all of them mount.
"""

import sys

from pyspark.sql import SparkSession

from classify import spark


def main(arguments):
    by_path = "--paths" in arguments
    places = [argument for argument in arguments if argument != "--paths"]
    if len(places) != 2:
        sys.exit(__doc__)
    session = SparkSession.builder.appName("classify").getOrCreate()
    files = session.read.format("binaryFile").option("recursiveFileLookup", "true").load(places[0])
    # A column that nobody asks for is not read: with paths alone, no file is opened here.
    verdicts = spark.scan_paths(files) if by_path else spark.scan_contents(files)
    verdicts.write.mode("overwrite").json(places[1])
    told = session.read.schema(verdicts.schema).json(places[1])
    for row in told.groupBy("outcome", "category").count().orderBy("outcome", "category").collect():
        print(row["outcome"], row["category"] or "-", row["count"])
    session.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
