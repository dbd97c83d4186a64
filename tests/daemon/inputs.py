# SPDX-License-Identifier: Apache-2.0
"""What tests of the daemon's own inputs share: configurations, and what came of lines."""

import json

import wire
from conftest import Daemon, until


class Reader:
    """A daemon that reads files below a folder, and can be killed and begun again."""

    def __init__(self, folder, rules, sink, queue=True, positions=False, patterns=("*.log",), exclude=(), more=None):
        self.folder = folder
        self.positions = folder / "positions.yaml"
        self.queue = folder / "queue.db"
        self.logs = folder / "logs"
        self.logs.mkdir(exist_ok=True)
        config = {
            "inputs": {"files": [{"paths": [str(self.logs / p) for p in patterns],
                                  "exclude": [str(self.logs / p) for p in exclude], "labels": {"job": "x"}}]},
            **(more or {}),
        }
        if queue:
            config.setdefault("queue", {})["path"] = str(self.queue)
        if positions:
            config["inputs"]["positions"] = str(self.positions)
        self.config = folder / "c.yaml"
        self.config.write_text(json.dumps(config))
        self.arguments = ["--rules", rules, "--config.file", self.config]
        if sink:
            self.arguments += ["--loki", sink.url]
        self.daemon = None

    def start(self):
        self.daemon = Daemon(*self.arguments)
        return self.daemon

    def kill(self):
        self.daemon.process.kill()
        self.daemon.process.wait()

    def stop(self):
        status = self.daemon.stop()
        assert status == 0, "".join(self.daemon.log)

    def write(self, name, text, mode="a"):
        with open(self.logs / name, mode + "b") as f:
            f.write(text if isinstance(text, bytes) else text.encode())


def entries(sink):
    """[(labels, nanoseconds, line), ...] as Loki keeps them: one that comes again is the same one."""
    found = {}
    for _, _, body in sink.pushes():
        for labels, values in wire.read_push_protobuf(body):
            for time, line, _ in values:
                kept = {k: v for k, v in labels.items() if k != "failure_category"}
                found[tuple(sorted(kept.items())), time, line] = (labels, time, line)
    return sorted(found.values(), key=lambda e: e[1])


def lines(sink):
    return [line.decode(errors="replace") for _, _, line in entries(sink)]


def wait_for(sink, wanted):
    """Until these lines came: each once, whatever their order."""
    until(lambda: len(lines(sink)) >= len(wanted), f"{len(wanted)} lines instead of {len(lines(sink))}")
    assert sorted(lines(sink)) == sorted(wanted)
