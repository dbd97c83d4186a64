# SPDX-License-Identifier: Apache-2.0
"""A daemon and a Loki-shaped receiver that misbehaves on command, both on loopback."""

import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared"

# Guards against a program that hangs; nothing is measured with it.
PATIENCE = 60

RULES = """\
pack: test
rules:
  - id: build-starts
    title: A build starts
    role: start
    match: 'build (?<name>\\S+) starts'
  - id: build-ends
    title: A build has ended well
    role: success
    match: 'all is well'
  - id: build-fails
    title: A build has ended badly
    role: failure
    match: 'all is lost'
  - id: rate-limited
    title: Too many requests to ${host}
    category: rate_limited
    severity: high
    match: 'too many requests(?: to (?<host>\\S+))?'
    runbook: {cause: c, fix: f}
  - id: weak
    title: Something is slow
    category: timeout
    severity: low
    role: symptom
    match: 'slow answer'
  - id: disk-full
    title: The disk is full
    category: disk_full
    severity: critical
    match: 'no space left'
    runbook: {cause: c, fix: f}
"""


def binary():
    """The path of the program under test."""
    named = os.environ.get("CLASSIFYD")
    path = Path(named) if named else HERE / "../../build/tools/classifyd/classifyd"
    return str(path.resolve())


def until(condition, what="it"):
    """Waits for something that another process does."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {PATIENCE} s")


class Sink:
    """Takes what comes for Loki. `script` holds the answers to come; then `default` is given.

    An answer is (status, body, headers), or a function of the handler that does what it likes.
    """

    def __init__(self, context=None, port=0):
        self.requests = []
        self.script = []
        self.default = (204, b"", {})
        self.lock = threading.Lock()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body leave in one piece, so that no small one waits for its acknowledgement.
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with sink.lock:
                    sink.requests.append((self.path, dict(self.headers), body))
                    answer = sink.script.pop(0) if sink.script else sink.default
                if callable(answer):
                    answer(self)
                    return
                status, text, headers = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(text)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256
            daemon_threads = True

            def handle_error(self, *_):
                pass                     # a client that went away

        self.server = Server(("127.0.0.1", port), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        self.port = self.server.server_address[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"

    def pushes(self):
        """What came, without verdicts."""
        with self.lock:
            return [r for r in self.requests if b'"job":"classify"' not in r[2]]

    def verdicts(self):
        """[(headers, labels, line as an object, metadata), ...] of the verdicts that came."""
        with self.lock:
            found = [r for r in self.requests if b'"job":"classify"' in r[2]]
        out = []
        for _, headers, body in found:
            for stream in json.loads(body)["streams"]:
                for value in stream["values"]:
                    out.append((headers, stream["stream"], json.loads(value[1]), value[2]))
        return out

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Daemon:
    """A classifyd with these arguments, listening on a port of its own; `files`: how many may be open."""

    def __init__(self, *arguments, env=None, files=None):
        self.log = []
        self.output = []
        limited = ["sh", "-c", 'ulimit -n "$0" && exec "$@"', str(files)] if files else []
        self.process = subprocess.Popen(
            [*limited, binary(), "--listen", "127.0.0.1:0", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="surrogateescape",
            env={**os.environ, **(env or {})},
        )
        self.threads = [
            threading.Thread(target=self.read, args=(self.process.stderr, self.log), daemon=True),
            threading.Thread(target=self.read, args=(self.process.stdout, self.output), daemon=True),
        ]
        for thread in self.threads:
            thread.start()
        found = until(lambda: self.said(r"msg=listening .*port=(\d+)") or self.process.poll() is not None,
                      "listening")
        assert found is not True, "".join(self.log)
        self.port = int(found[1])

    @staticmethod
    def read(stream, lines):
        for line in stream:
            lines.append(line)

    def said(self, pattern):
        for line in list(self.log):
            found = re.search(pattern, line)
            if found:
                return found
        return None

    def request(self, method, path, body=None, headers=None, timeout=PATIENCE):
        """(status, body, headers) of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), dict(answer.getheaders())
        finally:
            connection.close()

    def push(self, body, headers=None, path="/loki/api/v1/push"):
        if isinstance(body, dict):
            body = json.dumps(body, ensure_ascii=False).encode()
        return self.request("POST", path, body, {"Content-Type": "application/json", **(headers or {})})

    def push_lines(self, lines, labels=None, time=1_700_000_000_000_000_000, headers=None):
        values = [[str(time + i * 10**9), line] for i, line in enumerate(lines)]
        return self.push({"streams": [{"stream": labels or {"job": "x"}, "values": values}]}, headers)

    def metrics(self):
        status, text, _ = self.request("GET", "/metrics")
        assert status == 200
        return text.decode()

    def metric(self, series):
        """The value of a series, as it is written; 0 when it is not there."""
        for line in self.metrics().splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0

    def memory(self):
        """Resident MiB; None under a sanitizer, which keeps what was freed."""
        folder = Path(f"/proc/{self.process.pid}")
        if re.search(r"lib[at]san", (folder / "maps").read_text()):
            return None
        return int(re.search(r"VmRSS:\s+(\d+)", (folder / "status").read_text())[1]) / 1024

    def stop(self, signal=None):
        """Ends it. The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal) if signal else self.process.terminate()
        status = self.process.wait(PATIENCE)
        for thread in self.threads:
            thread.join(PATIENCE)
        return status


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def daemons(sink):
    """Makes daemons, and ends them after the test, and before the sink: each has to end well."""
    made = []

    def make(*arguments, **more):
        made.append(Daemon(*arguments, **more))
        return made[-1]

    yield make
    statuses = [daemon.stop() for daemon in made]
    said = ["".join(daemon.log) for daemon in made]
    assert statuses == [0] * len(made), said


@pytest.fixture
def daemon(daemons, sink, rules):
    """One in front of `sink`, with the rules above; verdicts only at its end."""
    return daemons("--loki", sink.url, "--rules", rules)


def free_port():
    """A port where nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
