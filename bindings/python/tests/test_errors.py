# SPDX-License-Identifier: Apache-2.0
"""Faulty rules, wrong use, and what the errors tell."""

import copy
import pickle
import re
import warnings

import pytest

import classify
from classify import errors, native
from conftest import RULES, TOP

FAULTY = """pack: test
rules:
  - id: test-good
    title: Good
    category: disk_full
    match: full
  - id: test-bad
    title: Bad
    category: disk_full
    match: 'ends(in nothing'
"""


def test_a_faulty_rule_is_left_out(tmp_path):
    path = tmp_path / "faulty.yaml"
    path.write_text(FAULTY)
    with pytest.warns(classify.RuleWarning, match=r"faulty\.yaml:10:\d+: "):
        classifier = classify.Classifier(path)
    assert len(classifier) == 1 and classifier.match("full")
    (fault,) = [fault for fault in classifier.faults if fault.level == "error"]
    assert (fault.file, fault.line, fault.rule) == (str(path), 10, "test-bad") and fault.column > 1
    assert str(fault).startswith(f"{path}:10:{fault.column}: ")
    assert [warning.code for warning in classifier.scan(b"full\n").warnings] == ["rule_quarantined"]


def test_strict(tmp_path):
    path = tmp_path / "faulty.yaml"
    path.write_text(FAULTY)
    with pytest.raises(classify.RuleError) as caught:
        classify.Classifier(path, strict=True)
    error = caught.value
    assert (error.file, error.line, error.rule) == (str(path), 10, "test-bad") and error.column > 1
    assert str(error).startswith(f"{path}:10:{error.column}: ")
    assert isinstance(error, ValueError) and isinstance(error, classify.ClassifyError)


