# SPDX-License-Identifier: Apache-2.0
"""A million calls leave nothing behind."""

import os

import pytest

# Run in a process of its own, so that nothing else moves its memory. The first calls fill what is kept.
PROGRAM = """
import gc, io, os, sys
import classify
rules, what, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
classifier = classify.Classifier(rules)
log = b"begin\\naccess denied for root\\nstep failed\\n"

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def wrong():
    for call in (lambda: classifier.match(None), lambda: classifier.match("\\ud800"),
                 lambda: classifier.scan("/none"), lambda: classifier.scan(7)):
        try:
            call()
        except (TypeError, ValueError, OSError):
            pass

def stream():
    with classifier.stream() as opened:
        opened.feed(log)

def many():
    for found in classifier.match_many(["fine", "denied for joe", b"x\\xff"] * 100):
        pass

calls = {
    "quiet": lambda: classifier.match("nothing to see"),
    "match": lambda: classifier.match("denied for root"),
    "odd": lambda: classifier.match("denied for \\udcff root"),
    "many": many,
    "scan": lambda: classifier.scan(log),
    "file": lambda: classifier.scan(io.BytesIO(log)),
    "path": lambda: classifier.scan(rules),
    "matches": lambda: list(classifier.matches(log)),
    "stream": stream,
    "wrong": wrong,
    "rules": lambda: classifier.rules,
    "compiled": lambda: classify.Classifier.from_compiled(classifier.compiled()),
    "threads": lambda: list(classifier.scan_many([rules] * 3, jobs=2)),
}
call = calls[what]
for _ in range(times // 10):
    call()
gc.collect()
before, blocks = resident(), sys.getallocatedblocks()
for _ in range(times):
    call()
gc.collect()
print(resident() - before, sys.getallocatedblocks() - blocks)
"""


@pytest.mark.parametrize("what, times", [
    ("quiet", 1_000_000), ("match", 1_000_000), ("odd", 100_000), ("many", 3_000), ("scan", 100_000),
    ("file", 20_000), ("path", 20_000), ("matches", 50_000), ("stream", 20_000), ("wrong", 50_000),
    ("rules", 20_000), ("compiled", 500), ("threads", 1_000),
])
def test_nothing_is_left(python, rules, what, times):
    if "libasan" in os.environ.get("LD_PRELOAD", ""):
        times = max(times // 100, 20)
        bytes_allowed = 256 << 20  # what was freed stays with the sanitizer for a while
    else:
        bytes_allowed = max(2 << 20, times * 2)
    grown, blocks = map(int, python(PROGRAM, rules, what, times).split())
    # A leak of one small object a call would be 16 bytes and one block a call.
    assert grown < bytes_allowed
    assert blocks < max(200, times // 100)
