# SPDX-License-Identifier: Apache-2.0
"""Type hints: complete, and right for whoever uses them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import classify

HERE = Path(__file__).resolve().parent
PACKAGE = Path(classify.__file__).resolve().parent


def mypy(*arguments, cwd, code=0):
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", *arguments], cwd=cwd, capture_output=True,
                          text=True, check=False,
                          env={**os.environ, "MYPYPATH": "" if "site-packages" in str(PACKAGE) else str(PACKAGE.parent)})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_package(tmp_path):
    mypy("--cache-dir", tmp_path, "-p", "classify", cwd=tmp_path)
    assert (PACKAGE / "py.typed").exists()


def test_a_program(tmp_path):
    mypy("--cache-dir", tmp_path, HERE / "client.py", cwd=tmp_path)


def test_wrong_types_are_found(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import classify\n"
                     "line: int = classify.Classifier().scan('a.log').line\n"
                     "classify.Classifier().match(7)\n"
                     "classify.Classifier(context='three')\n")
    told = mypy("--cache-dir", tmp_path, wrong, cwd=tmp_path, code=1)
    assert all(f"wrong.py:{number}: error" in told for number in (2, 3, 4))


def test_the_stub_is_what_swig_made():
    """Every function of the stub is there; what it declares of types, the package's own tests use."""
    stub = (HERE.parent / "classify" / "native.pyi").read_text(encoding="utf-8")
    from classify import native

    owner = native
    for line in stub.splitlines():
        words = line.replace("(", " ").replace(":", " ").split()
        if line.startswith("class "):
            owner = getattr(native, words[1])
        elif line.startswith("def ") or (line.startswith(("CLSF_", "SCAN_"))):
            assert hasattr(native, words[1] if words[0] == "def" else words[0]), line
        elif line.startswith("    def "):
            assert hasattr(owner, words[1]), line
