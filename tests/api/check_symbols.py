#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The library exports exactly what its public headers declare and its map lists, under its version; its soname."""
import os
import re
import subprocess
import sys

library, version_map, *headers = sys.argv[1:]

declared = set()
for header in headers:
    text = re.sub(r"/\*.*?\*/", "", open(header, encoding="utf-8").read(), flags=re.S)
    declared |= set(re.findall(r"CLSF_API[^;]*?\b(clsf_\w+)\s*\(", text))
version_text = open(version_map, encoding="utf-8").read()
mapped = set(re.findall(r"\b(clsf_\w+);", version_text))
versions = set(re.findall(r"^(\w+) \{", version_text, flags=re.M))
exported = set()
unversioned = set()
for line in subprocess.check_output(["nm", "-D", "--defined-only", library], text=True).splitlines():
    name, _, version = line.split()[-1].partition("@@")
    if name in versions:
        continue
    exported.add(name)
    if version not in versions:
        unversioned.add(name)

bad = False
for what, extra in (
    ("declared but not exported", declared - exported),
    ("exported but not declared", exported - declared),
    ("declared but not in the map", declared - mapped),
    ("in the map but not declared", mapped - declared),
    ("without a version of the map", unversioned),
):
    for name in sorted(extra):
        print(f"{name}: {what}")
        bad = True
# libNAME.so.0.1.0 says that it is libNAME.so.0, which is what programs ask for.
soname = re.search(r"SONAME.*\[(.*)\]", subprocess.check_output(["readelf", "-d", library], text=True))
expected = re.sub(r"(\.so\.\d+).*", r"\1", os.path.basename(os.path.realpath(library)))
if not soname or soname.group(1) != expected or not expected.endswith(".so.0"):
    print(f"soname {soname and soname.group(1)}, not {expected}")
    bad = True
if not declared:
    print("no declarations found")
    bad = True
sys.exit(bad)
