# SPDX-License-Identifier: Apache-2.0
"""Bad days: many clients, slow ones and such that go away, and a Loki that is slow, full or gone.

Clients send again what was not taken, as agents do. Then nothing may be lost, nothing may be held
for longer than it is needed, and everything has to be well again when the day is over.
"""

import concurrent.futures
import gzip
import http.client
import json
import random
import resource
import socket
import struct
import threading

import pytest

import wire
from conftest import PATIENCE, Sink, until

T = 1_700_000_000_000_000_000
MIB = 1024 * 1024


def body_of(lines, labels=None, time=T):
    streams = [(labels or {"job": "x"}, [(time + i, line, None) for i, line in enumerate(lines)])]
    return json.dumps(wire.push_json(streams)).encode()


def head_of(length, more=""):
    return (f"POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{more}"
            f"Content-Length: {length}\r\n\r\n").encode()


def request_of(lines, **more):
    body = body_of(lines, **more)
    return head_of(len(body)) + body


def connect(daemon):
    return socket.create_connection(("127.0.0.1", daemon.port), timeout=PATIENCE)


class Agent:
    """Keeps its connection, and sends a batch until it is taken. `answers` counts what it was told."""

    def __init__(self, daemon):
        self.port = daemon.port
        self.connection = None
        self.answers = {}

    def push(self, body):
        def once():
            if not self.connection:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                self.connection.request("POST", "/loki/api/v1/push", body, {"Content-Type": "application/json"})
                answer = self.connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException):
                status = 0
                self.close()
            self.answers[status] = self.answers.get(status, 0) + 1
            assert status in (0, 204, 429, 500, 502, 503, 504), status
            return status == 204
        until(once, "that a batch is taken")

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def work(daemon, clients, batches, lines=3):
    """So many agents at once. The lines that they pushed, and how often they got which answer."""
    def run(number):
        agent, pushed = Agent(daemon), []
        for i in range(batches):
            wanted = [f"client {number} batch {i} line {k}" + (" no space left" if k == 1 else "") for k in range(lines)]
            agent.push(body_of(wanted, {"job": f"c{number}"}, T + i * 1000))
            pushed += wanted
        agent.close()
        return pushed, agent.answers

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        done = list(pool.map(run, range(clients)))
    answers = {}
    for _, told in done:
        for status, n in told.items():
            answers[status] = answers.get(status, 0) + n
    return [line for pushed, _ in done for line in pushed], answers


def lines_of(*sinks):
    """What came, as Loki keeps it: an entry that comes again is the same one."""
    found = set()
    for sink in sinks:
        for _, headers, body in sink.pushes():
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            for labels, entries in wire.read_push_json(json.loads(body)):
                found |= {(labels["job"], time, line.decode()) for time, line, _ in entries}
    return sorted(line for _, _, line in found)


def hang_up(handler):
    """Goes away without an answer, after the whole request came."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def half_an_answer(handler):
    handler.wfile.write(b"HTTP/1.1 204 No Con")
    handler.wfile.flush()
    hang_up(handler)


def is_calm(daemon):
    """Nothing is held any more, and nobody is connected but who asks."""
    until(lambda: daemon.metric("classify_in_flight_bytes") == 0, "an end of all pushes")
    until(lambda: daemon.metric("classify_connections") <= 1, "an end of all connections")


# ---- Loki ----

@pytest.mark.parametrize("seed", range(2))
def test_refusals_lose_nothing(daemon, sink, seed):
    chance = random.Random(seed)
    bad = [(429, b"rate", {"Retry-After": "1"}), (500, b"", {}), (503, b"", {}), hang_up, half_an_answer]
    sink.script = [chance.choice(bad) if chance.random() < 0.6 else (204, b"", {}) for _ in range(300)]
    pushed, answers = work(daemon, clients=6, batches=25)
    sink.script = []
    assert lines_of(sink) == sorted(pushed)
    assert {429, 500, 502, 503} <= set(answers)
    assert daemon.metric("classify_entries_total") == len(pushed)
    series = 'classify_matches_total{category="disk_full",rule="disk-full",severity="critical"}'
    assert daemon.metric(series) == len(pushed) / 3
    is_calm(daemon)


def test_loki_goes_away_and_comes_back(daemon, sink):
    """Every client meets its absence, and is served again without anybody's help."""
    sink.default = hang_up
    sink.close()
    back = []

    def come_back():
        until(lambda: daemon.metric('classify_requests_total{route="/loki/api/v1/push",code="502"}') >= 20, "refusals")
        back.append(Sink(port=sink.port))

    thread = threading.Thread(target=come_back)
    thread.start()
    try:
        pushed, answers = work(daemon, clients=8, batches=5)
        thread.join(PATIENCE)
        assert lines_of(back[0]) == sorted(pushed)
        assert answers[502] >= 20 and answers[204] == 40
        assert daemon.metric("classify_entries_total") == len(pushed)
        is_calm(daemon)
    finally:
        thread.join(PATIENCE)
        for s in back:
            s.close()


