#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the Python package costs, beside the C library and what else Python has.

usage: bench/python.py --build BUILD [--data DIR] [--quick] [--output FILE]

BUILD is a build folder with the package; the C library of the same folder is
called through ctypes, so that both scan the same bytes in one process, round by
round. Peers on lines are a loop over the expressions with `re`, as triage
scripts have it, one `re` of all of them, and the package `hyperscan`, which is
left out where it is not installed. Times are of the processor. A ratio is of
two figures of the same round.
"""
import argparse
import ctypes
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
MIB = 1 << 20


class Figures(list):
    """A figure of each round."""

    def text(self, scale=1.0, digits=2):
        low, middle, high = min(self), statistics.median(self), max(self)
        return f"{middle / scale:.{digits}f} ({low / scale:.{digits}f}..{high / scale:.{digits}f})"

    def over(self, other):
        return Figures(a / b for a, b in zip(self, other))


class Library:
    """The C library: a worker and a stream, with nothing of the package between."""

    def __init__(self, build, rules):
        self.core = ctypes.CDLL(build / "libclassify" / "libclassify.so.0", mode=ctypes.RTLD_GLOBAL)
        self.reader = ctypes.CDLL(build / "reader" / "libclassify-reader.so.0")
        self.worker, self.stream = ctypes.c_void_p(), ctypes.c_void_p()
        self.verdict = ctypes.c_void_p()
        ruleset = ctypes.c_void_p()
        self.good(self.core.clsf_ruleset_load(os.fsencode(rules), ctypes.byref(ruleset), None))
        self.good(self.core.clsf_worker_new(ruleset, None, ctypes.byref(self.worker)))
        self.good(self.core.clsf_stream_new(ruleset, None, ctypes.byref(self.stream)))
        self.core.clsf_stream_reset.restype = None
        self.reader.clsf_reader_free.restype = None

    @staticmethod
    def good(code):
        if code:
            raise RuntimeError(f"the library answers {code}")

    def finish(self):
        self.good(self.core.clsf_stream_finish(self.stream, self.worker, ctypes.byref(self.verdict)))
        return ctypes.cast(self.verdict, ctypes.POINTER(ctypes.c_int))[0]

    def scan(self, data):
        """The outcome of bytes."""
        self.core.clsf_stream_reset(self.stream)
        self.good(self.core.clsf_stream_feed(self.stream, self.worker, data, ctypes.c_size_t(len(data))))
        return self.finish()

    def scan_file(self, path):
        """The outcome of a file, through the reader."""
        reader, member = ctypes.c_void_p(), ctypes.c_void_p()
        data, length = ctypes.c_void_p(), ctypes.c_size_t()
        self.core.clsf_stream_reset(self.stream)
        self.good(self.reader.clsf_reader_open(os.fsencode(path), None, ctypes.byref(reader), None))
        self.good(self.reader.clsf_reader_next(reader, ctypes.byref(member), None))
        while True:
            code = self.reader.clsf_reader_read(reader, ctypes.byref(data), ctypes.byref(length), None)
            if code == 1:
                break
            self.good(code)
            self.good(self.core.clsf_stream_feed(self.stream, self.worker, data, length))
        self.reader.clsf_reader_free(reader)
        return self.finish()


def timed(call, *arguments):
    begun = time.process_time()
    answer = call(*arguments)
    return time.process_time() - begun, answer


def rounds_of(count, jobs):
    """Seconds of each job, the jobs taking turns; the first round warms up and is not counted."""
    seconds = {name: Figures() for name in jobs}
    for turn in range(count + 1):
        for name, job in jobs.items():
            spent, _ = timed(job)
            if turn:
                seconds[name].append(spent)
    return seconds


def generate(folder, size):
    """Rules and a log; made once, for they come of a seed."""
    generator = [sys.executable, str(HERE / "generate.py")]
    log = folder / f"python-ordinary-{size}.log"
    if not (folder / "r500.yaml").exists():
        subprocess.run([*generator, "rules", "500", str(folder / "r500")], check=True)
    if not log.exists():
        subprocess.run([*generator, "log", str(folder / "r500.hits"), "ordinary", str(size), str(log)], check=True)
    return folder / "r500.yaml", folder / "r500.txt", log


def line_peers(expressions):
    """Calls that say whether a line matches: name and (call, the share of the lines that it gets)."""
    searches = [re.compile(text).search for text in expressions]

    def loop(line):
        return any([search(line) is not None for search in searches])

    peers = {"re, a loop over the expressions": (loop, 100)}
    # Each (?i) only for its own part; groups lose their names, which may come twice.
    parts = []
    for text in expressions:
        text = re.sub(rb"\(\?<\w+>|\(\?P<\w+>", b"(?:", text)
        parts.append(b"(?i:" + text[4:] + b")" if text.startswith(b"(?i)") else b"(?:" + text + b")")
    together = re.compile(b"|".join(parts)).search
    peers["re, one expression of all"] = (lambda line: together(line) is not None, 100)
    try:
        import hyperscan
    except ImportError:
        return peers
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    flags = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_ALLOWEMPTY
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=[flags] * len(expressions))
    found = []

    def on_match(identifier, begin, end, flags, context):
        found.append(identifier)

    def by_hyperscan(line):
        found.clear()
        database.scan(line, match_event_handler=on_match)
        return bool(found)

    peers["hyperscan, one call a line"] = (by_hyperscan, 1)
    return peers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    sys.path.insert(0, str(options.build.resolve() / "bindings" / "python"))
    import classify

    made = tempfile.TemporaryDirectory()
    folder = options.data or Path(made.name)
    folder.mkdir(parents=True, exist_ok=True)
    size, count = (16 * MIB, 3) if options.quick else (64 * MIB, 7)
    rules, expressions, log = generate(folder, size)
    warnings.simplefilter("ignore")
    classifier = classify.Classifier(rules)
    library = Library(options.build.resolve(), rules)
    data = log.read_bytes()
    outcomes = ["undetermined", "passed", "failed"]
    assert classifier.scan(data).outcome == outcomes[library.scan(data)]
    assert classifier.scan(log).outcome == outcomes[library.scan_file(log)]

    table = ["| what | speed | over the C library |", "|---|---|---|"]
    whole = rounds_of(count, {
        "C, a buffer": lambda: library.scan(data), "a buffer: `scan(bytes)`": lambda: classifier.scan(data),
        "C, a file": lambda: library.scan_file(log), "a file: `scan(path)`": lambda: classifier.scan(log),
    })
    for name, seconds in whole.items():
        speed = Figures(len(data) / one for one in seconds)
        base = None if name.startswith("C") else whole["C, a buffer" if "buffer" in name else "C, a file"]
        table.append(f"| {name} | {speed.text(1e9)} GB/s | {base.over(seconds).text() if base else ''} |")

    lines = data.split(b"\n")[:-1]
    lines = lines[:len(lines) // 4]
    texts = [line.decode() for line in lines]
    match = classifier.match

    def one_by_one(given):
        return sum([1 for line in given if match(line)])

    expected = sum(1 for found in classifier.match_many(lines) if found)
    jobs = {
        "`match_many`, bytes": lambda: sum(1 for found in classifier.match_many(lines) if found),
        "`match_many`, str": lambda: sum(1 for found in classifier.match_many(texts) if found),
        "`match`, bytes": lambda: one_by_one(lines),
        "`match`, str": lambda: one_by_one(texts),
    }
    for job in jobs.values():
        assert job() == expected
    plain = classify.Classifier(rules, unwrap=False)
    peers = line_peers(expressions.read_bytes().split(b"\n")[:-1])
    counts = {}
    for name, (call, part) in peers.items():
        some = lines[:len(lines) // part]
        counts[name] = len(some)
        # All must agree on what is hit; the peers do not unwrap.
        agreed = [bool(found) for found in plain.match_many(some)]
        assert [call(line) for line in some] == agreed, name
        jobs[name] = lambda call=call, some=some: sum([1 for line in some if call(line)])
    seconds = rounds_of(count, jobs)
    rates = {name: Figures(counts.get(name, len(lines)) / one for one in spent) for name, spent in seconds.items()}
    by_line = ["| by line | thousand lines a second | `match_many` over it | `match` over it |", "|---|---|---|---|"]
    for name, rate in rates.items():
        ours = name.startswith("`")
        over = ["", ""] if ours else [rates["`match_many`, bytes"].over(rate).text(1, 1),
                                      rates["`match`, bytes"].over(rate).text(1, 1)]
        by_line.append(f"| {name} | {rate.text(1000, 0)} | {' | '.join(over)} |")
    share = 100 * expected / len(lines)
    head = f"""<!-- SPDX-License-Identifier: Apache-2.0 -->
# The Python package

Made by `bench/python.py`; CPython {platform.python_version()}, {classify.ENGINE}, {os.cpu_count()} processors,
rules {classifier.ruleset[:19]} (500 generated expressions), {len(data) / 1e6:.0f} MB of ordinary log, of which
{len(lines)} lines by line, {share:.1f} % hit. The median of {count} rounds, with the least and the greatest.
"""
    text = "\n".join([head, *table, "", *by_line, ""])
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
