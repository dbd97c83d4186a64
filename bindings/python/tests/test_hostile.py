# SPDX-License-Identifier: Apache-2.0
"""What is printed of a log acts in no terminal, whatever the log and its name hold."""

import sys

import pytest

import classify
from classify.results import Fault

from conftest import TOP

sys.path.insert(0, str(TOP / "tests" / "hostile"))
from corpus import ACTING, LINES, name, shown  # noqa: E402

RULE = "pack: p\nrules:\n  - {id: r, title: 'Oops: ${what}', category: disk_full, match: '^oops (?<what>.*) end$'}\n"


@pytest.mark.parametrize("printed", [repr, str, "{}".format])
def test_what_is_printed(tmp_path, printed):
    """Values keep the texts as they are, and their printed forms show them."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULE)
    classifier = classify.Classifier(rules)
    for text in LINES:
        if b"\r" in text:
            continue
        log = b"oops " + text + b" end\n"
        source = shown(name(text))
        verdict = classifier.scan(log, name=source)
        assert verdict.text == f"oops {shown(text)} end" and verdict.source == source
        stream = classifier.stream(name=source)
        stream.feed(log)
        for value in (verdict, *classifier.matches(log, name=source), stream):
            assert not ACTING.search(printed(value)), printed(value)
        stream.finish()
    fault = Fault("error", "a\x1b[2J.yaml", 1, 2, None, "unknown key '\u202ex'")
    assert not ACTING.search(printed(fault))
