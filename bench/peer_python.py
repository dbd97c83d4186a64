#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python's own expressions, each on every line: how a classifier script does it.

usage: peer_python.py EXPRESSIONS DATA BYTES ROUNDS

DATA may be compressed by gzip, and then ends in .gz. Prints one JSON object in the form of bench/compare. Only the first whole lines
of BYTES bytes are looked at, because this is slow.
"""
import gzip
import json
import re
import sys
import time


def main():
    expressions_path, data_path, size, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with open(expressions_path, "rb") as file:
        texts = file.read().split(b"\n")[:-1]
    opened = gzip.open if data_path.endswith(".gz") else open
    with opened(data_path, "rb") as file:
        data = file.read(size)
    data = data[:data.rfind(b"\n") + 1]
    begun = time.process_time()
    searches = [re.compile(text).search for text in texts]
    compiled = time.process_time() - begun
    times, hits = [], 0
    for _ in range(rounds):
        begun = time.thread_time()
        lines = data.split(b"\n")[:-1]
        # `is not None` and a sum: the quickest loop that Python has for this.
        hits = sum([search(line) is not None for line in lines for search in searches])
        times.append(time.thread_time() - begun)
    print(json.dumps({"peer": "python", "counts": "(expression, line)", "expressions": len(texts),
                      "bytes": len(data), "lines": len(lines), "hits": hits, "compile": compiled, "cpu": times}))


if __name__ == "__main__":
    main()
