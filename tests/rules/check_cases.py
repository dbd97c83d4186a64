#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole logs, each with its category and the line that shows it, held against the shipped packs.

Examples of rules are lines; here a cause stands among noise, retries and what follows from it. In cases.txt a log begins
with "=== NAME CATEGORY", where the category "none" is for logs that must not be called failed, and "unknown" for failures
that say no cause. The line that the verdict has to show begins with ">>", which is taken off.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HEADING = re.compile(r"=== (\w+) (\w+)")


def read_cases(path):
    """The logs of the file, as [(name, category, text, line to show or None)]."""
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        heading = HEADING.fullmatch(line)
        if heading:
            cases.append([heading[1], heading[2], "", None])
        elif cases:
            if line.startswith(">>"):
                line = line[2:]
                cases[-1][3] = line
            cases[-1][2] += line + "\n"
        elif line and not line.startswith("#"):
            sys.exit(f"{path.name}:{number}: a line before the first log")
    names = [case[0] for case in cases]
    for name in {name for name in names if names.count(name) > 1}:
        sys.exit(f"{path.name}: two logs are named {name}")
    return cases


def same_line(shown, wanted):
    """Whether two lines are the same text, their times, numbers and colours aside."""
    plain = [re.sub(r"\x1b?\[[0-9;]*m|\d+|\s", "", line or "") for line in (shown, wanted)]
    return plain[0] == plain[1]


def main():
    classify, rules = sys.argv[1:3]
    cases = read_cases(pathlib.Path(__file__).with_name("cases.txt"))
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name, _, text, _ in cases:
            pathlib.Path(folder, f"{name}.log").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [classify, "scan", "-o", "jsonl", "--rules", rules, folder], capture_output=True, text=True, check=True
        )
        verdicts = {pathlib.Path(v["source"]).stem: v for v in map(json.loads, done.stdout.splitlines())}
    for name, category, _, line in cases:
        verdict = verdicts[name]
        failed = verdict["outcome"] == "failed"
        told = f"{verdict['outcome']}, {verdict['category']} by {verdict['rule']}: {(verdict['text'] or '')[:120]}"
        if failed != (category != "none") or (failed and verdict["category"] != category):
            wrong.append(f"{name}: {category} is wanted; {told}")
        elif failed and category != "unknown" and not same_line(verdict["text"], line):
            wrong.append(f"{name}: the line is another; {told}")
    print("\n".join(wrong) or f"{len(cases)} logs, all as they should be")
    sys.exit(bool(wrong) or not cases)


if __name__ == "__main__":
    main()
