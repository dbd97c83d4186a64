# SPDX-License-Identifier: Apache-2.0
"""Lines by themselves."""

import random

import pytest

import classify

LINES = ["", "fine", "denied for root", "a\ndenied for joe\nb", b"denied for \xff", b"denied for x\n",
         bytearray(b"step failed"), memoryview(b"all done"), "\udcff denied for odd", "step failed \u20ac"]


def test_a_line(small):
    (match,) = small.match("access denied for root")
    assert isinstance(match, classify.Match)
    assert match.to_dict() == {
        "schema": 1, "source": "-", "rule": "test-denied", "category": "access_denied", "role": "cause",
        "severity": "critical", "line": 1, "offset": 0, "length": 22, "text": "access denied for root",
        "fields": {"user": "root"}}
    assert small.match("nothing") == ()
    assert small.match(b"") == ()


def test_as_the_command_line_says(small, rules, command):
    for line in ("access denied for root", "step failed", 'time="x" msg="denied for joe"'):
        assert [match.to_dict() for match in small.match(line)] == command(
            "match", "--rules", rules, "-o", "jsonl", line)


def test_many_are_as_one(small):
    chosen = random.Random(7)
    lines = [chosen.choice(LINES) for _ in range(10_000)]
    assert list(small.match_many(iter(lines))) == [small.match(line) for line in lines]
    assert list(small.match_many([])) == []


@pytest.mark.parametrize("line", [None, 3, [b"x"], object()])
def test_what_is_no_line(small, line):
    with pytest.raises(TypeError):
        small.match(line)
    with pytest.raises(TypeError):
        list(small.match_many([b"good", line]))
    assert small.match("denied for root")


def test_a_half_surrogate_of_nothing(small):
    with pytest.raises(UnicodeEncodeError):
        small.match("\ud800")
    assert small.match("denied for root")


def test_a_limit_that_is_passed(small):
    line = "denied for root" + "x" * (1 << 20)
    with pytest.warns(RuntimeWarning, match="longer than 1048576 bytes"):
        assert small.match(line)
    with pytest.warns(RuntimeWarning) as told:
        assert len(list(small.match_many([line, "denied for joe", line]))) == 3
    assert len(told) == 1
