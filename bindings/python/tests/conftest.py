# SPDX-License-Identifier: Apache-2.0
"""What the tests share: a world of their own, rules and logs, and the command line to compare with."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]

# Where the tests run in the background of a shell, interrupts are ignored, and would be by every program here.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

RULES = """
pack: test
rules:
  - id: test-denied
    title: ${user} may not read
    category: access_denied
    severity: critical
    match: 'denied for (?<user>[a-z]+)'
    explains: [test-failed]
    runbook: {cause: A right is missing., fix: 'grant ${user}', prevent: Review., url: https://docs.example/denied}
  - id: test-failed
    title: It failed
    category: build_step_failed
    role: symptom
    match: 'step failed'
  - id: test-done
    title: Done
    role: success
    match: 'all done'
"""


@pytest.fixture(autouse=True)
def own_world(tmp_path, monkeypatch):
    """No home and no cache of the caller's."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", os.environ.get("CLASSIFY_TEST_CACHE", str(tmp_path / "cache")))


@pytest.fixture(scope="session")
def shipped(tmp_path_factory):
    """A classifier of the shipped packs, which are compiled once."""
    import classify

    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    try:
        return classify.Classifier()
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture
def rules(tmp_path):
    """The path of a small rule file."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


@pytest.fixture
def small(rules):
    """A classifier of the small rule file."""
    import classify

    return classify.Classifier(rules)


@pytest.fixture(scope="session")
def command(tmp_path_factory):
    """Runs the command line and gives its JSON objects; skips where it was not built.

    All of a session share a cache, for a sanitizer makes compiling slow.
    """
    program = os.environ.get("CLASSIFY")
    if not program:
        pytest.skip("the command line was not built")

    cache = str(tmp_path_factory.mktemp("command"))

    def run(*arguments, stdin=b"", codes=(0,)):
        done = subprocess.run([program, *map(os.fspath, arguments)], input=stdin, capture_output=True, check=False,
                              env={**os.environ, "XDG_CACHE_HOME": cache})
        assert done.returncode in codes, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def python(tmp_path):
    """Runs a program of Python's in a process of its own, as the caller would."""

    def run(program, *arguments, code=0, **environment):
        done = subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True,
                              cwd=tmp_path, env={**os.environ, **environment}, check=False, timeout=300)
        assert done.returncode == code, done.stderr.decode()
        return done.stdout.decode()

    return run
