# SPDX-License-Identifier: Apache-2.0
"""The journal of systemd, from a folder that is written for the test."""

import os
import shutil
import subprocess
import time

import pytest
import yaml

from conftest import until
from inputs import Reader, entries, wait_for
from test_control import run as run_once

REMOTE = shutil.which("systemd-journal-remote", path=os.environ["PATH"] + ":/lib/systemd:/usr/lib/systemd")

FIRST = int(time.time() * 1_000_000) - 600_000_000


@pytest.fixture
def journal(tmp_path):
    if not REMOTE:
        pytest.skip("systemd-journal-remote is not installed: no journal can be written")
    folder = tmp_path / "journal"
    folder.mkdir()
    return Journal(folder)


class Journal:
    """Entries, each (seconds behind FIRST, unit, priority, message)."""

    def __init__(self, folder):
        self.folder = folder
        self.n = 0

    def write(self, *added):
        text = b""
        for seconds, unit, priority, message in added:
            self.n += 1
            message = message.encode()
            text += (f"__REALTIME_TIMESTAMP={FIRST + seconds * 1_000_000}\n__MONOTONIC_TIMESTAMP={1000 + self.n}\n"
                     f"_BOOT_ID={'1' * 32}\n_MACHINE_ID={'2' * 32}\n_HOSTNAME=h.example\n"
                     f"_SYSTEMD_UNIT={unit}\nPRIORITY={priority}\n").encode()
            text += b"MESSAGE\n" + len(message).to_bytes(8, "little") + message + b"\n\n"
        part = self.folder / f"part{self.n}.journal"
        done = subprocess.run([REMOTE, "-o", str(part), "-"], input=text, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr


def reader(journal, tmp_path, rules, sink, **more):
    r = Reader(tmp_path, rules, sink, patterns=("none",), **more)
    config = yaml.safe_load(r.config.read_text())
    config["inputs"]["journal"] = {"enabled": "true", "path": str(journal.folder), "labels": {"job": "journal"}}
    r.config.write_text(yaml.safe_dump(config))
    return r


def test_entries_are_read_and_gone_on_from(journal, tmp_path, rules, sink):
    journal.write((0, "a.service", 6, "one"), (1, "b.service", 3, "no space left"), (2, "a.service", 6, "two\nlines"))
    r = reader(journal, tmp_path, rules, sink, positions=True)
    r.start()
    wait_for(sink, ["one", "no space left", "two\nlines"])
    found = {e[2].decode(): e for e in entries(sink)}
    assert found["one"][0] == {"job": "journal", "unit": "a.service", "hostname": "h.example", "priority": "info"}
    assert found["no space left"][0]["priority"] == "error"
    assert found["no space left"][0]["failure_category"] == "disk_full"
    assert found["one"][1] == FIRST * 1000
    journal.write((3, "a.service", 5, "three"))
    wait_for(sink, ["one", "no space left", "two\nlines", "three"])
    r.stop()
    assert yaml.safe_load(r.positions.read_text())["positions"]["cursor-journal"].startswith("s=")
    journal.write((4, "a.service", 5, "four"))
    r.start()
    wait_for(sink, ["one", "no space left", "two\nlines", "three", "four"])
    r.stop()


def test_a_killed_daemon_goes_on(journal, tmp_path, rules, sink):
    wanted = [f"line {i}" for i in range(3000)]
    journal.write(*[(i // 100, "a.service", 6, line) for i, line in enumerate(wanted)])
    r = reader(journal, tmp_path, rules, sink)
    for wait in (0.05, 0.2, 0.6):
        r.start()
        time.sleep(wait)
        r.kill()
    r.start()
    wait_for(sink, wanted)
    until(lambda: r.daemon.metric("classify_queue_entries") == 0, "an empty queue")
    r.stop()


def test_matches_and_age(journal, tmp_path, rules, sink):
    journal.write((-36000, "a.service", 6, "too old"), (0, "a.service", 6, "one"), (1, "b.service", 6, "other"),
                  (2, "c.service", 6, "two"))
    r = reader(journal, tmp_path, rules, sink)
    config = yaml.safe_load(r.config.read_text())
    config["inputs"]["journal"].update(matches=["_SYSTEMD_UNIT=a.service", "+", "_SYSTEMD_UNIT=c.service"],
                                       max_age="1h")
    r.config.write_text(yaml.safe_dump(config))
    r.start()
    wait_for(sink, ["one", "two"])
    r.stop()


@pytest.mark.parametrize("settings, why", [
    ("enabled: 'true', matches: [x]", "FIELD=value"),
    ("enabled: 'true', path: /nowhere", "cannot be opened"),
])
def test_what_cannot_be_read(tmp_path, rules, settings, why):
    config = tmp_path / "c.yaml"
    config.write_text(f"inputs: {{journal: {{{settings}}}, positions: {tmp_path}/p.yaml}}\n")
    done = run_once("--rules", rules, "--config.file", config)
    if "without libsystemd" in done.stderr:
        pytest.skip("built without libsystemd")
    assert done.returncode == 1 and why in done.stderr


def test_long_units(journal, tmp_path, rules, sink):
    """The name of a unit is cut at 255 bytes."""
    journal.write((0, "a" * 300, 6, "one"))
    r = reader(journal, tmp_path, rules, sink)
    r.start()
    wait_for(sink, ["one"])
    r.stop()
    assert entries(sink)[0][0]["unit"] == "a" * 255
