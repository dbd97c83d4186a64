# SPDX-License-Identifier: Apache-2.0
"""Real clients of Loki for Node, from the package index: winston-loki and pino-loki."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import wire
from conftest import until

CLIENTS = Path(__file__).resolve().parent / "clients"
# pino-loki needs Node 20 or later, which comes from the package index as well.
PACKAGES = ["node@22", "winston@3", "winston-loki@6", "pino@9", "pino-loki@3"]

pytestmark = pytest.mark.skipif(
    not os.environ.get("CLASSIFY_FULL") or not shutil.which("npm"),
    reason="the clients are fetched with npm; scripts/test --full does that")


@pytest.fixture(scope="session")
def node(tmp_path_factory):
    """Runs a script of clients/ with the packages beside it."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text("{}")
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=folder,
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr

    def run(script, *arguments):
        shutil.copy(CLIENTS / script, folder)
        return subprocess.run([folder / "node_modules" / ".bin" / "node", script, *arguments], cwd=folder,
                              capture_output=True, text=True, timeout=120)

    return run


def entries(sink):
    found = []
    for _, headers, body in sink.pushes():
        json_form = headers["Content-Type"].startswith("application/json")
        streams = wire.read_push_json(json.loads(body)) if json_form else wire.read_push_protobuf(body)
        found += [(labels, line.decode(), metadata) for labels, es in streams for _, line, metadata in es]
    return found


@pytest.mark.parametrize("script, arguments", [("winston.js", ["json"]), ("winston.js", ["protobuf"]), ("pino.js", [])])
def test_client(daemon, sink, node, script, arguments):
    done = node(script, f"http://127.0.0.1:{daemon.port}", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found = until(lambda: len(entries(sink)) == 3 and entries(sink), "three entries")
    marked = [e for e in found if "failure_category" in e[0]]
    assert len(marked) == 1 and "no space left" in marked[0][1]
    assert marked[0][0]["failure_category"] == "disk_full"
    assert marked[0][2]["failure_rule"] == "disk-full"
    assert any("ünïcode ✓" in line for _, line, _ in found)
    assert {r[1]["X-Scope-OrgID"] for r in sink.pushes()} == {"ci"}
    assert daemon.metric("classify_entries_total") == 3
    assert 'classify_unclassified_total{' not in daemon.metrics()
