# SPDX-License-Identifier: Apache-2.0
"""How the tests reach the program, and how they write rules and logs."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
GOLDEN = HERE / "golden"

# The keys of a verdict, in section 7 of the design.
LOG_KEYS = {
    "schema", "source", "outcome", "category", "rule", "pack", "title", "severity", "owner",
    "retry", "line", "offset", "length", "text", "fields", "runbook", "fingerprint", "telling",
    "also", "lines", "bytes", "ruleset", "warnings",
}
MATCH_KEYS = {
    "schema", "source", "rule", "category", "role", "severity", "line", "offset", "length",
    "text", "fields",
}
WARNING_CODES = {
    "truncated_input", "line_too_long", "limit_reached", "rule_quarantined", "match_limit",
    "no_timestamps", "engine_fallback",
}
WHY_NOT = ("explained by", "symptom", "recovered", "earlier", "weaker", "duplicate")

# Guards against a program that hangs; nothing is measured with it.
PATIENCE = 60

# Where the tests run in the background of a shell, interrupts are ignored, and would be by every program here.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def binary():
    """The path of the program under test."""
    named = os.environ.get("CLASSIFY")
    path = Path(named) if named else HERE / "../../build/tools/classify/classify"
    return str(path.resolve())


def rule(identifier, match, **more):
    """A rule with what it needs; `None` leaves a key out."""
    whole = {"id": identifier, "title": f"Title of {identifier}", "category": "build_step_failed",
             "match": match}
    whole.update(more)
    return {key: value for key, value in whole.items() if value is not None}


def marker(identifier, match, role):
    """A rule of the role start, success or failure."""
    return rule(identifier, match, role=role, category=None)


def check_shape(log):
    """Everything that the contract says of any verdict, whatever it is."""
    assert set(log) == LOG_KEYS
    assert log["schema"] == 1
    assert isinstance(log["source"], str)
    assert log["outcome"] in ("failed", "passed", "undetermined")
    for key in ("lines", "bytes"):
        assert type(log[key]) is int and log[key] >= 0
    assert log["ruleset"].startswith("sha256:") and len(log["ruleset"]) == 7 + 64
    assert set(log["ruleset"][7:]) <= set("0123456789abcdef")
    place = ("line", "offset", "length", "text")
    of_rule = ("rule", "pack", "title", "severity", "owner", "retry", "runbook")
    if log["outcome"] != "failed":
        for key in place + of_rule + ("category", "fingerprint"):
            assert log[key] is None, key
        assert log["fields"] == {} and log["telling"] == []
    else:
        assert isinstance(log["category"], str)
        for key in ("line", "offset", "length"):
            assert type(log[key]) is int
        assert log["line"] >= 1
        assert isinstance(log["text"], str)
        assert log["offset"] + log["length"] <= log["bytes"]
        if log["rule"] is None:
            assert log["category"] == "unknown"
            for key in of_rule:
                assert log[key] is None, key
            assert log["fields"] == {}
            assert isinstance(log["fingerprint"], str) and log["fingerprint"]
            assert log["telling"]
        else:
            assert log["fingerprint"] is None and log["telling"] == []
            assert log["severity"] in ("critical", "high", "medium", "low", "info")
            assert log["owner"] in ("user", "platform", "upstream")
            assert log["retry"] in ("never", "now", "later")
            assert isinstance(log["title"], str)
            assert log["pack"] is None or isinstance(log["pack"], str)
            assert set(log["runbook"]) == {"cause", "fix", "prevent", "url"}
            assert all(isinstance(text, str) for text in log["runbook"].values())
    assert all(isinstance(name, str) and isinstance(value, str)
               for name, value in log["fields"].items())
    for told in log["telling"]:
        assert type(told["line"]) is int and isinstance(told["text"], str)
    assert len(log["also"]) <= 20
    assert len({entry["rule"] for entry in log["also"]}) == len(log["also"])
    for entry in log["also"]:
        assert set(entry) == {"rule", "category", "line", "text", "count", "why_not"}
        assert isinstance(entry["rule"], str) and isinstance(entry["text"], str)
        assert type(entry["line"]) is int and type(entry["count"]) is int
        assert entry["count"] >= 1
        assert entry["why_not"].startswith(WHY_NOT)
        assert entry["rule"] != log["rule"]
    for warning in log["warnings"]:
        assert set(warning) == {"code", "message", "line", "offset"}
        assert warning["code"] in WARNING_CODES
        assert isinstance(warning["message"], str)
        for key in ("line", "offset"):
            assert warning[key] is None or type(warning[key]) is int


def without_fallback(output):
    """The output without what every verdict says where the engine failed its self-test.

    That depends on engine and processor, not on what is tested here.
    """
    for shape in (rb'\{"code":"engine_fallback","message":"[^"]*","line":null,"offset":null\},?',
                  rb"(?m)^  (?:\x1b\[2m)?warning (?:\x1b\[0m)?engine_fallback:.*\n(?: {10}\S.*\n)*",
                  rb"(?m)^\| engine_fallback \|.*\n",
                  # csv, junit and sarif
                  rb'\{""code"":""engine_fallback"",.*?""offset"":null\},?',
                  rb"(?m)(?<=<system-err>)engine_fallback: .*\n|^engine_fallback: .*\n",
                  rb"(?m)^ *<system-err></system-err>\n",
                  rb'\n\{"descriptor":\{"id":"engine_fallback"\}.*?\}\}\]\},?'):
        output = re.sub(shape, b"", output)
    for left, whole in ((b"},]", b"}]"), (b'},]"', b'}]"'), (b'"[]"\r\n', b"\r\n"),
                        (b' time="0">\n    </testcase>', b' time="0"/>')):
        output = output.replace(left, whole)
    return output


class Result:
    """What a run of the program left behind."""

    def __init__(self, done):
        self.code = done.returncode
        self.raw = without_fallback(done.stdout)
        self.out = self.raw.decode("utf-8")
        self.err = done.stderr.decode("utf-8")

    def objects(self):
        """The lines of standard output, each as JSON."""
        return [json.loads(line) for line in self.raw.splitlines()]


class Program:
    """The program in a world of its own: no home, no terminal, no caller's environment."""

    def __init__(self, folder):
        self.folder = folder
        self.count = 0
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "100",
        }
        # A build with sanitizers keeps its settings.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def run(self, *arguments, stdin=b"", cwd=None, **environment):
        """Runs the program and waits for it."""
        done = subprocess.run(
            [binary(), *map(str, arguments)], input=stdin, capture_output=True, timeout=PATIENCE,
            cwd=cwd or self.folder, env={**self.environment, **environment}, check=False)
        return Result(done)

    def write(self, name, data):
        """Writes a file, whose folder is made too."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        return path

    def rules(self, *rules, pack="test", name=None):
        """Writes a rule file. A rule as JSON on a line of its own is YAML as well."""
        self.count += 1
        lines = [f"pack: {pack}" if pack else "# no pack", "rules:"]
        lines += ["  - " + json.dumps(one, ensure_ascii=False) for one in rules]
        return self.write(name or f"rules-{self.count}.yaml", "\n".join(lines) + "\n")

    def verdict(self, rules, log, *options, code=0):
        """The verdict for one log, given as bytes or text through standard input."""
        done = self.run("scan", "--rules", rules, "-o", "jsonl", *options, "-",
                        stdin=log.encode("utf-8") if isinstance(log, str) else log)
        assert done.code == code, done.err
        (answer,) = done.objects()
        check_shape(answer)
        return answer

    def matches(self, rules, log, *options):
        """The matches in one log."""
        done = self.run("scan", "--rules", rules, "--matches", *options, "-",
                        stdin=log.encode("utf-8") if isinstance(log, str) else log)
        assert done.code == 0, done.err
        return done.objects()


@pytest.fixture
def classify(tmp_path):
    """The program, in a folder of the test's own."""
    return Program(tmp_path)


@pytest.fixture
def golden():
    """Compares with a golden file; with UPDATE_GOLDEN set, writes it."""

    def compare(name, text):
        path = GOLDEN / name
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare


def also(log, identifier):
    """The entry of a loser."""
    (entry,) = [entry for entry in log["also"] if entry["rule"] == identifier]
    return entry
