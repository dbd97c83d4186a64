#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that were built with the last release run with these libraries: what they export is as it was.

usage: check_abi.py check|renew SOURCE

tests/api/abi/ holds what the last release exported: functions and public types, as abidw writes
them. `check` compares, and then changes the headers of a copy in several ways, each of which has
to be noticed. `renew` writes the files anew; scripts/abi does that at a release.
"""
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

what, source = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
KEPT = source / "tests/api/abi"
LIBRARIES = {"libclassify": "libclassify", "libclassify-reader": "reader"}
SETUP = ["--buildtype=debug", "-Dtools=false", "-Dtests=false", "-Dpython=disabled", "-Ddefault_library=shared"]
DUMP = ["--drop-private-types", "--exported-interfaces-only", "--no-corpus-path", "--no-comp-dir-path",
        "--no-show-locs", "--no-parameter-names", "--no-elf-needed", "--type-id-style", "hash"]

# Changes that a program would notice: the file, what stands there, what comes in its place, what abidiff has to tell.
CHANGES = [
    ("include/classify/scan.h", r"(struct clsf_match \{\n)", r"\1\tint added;\n", r"'int added', at offset 0"),
    ("include/classify/scan.h", r"CLSF_FAILED = 2", "CLSF_FAILED = 3", r"CLSF_FAILED' from value '2' to '3'"),
    ("libclassify/classify.map", r"\t\tclsf_redact;\n", "", r"\[D\] '[^']*clsf_redact"),
    ("include/classify/reader.h", r"(struct clsf_member \{\n)", r"\1\tint moved;\n", r"'int moved', at offset 0"),
]


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def dump(tree, folder):
    """Builds the libraries of a source tree with debug information, and writes what they export."""
    folder.mkdir(exist_ok=True)
    run("meson", "setup", folder / "build", tree, *SETUP)
    run("ninja", "-C", folder / "build", "-j2", *(f"{place}/{name}.so.0.1.0" for name, place in LIBRARIES.items()))
    for name, place in LIBRARIES.items():
        text = run("abidw", *DUMP, "--headers-dir", tree / "include", folder / "build" / place / f"{name}.so.0.1.0")
        # Where the sources lay says nothing to a program.
        text = re.sub(r" path='[^']*?((?:libclassify|reader|include)/[^']*)'", r" path='\1'", text)
        (folder / f"{name}.abi").write_text(text)


def differences(folder):
    """What abidiff tells between the last release and the dumps of a folder; more functions are no difference."""
    told = {}
    for name in LIBRARIES:
        done = subprocess.run(["abidiff", "--no-added-syms", KEPT / f"{name}.abi", folder / f"{name}.abi"],
                              capture_output=True, text=True)
        # 1 and 2 are errors of use; 4 is a change, 8 an incompatible one.
        if done.returncode & 3 or done.returncode > 15:
            sys.exit(f"abidiff: status {done.returncode}\n{done.stdout}{done.stderr}")
        if done.returncode:
            told[name] = done.stdout
    return told


def changed_tree(tree):
    """A source tree with all of CHANGES; folders but those of the libraries are links."""
    tree.mkdir()
    for entry in source.iterdir():
        if entry.name in ("include", "libclassify", "reader"):
            shutil.copytree(entry, tree / entry.name)
        elif not entry.name.startswith((".", "build")):
            (tree / entry.name).symlink_to(entry)
    for file, pattern, replacement, _ in CHANGES:
        text, count = re.subn(pattern, replacement, (tree / file).read_text())
        assert count == 1, f"{file}: {pattern} stands there {count} times"
        (tree / file).write_text(text)
    return tree


if not shutil.which("abidw") or not shutil.which("abidiff"):
    print("skipped: there is no abidw; the Debian package abigail-tools has it")
    sys.exit(77 if what == "check" else 2)
if platform.machine() != "x86_64":
    print("skipped: the files of tests/api/abi/ are of x86-64")
    sys.exit(77 if what == "check" else 2)

with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    dump(source, scratch)
    if what == "renew":
        KEPT.mkdir(exist_ok=True)
        for library in LIBRARIES:
            shutil.copy(scratch / f"{library}.abi", KEPT)
        sys.exit(0)
    told = differences(scratch)
    if told:
        print("".join(told.values()))
        print("A program built with the last release would not run with this. Before 1.0 that may be meant:")
        print("say so in NEWS.md, and renew tests/api/abi/ with scripts/abi.")
        sys.exit(1)
    changed = scratch / "changed"
    dump(changed_tree(scratch / "tree"), changed)
    told = "".join(differences(changed).values())
    for file, pattern, _, message in CHANGES:
        if not re.search(message, told):
            sys.exit(f"a change of {pattern} in {file} was not noticed:\n{told}")
    print(f"as in the last release; each of {len(CHANGES)} changes would have been noticed")
