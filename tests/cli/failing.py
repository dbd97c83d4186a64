# SPDX-License-Identifier: Apache-2.0
"""Running the program in a world that fails: allocations, calls, clocks (tests/faults/failing.c)."""

import os
import re
from pathlib import Path

import pytest

from conftest import binary

HERE = Path(__file__).resolve().parent

# In a whole run every failure is tried, otherwise one in so many, always the same ones.
WHOLE = bool(os.environ.get("CLASSIFY_FULL"))

RULES = r"""pack: test
rules:
  - {id: a, title: 'T ${x}', category: disk_full, match: 'alpha (?<x>\w+)', explains: [c],
     unless: {regex: nomore, within: 3 lines, where: after}, runbook: {fix: 'run ${x}', cause: 'c ${x}'},
     examples: {match: [{line: 'alpha b', fields: {x: b}}], reject: [z]}}
  - {id: b, title: t, role: failure, match: '^the end', examples: {match: ['the end'], reject: [z]}}
  - {id: c, title: t, category: unknown, role: symptom, show: above,
     match: {sequence: [one, {field: {msg: 'two (?<y>.)'}}], within: 10s},
     examples: {match: ["x one\n2026-01-01T00:00:01Z msg=\"two z\""], reject: [z]}}
"""
LOG = ("begin\n2026-01-01T00:00:00Z one\nsome error: \x1b[31mred\x1b[0m\n"
       '2026-01-01T00:00:01Z level=info msg="two \\"x"\nnothing\nalpha one password=secretsecret\nbla\n\nthe end\n')
UNKNOWN = "2026-01-01T00:00:00Z one\nerror: it cannot be opened\nnothing\nthe end\n"


def library():
    """The library that is loaded before the C library."""
    named = os.environ.get("FAILING")
    path = Path(named) if named else HERE / "../../build/tests/failing.so"
    if not path.exists() or WITH_TSAN:
        pytest.skip("failing.so is not built, or cannot be loaded before the thread sanitizer")
    return str(path.resolve())


def world(**failing):
    """The environment in which that fails which is named: malloc=3, call="write:1:ENOSPC"."""
    environment = {"LD_PRELOAD": library()}
    if WITH_ASAN:
        given = os.environ.get("ASAN_OPTIONS", "")
        environment["ASAN_OPTIONS"] = f"{given}:verify_asan_link_order=0"
        environment["LSAN_OPTIONS"] = f"suppressions={HERE.parent / 'faults/leaks.txt'}:print_suppressions=0"
    environment.update({f"FAILING_{name.upper()}": str(value) for name, value in failing.items()})
    return environment


def uses(library):
    """Was the program built with this library of a sanitizer, which wants to be the first?"""
    return library in Path(binary()).read_bytes()


WITH_ASAN, WITH_TSAN = uses(b"libasan"), uses(b"libtsan")


def counts(folder, process="parent"):
    """What the processes of the last run counted: allocations, calls, and descriptors left open."""
    path = folder / "counted"
    text = path.read_text() if path.exists() else ""
    found = re.findall(rf"(?m)^{process} malloc (\d+) call (\d+) open (\d+)$", text)
    path.unlink(missing_ok=True)
    return [tuple(map(int, one)) for one in found]


def times(data):
    """An output without what the clock says."""
    return re.sub(rb"\d+\.\d+(?= s)|(?<=time=\")[\d.]+|(?<=seconds )[\d.e+]+|\b20[3-9]\d-\d\d-\d\d[T ][\d:.]+Z?", b"", data)


def judge(done, whole, about, more=False):
    """Either the answer is the same as ever, or has `more` to it, or the program says that it is not."""
    # The sanitizer does not get over every failure itself.
    if WITH_ASAN and "AddressSanitizer: CHECK failed" in done.err:
        return
    # A test that could not be run is no test that passed.
    if done.code == 1 and "the scan failed" in done.out:
        return
    assert done.code in (whole.code, 2, 3), (about, done.code, done.err)
    if done.code == whole.code and whole.code in (0, 1):
        printed, expected = times(done.raw), times(whole.raw)
        assert printed == expected or (more and set(expected.splitlines()) <= set(printed.splitlines())), (about, done.err)
    else:
        assert "classify: " in done.err or "libarchive" in done.err, (about, done.code)
