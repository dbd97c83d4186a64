# SPDX-License-Identifier: Apache-2.0
"""What the tests of importing share."""

import re

from conftest import DATA

INPUTS = DATA / "import"


class Imported:
    """A run of `rules import`, and the rules that it made."""

    def __init__(self, classify, done, path):
        self.classify, self.done, self.path = classify, done, path
        self.err = done.err
        self.text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.counts = tuple(map(int, re.search(
            r"^(\d+) carried over, (\d+) of them in part; (\d+) not carried over$", done.err, re.M).groups()))

    def rules(self):
        """The rules by id; they load without a fault."""
        done = self.classify.run("rules", "check", "-o", "jsonl", "-r", self.path)
        assert done.code == 0, done.err
        odd = [line for line in done.err.splitlines() if "no example" not in line]
        assert odd == []
        done = self.classify.run("rules", "list", "-r", self.path, "-o", "jsonl")
        return {one["rule"]: one for one in done.objects()}

    def matches(self, log):
        """The rules that match in a log, each with the captures of its first match."""
        done = self.classify.run("scan", "-r", self.path, "--matches", "-", stdin=log.encode("utf-8"))
        assert done.code == 0, done.err
        found = {}
        for match in done.objects():
            found.setdefault(match["rule"], match["fields"])
        return found

    def runbook(self, rule):
        """What `explain --rule` prints of a rule."""
        done = self.classify.run("explain", "-r", self.path, "--rule", rule)
        assert done.code == 0, done.err
        return done.out


def import_file(classify, path, *options):
    """Imports files into a new rule file."""
    paths = path if isinstance(path, list) else [path]
    out = classify.folder / "imported.yaml"
    done = classify.run("rules", "import", "--force", "-o", out, *options, *paths)
    return Imported(classify, done, out)


def import_text(classify, name, text, *options):
    """The same, for a text."""
    return import_file(classify, classify.write(name, text), *options)
