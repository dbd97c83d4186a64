# SPDX-License-Identifier: Apache-2.0
"""The guide for rule authors and the manual tell the truth: what they show is run.

A block of files stands below a comment `file: NAME`. In a `console` block, a line behind `$ ` is a
command, and what follows is what it prints; `...` stands for anything, a line of it for any lines.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import PATIENCE, Program, binary, without_fallback

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "rule-guide.md").read_text(encoding="utf-8")
MANUAL = (DOCS / "classify-rules.5").read_text(encoding="utf-8").replace("\\e", "\\")
FILES = dict(re.findall(r"(?ms)^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", TEXT))
BLOCKS = re.findall(r"(?ms)^```console\n(.*?)^```$", TEXT)


def commands(block):
    """Each command of a block with what it has to print."""
    for part in re.split(r"(?m)^\$ ", block)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def pattern(output):
    """What the shown output means: a pattern, in which `...` is anything."""
    lines = []
    for line in output.splitlines():
        lines.append(r"(?:.*\n)*?" if line == "..." else
                     ".*?".join(map(re.escape, line.split("..."))) + r"\n")
    return "".join(lines)


@pytest.fixture
def world(tmp_path):
    """A folder with the files of the guide, and `classify` in the path."""
    program = Program(tmp_path)
    for name, text in FILES.items():
        program.write(name, text)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "classify").symlink_to(binary())
    program.environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{program.environment['PATH']}"
    return program


def test_guide_has_what_is_tested():
    """The files and blocks are found."""
    assert set(FILES) == {"night.log", "alembic.yaml", "several.yaml", "newer.yaml",
                          "passed/deploy.log"}
    assert len(BLOCKS) >= 10 and all(block.startswith("$ ") for block in BLOCKS)
    # Reading it takes ten minutes.
    assert len(re.sub(r"(?ms)^```.*?^```$", "", TEXT).split()) < 1800


@pytest.mark.parametrize("block", BLOCKS, ids=[block.splitlines()[0][2:50] for block in BLOCKS])
def test_block(world, block):
    """Every command works and prints what is shown."""
    for command, output in commands(block):
        done = subprocess.run(["bash", "-c", command], cwd=world.folder, env=world.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE,
                              check=False)
        told = without_fallback(done.stdout).decode()
        assert re.fullmatch(pattern(output), told), f"$ {command}\n{told}"


# Parts of a rule that stand alone: in the prose of the guide, and in the manual.
FRAGMENTS = (re.findall(r"(?ms)^\.Bd -literal -offset indent\n((?:match|unless):.*?)^\.Ed$",
                        MANUAL) +
             ["unless: " + text + "\n" for text in re.findall(r"`(\{regex: .*?\})`", TEXT)])


def test_fragments_are_found():
    """Those of the manual, and that of the guide."""
    assert len(FRAGMENTS) == 4


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_fragment(world, fragment):
    """It loads as a part of a rule."""
    more = "match: x\n" if fragment.startswith("unless") else ""
    lines = ("id: r\ntitle: t\ncategory: unknown\n" + more + fragment).splitlines()
    text = "rules:\n  -\n" + "".join(f"    {line}\n" for line in lines)
    done = world.run("rules", "list", "-o", "jsonl", "-r", world.write("one.yaml", text))
    assert (done.code, done.err) == (0, "")
