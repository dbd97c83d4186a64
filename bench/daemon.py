#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What classifyd costs between a client and a Loki that takes everything at once.

usage: daemon.py --build DIR --data DIR [--quick] [--out FILE]

Bodies of 256 KiB of log text in 20 streams each, 10,000 streams in all, as snappy protobuf. Cost
is the processor time of classifyd, read from /proc, so that client, receiver and neighbours are
left out: megabytes of log text for each second of it. Latency is that of one client that sends one
body after the other, through classifyd and straight to the receiver, taking turns.

Where promtail is on the PATH, its pipeline is given the same lines and the same 100 expressions, a `match`
stage with a label for each. Both read standard input and push to the same receiver; the processor
time of their starts, with nothing to read, is taken off. First it is seen that both mark the same lines.
"""

import argparse
import collections
import itertools
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "daemon"))
import wire  # noqa: E402

try:
    import snappy
    compress, how = snappy.compress, "snappy's own"
except ImportError:
    compress, how = None, "literals only"

BODY = 256 * 1024
STREAMS = 10_000
TICK = os.sysconf("SC_CLK_TCK")


class Receiver:
    """Takes requests over kept connections and answers 204, reading no more than it has to."""

    take = None                          # is told each body

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.socket.getsockname()[1]
        self.requests = itertools.count()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def answer(self, number):
        """What the request of this number is answered; None: the connection ends."""
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    def serve(self, connection):
        room, held = memoryview(bytearray(1 << 20)), b""
        while True:
            head = held.find(b"\r\n\r\n")
            if head < 0:
                n = connection.recv_into(room)
                if not n:
                    return
                held += room[:n]
                continue
            left = int(re.search(rb"(?i)content-length: (\d+)", held[:head])[1]) - (len(held) - head - 4)
            pieces = [held[head + 4:len(held) + min(left, 0)]]
            held = held[len(held) + left:] if left < 0 else b""
            while left > 0:
                n = connection.recv_into(room, min(left, len(room)))
                if not n:
                    return
                left -= n
                if self.take:
                    pieces.append(bytes(room[:n]))
            if self.take:
                self.take(b"".join(pieces))
            answer = self.answer(next(self.requests))
            if answer is None:
                connection.close()
                return
            connection.sendall(answer)


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def push(self, body):
        head = (b"POST /loki/api/v1/push HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
        self.socket.sendall(head + body)
        answer = self.socket.recv(65536)
        if b" 204 " not in answer:
            sys.exit(f"daemon.py: classifyd answered {answer[:200]!r}")


class Daemon:
    def __init__(self, build, receiver, *arguments):
        self.process = subprocess.Popen(
            [build / "tools" / "classifyd" / "classifyd", "--listen", "127.0.0.1:0", "--loki",
             f"http://127.0.0.1:{receiver.port}", *arguments], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            found = re.search(r"msg=listening .*port=(\d+)", line)
            if found:
                self.port = int(found[1])
                break
        else:
            sys.exit("daemon.py: classifyd did not start")
        threading.Thread(target=lambda: list(self.process.stderr), daemon=True).start()

    def seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def memory(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def idle(self):
        """Waits until what follows an answer is done, too."""
        before = -1.0
        while self.seconds() != before:
            before = self.seconds()
            time.sleep(0.3)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def make_bodies(data, kind, size):
    generator = [sys.executable, HERE / "generate.py"]
    if not (data / "shipped.hits").exists():
        subprocess.run([*generator, "shipped", HERE.parent / "rules", data / "shipped"], check=True)
    log = data / f"daemon-{kind}-{size}.log"
    if not log.exists():
        subprocess.run([*generator, "log", data / "shipped.hits", kind, str(size), log], check=True)
    bodies, lines, held, stream = [], [], 0, 0
    for line in log.read_bytes().split(b"\n"):
        lines.append(line)
        held += len(line)
        if held < BODY:
            continue
        share, streams = len(lines) // 20 + 1, []
        for i in range(0, len(lines), share):
            entries = [(10**18 + len(bodies) * 10**6 + i + j, text, None) for j, text in enumerate(lines[i:i + share])]
            streams.append(({"job": "builds", "n": str(stream % STREAMS)}, entries))
            stream += 1
        body = wire.push_protobuf(streams)
        bodies.append((compress(wire.unsnappy(body)) if compress else body, held))
        lines, held = [], 0
    return bodies


def cost(daemon, bodies, clients=4):
    """Megabytes of text for each second of the daemon's processor time."""
    begun = daemon.seconds()
    todo = iter(bodies)
    lock = threading.Lock()

    def work():
        client = Client(daemon.port)
        while True:
            with lock:
                body = next(todo, None)
            if body is None:
                return
            client.push(body[0])

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    daemon.idle()
    return sum(size for _, size in bodies) / 1e6 / (daemon.seconds() - begun)