def test_a_slow_loki_and_more_clients_than_connections_to_it(daemons, rules, sink, tmp_path):
    """Whoever waits for a connection waits no longer than for an answer, and nothing is left behind."""
    config = tmp_path / "c.yaml"
    config.write_text("loki: {timeout: 500ms}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
    go_on = threading.Event()
    sink.default = lambda handler: go_on.wait(PATIENCE) and hang_up(handler)
    clients = [connect(daemon) for _ in range(300)]
    for c in clients:
        c.sendall(request_of(["quiet"]))
    assert {c.recv(4096).split()[1] for c in clients} == {b"504"}
    assert daemon.metric("classify_entries_total") == 0
    sink.default = (204, b"", {})
    go_on.set()
    for c in clients:
        c.close()
    pushed, _ = work(daemon, clients=2, batches=2)
    assert set(pushed) <= set(lines_of(sink))
    is_calm(daemon)


def test_loki_closes_its_half_after_an_answer(daemon, sink):
    def answer_and_close(handler):
        handler.send_response(204)
        handler.end_headers()
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_WR)
        handler.close_connection = True

    sink.script = [answer_and_close] * 20
    pushed, _ = work(daemon, clients=1, batches=30)
    assert lines_of(sink) == sorted(pushed)
    assert daemon.metric("classify_entries_total") == len(pushed)


# ---- clients ----

def test_what_is_announced_takes_no_room(daemon):
    """Forty clients promise more than all that may be held, and send next to nothing."""
    slow = [connect(daemon) for _ in range(40)]
    for s in slow:
        s.sendall(head_of(16 * MIB) + b"{")
    until(lambda: daemon.metric("classify_connections") >= 40)
    assert daemon.push_lines(["quiet"])[0] == 204
    assert daemon.metric("classify_in_flight_bytes") <= 40 * 65536
    for s in slow:
        s.close()
    is_calm(daemon)