def test_no_rules(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("pack: test\nrules: [\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(classify.NoRulesError) as caught:
            classify.Classifier(path)
    assert caught.value.file == str(path) and caught.value.line
    with pytest.raises(classify.NoRulesError):
        classify.Classifier([])
    with pytest.raises(classify.ReadError) as caught:
        classify.Classifier(tmp_path / "none.yaml")
    assert "none.yaml" in str(caught.value)


def test_rules_from_several_places(rules, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("pack: other\nrules:\n  - {id: other-x, title: X, category: timeout, match: too late}\n")
    classifier = classify.Classifier([rules, other])
    assert [match.rule for match in classifier.match("denied for joe, too late")] == ["test-denied", "other-x"]
    both = classify.Classifier(["default", other])
    assert len(both) > 100 and both.rule("other-x").category == "timeout"


def test_rules(small, rules):
    rule = small.rule("test-denied")
    assert (rule.title, rule.pack, rule.role, rule.file, rule.explains) == (
        "${user} may not read", "test", "cause", str(rules), ("test-failed",))
    assert rule.expressions == ("denied for (?<user>[a-z]+)",)
    assert small.rules[0] == rule and len(small.rules) == len(small) == 3
    assert small.rule("test-done").category is None
    with pytest.raises(KeyError):
        small.rule("none")
    assert pickle.loads(pickle.dumps(rule)) == rule


def test_every_code_has_a_class():
    table = (TOP / "libclassify/errors.def").read_text()
    for symbol, code in re.findall(r"^CLSF_ERROR\((CLSF_E_\w+), (-\d+)", table, re.MULTILINE):
        error = errors.from_code(int(code), "text", "f", 1, 2, "r", 3)
        assert type(error) is not classify.ClassifyError and error.code == int(code)
        assert getattr(native, symbol) == int(code)
        assert getattr(classify, type(error).__name__) is type(error)
        assert (str(error), error.rule, error.library_code) == ("f:1:2: text", "r", 3)
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error) and vars(again) == vars(error) and str(again) == str(error)


def test_results_are_values(small):
    verdict = small.scan(b"access denied for root\nstep failed\n")
    (match,) = small.match("denied for joe")
    for value in (verdict, match, verdict.runbook, verdict.also[0]):
        assert pickle.loads(pickle.dumps(value)) == value == copy.deepcopy(value)
        assert hash(value) == hash(copy.copy(value))
        with pytest.raises(AttributeError):
            value.line = 7
        with pytest.raises(AttributeError):
            value.another = 7
    assert repr(verdict) == "<Verdict - failed access_denied test-denied line 1 'root may not read'>"
    assert repr(match) == "<Match -:1 test-denied (access_denied, user='joe')>"
    other = small.scan(b"\ndenied for joe\n", name="a")
    assert sorted([other, verdict]) == [verdict, other] and verdict < other and other >= verdict
    with pytest.raises(TypeError):
        verdict < match
    assert verdict != match and verdict != 3


@pytest.mark.parametrize("options", [{"context": 21}, {"context": -1}, {"context": "x"}, {"max_line": "x"},
                                     {"max_line": -1}, {"no_such": 1}, {"rules": 7}, {"rules": b"x"},
                                     {"rules": "a\0b"}, {"rules": [None]}])
def test_wrong_options(rules, options):
    with pytest.raises((TypeError, ValueError, OverflowError)):
        classify.Classifier(**{"rules": rules, **options}).scan(b"x")


def test_compiled_forms(small):
    compiled = small.compiled()
    again = classify.Classifier.from_compiled(compiled)
    assert again.ruleset == small.ruleset and again.match("denied for joe")
    assert classify.Classifier.from_compiled(memoryview(compiled)).ruleset == small.ruleset
    for damaged in (b"", b"x", compiled[:-1], compiled[:100], compiled[:500] + bytes([compiled[500] ^ 1]) + compiled[501:]):
        with pytest.raises(classify.ClassifyError):
            classify.Classifier.from_compiled(damaged)
    with pytest.raises(TypeError):
        classify.Classifier.from_compiled(None)


def test_misuse_of_what_is_below(small):
    """None of this is for programs; all of it has to be an exception, and no crash."""
    ruleset = small._compiled.native
    scanner = native.Scanner(ruleset, True, False, False, 0, 0)
    reader = native.Reader(False)
    loader = native.Loader(native.CLSF_ENGINE_AUTO, False)
    objects = [None, 0, "", b"", object(), small, ruleset, scanner, reader, loader, native.Scanner]
    kinds = (native.Ruleset, native.Loader, native.Scanner, native.Reader)
    called = 0
    for kind in kinds:
        for arguments in ([], *([one] for one in objects), *([one, two] for one in objects for two in objects),
                          [None] * 6):
            try:
                kind(*arguments)
                called += 1
            except (TypeError, ValueError, OverflowError, classify.ClassifyError):
                pass
    for target in (scanner, reader, loader, ruleset):
        for name in dir(type(target)):
            if name.startswith("__") or name in ("this", "thisown", "acquire", "disown", "own", "append", "next_"):
                continue
            method = getattr(target, name)
            for arguments in ([], *([one] for one in objects), *([one, two] for one in objects for two in objects)):
                try:
                    if callable(method):
                        method(*arguments)
                        called += 1
                except (TypeError, ValueError, OverflowError, OSError, classify.ClassifyError):
                    pass
    for name in dir(native):
        function = getattr(native, name)
        if name.startswith("_") or not callable(function) or isinstance(function, type):
            continue
        for arguments in ([], *([one] for one in objects)):
            try:
                function(*arguments)
                called += 1
            except (TypeError, ValueError, OverflowError, classify.ClassifyError):
                pass
    assert called > 20
    loader = native.Loader(native.CLSF_ENGINE_AUTO, False)
    loader.add_text("x", RULES)
    loader.compile()
    for call in (loader.compile, loader.key, lambda: loader.add_text("x", RULES), lambda: loader.add_path("x")):
        with pytest.raises(classify.InvalidError):
            call()


def test_what_was_never_initialised():
    for kind in (native.Ruleset, native.Loader, native.Scanner, native.Reader):
        class Forgets(kind):
            def __init__(self):
                pass

        empty = Forgets()
        for name in ("feed", "scan", "match", "open", "next", "compile", "to_bytes", "finish", "reset"):
            method = getattr(empty, name) if name in vars(kind) else None
            for arguments in ([], [b"x"]):
                if method:
                    with pytest.raises((TypeError, ValueError)):
                        method(*arguments)