def latency(daemon, receiver, bodies):
    """Milliseconds that classifyd adds: (median, 99th percentile)."""
    through, straight, added = Client(daemon.port), Client(receiver.port), []
    for body, _ in bodies:
        begun = time.perf_counter()
        straight.push(body)
        middle = time.perf_counter()
        through.push(body)
        added.append(((time.perf_counter() - middle) - (middle - begun)) * 1000)
        time.sleep(0.004)
    added.sort()
    return statistics.median(added), added[min(len(added) - 1, len(added) * 99 // 100)]


class Keeper(Receiver):
    """Keeps the bodies."""

    def __init__(self):
        self.bodies = []
        super().__init__()

    def take(self, body):
        self.bodies.append(body)


def marked(receiver):
    """How often each line came with which category."""
    found = collections.Counter()
    for body in receiver.bodies:
        for labels, entries in wire.read_push_protobuf(body):
            found.update((line, labels.get("failure_category")) for _, line, _ in entries)
    return found


def promtail_pipeline(folder, expressions, port):
    """Its configuration: what each rule is to classifyd is a match stage here."""
    def stage(expression):
        selector = '{job="stdin"} |~ ' + json.dumps(expression, ensure_ascii=False)
        return ("      - match:\n          selector: '" + selector.replace("'", "''") + "'\n"
                "          stages: [{static_labels: {failure_category: build_step_failed}}]\n")

    path = folder / "promtail.yaml"
    path.write_text(
        f"server: {{disable: true}}\npositions: {{filename: {folder}/positions.yaml}}\n"
        f"clients: [{{url: 'http://127.0.0.1:{port}/loki/api/v1/push', batchwait: 200ms}}]\n"
        "scrape_configs:\n  - job_name: stdin\n    static_configs: [{labels: {job: stdin}}]\n"
        "    pipeline_stages:\n" + "".join(map(stage, expressions)))
    return path


def processor_time(command, log):
    with open(log, "rb") as lines:
        process = subprocess.Popen(command, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"daemon.py: {command[0]} ended with {status}")
    return used.ru_utime + used.ru_stime


def agents(build, data, size, rounds):
    """Lines of the results: classifyd beside the pipeline of promtail."""
    promtail = shutil.which("promtail")
    if not promtail:
        return ["The pipeline of promtail is not compared: it is not on the PATH."]
    generator = [sys.executable, HERE / "generate.py"]
    subprocess.run([*generator, "rules", "100", data / "r100"], check=True)
    logs = {n: data / f"agents-{n}.log" for n in (1 << 20, size, size * 16)}
    for n, path in logs.items():
        subprocess.run([*generator, "log", data / "r100.hits", "ordinary", str(n), path], check=True)
    expressions = (data / "r100.txt").read_text().splitlines()

    def commands(port):
        classifyd = [build / "tools" / "classifyd" / "classifyd", "--stdin", "--no-verdicts", "--rules",
                     data / "r100.yaml", "--loki", f"http://127.0.0.1:{port}"]
        return classifyd, [promtail, "-stdin", f"-config.file={promtail_pipeline(data, expressions, port)}"]

    came = []
    for i in range(2):
        keeper = Keeper()
        processor_time(commands(keeper.port)[i], logs[1 << 20])
        came.append(marked(keeper))
    if came[0] != came[1]:
        odd = list((came[0] - came[1]).items())[:3] + list((came[1] - came[0]).items())[:3]
        sys.exit(f"daemon.py: classifyd and promtail do not say the same: {odd}")
    hits = sum(n for (_, category), n in came[0].items() if category)
    if not hits:
        sys.exit("daemon.py: no line is marked")
    receiver, figures = Receiver(), ([], [])
    for _ in range(rounds):
        for i, log in enumerate((logs[size * 16], logs[size])):
            command = commands(receiver.port)[i]
            used = processor_time(command, log) - processor_time(command, os.devnull)
            figures[i].append(log.stat().st_size / 1e6 / used)
    ratio = [a / b for a, b in zip(*figures)]
    return [
        f"Lines from standard input, 100 rules, ordinary; {rounds} rounds. Of {sum(came[0].values())} lines both marked "
        f"the same {hits}.", "", "| what | MB of log text for a second of its processor time |", "|---|---|",
        f"| classifyd --stdin | {spread(figures[0])} |", f"| promtail, 100 match stages | {spread(figures[1], 2)} |", "",
        f"classifyd does {spread(ratio)} times as much."]


def spread(figures, digits=0):
    return f"{statistics.median(figures):.{digits}f} ({min(figures):.{digits}f}..{max(figures):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    a = parser.parse_args()
    a.data.mkdir(parents=True, exist_ok=True)
    size, rounds = (16 << 20, 3) if a.quick else (96 << 20, 7)
    receiver = Receiver()
    ways = {"all": [], "without verdicts": ["--no-verdicts"], "category as metadata": ["--category-as", "metadata"]}
    rows, memory, delay = [], [], []
    for kind in ("quiet", "ordinary", "noisy"):
        bodies = make_bodies(a.data, kind, size)
        daemons = {way: Daemon(a.build, receiver, *arguments) for way, arguments in ways.items()}
        figures = {way: [] for way in ways}
        for turn in range(rounds + 1):
            for way, daemon in daemons.items():
                figure = cost(daemon, bodies)
                if turn:
                    figures[way].append(figure)
            memory.append(daemons["all"].memory())
        rows += [f"| {kind} | {way} | {spread(found)} |" for way, found in figures.items()]
        if kind == "ordinary":
            delay = [latency(daemons["all"], receiver, bodies) for _ in range(rounds)]
        for daemon in daemons.values():
            daemon.stop()
    beside = agents(a.build, a.data, (1 << 20) if a.quick else (4 << 20), rounds)
    text = "\n".join([
        f"Bodies of {BODY >> 10} KiB of text in 20 streams, {STREAMS} streams, protobuf in snappy ({how}); shipped packs; "
        f"{rounds} rounds, median and spread.", "",
        "| log | what is done | MB of log text for a second of classifyd's processor time |", "|---|---|---|", *rows, "",
        f"One client after the other body, added to the time of the receiver alone (ordinary): median "
        f"{spread([m for m, _ in delay], 2)} ms, 99th percentile {spread([p for _, p in delay], 2)} ms.", "",
        f"Resident memory after each round, all logs: {min(memory):.0f} to {max(memory):.0f} MiB.", "",
        *beside, ""])
    print(text)
    if a.out:
        a.out.write_text("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# What classifyd costs\n\n"
                         "Written by `bench/daemon.py`, which says what is measured.\n\n" + text)


if __name__ == "__main__":
    main()
