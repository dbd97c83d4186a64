# SPDX-License-Identifier: Apache-2.0
"""What the documentation shows, run; and that all of it is documented."""

import doctest
import importlib
import inspect

import pytest

import classify
from conftest import TOP

MODULES = ["", ".errors", ".results", ".classifier", ".stream", ".follow", ".handler", ".tables", ".sources",
           ".ruleset", ".cache", ".many"]


@pytest.fixture(autouse=True)
def compiled_once(shipped, monkeypatch):
    """The examples make classifiers of the shipped packs again and again."""
    monkeypatch.setattr(classify.classifier._ruleset, "load", keeping(shipped, classify.classifier._ruleset.load))


def keeping(shipped, load):
    def loaded(paths, texts, strict, cached):
        return shipped._compiled if tuple(paths) == ("default",) and not texts else load(paths, texts, strict, cached)

    return loaded


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name):
    module = importlib.import_module("classify" + name)
    found = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0


def test_there_are_examples():
    assert sum(len(test.examples) for name in MODULES
               for test in doctest.DocTestFinder().find(importlib.import_module("classify" + name))) > 15


def test_the_tutorial(tmp_path, monkeypatch):
    for path in (TOP / "samples").iterdir():
        (tmp_path / "samples").mkdir(exist_ok=True)
        (tmp_path / "samples" / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    found = doctest.testfile(str(TOP / "docs" / "python.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.failed == 0 and found.attempted > 30


def test_everything_public_is_documented():
    for name in classify.__all__:
        thing = getattr(classify, name)
        if not callable(thing):
            continue
        assert inspect.getdoc(thing), name
        for method, value in vars(thing).items() if isinstance(thing, type) else ():
            if not method.startswith("_") and (callable(value) or isinstance(value, (property, classmethod))):
                assert inspect.getdoc(getattr(thing, method)), f"{name}.{method}"
