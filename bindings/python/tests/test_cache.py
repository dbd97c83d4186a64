# SPDX-License-Identifier: Apache-2.0
"""Compiled rules kept from one run to the next, and when they are believed."""

import os
import time
from pathlib import Path

import pytest

import classify
from classify import cache, ruleset

LOG = b"access denied for root\n"


@pytest.fixture
def asked(monkeypatch):
    """How often rules were compiled."""
    times = []
    ask = ruleset._ask

    def counted(*arguments):
        times.append(arguments)
        return ask(*arguments)

    monkeypatch.setattr(ruleset, "_ask", counted)
    return times


def kept():
    return sorted(Path(cache.folder()).glob("*.clsfrs"))


def test_compiled_once(rules, asked):
    first = classify.Classifier(rules)
    again = classify.Classifier(rules)
    assert len(asked) == 1 and len(kept()) == 1
    assert again.scan(LOG) == first.scan(LOG) and again.ruleset == first.ruleset
    assert os.stat(cache.folder()).st_mode & 0o777 == 0o700
    classify.Classifier(rules, cache=False)
    assert len(asked) == 2
    rules.write_text(rules.read_text().replace("It failed", "It fell"))
    assert classify.Classifier(rules).rule("test-failed").title == "It fell"
    assert len(asked) == 3 and len(kept()) == 2


@pytest.mark.parametrize("spoil", [
    lambda path: path.chmod(0o666),
    lambda path: path.parent.chmod(0o777),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(path.read_bytes()[:-10]),
    lambda path: path.write_bytes(b"0" * 64 + path.read_bytes()[64:]),
    lambda path: (path.rename(path.with_suffix(".aside")), path.symlink_to(path.with_suffix(".aside"))),
    lambda path: (path.unlink(), path.mkdir()),
], ids=["writable", "folder", "empty", "cut", "another key", "link", "a folder"])
def test_what_is_not_believed(rules, asked, spoil):
    classify.Classifier(rules)
    (path,) = kept()
    spoil(path)
    assert classify.Classifier(rules).scan(LOG).failed
    assert len(asked) == 2


def test_no_place(rules, asked, monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME")
    assert cache.folder() is None
    assert classify.Classifier(rules).scan(LOG).failed
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "below"))
    assert classify.Classifier(rules).scan(LOG).failed
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache.folder() is None
    assert len(asked) == 2


def test_faulty_rules_are_not_kept(rules, asked):
    rules.write_text(rules.read_text() + "  - {id: test-bad, title: Bad, category: disk_full, match: '('}\n")
    for _ in range(2):
        with pytest.warns(classify.RuleWarning):
            classify.Classifier(rules)
    assert len(asked) == 2 and kept() == []


def test_old_files_go(rules):
    classify.Classifier(rules)
    (path,) = kept()
    old = time.time() - 40 * 24 * 3600
    os.utime(path, (old, old))
    (path.parent / "mine.txt").touch()
    os.utime(path.parent / "mine.txt", (old, old))
    rules.write_text(rules.read_text().replace("It failed", "It fell"))
    classify.Classifier(rules)
    assert path not in kept() and len(kept()) == 1 and (path.parent / "mine.txt").exists()


def test_a_child_that_dies(rules, monkeypatch):
    """Where compiling ends the process, literals are tried, and then the error says so."""
    engines = []
    ask = ruleset._ask

    def dies(paths, texts, engine, strict):
        engines.append(engine)
        if len(engines) == 1:
            raise classify.EngineError("compiling the rules was ended (signal 6)")
        return ask(paths, texts, engine, strict)

    monkeypatch.setattr(ruleset, "_ask", dies)
    assert classify.Classifier(rules).scan(LOG).failed
    assert engines == [classify.native.CLSF_ENGINE_AUTO, classify.native.CLSF_ENGINE_LITERALS]
    assert kept() == []


def test_a_child_that_says_nothing(rules, monkeypatch, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'it went wrong' >&2\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr(ruleset.sys, "executable", str(python))
    with pytest.raises(classify.EngineError, match=r"status 3: it went wrong"):
        classify.Classifier(rules)
    python.write_text("#!/no/such/interpreter\n")
    with pytest.raises(classify.EngineError, match="could not begin"):
        classify.Classifier(rules)


@pytest.mark.parametrize("executable", ["", "/usr/sbin/webserver"])
def test_python_inside_another_program(rules, monkeypatch, executable):
    monkeypatch.setattr(ruleset.sys, "executable", executable)
    assert classify.Classifier(rules).scan(LOG).failed
    monkeypatch.setattr(ruleset.sys, "exec_prefix", "/nowhere")
    assert ruleset._interpreter() is None
    assert classify.Classifier(rules, cache=False).scan(LOG).failed
