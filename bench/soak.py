#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether the memory of classifyd stays what it is, however much goes through it.

usage: soak.py --build DIR --data DIR [--gigabytes N] [--out FILE]

Pushes so many GB of log text, with all that a bad day brings: a Loki that refuses, goes away or takes its
time, clients that leave in the middle, rules that are loaded anew. 15,000 streams of two tenants go on
and on, and limits.open_bytes is low enough that some are always evicted. Resident memory is read
after each hundredth. The streams are there after the first half; the slope over the second one says what
is added for each GB.
"""

import argparse
import http.client
import random
import re
import statistics
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "tests" / "daemon"))
import daemon as bench  # noqa: E402

CLIENTS = 4


class BadReceiver(bench.Receiver):
    """Takes most of what comes. A request is asked for by its number, so that a run can be run again."""

    refused = gone = 0

    def answer(self, number):
        if number % 50 == 7:
            self.refused += 1
            return (b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n" if number % 100 < 50 else
                    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n")
        if number % 200 == 11:
            self.gone += 1
            return None
        if number % 500 == 13:
            time.sleep(0.3)
        return b"HTTP/1.1 204 No Content\r\n\r\n"


class Client(bench.Client):
    """Sends a body until it is taken; every hundredth time half of it first, over a connection of its own."""

    def __init__(self, port, seed):
        super().__init__(port)
        self.port, self.chance, self.again = port, random.Random(seed), 0

    def push(self, body):
        head = (b"POST /loki/api/v1/push HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-protobuf\r\n"
                b"X-Scope-OrgID: t%d\r\nContent-Length: %d\r\n\r\n" % (self.chance.randrange(2), len(body)))
        if self.chance.random() < 0.01:
            half = bench.Client(self.port)
            half.socket.sendall(head + body[:self.chance.randrange(len(body))])
            half.socket.close()
        while True:
            self.socket.sendall(head + body)
            answer = self.socket.recv(65536)
            if b" 204 " in answer[:20]:
                return
            if not re.match(rb"HTTP/1.1 (429|500|502|503|504) ", answer):
                sys.exit(f"soak.py: classifyd answered {answer[:200]!r}")
            self.again += 1
            time.sleep(0.01)


def reload(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("POST", "/-/reload")
    status = connection.getresponse().status
    connection.close()
    if status != 200:
        sys.exit(f"soak.py: the rules were not loaded anew: {status}")


def metric(daemon, name):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def slope(points):
    """MiB for each GB, by least squares."""
    xs, ys = zip(*points)
    x, y = statistics.mean(xs), statistics.mean(ys)
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a in xs)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--reloads", type=int, default=5, help="how often rules are loaded anew")
    parser.add_argument("--points", action="store_true", help="print every measurement")
    parser.add_argument("--out", type=Path)
    a = parser.parse_args()
    a.data.mkdir(parents=True, exist_ok=True)
    bodies = bench.make_bodies(a.data, "ordinary", 96 << 20)
    receiver = BadReceiver()
    (a.data / "soak.yaml").write_text("limits: {open_bytes: 128MiB}\n")
    daemon = bench.Daemon(a.build, receiver, "--config.file", a.data / "soak.yaml")
    total, points = a.gigabytes * 1e9, []
    lock = threading.Lock()
    done = [0, 0]                                # bytes, bodies
    begun, seconds = time.monotonic(), daemon.seconds()

    def work(number):
        client = Client(daemon.port, number)
        while True:
            with lock:
                if done[0] >= total:
                    return
                body, size = bodies[done[1] % len(bodies)]
                done[1] += 1
            client.push(body)
            with lock:
                done[0] += size
                if done[0] >= total / 100 * (len(points) + 1):
                    points.append((done[0] / 1e9, daemon.memory()))
                    if len(points) * a.reloads // 100 > (len(points) - 1) * a.reloads // 100:
                        reload(daemon)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    daemon.idle()
    took, seconds = time.monotonic() - begun, daemon.seconds() - seconds
    for _ in range(20):                          # clients that left last are found within seconds
        held = metric(daemon, "classify_in_flight_bytes")
        if held:
            time.sleep(0.5)
    entries = metric(daemon, "classify_bytes_total")
    daemon.stop()
    if a.points:
        print("\n".join(f"{gb:.2f} GB {mib:.0f} MiB" for gb, mib in points))
    later = points[len(points) // 2:]
    low, high = min(m for _, m in later), max(m for _, m in later)
    text = "\n".join([
        f"{done[0] / 1e9:.1f} GB of log text in {done[1]} pushes of {CLIENTS} clients, in {took:.0f} s, "
        f"{seconds:.0f} s of classifyd's processor time. Loki refused {receiver.refused} requests and left "
        f"{receiver.gone} without an answer; delivered were {entries / 1e9:.1f} GB. Rules were loaded anew "
        f"{a.reloads} times.", "",
        f"Resident memory over the second half: {low:.0f} to {high:.0f} MiB, "
        f"{slope(later):+.2f} MiB for each GB. Held at the end: {held:.0f} bytes of pushes.", ""])
    print(text)
    if a.out:
        a.out.write_text("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# classifyd over time\n\n"
                         "Written by `bench/soak.py`, which says what is done.\n\n" + text)
    if held or entries < done[0] * 0.99:
        sys.exit("soak.py: something was lost, or is still held")


if __name__ == "__main__":
    main()
