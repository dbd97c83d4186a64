#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmark and writes its results. Started by scripts/bench.

A figure is the median of several runs, with the least and the greatest in
brackets. A ratio is that of two figures of the same round, ours over the
peer's, so 2.00 means twice as fast. No figure decides over success: the exit
status is 1 only where a result is wrong or something does not run.
"""
import argparse
import datetime
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import compressed

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
GENERATE = os.path.join(HERE, "generate.py")
KINDS = ["quiet", "ordinary", "noisy", "storm"]
SHARES = {"quiet": 0.001, "ordinary": 0.01, "noisy": 0.05, "storm": 1.0}
MIB = 1 << 20
GUARD_LINES = 20000

# How much of the data a slow peer gets, in MiB: about a second's work for it.
SLICES = {
    "pcre2": {"shipped": 1, "100": 8, "500": 2, "5000": 0.2},
    "re2": {"shipped": 16, "100": 16, "500": 16, "5000": 4},
    "python": {"shipped": 0.5, "100": 1, "500": 0.25, "5000": 0.03},
    "rg": {"100": 64, "500": 64, "5000": 2},
}
# What may be run by itself.
PARTS = ["compressed", "start", "memory", "entries", "two_cores"]
TITLES = {
    "hs": "bare hs_scan, 256 KiB blocks", "hs-single": "the same, SINGLEMATCH",
    "hs-literals": "literals alone, 256 KiB blocks", "hs-lines": "hs_scan, one call a line",
    "re2": "RE2::Set, by line", "pcre2": "PCRE2 JIT loop, by line", "python": "Python re loop, by line",
}


def say(text):
    print(text, file=sys.stderr, flush=True)


class Samples(list):
    """Figures of several rounds."""

    def text(self, digits=2, unit=""):
        if not self:
            return "–"
        # About three digits that say something, however large or small.
        middle = abs(statistics.median(self))
        for limit, needed in ((100, 0), (10, 1)):
            if middle >= limit:
                digits = min(digits, needed)
                break
        while 0 < middle < 2 * 10 ** (1 - digits) and digits < 7:
            digits += 1
        return f"{middle:.{digits}f}{unit} ({min(self):.{digits}f}..{max(self):.{digits}f})"

    def median(self):
        return statistics.median(self)


def ratios(a, b):
    return Samples(x / y for x, y in zip(a, b))


class Bench:
    def __init__(self, options):
        self.options = options
        self.quick = options.quick
        self.rounds = 3 if self.quick else 9
        self.size = (16 if self.quick else 64) * MIB
        self.classify = os.path.join(options.build, "tools", "classify", "classify")
        self.compare = os.path.join(options.build, "bench", "compare")
        self.timed_path = os.path.join(options.build, "bench", "timed")
        self.data = options.data
        # The last processor: the first one serves most interrupts.
        self.cpus = sorted(os.sched_getaffinity(0))
        self.cpu = str(self.cpus[-1])
        self.broken = []
        self.tables = []
        self.targets = []
        self.notes = []
        self.hashes = {}
        self.environment = dict(os.environ, XDG_CACHE_HOME=self.path("cache"), LC_ALL="C.UTF-8")
        os.makedirs(self.data, exist_ok=True)
        os.makedirs(self.path("cache"), exist_ok=True)
        self.has_cache = self.quiet_call([self.classify, "compile", "--help"]).returncode == 0
        self.help = self.quiet_call([self.classify, "scan", "--help"]).stdout
        self.has_re2 = "no peer" not in self.quiet_call(
            [self.compare, "/dev/null", "/dev/null", "re2"]).stderr
        self.no_cache = ["--no-cache"] if "--no-cache" in self.help else []
        self.sets = ["shipped", "500", "5000"] if self.quick else ["shipped", "100", "500", "5000"]
        if options.only == ["compressed"]:
            self.sets = [compressed.NAME]

    # ---- helpers ----

    def path(self, name):
        return os.path.join(self.data, name)

    def rules(self, name):
        return os.path.join(TOP, "rules") if name == "shipped" else self.path(f"r{name}.yaml")

    def log(self, name, kind):
        return self.path(f"{kind}-{name}.log")

    def kinds(self, name):
        """All where targets are set; elsewhere, and in quick runs, less of what says least."""
        if self.quick:
            return ["quiet", "ordinary", "storm"] if name == "500" else ["ordinary"]
        return {"shipped": ["quiet", "ordinary", "storm"], "100": ["quiet", "ordinary"]}.get(name, KINDS)

    def quiet_call(self, command):
        return subprocess.run(command, capture_output=True, text=True, errors="replace", env=self.environment)

    def call(self, command):
        """Runs a command that has to succeed; returns its standard output."""
        done = self.quiet_call(command)
        if done.returncode != 0:
            say(done.stderr[-2000:])
            sys.exit(f"bench: failed ({done.returncode}): {' '.join(command)[:300]}")
        return done.stdout

    def fail(self, text):
        say(f"BROKEN: {text}")
        self.broken.append(text)

    def timed(self, command, runs=1, cpu=None, output=None, emptied=None, good=(0,)):
        """[(wall, cpu, memory in KiB)] of the runs of a command."""
        argv = [self.timed_path, "-n", str(runs), "-o", output or self.path("out"), "-c", cpu or self.cpu]
        argv += ["-x", emptied] if emptied else []
        result = []
        for line in self.call(argv + command).splitlines():
            wall, processor, memory, status = line.split()
            if int(status) not in good:
                self.fail(f"exit status {status} of {' '.join(command)[:200]}")
            result.append((float(wall), float(processor), int(memory)))
        return result

    def target(self, what, figure, goal, met):
        self.targets.append((what, figure, goal, "yes" if met else "no"))

    # ---- data ----

    def prepare(self):
        for name in self.sets:
            begun = time.monotonic()
            base = self.path("r" + name)
            if name == "shipped":
                self.prepare_shipped(base)
            else:
                self.call([sys.executable, GENERATE, "rules", name, base])
                self.call([sys.executable, GENERATE, "probe", base + ".hits", self.path("probe.log")])
                # Line by line, Hyperscan finds what PCRE2 finds (see guard()) and takes seconds, not a minute.
                self.call([self.compare, "--per-line", self.path("counts"), base + ".txt",
                           self.path("probe.log"), "hs-lines"])
            kept = self.call([sys.executable, GENERATE, "keep", base + ".hits", self.path("counts")]).strip()
            for kind in self.kinds(name):
                self.call([sys.executable, GENERATE, "log", base + ".hits", kind, str(self.size),
                           self.log(name, kind)])
            say(f"rules {name}: {kept}; logs in {time.monotonic() - begun:.0f} s")
        self.head(self.log("500", "ordinary"), self.path("small.log"), 20000)
        self.large = (128 if self.quick else 512) * MIB
        if "shipped" not in self.sets:
            return
        with open(self.path("large.log"), "wb") as out:
            # Quiet text, four times over: what it costs in memory does not depend on whether it comes again.
            self.call([sys.executable, GENERATE, "log", self.path("rshipped.hits"), "quiet",
                       str(self.large // 4), self.path("part.log")])
            for _ in range(4):
                with open(self.path("part.log"), "rb") as part:
                    shutil.copyfileobj(part, out, MIB)

    def prepare_shipped(self, base):
        rules = self.rules("shipped")
        expressions = {}
        for line in self.call([self.classify, "rules", "list", "-o", "jsonl", "--rules", rules]).splitlines():
            for expression in json.loads(line)["expressions"]:
                if "\n" not in expression:
                    expressions[expression] = True
        with open(base + ".txt", "w") as file:
            file.writelines(e + "\n" for e in expressions)
        self.call([sys.executable, GENERATE, "shipped", rules, base])
        self.call([sys.executable, GENERATE, "probe", base + ".hits", self.path("probe.log")])
        lines = self.match_lines(rules, self.path("probe.log"))
        with open(self.path("probe.log"), "rb") as file:
            total = sum(1 for _ in file)
        with open(self.path("counts"), "w") as file:
            file.writelines(f"{lines.get(i, 0)}\n" for i in range(1, total + 1))

    def match_lines(self, rules, log):
        """How many matches each line has that has any."""
        with open(self.path("matches"), "wb") as file:
            done = subprocess.run([self.classify, "scan", "--matches", "-q", "--rules", rules, log],
                                  stdout=file, stderr=subprocess.PIPE, env=self.environment)
        if done.returncode != 0:
            sys.exit(f"bench: scan --matches failed: {done.stderr.decode(errors='replace')[-500:]}")
        counts = {}
        number = re.compile(rb'"line":(\d+)')
        with open(self.path("matches"), "rb") as file:
            for match in file:
                line = int(number.search(match).group(1))
                counts[line] = counts.get(line, 0) + 1
        return counts

    def check_shares(self):
        """The logs are what their names say: counted by what the rules find in them."""
        rows = []
        for name in self.sets:
            for kind in self.kinds(name):
                with open(self.log(name, kind), "rb") as file:
                    digest = hashlib.sha256()
                    seen, total, special = set(), 0, 0
                    for line in file:
                        total += 1
                        seen.add(hash(line))
                        digest.update(line)
                        # What makes a line's message differ from a part of its raw text.
                        special += b"\x1b" in line or b"\\" in line or b"\r" in line
                counts = self.match_lines(self.rules(name), self.log(name, kind))
                hit, matches = len(counts), sum(counts.values())
                if len(seen) != total:
                    self.fail(f"{kind} log of {name} rules repeats {total - len(seen)} lines")
                if name != "shipped":
                    if kind == "storm" and not hit == matches == total:
                        self.fail(f"storm of {name} rules: {total} lines, {hit} hit, {matches} matches")
                    elif not 0.85 < hit / total / SHARES[kind] < 1.15:
                        self.fail(f"{kind} log of {name} rules: {hit} of {total} lines hit")
                rows.append([name, kind, f"{os.path.getsize(self.log(name, kind)) / MIB:.0f}", f"{total}",
                             f"{100 * hit / total:.3f} %", f"{matches}", f"{100 * special / total:.0f} %",
                             digest.hexdigest()[:12]])
        self.tables.append(("The logs", "Counted with `classify scan --matches`. A special line holds an escape "
                            "character, a backslash or a carriage return, and so is decoded and scanned again "
                            "unless `no_unwrap` is set.",
                            ["rules", "text", "MiB", "lines", "lines hit", "matches", "special", "sha256"], rows))

    def guard(self):
        """Ours, line by line, has to find what PCRE2 finds."""
        for name in self.sets:
            if name == "shipped" or (self.quick and name == "5000"):
                continue
            kind = "noisy" if "noisy" in self.kinds(name) else "ordinary"
            part = self.path("guard.log")
            with open(self.log(name, kind), "rb") as source, open(part, "wb") as file:
                for _ in range(GUARD_LINES):
                    file.write(source.readline())
                # And lines of a storm, in which many more rules come up.
                if "storm" in self.kinds(name):
                    with open(self.log(name, "storm"), "rb") as storm:
                        for _ in range(GUARD_LINES // 10):
                            file.write(storm.readline())
            peers = ["pcre2", "ours-raw", "hs-lines"] + (["re2"] if self.has_re2 else [])
            done = self.quiet_call([self.compare, "--rules", self.rules(name), "--check",
                                    self.path(f"r{name}.txt"), part] + peers)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            if done.returncode != 0 or not rows or rows[0]["hits"] == 0:
                self.fail(f"{name} rules: not the hits of PCRE2: {done.stderr.strip()[-500:]}")
            else:
                self.notes.append(f"{name} rules: {rows[0]['hits']} hits on {rows[0]['lines']} lines, the same "
                                  f"(rule, line) pairs by {', '.join(r['peer'] for r in rows)}.")
                say("guard: " + self.notes[-1])

    # ---- in memory ----

    def in_memory(self):
        header = ["rules", "text", "ours"] + list(TITLES.values())
        ratio_rows, speed_rows, compile_rows = [], [], []
        self.speeds = {}
        for name in self.sets:
            for kind in self.kinds(name):
                results = self.one_comparison(name, kind)
                self.speeds[name, kind] = results
                cells = [f"{results[p].text(3)}" if p in results else "–" for p in TITLES]
                speed_rows.append([name, kind, results["ours"].text(3), results["ours-raw"].text(3)] + cells)
                for ours, label in (("ours", "default"), ("ours-raw", "no_unwrap")):
                    ratio_rows.append([name, kind, label] + [
                        ratios(results[ours], results[p]).text() if p in results else "–" for p in TITLES])
                say(f"{name} {kind}: ours {results['ours'].text(3)} GB/s, no_unwrap {results['ours-raw'].text(3)}, "
                    f"bare hs {results['hs'].text(3)}")
            compile_rows.append([name] + [
                f"{self.compile[p][1]:.3f} ({self.compile[p][0]})" if p in self.compile else "–"
                for p in ["ours", "hs", "hs-literals", "hs-lines", "re2", "pcre2", "python"]])
        self.tables.append(("Ratios, in memory, one core", "Ours over the peer, by processor time. "
                            "Ours is `clsf_stream_feed()` over the whole buffer and `clsf_stream_finish()`, with "
                            "a callback that counts matches.", header, ratio_rows))
        self.tables.append(("Speeds, in memory, one core, GB/s", "", ["rules", "text", "ours", "ours, no_unwrap"] +
                            list(TITLES.values()), speed_rows))
        self.tables.append(("Compile time in memory, seconds of processor time (expressions taken)",
                            "Nothing cached. Hyperscan's include looking at each expression alone, to leave out "
                            "what it refuses.",
                            ["rules", "ours", "bare hs", "literals", "hs by line", "RE2::Set", "PCRE2 JIT", "Python"],
                            compile_rows))
        self.memory_targets()

    def one_comparison(self, name, kind):
        log, base = self.log(name, kind), self.path("r" + name)
        peers = ["ours", "ours-raw", "hs"]
        # Hyperscan takes long to compile the shipped expressions, each time anew.
        if not self.quick and name != "shipped":
            peers.append("hs-single")
        if not self.quick or name != "shipped":
            peers.append("hs-lines")
        options = ["--rules", self.rules(name), "--rounds", str(self.rounds), "--seconds", "40"]
        if name != "shipped":
            peers.append("hs-literals")
            options += ["--literals", base + ".lit"]
        for peer in (["re2"] if self.has_re2 else []) + ["pcre2"]:
            peers.append(f"{peer}={int(SLICES[peer][name] * MIB * (0.5 if self.quick else 1))}")
        out = self.call(["taskset", "-c", self.cpu, self.compare] + options + [base + ".txt", log] + peers)
        rows = [json.loads(line) for line in out.splitlines()]
        if name != "shipped":
            rows.append(json.loads(self.call(
                ["taskset", "-c", self.cpu, sys.executable, os.path.join(HERE, "peer_python.py"), base + ".txt", log,
                 str(int(SLICES["python"][name] * MIB)), str(min(self.rounds, 5))])))
        self.compile = {r["peer"]: (r["expressions"], r["compile"]) for r in rows}
        by_name = {r["peer"]: r for r in rows}
        # Those that count the same thing over the same bytes have to agree, whatever they are timed for.
        if name != "shipped" and by_name["ours-raw"]["hits"] != by_name["hs-lines"]["hits"]:
            self.fail(f"{name} {kind}: {by_name['ours-raw']['hits']} hits by ours without unwrapping, "
                      f"{by_name['hs-lines']['hits']} by Hyperscan line by line")
        return {r["peer"]: Samples(r["bytes"] / t / 1e9 for t in r["cpu"]) for r in rows}

    def memory_targets(self):
        for kind in ("quiet", "ordinary"):
            s = self.speeds.get(("500", kind))
            if not s:
                continue
            for peer, goal in (("hs", 1.0), ("re2", 8), ("pcre2", 200)):
                if peer in s:
                    r = ratios(s["ours"], s[peer])
                    self.target(f"500 rules, {kind}, against {TITLES[peer]}", r.text() + "x",
                                f"{goal}x", r.median() >= goal)
        s = self.speeds.get(("500", "storm"))
        if s:
            r = Samples(1000 * x for x in s["ours"])
            self.target("500 rules, storm, library", r.text(0) + " MB/s", "200 MB/s", r.median() >= 200)
        for kind in ("quiet", "ordinary"):
            a, b = self.speeds.get(("5000", kind)), self.speeds.get(("500", kind))
            if a and b:
                r = ratios(a["ours"], b["ours"])
                self.target(f"5,000 rules against 500, {kind}", r.text() + "x", "0.5x", r.median() >= 0.5)

    # ---- the command line, on files ----

    def rounds_of(self, commands, rounds):
        """The commands take turns; {name: [(wall, cpu, memory)]}."""
        result = {name: [] for name in commands}
        for _ in range(rounds):
            for name, (command, good) in commands.items():
                result[name] += self.timed(command, output=self.path("out-" + name.replace(" ", "-")), good=good)
        return result

    def scan(self, name, *arguments):
        return [self.classify, "scan", "-q", "--rules", self.rules(name), *arguments]

    def on_files(self):
        rows = []
        for name in [s for s in self.sets if s != "shipped"]:
            for kind in self.kinds(name):
                log, part = self.log(name, kind), self.path("part.log")
                # On 2 MiB of a storm it would take minutes.
                with_rg = name != "5000" or kind in ("quiet", "ordinary")
                size = self.head(log, part, int(SLICES["rg"][name] * MIB * (0.5 if self.quick else 1)))
                rg = ["rg", "--no-config", "--no-unicode", "--text", "-j1", "--regex-size-limit", "2G",
                      "--dfa-size-limit", "2G", "-c", "-f", self.path(f"r{name}.rg"), part]
                empty = self.path("empty.log")
                open(empty, "wb").close()
                commands = {
                    "jsonl": (self.scan(name, "-o", "jsonl", log), (0,)),
                    "matches": (self.scan(name, "--matches", log), (0,)),
                    "ours-start": (self.scan(name, "-o", "jsonl", empty), (0,)),
                }
                if with_rg:
                    commands["rg"] = (rg, (0, 1))
                    commands["rg-start"] = (rg[:-1] + [empty], (0, 1))
                self.timed(commands["jsonl"][0])  # fills the cache, where there is one
                times = self.rounds_of(commands, 3 if name == "5000" else min(self.rounds, 5))
                start = {n: statistics.median(t[1] for t in times[n + "-start"])
                         for n in ("ours", "rg") if n + "-start" in times}
                speed = {n: Samples(b / (t[1] - start[s]) / 1e9 for t in times.get(n, []))
                         for n, b, s in (("jsonl", os.path.getsize(log), "ours"),
                                         ("matches", os.path.getsize(log), "ours"), ("rg", size, "rg"))}
                if with_rg:
                    with open(self.path("out-rg")) as file:
                        lines = int(file.read().strip() or 0)
                    hits = self.lines_hit(name, part)
                    if lines != hits:
                        self.fail(f"{name} {kind}: ripgrep counts {lines} lines, ours without unwrapping {hits}")
                r = ratios(speed["jsonl"], speed["rg"])
                rows.append([name, kind, speed["jsonl"].text(3), speed["matches"].text(3), speed["rg"].text(4),
                             f"{1000 * start['ours']:.0f}", f"{1000 * start['rg']:.0f}" if with_rg else "–",
                             r.text(1), ratios(speed["matches"], speed["rg"]).text(1)])
                say(f"files, {name} {kind}: jsonl {speed['jsonl'].text(3)} GB/s, "
                    f"--matches {speed['matches'].text(3)}, rg {speed['rg'].text(4)}")
                if name == "500" and kind in ("quiet", "ordinary"):
                    self.target(f"500 rules, {kind}, CLI against ripgrep -c -f", r.text() + "x", "30x",
                                r.median() >= 30)
                if name == "500" and kind == "storm":
                    r = Samples(1000 * x for x in speed["matches"])
                    self.target("500 rules, storm, CLI, --matches to a file", r.text(0) + " MB/s", "200 MB/s",
                                r.median() >= 200)
        self.tables.append(("On files, one core, GB/s", "Processor time (user and system) of whole processes that "
                            "write to a file, less that of the same command on an empty file, which is the start "
                            "beside it" + (" (ours from the cache)" if self.has_cache else "") +
                            ". `rg -c -f` gets each expression in a group of its own, and of the 5,000 the first "
                            "2 MiB of the log, so that it ends; it does not say which expression it was. The lines "
                            "that both count are compared.",
                            ["rules", "text", "scan -q -o jsonl", "scan --matches", "rg -c -f", "start ms",
                             "rg start ms", "jsonl over rg", "--matches over rg"], rows))

    def head(self, source, target, size):
        with open(source, "rb") as file:
            data = file.read(size)
        data = data[:data.rfind(b"\n") + 1]
        with open(target, "wb") as file:
            file.write(data)
        return len(data)

    def lines_hit(self, name, log):
        out = self.path("matches")
        self.timed(self.scan(name, "--no-unwrap", "--matches", log), output=out)
        number = re.compile(rb'"line":(\d+)')
        with open(out, "rb") as file:
            return len({number.search(match).group(1) for match in file})

    def compressed(self):
        compressed.compressed(self, Samples, ratios)

    def start(self):
        rows = []
        small = self.path("small.log")
        runs = 5 if self.quick else 15
        for name in [s for s in self.sets if s != "100"]:
            few = 3 if name == "5000" else runs
            ways = [("no cache", self.scan(name, *self.no_cache, small), few, None)]
            if self.has_cache:
                database = self.path(f"r{name}.db")
                self.call([self.classify, "compile", "--rules", self.rules(name), "--output", database])
                ways += [
                    ("cache, first run", self.scan(name, small), few, self.path("cache/classify")),
                    ("cache", self.scan(name, small), runs, None),
                    ("--database", [self.classify, "scan", "-q", "--database", database, small], runs, None),
                ]
            for way, command, count, emptied in ways:
                times = self.timed(command, count, emptied=emptied)
                wall = Samples(1000 * t[0] for t in times)
                processor = Samples(1000 * t[1] for t in times)
                memory = max(t[2] for t in times) / 1024
                rows.append([name, way, wall.text(1), processor.text(1), f"{memory:.0f}"])
                goal = {("shipped", "no cache"): 1000, ("shipped", "cache"): 20, ("5000", "no cache"): 10000,
                        ("5000", "cache"): 50}.get((name, way))
                if goal:
                    what = "cold start" if name == "shipped" else "ready"
                    used, judged = wall, ""
                    # Nothing here waits but for a processor that others use.
                    if wall.median() > 1.1 * processor.median():
                        used, judged = processor, ", by processor time, as the machine is busy"
                    self.target(f"{what}, {name} {'packs' if name == 'shipped' else 'rules'}, {way}{judged}",
                                used.text(1) + " ms", f"{goal} ms", used.median() <= goal)
        if not self.has_cache:
            self.notes.append("This build has no cache of compiled rules (`classify compile`): not measured.")
        self.tables.append(("Start: `classify scan -q` on a log of 20 kB, milliseconds", "On the wall, and processor "
                            "time with that of child processes; the most memory resident in any of its processes.",
                            ["rules", "way", "wall ms", "cpu ms", "MiB"], rows))

    def memory(self):
        rows = []
        part = self.path("part.log")
        self.head(self.path("large.log"), part, self.large // 16)
        self.timed(self.scan("shipped", "-o", "jsonl", part))  # fills the cache
        for way, extra in [("cache", [])] * self.has_cache + [("no cache", self.no_cache)]:
            least = self.timed(self.scan("shipped", *extra, "-o", "jsonl", part))[0][2] / 1024
            most = self.timed(self.scan("shipped", *extra, "-o", "jsonl", self.path("large.log")))[0][2] / 1024
            rows.append([way, f"{least:.1f}", f"{most:.1f}"])
            self.target(f"memory, shipped packs, {way}, {self.large // MIB} MiB of text", f"{most:.1f} MiB", "64 MiB",
                        most <= 64)
        self.tables.append(("Most memory resident, shipped packs, MiB", "", [
            "way", f"log of {self.large // 16 // MIB} MiB", f"log of {self.large // MIB} MiB"], rows))

    def threads_of(self, command):
        """Runs a command on the last two processors; seconds on the wall, and the processor time of each thread."""
        begun = time.monotonic()
        spent = {}
        with subprocess.Popen(["taskset", "-c", ",".join(map(str, self.cpus[-2:])), *command], env=self.environment,
                              stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                try:
                    for thread in os.listdir(f"/proc/{process.pid}/task"):
                        with open(f"/proc/{process.pid}/task/{thread}/schedstat", encoding="ascii") as file:
                            spent[thread] = int(file.read().split()[0]) / 1e9
                except (FileNotFoundError, ProcessLookupError):
                    pass
                time.sleep(0.002)
        if process.returncode:
            self.fail("a scan of many files failed")
        return time.monotonic() - begun, sorted(spent.values(), reverse=True)

    def small_logs(self, kinds):
        """A folder of 20,000 logs, each a piece of about 4 KiB of the large ones."""
        folder = self.path("many-small")
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        for kind in kinds:
            with open(self.log("500", kind), "rb") as file:
                for number in range(20000 // len(kinds)):
                    piece = file.read(4096) + file.readline()
                    if not piece:
                        file.seek(0)
                        piece = file.read(4096) + file.readline()
                    with open(os.path.join(folder, f"{kind}-{number:05}.log"), "wb") as small:
                        small.write(piece)
        return folder

    def jobs(self, what, base, inputs):
        """--jobs 2 against --jobs 1: a row each, and the target."""
        one, two, processor = Samples(), Samples(), Samples()
        for _ in range(min(self.rounds, 5)):
            wall, alone = self.threads_of(base + ["--jobs", "1", *inputs])
            one.append(wall)
            wall, shared = self.threads_of(base + ["--jobs", "2", *inputs])
            two.append(wall)
            # Two processors cannot be done before half of all work is, nor before the busiest thread is.
            processor.append(max(alone) / max(max(shared), sum(shared) / 2))
        r, judged = ratios(one, two), "on the wall"
        if two.median() > 1.1 * one.median() / processor.median():
            r, judged = processor, "by processor time, as the machine is busy"
        self.target(f"--jobs 2, {what}, against --jobs 1, {judged}", r.text() + "x", "1.9x", r.median() >= 1.9)
        return [[f"--jobs 1, {what}", one.text(3), "1", "1"],
                [f"--jobs 2, {what}", two.text(3), ratios(one, two).text(), processor.text()]]

    def two_cores(self):
        if len(self.cpus) < 2:
            self.notes.append("Only one processor here: two at once not measured.")
            return
        folders = []
        kinds = [k for k in self.kinds("500") if k != "storm"]
        for half in ("a", "b"):
            folder = self.path("many-" + half)
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            for i in range(8):
                for kind in kinds:
                    os.link(self.log("500", kind), os.path.join(folder, f"{kind}-{i}.log"))
            folders.append(folder)
        base = self.scan("500", "-o", "jsonl")
        self.timed(base + [self.path("small.log")])
        one, two, processor = Samples(), Samples(), Samples()
        has_jobs = "--jobs" in self.help
        for _ in range(min(self.rounds, 5)):
            alone = self.timed(base + (["--jobs", "1"] if has_jobs else []) + folders)[0]
            one.append(alone[0])
            begun = time.monotonic()
            both = [subprocess.Popen([self.timed_path, "-c", str(cpu), "-o", "/dev/null"] + base + [folder],
                                     env=self.environment, stdout=subprocess.PIPE)
                    for cpu, folder in zip(self.cpus[-2:], folders)]
            slowest = 0.0
            for process in both:
                fields = process.communicate()[0].split()
                if fields[-1:] != [b"0"]:
                    self.fail("a scan of many files failed")
                    return
                slowest = max(slowest, float(fields[1]))
            two.append(time.monotonic() - begun)
            processor.append(alone[1] / slowest)
        rows = [["one process", one.text(3), "1", "1"],
                ["two processes", two.text(3), ratios(one, two).text(), processor.text()]]
        r, judged = ratios(one, two), "on the wall"
        # Processes that wait though all files are in memory wait for a processor that others use.
        if two.median() > 1.1 * alone[1] / processor.median():
            r, judged = processor, "by processor time, as the machine is busy"
        self.target(f"two processes on two cores, many files, against one, {judged}", r.text() + "x", "1.9x",
                    r.median() >= 1.9)
        if has_jobs:
            rows += self.jobs("many files", base, folders)
            small = self.small_logs(kinds)
            rows += self.jobs("20,000 small logs", base, [small])
            folders.append(small)
        self.tables.append((f"Two cores, {16 * len(kinds)} files, 500 rules, seconds on the wall",
                            "Another program that runs meanwhile shows here, as nowhere else: the last column is "
                            "the speed-up by the processor time of the slower process, without what others took.",
                            ["way", "seconds", "speed-up", "speed-up by processor time"], rows))
        for folder in folders:
            shutil.rmtree(folder)

    def entries(self):
        """The lines of a log as separate entries, against the other ways to look at each."""
        part = self.path("entries.log")
        self.head(self.log("500", "quiet"), part, 16 * MIB)
        command = ["taskset", "-c", self.cpu, os.path.join(self.options.build, "bench", "entries")]
        first, *told = self.call([*command, self.rules("500"), part, str(self.rounds)]).splitlines()
        count, size = (int(word) for word in first.split()[1:])
        seconds, matches = {}, {}
        for line in told:
            way, took, found = line.split()
            seconds.setdefault(way, Samples()).append(float(took))
            matches.setdefault(way, set()).add(found)
        for group in (("bulk", "single", "logs"), ("appended", "buffer")):
            if len(set().union(*(matches[way] for way in group))) != 1:
                self.fail(f"entries: not the same matches: {matches}")
        rows = []
        for way, what in (("bulk", "clsf_scan_lines(), all in one call"), ("single", "clsf_scan_lines(), one a call"),
                          ("logs", "feed, finish and reset for each"),
                          ("appended", "clsf_scan_lines(), as lines of one log"), ("buffer", "feed of the whole buffer")):
            speed = Samples(count / took / 1e6 for took in seconds[way])
            rows.append([what, speed.text(), ratios(seconds["logs"], seconds[way]).text(),
                         ratios(seconds["buffer"], seconds[way]).text()])
        bulk = Samples(count / took / 1e6 for took in seconds["bulk"])
        single = Samples(took / count * 1e9 for took in seconds["single"])
        self.target("entries, 500 rules, quiet, in one call", bulk.text() + " M/s", "3 M/s", bulk.median() >= 3)
        self.target("an entry, 500 rules, quiet, in a call of its own", single.text() + " ns", "1000 ns",
                    single.median() < 1000)
        self.tables.append((f"Entries: {count} lines of {size // count} bytes, 500 rules, quiet",
                            "The first three take each line as a log of its own, the others as a line of one log.",
                            ["way", "M entries/s", "against a stream for each", "against the whole buffer"], rows))

    # ---- the report ----

    def machine(self):
        def first(path, key):
            with open(path) as file:
                for line in file:
                    if line.startswith(key):
                        return line.split(":", 1)[1].strip()
            return "?"

        def package(name):
            done = self.quiet_call(["dpkg-query", "-W", "-f", "${Version}", name])
            return done.stdout.strip() if done.returncode == 0 else "not installed"

        for name in self.sets:
            out = self.call(self.scan(name, "-o", "jsonl", self.path("small.log")))
            self.hashes[name] = json.loads(out)["ruleset"]
        memory = int(first("/proc/meminfo", "MemTotal").split()[0]) / 1048576
        version = " ".join(self.call([self.classify, "--version"]).split())
        with open("/etc/os-release") as file:
            system = dict(line.rstrip().split("=", 1) for line in file if "=" in line)
        rows = [
            f"date: {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"
            f"{', --quick' if self.quick else ''}",
            f"machine: {first('/proc/cpuinfo', 'model name')}, {len(self.cpus)} processors, {memory:.0f} GiB, "
            f"AVX-512 {'yes' if 'avx512f' in first('/proc/cpuinfo', 'flags') else 'no'}; "
            f"{system.get('PRETTY_NAME', '?').strip(chr(34))}, Linux {os.uname().release}; "
            f"load before {self.load:.2f}",
            f"ours: {version}",
            f"peers: libhyperscan {package('libhyperscan-dev')}, libpcre2 {package('libpcre2-dev')}, "
            f"libre2 {package('libre2-dev')}, ripgrep {package('ripgrep')}, Python {sys.version.split()[0]}",
        ]
        rows += [f"ruleset, {name}: `{value}`" for name, value in self.hashes.items()]
        return rows

    def merge(self, machine):
        """A part of the run: its tables, and its rows of the targets, take the place of what the file has of them."""
        with open(self.options.results) as file:
            head, *sections = file.read().split("\n## ")
        new = {title: self.section(title, text, header, rows) for title, text, header, rows in self.tables}
        out = [head]
        for section in sections:
            title = section.split("\n", 1)[0]
            if title == "Targets":
                rows = {what: self.row((what, *rest)) for what, *rest in self.targets}
                lines = [rows.pop(line.split(" | ")[0][2:], line) for line in section.rstrip("\n").split("\n")]
                section = "\n".join(lines + list(rows.values())) + "\n"
            elif title in new:
                section = new.pop(title)
            elif title == "Checks and notes":
                out += new.values()
                new = {}
                names = ", ".join(self.options.only)
                section = section.rstrip("\n") + f"\n- Measured anew by itself: {names}; {machine[0]}; {machine[1]}.\n"
            out.append(section)
        with open(self.options.results, "w") as file:
            file.write("\n## ".join(out))
        for text in [self.section("Targets", "", ["what", "measured", "target", "met"], self.targets),
                     *(self.section(*table) for table in self.tables)]:
            print("## " + text)

    @staticmethod
    def row(cells):
        return "| " + " | ".join(str(c) for c in cells) + " |"

    def section(self, title, text, header, rows):
        lines = [title, ""] + ([text, ""] if text else [])
        lines += [self.row(header), "|" + "---|" * len(header)]
        return "\n".join(lines + [self.row(row) for row in rows]) + "\n"

    def report(self, machine):
        out = ["<!-- SPDX-License-Identifier: Apache-2.0 -->", "# What it costs, beside its peers", "",
               "Written by `scripts/bench`; what is measured and how stands in [README.md](README.md).",
               "Each figure is a median, with the least and the greatest of its runs in brackets; a ratio is "
               "ours over the peer's in the same round, so more is better.", ""]
        out += [f"- {row}" for row in machine]
        sections = [("Targets", "", ["what", "measured", "target", "met"], [list(t) for t in self.targets])]
        printed = []
        for title, text, header, rows in sections + self.tables:
            lines = [f"## {title}", ""] + ([text, ""] if text else [])
            lines += ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
            lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
            out += [""] + lines
            printed += lines + [""]
        notes = self.notes + [f"BROKEN: {b}" for b in self.broken]
        out += ["", "## Checks and notes", ""] + [f"- {note}" for note in notes]
        print("\n".join(printed + [f"- {note}" for note in notes]))
        with open(os.path.join(self.options.results), "w") as file:
            file.write("\n".join(out) + "\n")

    def run(self):
        self.load = os.getloadavg()[0]
        begun = time.monotonic()
        steps = (self.prepare, self.check_shares, self.guard, self.in_memory, self.on_files, self.compressed,
                 self.start, self.memory, self.entries, self.two_cores)
        if self.options.only:
            steps = [self.prepare] + [step for step in steps if step.__name__ in self.options.only]
        for step in steps:
            say(f"== {step.__name__.replace('_', ' ')} ({time.monotonic() - begun:.0f} s)")
            step()
        self.notes.append(f"The whole run took {time.monotonic() - begun:.0f} s.")
        if self.options.only:
            self.merge(self.machine())
        else:
            self.report(self.machine())
        if not self.options.keep:
            shutil.rmtree(self.data)
        return 1 if self.broken else 0


def main():
    parser = argparse.ArgumentParser(description="Runs the benchmark; see scripts/bench.")
    parser.add_argument("--build", required=True, help="a build folder with the option bench on")
    parser.add_argument("--data", required=True, help="a folder for generated data")
    parser.add_argument("--results", default=os.path.join(HERE, "RESULTS.md"), help="where the results go")
    parser.add_argument("--quick", action="store_true", help="less data, fewer runs")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part alone, into the results there are")
    parser.add_argument("--keep", action="store_true", help="do not remove the data")
    sys.exit(Bench(parser.parse_args()).run())


if __name__ == "__main__":
    main()
