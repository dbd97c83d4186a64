#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each public header has a manual page with every function of it, as the compiler sees it; the pages are well-formed.

usage: check_man.py SOURCE MAP...
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source = pathlib.Path(sys.argv[1])
maps = [pathlib.Path(name).read_text(encoding="utf-8") for name in sys.argv[2:]]
problems = []


def declarations(page):
    """The prototypes of a page's synopsis, as C."""
    synopsis = page[page.index(".Sh SYNOPSIS"):page.index(".Sh DESCRIPTION")]
    found = {}
    kind, name, arguments = None, None, []
    for line in synopsis.split("\n"):
        macro, _, rest = line.partition(" ")
        rest = rest.strip('"')
        if macro == ".Ft":
            kind = rest
        elif macro == ".Fo":
            name, arguments = rest, []
        elif macro == ".Fa":
            arguments.append(rest)
        elif macro == ".Fc":
            found[name] = f"{kind} {name}({', '.join(arguments)});"
    return found


def compiles(header, prototypes):
    """Whether the compiler finds the same functions in the header: others of the same name would be in conflict."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "program.c"
        program.write_text(f"#include <classify/{header}>\n" + "\n".join(prototypes) + "\n")
        done = subprocess.run(["cc", "-std=c11", "-fsyntax-only", "-Werror", f"-I{source}/include", str(program)],
                              capture_output=True, text=True)
        return done.returncode == 0, done.stderr


exported = {name for text in maps for name in re.findall(r"\b(clsf_\w+);", text)}
described = {}
pages = {}
for header in sorted((source / "include/classify").glob("*.h")):
    path = source / f"docs/clsf_{header.stem}.3"
    if not path.exists():
        problems.append(f"{header.name}: there is no {path.name}")
        continue
    pages[header.name] = page = path.read_text(encoding="utf-8")
    if f".In classify/{header.name}\n" not in page:
        problems.append(f"{path.name}: does not include {header.name}")
    own = declarations(page)
    for name in own:
        if name in described:
            problems.append(f"{path.name}: {name}() stands in two pages")
        if not re.search(rf"^\.Nm {name}( ,)?$", page, flags=re.M):
            problems.append(f"{path.name}: {name} is no name of the page")
        if not re.search(rf"^\.Ss .*\b{name}\(\)", page, flags=re.M):
            problems.append(f"{path.name}: {name}() is not described")
    described.update({name: (header.name, text) for name, text in own.items()})
    good, errors = compiles(header.name, own.values())
    if not good:
        problems.append(f"{path.name}: other prototypes than those of {header.name}:\n{errors}")

for name in sorted(exported - described.keys()):
    problems.append(f"{name}(): in no manual page")
for name in sorted(described.keys() - exported):
    problems.append(f"{name}(): is not exported")

# A prototype that is not the header's is noticed.
for name in ("clsf_stream_feed", "clsf_reader_open"):
    header, text = described[name]
    if not compiles(header, [text])[0] or compiles(header, [text.replace("(struct", "(int added, struct").replace(
            "(const", "(int added, const")])[0]:
        problems.append(f"{name}(): a wrong prototype would not be noticed")

stale = subprocess.run([sys.executable, str(source / "scripts/man-pages"), "--check"], capture_output=True, text=True)
if stale.returncode:
    problems.append(stale.stdout + stale.stderr)

if shutil.which("mandoc"):
    every = sorted(str(p) for p in (source / "docs").glob("*.[1-9]"))
    lint = subprocess.run(["mandoc", "-Tlint", "-W", "warning", *every], capture_output=True, text=True)
    if lint.returncode:
        problems.append(lint.stdout + lint.stderr)

for problem in problems:
    print(problem)
if not exported or len(pages) < 5:
    sys.exit("no functions or no pages were found")
sys.exit(bool(problems))
