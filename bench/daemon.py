#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What classifyd costs between a client and a Loki that takes everything at once.

usage: daemon.py --build DIR --data DIR [--quick] [--out FILE]

Bodies of 256 KiB of log text in 20 streams each, 10,000 streams in all, as snappy protobuf. Cost
is the processor time of classifyd, read from /proc, so that client, receiver and neighbours are
left out: megabytes of log text for each second of it. Latency is that of one client that sends one
body after the other, through classifyd and straight to the receiver, taking turns.
"""

import argparse
import itertools
import os
import re
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
    text = "\n".join([
        f"Bodies of {BODY >> 10} KiB of text in 20 streams, {STREAMS} streams, protobuf in snappy ({how}); shipped packs; "
        f"{rounds} rounds, median and spread.", "",
        "| log | what is done | MB of log text for a second of classifyd's processor time |", "|---|---|---|", *rows, "",
        f"One client after the other body, added to the time of the receiver alone (ordinary): median "
        f"{spread([m for m, _ in delay], 2)} ms, 99th percentile {spread([p for _, p in delay], 2)} ms.", "",
        f"Resident memory after each round, all logs: {min(memory):.0f} to {max(memory):.0f} MiB.", ""])
    print(text)
    if a.out:
        a.out.write_text("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# What classifyd costs\n\n"
                         "Written by `bench/daemon.py`, which says what is measured.\n\n" + text)


if __name__ == "__main__":
    main()