@pytest.mark.parametrize("coding", ["none", "gzip"])
def test_what_is_held_is_bounded(daemons, rules, sink, tmp_path, coding):
    """All are let in while there is room, and there is none for all of them, as they came or decoded."""
    config = tmp_path / "c.yaml"
    config.write_text("limits: {in_flight: 4MiB}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
    bodies = [body_of([f"{i} " + "x" * MIB], {"job": f"c{i}"}) for i in range(30)]
    sent = [gzip.compress(body) for body in bodies] if coding == "gzip" else bodies
    clients = [connect(daemon) for _ in bodies]
    for c, body in zip(clients, sent):
        c.sendall(head_of(len(body), "Content-Encoding: gzip\r\n" if coding == "gzip" else ""))
    until(lambda: daemon.metric("classify_connections") >= 30)

    held = []
    go_on = threading.Event()

    def wait_and_take(handler):
        go_on.wait(PATIENCE)
        handler.send_response(204)
        handler.end_headers()

    sink.default = wait_and_take
    for c, body in zip(clients, sent):
        c.sendall(body)
    told = 'classify_requests_total{route="/loki/api/v1/push",code="503"}'
    until(lambda: held.append(daemon.metric("classify_in_flight_bytes")) or daemon.metric(told) >= 15, "refusals")
    go_on.set()
    answers = [c.recv(4096) for c in clients]
    # What is being decoded when the limit is met goes beyond it.
    assert max(held) <= 12 * MIB
    assert {a.split()[1] for a in answers} == {b"204", b"503"}
    assert all(b"Retry-After: 1" in a for a in answers if b" 503 " in a)
    sink.default = (204, b"", {})
    for c, body, answer in zip(clients, bodies, answers):
        c.close()
        if b" 503 " in answer:
            Agent(daemon).push(body)
    assert {line.split()[0] for line in lines_of(sink)} == {str(i) for i in range(30)}
    assert daemon.metric("classify_entries_total") == 30
    is_calm(daemon)


@pytest.mark.parametrize("where", ["request line", "headers", "body", "chunks"])
def test_slow_clients_are_cut_off(daemons, rules, sink, tmp_path, where):
    """A byte now and then keeps no connection for ever, and who is quick is served meanwhile."""
    config = tmp_path / "c.yaml"
    config.write_text("server: {read_timeout: 500ms, idle_timeout: 1s}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
    begun = {"request line": b"POS", "headers": b"POST /loki/api/v1/push HTTP/1.1\r\nX-A: ", "body": head_of(MIB),
             "chunks": b"POST /loki/api/v1/push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"}[where]
    drop = b"1\r\nx\r\n" if where == "chunks" else b"x"
    slow = [connect(daemon) for _ in range(20)]
    for s in slow:
        s.sendall(begun)
        s.settimeout(0.01)
    agent = Agent(daemon)

    def one_more():
        for s in list(slow):
            try:
                s.sendall(drop)
                if s.recv(100) == b"":
                    slow.remove(s)
            except TimeoutError:
                pass
            except OSError:
                slow.remove(s)
        agent.push(body_of(["quiet"]))
        return not slow

    until(one_more, "an end of slow clients")
    assert daemon.metric("classify_connections_cut_total") >= 20
    agent.close()
    assert set(lines_of(sink)) == {"quiet"}
    is_calm(daemon)


def test_who_is_idle_and_then_quick_is_not_cut_off(daemons, rules, sink, tmp_path):
    """The time for a request begins with it: one that waits for Loki longer than that is answered."""
    config = tmp_path / "c.yaml"
    config.write_text("server: {read_timeout: 100ms, idle_timeout: 60s}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config, "--no-verdicts")
    go_on = threading.Event()

    def slow(handler):
        go_on.wait(PATIENCE)
        handler.send_response(204)
        handler.end_headers()

    sink.script = [slow]
    with connect(daemon) as s, connect(daemon) as late:
        s.sendall(request_of(["quiet"]))
        late.sendall(head_of(1000))
        assert late.recv(100) == b""             # by then the other one has waited longer than that, too
        until(lambda: sink.requests)
        go_on.set()
        assert b" 204 " in s.recv(4096)
    assert daemon.metric("classify_connections_cut_total") == 1


def test_clients_that_leave_in_the_middle(daemon, sink):
    """Also with a reset; what did not come whole is not passed on."""
    request = request_of(["no space left" * 1000])
    for i in range(300):
        s = connect(daemon)
        s.sendall(request[:len(request) * (i + 1) // 302])
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    is_calm(daemon)
    assert sink.requests == []
    assert daemon.push_lines(["quiet"])[0] == 204


def test_clients_that_leave_while_loki_answers(daemon, sink):
    """What came whole is passed on, and counts."""
    go_on = threading.Event()

    def slow(handler):
        go_on.wait(PATIENCE)
        handler.send_response(204)
        handler.end_headers()

    sink.script = [slow] * 50
    for i in range(50):
        with connect(daemon) as s:
            s.sendall(request_of([f"line {i}"], labels={"job": f"c{i}"}))
    until(lambda: len(sink.requests) == 50, "fifty pushes")
    go_on.set()
    until(lambda: daemon.metric("classify_entries_total") == 50, "fifty entries")
    is_calm(daemon)


def test_clients_that_close_their_half_are_answered(daemon, sink):
    go_on = threading.Event()

    def slow(handler):
        go_on.wait(PATIENCE)
        handler.send_response(204)
        handler.end_headers()

    sink.script = [slow]
    with connect(daemon) as s:
        s.sendall(request_of(["no space left"]))
        s.shutdown(socket.SHUT_WR)
        until(lambda: sink.requests)
        go_on.set()
        assert b" 204 " in s.recv(4096)
    with connect(daemon) as s:
        s.sendall(request_of(["quiet"])[:-5])
        s.shutdown(socket.SHUT_WR)
        assert s.recv(4096) == b""
    assert len(sink.requests) == 1


# ---- many ----

@pytest.fixture
def many_files():
    """Sockets for ten thousand clients, in this process as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 10_600:
        pytest.skip(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ten_thousand_idle_connections(daemons, rules, sink, many_files):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    assert daemon.push_lines(["quiet"])[0] == 204
    before = daemon.memory()
    idle = []
    try:
        for _ in range(10_000):
            idle.append(connect(daemon))
        until(lambda: daemon.metric("classify_connections") >= 10_000, "ten thousand connections")
        assert daemon.push_lines(["no space left"])[0] == 204
        for s in idle[::100]:                    # and they are good for something
            s.sendall(request_of(["quiet"]))
        assert all(b" 204 " in s.recv(4096) for s in idle[::100])
        after = daemon.memory()
        # What each may hold, also where malloc() writes on what it gives.
        assert after is None or after - before < 10_000 * 24 / 1024
    finally:
        for s in idle:
            s.close()
    is_calm(daemon)


def test_more_clients_than_files(daemons, rules, sink):
    """Some files are kept for requests to Loki: who is let in is served, and the others after them."""
    daemon = daemons("--loki", sink.url, "--rules", rules, files=300)
    assert daemon.said("fewer connections than limits.connections.* connections=150")
    clients = [connect(daemon) for _ in range(250)]
    for i, c in enumerate(clients):
        c.sendall(request_of([f"line {i}"], labels={"job": f"c{i}"}))
    for c in clients:
        assert b" 204 " in c.recv(4096)
        c.close()
    assert len(lines_of(sink)) == 250
    is_calm(daemon)


def test_ten_thousand_streams(daemons, rules, sink):
    daemon = daemons("--loki", sink.url, "--rules", rules)
    assert daemon.push_lines(["quiet"])[0] == 204
    before = daemon.memory()

    def push(number):
        agent = Agent(daemon)
        for i in range(5):
            streams = [({"job": "x", "n": str(number * 2500 + k)}, [(T + i, f"slow answer {i} " + "x" * 200, None)])
                       for k in range(2500)]
            agent.push(json.dumps(wire.push_json(streams)).encode())
        agent.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(push, range(4)))
    until(lambda: daemon.metric("classify_streams") == 10_001, "ten thousand streams")
    assert daemon.metric("classify_entries_total") == 50_001
    assert daemon.metric("classify_streams_evicted_total") == 0
    after = daemon.memory()
    assert after is None or after - before < 200
    is_calm(daemon)


def test_what_open_streams_hold_is_bounded(daemons, rules, sink, tmp_path):
    """A log that tells of failures all the time keeps more than a quiet one: the oldest ones have to go."""
    config = tmp_path / "c.yaml"
    config.write_text("limits: {open_bytes: 4MiB}\n")
    daemon = daemons("--loki", sink.url, "--rules", rules, "--config.file", config)
    agent, most = Agent(daemon), 0
    for i in range(60):
        streams = [({"n": f"{i} {k}"}, [(T + j, f"error: step {j} failed " + "y" * 500, None) for j in range(20)]) for k in range(10)]
        agent.push(json.dumps(wire.push_json(streams)).encode())
        most = max(most, daemon.metric("classify_streams_bytes"))
    until(lambda: daemon.metric("classify_streams") + daemon.metric("classify_streams_evicted_total") == 600, "all streams")
    assert 1 * MIB < daemon.metric("classify_streams_bytes") <= 4 * MIB
    assert most <= 8 * MIB
    assert daemon.metric("classify_streams_evicted_total") > 300
    agent.close()
    # None of them is lost: those that went had their verdicts.
    until(lambda: sum(daemon.metric(f'builds_total{{result="{r}"}}') for r in ("failed", "undetermined", "passed")) ==
          daemon.metric("classify_streams_evicted_total"), "their verdicts")


def test_rules_of_old_are_not_kept_for_ever(daemons, rules, sink):
    """A stream that goes on and on keeps the rules that it was begun with, but not those of every reload."""
    daemon = daemons("--loki", sink.url, "--rules", rules)
    for i in range(9):
        assert daemon.push_lines(["no space left"], {"n": str(i)})[0] == 204
        until(lambda: daemon.metric("classify_streams") + daemon.metric("classify_streams_evicted_total") == i + 1)
        with open(rules, "a") as f:
            f.write(f"  - {{id: moon-{i}, title: t, category: timeout, match: moon {i}}}\n")
        assert daemon.request("POST", "/-/reload")[0] == 200
    assert daemon.metric("classify_streams") == 4
    verdicts = until(lambda: len(sink.verdicts()) == 5 and sink.verdicts(), "five verdicts")
    assert {(v[3]["source"], v[3]["reason"]) for v in verdicts} == {(f'{{n="{i}"}}', "evicted") for i in range(5)}
    assert len({v[2]["ruleset"] for v in verdicts}) == 5
    for i in range(9):                           # those that are still open go on, the others anew
        assert daemon.push_lines(["no space left"], {"n": str(i)})[0] == 204
    until(lambda: daemon.metric("classify_entries_total") == 18)
