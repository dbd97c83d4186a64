# SPDX-License-Identifier: Apache-2.0
"""Spark and Dask: their tests, with a Python that has them.

CLASSIFY_ENGINES_PYTHON names it; `scripts/test --full` makes one with what the package index has.
"""

import os
import subprocess
import sys
from pathlib import Path

WANTED = ("pyspark", "pyarrow", "pandas", "dask.dataframe", "pytest")

python = os.environ.get("CLASSIFY_ENGINES_PYTHON")
if not python:
    print("skipped: no Python with pyspark and dask is named; scripts/test --full makes one")
    sys.exit(77)
for name in WANTED:
    # Without it the tests would be skipped there, which nobody would see.
    if subprocess.run([python, "-W", "ignore", "-c", f"import {name}"], check=False).returncode:
        sys.exit(f"{python} has no {name}")
here = Path(__file__).resolve().parent
os.execv(python, [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore::FutureWarning",
                  *(str(here / name) for name in ("test_batches.py", "test_spark.py", "test_tables.py")
                    if (here / name).exists())])
