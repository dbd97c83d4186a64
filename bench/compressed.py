# SPDX-License-Identifier: Apache-2.0
"""The part of the benchmark about .gz: ours beside what else reads such logs.

Times are those of whole processes. What a command takes for an archive of
nothing is its start, and taken off where it is not small.
"""
import os
import shlex
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MIB = 1 << 20
NAME = "500"
# How much of the text a slow peer gets, in MiB.
SLICES = {"zcat, rg -f": 8, "zgrep -E -f": 0.5, "Python re": 0.25}


def pack(source, target):
    """Compresses a file as gzip does by default."""
    with open(target, "wb") as file:
        subprocess.run(["gzip", "-6", "-n", "-c", source], stdout=file, check=True)
    return target


def takes_extended(expression):
    """Whether grep -E reads an expression as it is meant: no class of PCRE, no group with an option, no laziness."""
    return not any(mark in expression for mark in ("\\d", "\\s", "\\w", "\\b", "\\S", "\\D", "\\W", "(?", "*?", "+?"))


def peers(bench, log):
    """{name: (command, the same for nothing, bytes of text)} of those that have to look for something."""
    result = {}
    base = bench.path("r" + NAME)
    grep = bench.path("grep.expressions")
    with open(base + ".txt", encoding="utf-8") as file:
        texts = [line.rstrip("\n") for line in file]
    taken = [text for text in texts if takes_extended(text)]
    with open(grep, "w", encoding="utf-8") as file:
        file.writelines(text + "\n" for text in taken)
    empty = bench.path("nothing.log")
    open(empty, "wb").close()
    nothing = pack(empty, empty + ".gz")
    rg = shlex.join(["rg", "--no-config", "--no-unicode", "--text", "-j1", "--regex-size-limit", "2G",
                     "--dfa-size-limit", "2G", "-c", "-f", base + ".rg"])
    for name in SLICES:
        part = bench.path("compressed.log")
        size = bench.head(log, part, int(SLICES[name] * MIB))
        packed = pack(part, bench.path(f"compressed-{len(result)}.gz"))
        if name == "zcat, rg -f":
            both = [["sh", "-c", f"gzip -dc {shlex.quote(path)} | {rg}"] for path in (packed, nothing)]
        elif name == "zgrep -E -f":
            both = [["zgrep", "-a", "-E", "-c", "-f", grep, path] for path in (packed, nothing)]
        else:
            both = [[sys.executable, os.path.join(HERE, "peer_python.py"), base + ".txt", path, str(size), "1"]
                    for path in (packed, nothing)]
        result[name] = (*both, size)
    return result, len(taken), len(texts)


def one_core(bench, log, packed, samples, ratios):
    """All on one core, by processor time."""
    size = os.path.getsize(log)
    jobs = ["--jobs", "1"] if "--jobs" in bench.help else []
    plain = {"scan, plain": bench.scan(NAME, "-o", "jsonl", *jobs, log),
             "scan, .gz": bench.scan(NAME, "-o", "jsonl", *jobs, packed),
             "zcat": ["gzip", "-dc", packed]}
    if shutil.which("igzip"):
        plain["igzip -dc"] = ["igzip", "-dc", packed]
    others, taken, all_of_them = peers(bench, log)
    times = {name: [] for name in (*plain, *others)}
    for round_number in range(min(bench.rounds, 5) + 1):
        for name, command in plain.items():
            done = bench.timed(command, output="/dev/null")
            # The first round only warms up.
            if round_number:
                times[name].append(size / done[0][1] / 1e9)
        for name, (command, nothing, length) in others.items():
            if round_number and round_number <= 3:
                done, start = (bench.timed(c, output="/dev/null", good=(0, 1)) for c in (command, nothing))
                times[name].append(length / max(done[0][1] - start[0][1], 1e-6) / 1e9)
    speed = {name: samples(values) for name, values in times.items()}
    ours = speed["scan, .gz"]
    bench.tables.append((
        f"Compressed, {NAME} rules, ordinary, one core, GB/s of text",
        "Processor time of all processes of a command, all on one core. `zcat | rg -c -f`, and `zgrep -E -c -f` with "
        f"those {taken} of {all_of_them} expressions that it reads as they are meant, count lines and do not say "
        "which expression it was; Python runs each expression on each line of what `gzip` gives. They get the "
        "first part of the log, and their start is taken off.",
        ["what", "speed", "scan of .gz over it"],
        [[name, values.text(3), ratios(ours, values).text()] for name, values in speed.items()]))
    r = ratios(ours, speed["zcat"])
    bench.target(".gz, one core, against zcat >/dev/null", r.text() + "x", "1x", r.median() >= 1)
    fastest = "igzip -dc" if "igzip -dc" in speed else "zcat"
    r = samples(g * (1 / i + 1 / p) for g, i, p in zip(ours, speed[fastest], speed["scan, plain"]))
    bench.target(f".gz, one core, against 1 / (1/{fastest.split()[0]} + 1/scan)", r.text() + "x", "0.9x", r.median() >= 0.9)


def two_cores(bench, log, packed, samples, ratios):
    """One large archive, on the wall: the text is scanned while it is decompressed."""
    if len(bench.cpus) < 2 or not shutil.which("igzip"):
        bench.notes.append("A .gz on two cores needs two of them, and igzip: not measured.")
        return
    size = os.path.getsize(log)
    commands = {"scan, .gz, two cores": bench.scan(NAME, "-o", "jsonl", packed),
                "scan, plain, two cores": bench.scan(NAME, "-o", "jsonl", log),
                "igzip -dc": ["igzip", "-dc", packed]}
    pair = ",".join(map(str, bench.cpus[-2:]))
    times = {name: [] for name in commands}
    for _ in range(min(bench.rounds, 5)):
        for name, command in commands.items():
            begun = time.monotonic()
            subprocess.run(["taskset", "-c", pair, *command], env=bench.environment, stdout=subprocess.DEVNULL,
                           check=True)
            times[name].append(size / (time.monotonic() - begun) / 1e9)
    speed = {name: samples(values) for name, values in times.items()}
    ours = speed["scan, .gz, two cores"]
    bench.tables.append((
        f"Compressed, {NAME} rules, ordinary, two cores, GB/s of text on the wall",
        "Another program that runs meanwhile shows here. No log is scanned by two threads, so that it cannot be "
        "faster than the scan of the plain text beside it.",
        ["what", "speed", "scan of .gz over it"],
        [[name, values.text(3), ratios(ours, values).text()] for name, values in speed.items()]))
    r = ratios(ours, speed["igzip -dc"])
    bench.target(".gz, two cores, against igzip -dc >/dev/null, on the wall", r.text() + "x", "0.8x", r.median() >= 0.8)
    r = samples(g / min(i, p) for g, i, p in zip(ours, speed["igzip -dc"], speed["scan, plain, two cores"]))
    bench.target(".gz, two cores, against the slower of igzip -dc and scan, on the wall", r.text() + "x", "0.9x",
                 r.median() >= 0.9)


def compressed(bench, samples, ratios):
    """Both parts."""
    log = bench.log(NAME, "ordinary")
    packed = pack(log, bench.path("ordinary.log.gz"))
    one_core(bench, log, packed, samples, ratios)
    two_cores(bench, log, packed, samples, ratios)
