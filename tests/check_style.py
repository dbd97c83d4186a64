#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a machine can see of the style: blanks, tabs, SPDX lines, banned calls, one file for each big dependency."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
problems = []
BANNED = re.compile(r"[^\w](sprintf|vsprintf|strcpy|strcat|strtok|atoi|gets|system|hs_set_allocator)\s*\(")
ONE_FILE = {
    "hs.h": {"libclassify/filter.c"},
    "pcre2.h": {"libclassify/expression.c"},
    "yaml.h": {"libclassify/yaml_reader.h", "tools/classify/document_yaml.c"},
    "sha256.h": {"libclassify/digest.c", "tools/classify/hash.c", "tools/classify/identity.c"},
    "jansson.h": {"tools/classify/document_json.c", "tools/classifyd/batch_json.c", "tools/classifyd/batch_legacy.c"},
    "sqlite3.h": {"tools/classify/sql.c"},
    "expat.h": {"tools/classify/document_xml.c"},
    "zlib.h": {"reader/gzip.c", "tools/classifyd/encoding.c"},
    "snappy-c.h": {"tools/classifyd/encoding.c"},
    "microhttpd.h": {"tools/classifyd/server.c"},
    "curl/curl.h": {"tools/classifyd/upstream.c"},
    "systemd/sd-journal.h": {"tools/classifyd/input_journal.c"},
    "isa-l/igzip_lib.h": {"reader/gzip.c"},
    "zstd.h": {"reader/zstd.c"},
    "lzma.h": {"reader/xz.c"},
    "bzlib.h": {"reader/bzip2.c"},
    "lz4frame.h": {"reader/lz4.c"},
    "archive.h": {"reader/members.c"},
}
names = subprocess.run(
    ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True
).stdout.split()
names = [n for n in names if n.endswith((".c", ".h", ".def", ".py", ".sh", ".build")) or n == "meson_options.txt"]
if not names:
    print("skipped: not a git checkout")
    sys.exit(77)

for name in names:
    path = root / name
    if not path.exists():
        continue
    lines = path.read_text(encoding="utf-8").split("\n")
    code = name.endswith((".c", ".h")) and not name.startswith(("tests/", "bench/"))
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
        problems.append(f"{name}:1: no SPDX line")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            problems.append(f"{name}:{number}: blanks at the end")
        if name.endswith((".c", ".h")) and re.match(r"^ +\t", line):
            problems.append(f"{name}:{number}: a tab behind blanks")
        if name.endswith((".c", ".h")) and BANNED.search(" " + line):
            problems.append(f"{name}:{number}: banned call")
        if re.search(r"\b(TODO|FIXME|XXX)\b", line) and name != "tests/check_style.py":
            problems.append(f"{name}:{number}: left for later")
        include = re.match(r"#include <([\w./-]+)>", line)
        if code and include and include.group(1) in ONE_FILE and name not in ONE_FILE[include.group(1)]:
            problems.append(f"{name}:{number}: {include.group(1)} belongs to {ONE_FILE[include.group(1)]}")
    if lines[-1] != "":
        problems.append(f"{name}: no newline at the end")
print("\n".join(problems) or f"{len(names)} files, all in order")
sys.exit(bool(problems))
