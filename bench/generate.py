#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes what the benchmark reads: rule sets and logs.

Everything follows from a seed, so that two machines measure the same bytes.

  generate.py rules N OUT       OUT.yaml (rules), OUT.txt (expressions), OUT.lit (literals),
                                OUT.rg (for ripgrep), OUT.hits
  generate.py shipped DIR OUT   OUT.hits of the examples of the packs below DIR
  generate.py probe HITS FILE   each text of HITS in each wrapper that it may stand in
  generate.py keep HITS COUNTS  leaves in HITS those texts that hit one rule in every wrapper
  generate.py log HITS KIND BYTES FILE
                                a log; HITS may be "-" where KIND is none

A .hits file has one JSON array a line: [expression, text, wrapping], where
wrapping says where the text may stand: "any"; "plain", because it holds
characters that JSON or logrus would escape; "end", because the line has to end
with it; "bare", because the line has to begin with it.
"""
import argparse
import json
import os
import random
import re
import sys

SEED = 20240229
SHARES = {"none": 0.0, "quiet": 0.001, "ordinary": 0.01, "noisy": 0.05, "storm": 1.0}

# ---- expressions ----

VERBS = """pull push mount unmount attach detach resolve create delete update patch start stop
 initialize parse decode encode unmarshal validate verify fetch download upload extract unpack
 open close read write lock unlock acquire release allocate reserve bind connect authenticate
 authorize schedule evict drain cordon reconcile sync register render compile link install
 upgrade rollback restore snapshot replicate migrate rotate sign decrypt mirror prune inspect
 copy rename probe resize import export commit checkout clone rebase merge provision""".split()
NOUNS = """image layer manifest blob registry repository secret configmap volume claim snapshot
 certificate key token credential role policy account bucket object queue topic partition
 consumer broker replica shard index table schema migration transaction cursor session socket
 listener endpoint service ingress route gateway proxy upstream backend resolver nameserver zone
 record lease node kubelet container sandbox runtime cgroup namespace process thread worker
 executor pipeline stage step job task artifact cache package module dependency lockfile
 checksum signature archive tarball stream buffer descriptor inode filesystem device disk mount
 journal webhook operator controller scheduler quota limit budget deployment daemonset workload
 cluster member quorum leader snapshotter overlay bridge interface subnet address port firewall
 template chart release revision branch tag submodule workspace runner agent builder toolchain
 linker header symbol interpreter virtualenv wheel jar classpath servlet datasource pool""".split()
STATES = """missing unavailable expired revoked corrupt truncated unreachable immutable
 unauthorized forbidden malformed unsupported deprecated incompatible exhausted saturated
 duplicated inconsistent unhealthy unresponsive read-only full locked stale orphaned invalid
 empty unknown terminated disabled suspended frozen detached""".split()
REASONS = ["no such file or directory", "permission denied", "connection refused",
           "connection reset by peer", "i/o timeout", "no space left on device",
           "context deadline exceeded", "unexpected EOF", "broken pipe", "access denied",
           "too many open files", "device or resource busy", "invalid argument",
           "no route to host", "operation not permitted", "name or service not known",
           "TLS handshake timeout", "input/output error", "cannot allocate memory",
           "resource temporarily unavailable", "unexpected status code", "not found"]
CLASSES = ["Config", "Storage", "Network", "Runtime", "Build", "Resolve", "Auth", "Quota", "Schema",
           "Index", "Lease", "Plugin", "Driver", "Session", "Request", "Image", "Volume", "Cache"]
ENDINGS = ["Error", "Exception", "Failure", "Timeout", "Violation", "Mismatch", "Fault"]


def literal(text):
    """A piece of an expression that stands for itself."""
    escaped = re.sub(r"([\\.^$|?*+()\[\]{}])", r"\\\1", text)
    return escaped, lambda rng: text, "literal"


def number(low=1, high=99999):
    return r"\d+", lambda rng: str(rng.randint(low, high))


def anything():
    return ".*", lambda rng: rng.choice(["", "the ", "for "]) + name(rng) + rng.choice(["", " (retry)"])


def no_blank():
    return r"\S+", name


def quoted(capture=None):
    body = f'(?P<{capture}>[^"]+)' if capture else '[^"]*'
    return f'"{body}"', lambda rng: f'"{name(rng)}/{name(rng)}"'


def letters(expression):
    return expression, lambda rng: "".join(rng.choice("abcdefghkmnpqrstuvwxyz")
                                           for _ in range(rng.randint(3, 9)))


def one_of(texts):
    inside = "|".join(literal(t)[0] for t in texts)
    return f"(?:{inside})", lambda rng: rng.choice(texts)


def name(rng):
    return f"{rng.choice(NOUNS)}-{rng.getrandbits(24):06x}"


def phrase(rng):
    """A distinctive phrase of two to six words, as people copy it out of a log."""
    verb, noun, other = rng.choice(VERBS), rng.choice(NOUNS), rng.choice(NOUNS)
    state, reason = rng.choice(STATES), rng.choice(REASONS)
    return rng.choice([
        f"failed to {verb} {noun} {other}",
        f"could not {verb} {noun}: {reason}",
        f"unable to {verb} the {noun} of {other}",
        f"{noun} {other} is {state}",
        f"{noun} {other} was {state}",
        f"error: {noun} {other} {state}",
        f"cannot {verb} {noun}, {other} {state}",
        f"{rng.choice(CLASSES)}{noun.capitalize()}{rng.choice(ENDINGS)}",
        f"{noun} {verb} failed: {reason}",
        f"{state} {noun} {other}",
        f"{noun}.{verb}: {state}",
        f"ERR_{noun.upper()}_{state.upper().replace('-', '_')}",
    ])


def pieces(rng):
    """One expression as pieces, each a pair of its text and a maker of what it matches."""
    noun, other, state = rng.choice(NOUNS), rng.choice(NOUNS), rng.choice(STATES)
    verb, reason = rng.choice(VERBS), rng.choice(REASONS)
    chance = rng.random()
    if chance < 0.46:
        return [literal(phrase(rng))]
    if chance < 0.58:
        return rng.choice([
            [literal(f"{noun} {verb} exited with status "), number(1, 255)],
            [literal(phrase(rng) + " after "), number(), literal("s")],
            [literal(f"{noun}: "), number(), literal(" of "), number(), literal(f" {other} {state}")],
            [literal("timed out after "), number(), literal(f" seconds to {verb} {noun} {other}")],
        ])
    if chance < 0.70:
        return rng.choice([
            [literal(f"failed to {verb} {noun}"), anything(), literal(reason)],
            [literal(f"{noun} "), anything(), literal(f"{other} is {state}")],
            [literal(phrase(rng)), anything(), literal(f"({state})")],
        ])
    if chance < 0.78:
        return rng.choice([
            [one_of(rng.sample(VERBS, 3)), literal(f" {noun} {other}: {state}")],
            [literal(f"{noun} {other} "), one_of(rng.sample(STATES, 3))],
            [literal(f"{noun}-{other}: "), one_of(rng.sample(REASONS, 2))],
        ])
    if chance < 0.85:
        # The flag governs the rest of the expression; the sample keeps the case of the text or shouts.
        text = phrase(rng)
        return [("(?i)" + literal(text)[0], lambda r: r.choice([text, text.upper()]))]
    if chance < 0.91:
        return rng.choice([
            [literal(f"{verb} {noun} "), no_blank(), literal(f": {other} {state}")],
            [literal(f"{noun}/"), letters("[a-z]+"), literal(f" {other} {state}")],
            [literal(f"unexpected {noun} {verb} "), letters("[a-z0-9_-]{3,12}")],
        ])
    if chance < 0.955:
        return rng.choice([
            [literal(f"failed to {verb} {noun} "), quoted("name"), literal(f": {other}")],
            [literal(f"{noun} {state}: {other}="), (r"(?P<code>\d{3})", lambda r: str(r.randint(400, 599)))],
            [literal(f"{noun} "), quoted(), literal(f" {verb} {state}")],
        ])
    if chance < 0.98:
        return rng.choice([
            [("^", lambda r: ""), literal(f"{other.upper()}: {noun} {state}")],
            [literal(f"{verb} {noun} {other} {state}"), ("$", lambda r: "")],
            [("^", lambda r: ""), literal(f"fatal: {noun} "), no_blank(), literal(f" {state}")],
        ])
    # No literal worth looking for: error codes of a shape.
    a, b, c = rng.randint(2, 7), rng.randint(2, 7), rng.randint(1, 5)
    return [(f"\\b[A-Z]{{{a}}}\\d{{{b}}}[A-Z]{{{c}}}\\b", lambda r: "".join(
        [r.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(a)] +
        [r.choice("0123456789") for _ in range(b)] +
        [r.choice("ABCDEFGHJKLMNPQRSTUVWXYZ") for _ in range(c)]))]


def wrapping_of(expression, text):
    if expression.startswith("^"):
        return "bare"
    if expression.endswith("$"):
        return "end"
    return "plain" if '"' in text or "\\" in text else "any"


def longest_literal(parts):
    """The longest text that must stand in a match as it is; "" where there is none."""
    texts = [p[1](None) for p in parts if len(p) == 3]
    return max(texts, key=len, default="")


def make_rules(count, out):
    rng = random.Random(SEED + count)
    seen, expressions, literals, hits = set(), [], [], []
    while len(expressions) < count:
        parts = pieces(rng)
        expression = "".join(p[0] for p in parts)
        if expression in seen:
            continue
        seen.add(expression)
        index = len(expressions)
        expressions.append(expression)
        literals.append(longest_literal(parts))
        for _ in range(3):
            text = "".join(p[1](rng) for p in parts)
            hits.append([index, text, wrapping_of(expression, text)])
    with open(out + ".txt", "w") as file:
        file.writelines(e + "\n" for e in expressions)
    # ripgrep joins its patterns to one expression: names of captures may not
    # come twice, and a (?i) would hold for all that follows. The same
    # expressions, each in a group of its own.
    with open(out + ".rg", "w") as file:
        file.writelines("(?:" + re.sub(r"\(\?P<\w+>", "(?:", e) + ")\n" for e in expressions)
    with open(out + ".lit", "w") as file:
        file.writelines(text + "\n" for text in literals if text)
    with open(out + ".yaml", "w") as file:
        file.write("pack: bench\nrules:\n")
        for i, expression in enumerate(expressions):
            quoted_expression = expression.replace("'", "''")
            file.write(f"  - id: bench-{i:05d}\n    title: Expression {i}\n"
                       f"    category: build_step_failed\n    match: '{quoted_expression}'\n")
    write_hits(out + ".hits", hits)


def make_shipped(folder, out):
    """The examples of the shipped packs, from the very files that are shipped."""
    import yaml
    hits = []
    for root, folders, files in sorted(os.walk(folder)):
        folders.sort()
        for file in sorted(files):
            if not file.endswith((".yaml", ".yml")):
                continue
            with open(os.path.join(root, file)) as stream:
                document = yaml.safe_load(stream)
            for rule in document.get("rules", []):
                # A condition over several lines does not hold for an example alone.
                if not isinstance(rule["match"], str):
                    continue
                for example in rule.get("examples", {}).get("match", []):
                    text = example if isinstance(example, str) else example.get("line")
                    if isinstance(text, str) and "\n" not in text and text.isprintable():
                        hits.append([rule["id"], text, "end"])
    write_hits(out + ".hits", hits)


def write_hits(path, hits):
    with open(path, "w") as file:
        file.writelines(json.dumps(h) + "\n" for h in hits)


def read_hits(path):
    with open(path) as file:
        return [json.loads(line) for line in file]


# ---- logs ----

HOSTS = ["ci-01.build.example", "ci-02.build.example", "node-a.prod.example", "node-b.prod.example",
         "registry.example", "db-3.prod.example", "edge-7.eu.example", "mail.corp.example"]
APPS = ["checkout", "billing", "catalog", "search", "gateway", "identity", "reports", "scheduler"]
PATHS = ["/api/v1/orders", "/api/v1/items", "/healthz", "/static/app.js", "/login", "/metrics",
         "/api/v2/search", "/images/logo.svg"]
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
          "kube-probe/1.29", "curl/8.5.0", "Go-http-client/2.0", "python-requests/2.31.0"]
MODULES = ["github.com/example/router", "golang.org/x/net", "left-pad", "requests", "org.example:core",
           "serde_json", "lodash", "urllib3"]


class Writer:
    """Lines of healthy systems. The serial number in each makes every line one of a kind."""

    def __init__(self, rng):
        self.rng = rng
        self.serial = 0
        self.id = 0
        self.shapes = [self.kaniko, self.kaniko_colour, self.logrus, self.logrus, self.klog, self.klog,
                       self.klog, self.cri, self.cri, self.cri, self.docker, self.docker, self.syslog,
                       self.syslog, self.nginx, self.nginx, self.nginx, self.java, self.java,
                       self.python, self.python, self.gitlab, self.go_build, self.npm]

    def next(self):
        self.serial += 1
        # A multiplication by an odd number permutes 64-bit numbers: no id comes twice.
        self.id = self.serial * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF

    def clock(self):
        s = self.serial // 40
        return f"{s // 3600 % 24:02d}:{s // 60 % 60:02d}:{s % 60:02d}"

    def date(self):
        return f"2025-{self.serial // 3456000 % 9 + 1:02d}-{self.serial // 3456000 % 28 + 1:02d}"

    def stamp(self):
        return f"{self.date()}T{self.clock()}.{self.id % 1000000000:09d}Z"

    def message(self):
        """What programs say all day, with the words that failures are made of too."""
        i, rng = self.id, self.rng
        k = i >> 60
        host, app = HOSTS[i >> 8 & 7], APPS[i >> 11 & 7]
        if k == 0:
            return (f"reconciled deployment {app}-{i & 0xFFFFFF:06x} in namespace team-{i >> 20 & 63}, 0 errors, "
                    f"{i >> 30 & 255}ms")
        if k == 1:
            return f"connection from {host} accepted, timeout=30s retries=0 session {i:016x}"
        if k == 2:
            return (f"pulled image registry.example/{app}/app:{i >> 16 & 0xFFFF} in {i >> 30 & 0xFFF}ms digest "
                    f"sha256:{i:016x}{i * 3 & 0xFFFFFFFFFFFFFFFF:016x}")
        if k == 3:
            return f"volume claim data-{app}-{i >> 20 & 255} bound to pv-{i & 0xFFFFFFFF:08x}, mount ready"
        if k == 4:
            return (f"GET {PATHS[i >> 14 & 7]}?id={i & 0xFFFFFFFF} 200 {i >> 32 & 0xFFFF}B in {i >> 48 & 0xFF}ms "
                    "failed=false")
        if k == 5:
            return f"cache hit for key {app}:{i:016x}, {i >> 40 & 0xFFF} entries, evicted 0"
        if k == 6:
            return f"transaction {i:x} committed on {host}: {i >> 24 & 127} rows updated, error count 0"
        if k == 7:
            return (f"retrying is enabled (max 5, backoff 200ms) for queue {app}-events partition {i & 63} offset "
                    f"{i >> 20}")
        if k == 8:
            return f"certificate of {host} valid until 2026-0{i % 9 + 1}-11, key {i & 0xFFFFFFFF:08x} loaded"
        if k == 9:
            return (f"step {i & 31}/{(i & 31) + 7} finished: {app} unit tests, {i >> 20 & 1023} passed, 0 failed, "
                    f"id {i >> 24:x}")
        if k == 10:
            return (f"user svc-{app} authenticated by token {i & 0xFFFFFFFFFFFF:012x}, access granted to bucket "
                    f"{app}-artifacts")
        if k == 11:
            return (f"garbage collection took {i & 0xFF}.{i >> 8 & 0xFF}ms, heap {i >> 20 & 0xFFFF}K, no memory "
                    f"limit reached, cycle {i >> 32:x}")
        if k == 12:
            return (f"Resolving dependency {MODULES[i >> 14 & 7]} version {i & 15}.{i >> 4 & 31}.{i >> 9 & 31} "
                    f"from https://mirror.example/{i:x}")
        if k == 13:
            return (f"leader election: {host} holds lease {app}/{i & 0xFFFFFF:06x}, renewed in time, next in "
                    f"{i >> 30 & 31}s")
        if k == 14:
            return f"process {i & 0xFFFF} started for job {i >> 16:x} with limits cpu=2 memory=4Gi, cgroup ready"
        return f"copied {i & 0xFFFF} files ({i >> 16 & 0xFFFFFF} bytes) from layer {rng.getrandbits(48):012x}{i:016x}"

    def kaniko(self):
        return (f"INFO[{self.serial % 10000:04d}] Unpacking rootfs as cmd RUN make -C /src/{self.id:x} install "
                "requires it.")

    def kaniko_colour(self):
        return (f"\x1b[36mINFO\x1b[0m[{self.serial % 10000:04d}] {self.message()} "
                f"\x1b[2m{self.id & 0xFFFFFFFF:08x}\x1b[0m")

    def logrus(self):
        return (f'time="{self.date()}T{self.clock()}Z" level=info msg="{self.message()}" '
                f'app={APPS[self.id >> 5 & 7]} request={self.id:016x}')

    def klog(self):
        return (f"I{self.date()[5:7]}{self.date()[8:]} {self.clock()}.{self.id % 1000000:06d} "
                f"{self.serial % 8:7d} controller.go:{self.id >> 50}] {self.message()} trace={self.id:x}")

    def cri(self):
        return f"{self.stamp()} {'stderr' if self.id & 1 else 'stdout'} F {self.message()} uid={self.id:016x}"

    def docker(self):
        return f'{{"log":"{self.message()} {self.id:x}\\n","stream":"stdout","time":"{self.stamp()}"}}'

    def syslog(self):
        host = HOSTS[self.id >> 8 & 7].split(".")[0]
        return (f"Mar {self.serial // 3456000 % 28 + 1:2d} {self.clock()} {host} "
                f"{APPS[self.id >> 5 & 7]}[{self.id & 0xFFFF}]: {self.message()} #{self.id:x}")

    def nginx(self):
        i = self.id
        return (f'10.{i & 255}.{i >> 8 & 255}.{i >> 16 & 255} - - [0{i % 9 + 1}/Mar/2025:{self.clock()} +0000] '
                f'"GET {PATHS[i >> 24 & 7]}?q={i:x} HTTP/1.1" 200 {i >> 30 & 0xFFFF} '
                f'"https://{HOSTS[i >> 8 & 7]}/" "{AGENTS[i % 5]}"')

    def java(self):
        return (f"{self.date()} {self.clock()},{self.id % 1000:03d} INFO  [http-nio-8080-exec-{self.id & 15}] "
                f"c.e.{APPS[self.id >> 5 & 7]}.web.RequestFilter - {self.message()} [{self.id:016x}]")

    def python(self):
        return (f"{self.date()} {self.clock()},{self.id % 1000:03d} - {APPS[self.id >> 5 & 7]}.worker - "
                f"INFO - {self.message()} task={self.id:016x}")

    def gitlab(self):
        i = self.id
        if i & 7 == 0:
            return f"section_start:17{self.serial:08d}:step_{i:x}\r\x1b[0K\x1b[0;m\x1b[36;1mExecuting step\x1b[0;m"
        return f"$ make -j{i & 7} -C build/{APPS[i >> 5 & 7]} target-{i:016x} && echo done"

    def go_build(self):
        i = self.id
        return f"ok  \tgithub.com/example/{APPS[i >> 5 & 7]}/internal/p{i:x}\t{i & 7}.{i >> 3 & 511:03d}s"

    def npm(self):
        return (f"#{self.serial % 90} {self.serial / 1000:.3f} npm http fetch GET 200 "
                f"https://mirror.example/{MODULES[self.id >> 9 & 7]}/-/{self.id:x}.tgz {self.id & 1023}ms (cache "
                "miss)")

    def wrapped(self, text, wrapping, choice):
        """A line that holds the text of a failure, in one of the wrappers that it may stand in."""
        i = self.id
        if wrapping == "bare":
            return f"{text} [{i:016x}]"
        plain = [
            lambda: f"{self.stamp()} stderr F {text}",
            lambda: (f"{self.date()} {self.clock()},{i % 1000:03d} - {APPS[i >> 5 & 7]}.worker - ERROR - "
                     f"[{i:016x}] {text}"),
            lambda: (f"Mar {self.serial // 3456000 % 28 + 1:2d} {self.clock()} {HOSTS[i >> 8 & 7].split('.')[0]} "
                     f"{APPS[i >> 5 & 7]}[{self.serial}]: {text}"),
        ]
        if wrapping == "end":
            # What ends the line must be the text; and the whole message, as examples are whole lines.
            return plain[0]() if choice % 2 else plain[2]()
        shapes = plain + [
            lambda: (f"E0311 {self.clock()}.{i % 1000000:06d} {self.serial % 8:7d} controller.go:{i >> 50}] "
                     f"{text} trace={i:x}"),
            lambda: (f"{self.date()} {self.clock()},{i % 1000:03d} ERROR [main] c.e.web.RequestFilter - {text} "
                     f"[{i:016x}]"),
            lambda: f"\x1b[31mERRO\x1b[0m[{self.serial % 10000:04d}] {text} {i:x}",
        ]
        if wrapping == "any":
            shapes += [
                lambda: f'time="{self.date()}T{self.clock()}Z" level=error msg="{text}" request={i:016x}',
                lambda: f'{{"log":"{text} {i:x}\\n","stream":"stderr","time":"{self.stamp()}"}}',
            ]
        return shapes[choice % len(shapes)]()


WRAPPERS = 8  # the most shapes that wrapped() chooses from


def make_probe(hits_path, path):
    writer = Writer(random.Random(SEED))
    with open(path, "w") as file:
        for _, text, wrapping in read_hits(hits_path):
            for choice in range(WRAPPERS):
                writer.next()
                file.write(writer.wrapped(text, wrapping, choice) + "\n")


def keep(hits_path, counts_path):
    """COUNTS has one number for each line of the probe: how many rules hit it."""
    hits = read_hits(hits_path)
    with open(counts_path) as file:
        counts = [int(n) for n in file]
    if len(counts) != len(hits) * WRAPPERS:
        sys.exit("generate.py: the counts are not those of this probe")
    good = [h for i, h in enumerate(hits)
            if all(n == 1 for n in counts[i * WRAPPERS:(i + 1) * WRAPPERS])]
    if not good:
        sys.exit("generate.py: no text hits exactly one rule")
    write_hits(hits_path, good)
    print(f"{len(good)} of {len(hits)} texts hit exactly one rule")


def make_log(hits_path, kind, size, path):
    share = SHARES[kind]
    hits = read_hits(hits_path) if share else []
    rng = random.Random(f"{SEED} {kind}")
    writer = Writer(rng)
    shapes, n_shapes, chance = writer.shapes, len(writer.shapes), rng.random
    written, batch = 0, []
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        while written < size:
            writer.next()
            if chance() < share:
                hit = hits[int(chance() * len(hits))]
                line = writer.wrapped(hit[1], hit[2], int(chance() * WRAPPERS))
            else:
                line = shapes[int(chance() * n_shapes)]()
            written += len(line) + 1
            batch.append(line)
            if len(batch) == 10000:
                file.write("\n".join(batch) + "\n")
                batch.clear()
        if batch:
            file.write("\n".join(batch) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Makes rule sets and logs for the benchmark.")
    commands = parser.add_subparsers(dest="command", required=True)
    for command, arguments in (("rules", ["count", "out"]), ("shipped", ["folder", "out"]),
                               ("probe", ["hits", "file"]), ("keep", ["hits", "counts"]),
                               ("log", ["hits", "kind", "bytes", "file"])):
        sub = commands.add_parser(command)
        for argument in arguments:
            sub.add_argument(argument)
    a = parser.parse_args()
    if a.command == "rules":
        make_rules(int(a.count), a.out)
    elif a.command == "shipped":
        make_shipped(a.folder, a.out)
    elif a.command == "probe":
        make_probe(a.hits, a.file)
    elif a.command == "keep":
        keep(a.hits, a.counts)
    else:
        make_log(a.hits, a.kind, int(a.bytes), a.file)


if __name__ == "__main__":
    main()
