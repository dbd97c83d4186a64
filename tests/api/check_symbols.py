#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library exports exactly what its public headers declare and its map lists."""
import re
import subprocess
import sys

library, version_map, *headers = sys.argv[1:]

declared = set()
for header in headers:
    text = re.sub(r"/\*.*?\*/", "", open(header, encoding="utf-8").read(), flags=re.S)
    declared |= set(re.findall(r"CLSF_API[^;]*?\b(clsf_\w+)\s*\(", text))
mapped = set(re.findall(r"\b(clsf_\w+);", open(version_map, encoding="utf-8").read()))
exported = set()
for line in subprocess.check_output(["nm", "-D", "--defined-only", library], text=True).splitlines():
    name = line.split()[-1].split("@")[0]
    if not re.fullmatch(r"CLASSIFY(_[A-Z]+)?_0", name):
        exported.add(name)

bad = False
for what, extra in (
    ("declared but not exported", declared - exported),
    ("exported but not declared", exported - declared),
    ("declared but not in the map", declared - mapped),
    ("in the map but not declared", mapped - declared),
):
    for name in sorted(extra):
        print(f"{name}: {what}")
        bad = True
if not declared:
    print("no declarations found")
    bad = True
sys.exit(bad)
