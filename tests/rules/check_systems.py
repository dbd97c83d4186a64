#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every row of the list of systems to serve has rules that recognise it, and their runbooks say why and what to do.

Reads the list, where it is at hand, and systems.yaml beside this file, which names the rules of each row. Rows that are
listed as pending are told, and are a failure with --strict only. Without the list the entries alone are checked, and the
test says that it skipped the rest.
"""
import pathlib
import re
import sys

SKIPPED = 77
HERE = pathlib.Path(__file__).parent
ENTRY = re.compile(
    r'  - \{section: (?P<section>\d+), row: (?P<row>\d+), key: (?P<key>[a-z0-9-]+), word: "?(?P<word>[^,"}]+)"?'
    r"(?:, rules: \[(?P<rules>[^\]]+)\])?\}"
)


def read_entries(path, problems):
    """The entries of systems.yaml by section and row. Of YAML only the form that the file itself describes is read."""
    entries, part = {}, None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line in ("rows:", "pending:"):
            part = line[:-1]
            continue
        found = ENTRY.fullmatch(line)
        if part is None or not found:
            problems.append(f"{path.name}:{number}: not an entry: {line.strip()}")
            continue
        place = (int(found["section"]), int(found["row"]))
        rules = [name.strip() for name in (found["rules"] or "").split(",") if name.strip()]
        if place in entries:
            problems.append(f"{path.name}:{number}: a second entry for row {place[1]} of section {place[0]}")
        if (part == "pending") == bool(rules):
            problems.append(f"{path.name}:{number}: {found['key']}: rules are for `rows`, and only for them")
        entries[place] = {"key": found["key"], "word": found["word"], "rules": rules, "line": number}
    return entries


def read_rows(path):
    """The rows of the tables below the numbered headings of the list, as {(section, row): text in lower case}."""
    rows, section, row, in_body = {}, 0, 0, False
    for line in path.read_text(encoding="utf-8").splitlines():
        heading = re.match(r"## (\d+)\. ", line)
        if heading:
            section, row = int(heading[1]), 0
        if not line.startswith("|"):
            in_body = False
        elif re.fullmatch(r"\|(?:\s*:?-+:?\s*\|)+\s*", line):
            in_body = True
        elif in_body and section:
            row += 1
            rows[section, row] = line.lower()
    return rows


def read_runbooks(rules):
    """The shipped rules, as {id: keys of the runbook that have a text}."""
    runbooks = {}
    for path in rules.rglob("*.yaml"):
        for chunk in re.split(r"(?m)^\s*- id: ", path.read_text(encoding="utf-8"))[1:]:
            runbooks[chunk.split()[0]] = set(re.findall(r"(?m)^\s+(cause|fix):\s*\S", chunk))
    return runbooks


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--strict"]
    strict = "--strict" in sys.argv[1:]
    if len(arguments) != 2:
        sys.exit(f"usage: {sys.argv[0]} [--strict] RULES LIST")
    rules, listed = map(pathlib.Path, arguments)
    problems = []
    entries = read_entries(HERE / "systems.yaml", problems)
    runbooks = read_runbooks(rules)

    for entry in entries.values():
        for rule in entry["rules"]:
            missing = {"cause", "fix"} - runbooks.get(rule, set())
            if rule not in runbooks:
                problems.append(f"systems.yaml:{entry['line']}: {entry['key']}: no shipped rule is named {rule}")
            elif missing:
                problems.append(f"systems.yaml:{entry['line']}: {rule} lacks {' and '.join(sorted(missing))} in its runbook")

    rows = read_rows(listed) if listed.exists() else {}
    if listed.exists() and not rows:
        problems.append(f"{listed.name}: no tables below numbered headings")
    for place, text in rows.items():
        where = f"{listed.name}: row {place[1]} of section {place[0]}"
        if place not in entries:
            problems.append(f"{where} has no entry in systems.yaml: {text[:80]}")
        elif entries[place]["word"].lower() not in text:
            problems.append(f"{where} does not say '{entries[place]['word']}', as {entries[place]['key']} expects")
    for place in sorted(entries.keys() - rows.keys()) if rows else []:
        problems.append(f"systems.yaml:{entries[place]['line']}: there is no row {place[1]} in section {place[0]}")

    pending = [entry["key"] for entry in entries.values() if not entry["rules"]]
    for key in pending:
        print(f"pending: {key}")
    print("\n".join(problems) or f"{len(entries) - len(pending)} rows have their rules, {len(pending)} are pending")
    if problems or (strict and pending):
        sys.exit(1)
    if not rows:
        print(f"skipped: no list of systems at {listed}; the rules of {len(entries)} entries were checked alone")
        sys.exit(SKIPPED)


if __name__ == "__main__":
    main()
