#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every limit in docs/limits.md names the tests that show it, or "-"; whatever is named is there."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
PAGE = "docs/limits.md"
PLACE = re.compile(r"`(tests/\S+|bindings/python/tests/\S+)\.(py::|c: )(test_\w+)`")


def problem_of(place):
    """What is wrong with one place of a test; None where it is there."""
    found = PLACE.fullmatch(place)
    if not found:
        return f"{place} is no place of a test"
    name, kind, test = found.groups()
    path = root / f"{name}.{kind.rstrip(': ')}"
    if not path.is_file():
        return f"{place}: there is no such file"
    text = path.read_text(encoding="utf-8")
    if kind == "c: ":
        # One that no group of tests has is never run.
        there = re.search(rf"^static void {test}\(void", text, re.M) and re.search(rf"cmocka_unit_test\w*\({test}\b", text)
    else:
        there = re.search(rf"^def {test}\(", text, re.M)
    return None if there else f"{place}: there is no such test"


def check(page):
    """The problems of a page, and how many limits it has, and how many of them no test reaches."""
    problems, limits, bare, row = [], 0, 0, 0
    for number, line in enumerate(page.split("\n"), 1):
        row = row + 1 if line.startswith("|") else 0
        if row == 0 or row == 2:
            continue
        last = line.rstrip("|").rpartition(" | ")[2].strip()
        if row == 1:
            if last != "shown by":
                problems.append(f"{PAGE}:{number}: the last column is not 'shown by'")
            continue
        limits += 1
        if last == "-":
            bare += 1
            continue
        problems += [f"{PAGE}:{number}: {wrong}" for wrong in map(problem_of, last.split(", ")) if wrong]
    return problems, limits, bare


text = (root / PAGE).read_text(encoding="utf-8")
told, n_limits, n_bare = check(text)
# What is wrong is found: a name that no test has, a file that is not there, no place at all, a table without the column.
for damaged in (re.sub(r"(test_\w+)` \|", r"\1_x` |", text, count=1), re.sub(r"(test_\w+)\.py::", r"\1_x.py::", text, count=1),
                re.sub(r"(?m)^(\| .*)`[^`]+` \|$", r"\1somewhere |", text, count=1), text.replace("shown by |", "|", 1)):
    if damaged == text or not set(check(damaged)[0]) - set(told):
        told.append(f"{PAGE}: damage to a row was not found")
print("\n".join(told) or f"{n_limits} limits; {n_limits - n_bare} name their tests, {n_bare} have none")
sys.exit(bool(told))
