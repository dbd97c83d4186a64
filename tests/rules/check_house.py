#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules for the shipped packs.

A pack's folder has its name; ids are unique, in kebab case; every rule has examples both ways and, unless it is a
marker, a runbook with substance; `explains` names rules that exist; every row of the systems to serve has its rule;
no package registry is named; the fragment of `unless` that leaves out commit titles and echoed commands, which many
rules share and YAML cannot hold once for several files, is the same everywhere.
"""
import collections
import fnmatch
import json
import pathlib
import re
import subprocess
import sys

classify, rules = sys.argv[1], pathlib.Path(sys.argv[2])
problems = []

listed = subprocess.run(
    [classify, "rules", "list", "-o", "jsonl", "--rules", str(rules)], capture_output=True, text=True, check=True
)
entries = [json.loads(line) for line in listed.stdout.splitlines()]
ids = [entry["rule"] for entry in entries]

for entry in entries:
    where = f"{entry['file']}:{entry['line']}"
    folder = pathlib.Path(entry["file"]).parent.name
    if entry["pack"] != folder:
        problems.append(f"{where}: pack {entry['pack']} in the folder {folder}")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["rule"]):
        problems.append(f"{where}: the id {entry['rule']} is not in kebab case")

for rule, count in collections.Counter(ids).items():
    if count > 1:
        problems.append(f"{rule}: used {count} times")

# The text of this fragment is taken from where it is used most; every other place is held against it.
QUOTED = re.compile(r"\^HEAD is now at \|.*?\\\$ \\S\)|\^HEAD is now at \|[^']*")
quotes = collections.Counter(
    quote for path in rules.rglob("*.yaml") for quote in QUOTED.findall(path.read_text(encoding="utf-8"))
)
usual = quotes.most_common(1)[0][0] if quotes else ""

# What the listing does not tell is read from the text: one rule is what stands from one "- id:" to the next.
for path in sorted(rules.rglob("*.yaml")):
    text = path.read_text(encoding="utf-8")
    if re.search(r"\b(pypi\.org|pythonhosted\.org|registry\.npmjs\.org|crates\.io|proxy\.golang\.org|rubygems\.org"
                 r"|repo1?\.maven|deb\.debian\.org|packagist\.org)\b", text):
        problems.append(f"{path}: names a package registry")
    for number, text_line in enumerate(text.splitlines(), 1):
        if "HEAD is now at" in text_line and usual not in text_line:
            problems.append(f"{path}:{number}: leaves out other quoted lines than the rest of the rules")
    for chunk in re.split(r"(?m)^\s*- id: ", text)[1:]:
        rule = chunk.split()[0]
        role = re.search(r"(?m)^\s*role:\s*(\w+)", chunk)
        marker = role is not None and role.group(1) in ("start", "success", "failure")
        for key in ("match:", "reject:"):
            if not re.search(rf"(?m)^\s+{key}\s*$", chunk.partition("examples:")[2]):
                problems.append(f"{path}: {rule} has no {key[:-1]} examples")
        if not marker:
            for key in ("cause:", "fix:", "prevent:"):
                if not re.search(rf"(?m)^\s+{key}\s*\S", chunk):
                    problems.append(f"{path}: {rule} has no {key[:-1]} in its runbook")
        explains = re.search(r"(?m)^\s*explains:\s*\[([^\]]*)\]", chunk)
        for name in re.findall(r"[\w*?.\[\]-]+", explains.group(1)) if explains else []:
            if not fnmatch.filter(ids, name):
                problems.append(f"{path}: {rule} explains {name}, which does not exist")


if len(ids) < 100:
    problems.append(f"only {len(ids)} rules were listed")
print("\n".join(problems) or f"{len(ids)} rules, all in order")
sys.exit(bool(problems))
