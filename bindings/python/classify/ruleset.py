# SPDX-License-Identifier: Apache-2.0
"""From rule files to a compiled ruleset: from the cache, or compiled in a child process.

An expression can take minutes, gigabytes or the whole process while the
engine compiles it. So compiling is done by another Python (compiler.py) under
limits of time and memory; where it is ended, it is tried once more with
literals only, which compile in bounded time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from . import cache, errors, native
from .results import Fault, Rule, Runbook

RulePath = Union[str, "os.PathLike[str]"]
Texts = Sequence[Tuple[str, str]]

COMPILE_SECONDS = 30


def default_rules() -> str:
    """The folder of the shipped packs.

    In the package, as a wheel has it; where the package lies in a build
    folder, a file `rules.path` beside it names the rules of the source tree.
    """
    here = Path(__file__).resolve().parent
    named = here / "rules.path"
    return named.read_text(encoding="utf-8").strip() if named.exists() else str(here / "rules")


class Compiled:
    """A ruleset with the faults that were found on the way to it."""

    def __init__(self, ruleset: native.Ruleset, faults: Sequence[Fault] = ()) -> None:
        self.native = ruleset
        self.faults = tuple(faults)
        self.hash: str = native.clsf_ruleset_hash(ruleset)
        self._rules: Dict[str, Rule] = {}

    def rule(self, identifier: str) -> Rule:
        """The rule with this id, which the ruleset has."""
        found = self._rules.get(identifier)
        if found is None:
            found = self._rules[identifier] = _rule(self.native.rule_of(identifier))
        return found

    def rules(self) -> Tuple[Rule, ...]:
        """All rules, in the order of reading."""
        return tuple(_rule(self.native.rule_at(i)) for i in range(native.clsf_ruleset_count(self.native)))


def _rule(told: Dict[str, Any]) -> Rule:
    runbook = Runbook(told.pop("cause"), told.pop("fix"), told.pop("prevent"), told.pop("url"))
    told.update(pack=told["pack"] or None, category=told["category"] or None, runbook=runbook)
    return Rule(**told)


def _faults(told: Sequence[Sequence[Any]]) -> List[Fault]:
    return [Fault("error" if level == native.CLSF_FAULT_ERROR else "warning", file, line, column,
                  rule or None, message)
            for level, _, file, line, column, rule, message in told]


def read(paths: Sequence[RulePath], texts: Texts, engine: int, strict: bool) -> native.Loader:
    """A loader that has read all files, and parsed none."""
    loader = native.Loader(engine, strict)
    for path in paths:
        loader.add_path(default_rules() if path == "default" else path)
    for name, text in texts:
        loader.add_text(name, text)
    return loader


def restore(compiled: bytes) -> Compiled:
    """The ruleset of its compiled form."""
    return Compiled(native.Ruleset(compiled))


def load(paths: Sequence[RulePath], texts: Texts, strict: bool, cached: bool) -> Compiled:
    """Reads and compiles; `paths` may name the shipped packs as ``default``."""
    loader = read(paths, texts, native.CLSF_ENGINE_AUTO, strict)
    place = cache.folder() if cached else None
    found: List[native.Ruleset] = []

    def take(data: memoryview) -> bool:
        try:
            found.append(native.Ruleset(data))
        except errors.ClassifyError:
            return False
        return True

    if place and cache.load(place, loader.key(), take):
        return Compiled(found[0])
    if _interpreter() is None:  # Python inside another program: there is nobody to ask
        return Compiled(loader.compile(), _faults(loader.faults()))
    again = False
    try:
        told, compiled = _ask(paths, texts, native.CLSF_ENGINE_AUTO, strict)
    except errors.EngineError:
        again = True
        told, compiled = _ask(paths, texts, native.CLSF_ENGINE_LITERALS, strict)
    faults = _faults(told["faults"])
    if told["error"]:
        raise _error(told["error"], faults)
    ruleset = native.Ruleset(compiled)
    # Faults are to be told each time, and what took too long once may not do so again.
    if place and not again and not native.clsf_ruleset_quarantined(ruleset):
        cache.store(place, told["key"], compiled)
    return Compiled(ruleset, faults)


def _error(told: Sequence[Any], faults: Sequence[Fault]) -> errors.ClassifyError:
    """What compiling failed with, at the place of the first fault if it has none of its own."""
    error = errors.from_code(*told)
    first = next((fault for fault in faults if fault.level == "error"), faults[0] if faults else None)
    if error.file is None and first is not None:
        error = type(error)(f"{first.message} ({error.message})" if error.message else first.message,
                            file=first.file, line=first.line, column=first.column, rule=first.rule)
    return error


def _interpreter() -> Optional[str]:
    """A Python to run; inside another program, `sys.executable` may be that program, or nothing."""
    for path in (sys.executable, os.path.join(sys.exec_prefix, "bin", "python3")):
        if path and os.path.basename(path).startswith("python") and os.access(path, os.X_OK):
            return path
    return None


def _ask(paths: Sequence[RulePath], texts: Texts, engine: int, strict: bool) -> Tuple[Dict[str, Any], bytes]:
    """What a child process makes of the rules: what it tells, and the compiled form."""
    request = {"sys.path": sys.path, "texts": list(texts), "engine": engine, "strict": strict,
               "paths": [os.path.abspath(default_rules() if path == "default" else path) for path in paths]}
    script = str(Path(__file__).resolve().with_name("compiler.py"))
    # Isolated, so that the folder of the script hides no module of Python's own.
    try:
        done = subprocess.run([_interpreter() or sys.executable, "-I", script], input=json.dumps(request).encode("ascii"),
                              capture_output=True, timeout=COMPILE_SECONDS, check=False)
    except OSError as error:
        raise errors.EngineError(f"compiling the rules could not begin: {error}") from error
    except subprocess.TimeoutExpired:
        raise errors.EngineError(f"compiling the rules took more than {COMPILE_SECONDS} seconds") from None
    head, _, compiled = done.stdout.partition(b"\n")
    if done.returncode == 0:
        told: Dict[str, Any] = json.loads(head)
        if len(compiled) == told["length"]:
            return told, compiled
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    why = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    raise errors.EngineError(f"compiling the rules was ended ({': '.join([why, *said[-1:]])})")
