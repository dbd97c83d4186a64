# SPDX-License-Identifier: Apache-2.0
"""Files that are followed: rotation, truncation, restarts, names that come and go."""

import os

import pytest
import yaml

from conftest import until
from inputs import Reader, entries, wait_for
from test_control import run as run_once


@pytest.fixture
def reader(tmp_path, rules, sink):
    made = []

    def make(**more):
        made.append(Reader(tmp_path, rules, sink, **more))
        return made[-1]

    yield make
    for r in made:
        if r.daemon and r.daemon.process.poll() is None:
            r.stop()


def test_files_are_read_and_followed(reader, sink):
    r = reader()
    r.write("a.log", "one\nno space left\n")
    r.start()
    wait_for(sink, ["one", "no space left"])
    r.write("a.log", "three\r\n")
    r.write("b.log", "four\n")
    wait_for(sink, ["one", "no space left", "three", "four"])
    found = {e[2].decode(): e[0] for e in entries(sink)}
    a = str(r.logs / "a.log")
    assert found["one"] == {"job": "x", "filename": a}
    assert found["no space left"] == {"job": "x", "filename": a, "failure_category": "disk_full"}
    assert found["four"]["filename"] == str(r.logs / "b.log")
    assert r.daemon.metric("classify_read_lines_total") == 4
    until(lambda: r.daemon.metric("classify_queue_entries") == 0, "delivery")


@pytest.mark.parametrize("queue", [True, False])
def test_a_restart_neither_loses_nor_repeats(reader, sink, queue):
    r = reader(queue=queue, positions=not queue)
    r.write("a.log", "one\ntwo\n")
    r.start()
    wait_for(sink, ["one", "two"])
    r.write("a.log", "beg")                      # which would be a line after five seconds
    r.stop()
    r.write("a.log", "un\nthree\n")
    r.write("b.log", "four\n")
    r.start()
    wait_for(sink, ["one", "two", "begun", "three", "four"])


def test_rotation_by_another_name(reader, sink):
    r = reader()
    r.write("a.log", "one\n")
    r.start()
    wait_for(sink, ["one"])
    with open(r.logs / "a.log", "ab") as f:
        f.write(b"two\n")
        f.flush()
        os.rename(r.logs / "a.log", r.logs / "a.log.1")
        r.write("a.log", "three\n")
        wait_for(sink, ["one", "two", "three"])
        f.write(b"late\n")
        f.flush()
        wait_for(sink, ["one", "two", "three", "late"])
    names = {e[0]["filename"] for e in entries(sink)}
    assert names == {str(r.logs / "a.log")}
    until(lambda: r.daemon.said("a file was rotated"))


def test_rotation_while_nobody_reads(reader, sink):
    r = reader(positions=True)
    r.write("a.log", "one\n")
    r.start()
    wait_for(sink, ["one"])
    r.stop()
    r.write("a.log", "two\nthe last has no end")
    os.rename(r.logs / "a.log", r.logs / "a.log.1")
    r.write("a.log", "three\n")
    r.start()
    wait_for(sink, ["one", "two", "three", "the last has no end"])
    r.stop()
    assert yaml.safe_load(r.positions.read_text()) == {"positions": {str(r.logs / "a.log"): "6"}}
    r.start()
    r.write("a.log", "four\n")
    wait_for(sink, ["one", "two", "three", "the last has no end", "four"])


def test_a_rotated_file_that_matches_as_well_is_not_read_twice(reader, sink):
    r = reader(patterns=("a.log*",))
    r.write("a.log", "one\n")
    r.start()
    wait_for(sink, ["one"])
    os.rename(r.logs / "a.log", r.logs / "a.log.1")
    r.write("a.log", "two\n")
    r.write("a.log.1", "late\n")
    wait_for(sink, ["one", "two", "late"])
    r.stop()
    os.rename(r.logs / "a.log.1", r.logs / "a.log.2")
    os.rename(r.logs / "a.log", r.logs / "a.log.1")
    r.write("a.log", "three\n")
    r.start()
    wait_for(sink, ["one", "two", "late", "three"])


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("text", ["new\n", "something that is longer than what was there\n"])
def test_a_file_that_is_emptied_and_written_anew(reader, sink, running, text):
    r = reader()
    r.write("a.log", "one\ntwo\n")
    r.start()
    wait_for(sink, ["one", "two"])
    if not running:
        r.stop()
    r.write("a.log", text, mode="w")
    if not running:
        r.start()
    wait_for(sink, ["one", "two", text.strip()])
    assert r.daemon.said("read from its start")


@pytest.mark.parametrize("same", [64, 63])
def test_a_file_that_is_the_same_before_its_position(reader, sink, same):
    """The 64 bytes before a position tell whether it is still that of the file."""
    r = reader()
    last = "y" * (same - 1) + "\n"
    r.write("a.log", "one\n" + last)
    r.start()
    wait_for(sink, ["one", last.strip()])
    r.stop()
    r.write("a.log", "two" + ("\n" if same == 64 else "z") + last + "three\n", mode="w")
    r.start()
    wait_for(sink, ["one", last.strip(), "three"] + ([] if same == 64 else ["twoz" + last.strip()]))


def test_a_file_that_is_gone_has_ended(reader, sink):
    r = reader()
    r.write("a.log", "no space left\nall is lost")
    r.start()
    until(lambda: r.daemon.metric("classify_read_lines_total") >= 1, "reading")
    os.unlink(r.logs / "a.log")
    [(_, labels, line, metadata)] = until(sink.verdicts, "the verdict")
    assert (labels["result"], labels["failure_category"], metadata["reason"]) == ("failed", "disk_full", "end")
    assert line["lines"] == 2 and str(r.logs / "a.log") in metadata["source"]
    r.write("a.log", "again\n")
    wait_for(sink, ["no space left", "all is lost", "again"])


def test_a_line_waits_for_its_end_and_not_for_ever(reader, sink):
    r = reader()
    r.write("a.log", "begun")
    r.start()
    wait_for(sink, ["begun"])
    r.write("a.log", "\nnext\n")
    wait_for(sink, ["begun", "next"])


def test_names_that_match_later(reader, sink):
    r = reader(patterns=("*/*.log",), exclude=("*/no*.log",))
    r.start()
    (r.logs / "pod").mkdir()
    r.write("pod/a.log", "one\n")
    r.write("pod/nothing.log", "excluded\n")
    r.write("pod/a.log.gz", "compressed\n")
    wait_for(sink, ["one"])
    (r.logs / "other.log").mkdir()
    (r.logs / "pod/folder.log").mkdir()
    os.mkfifo(r.logs / "pod/pipe.log")
    r.write("pod/b.log", "two\n")
    wait_for(sink, ["one", "two"])


def test_links_are_followed_and_keep_their_names(reader, sink):
    r = reader()
    real = r.folder / "pods"
    real.mkdir()
    (real / "0.txt").write_text("one\n")
    (r.logs / "pod.log").symlink_to(real / "0.txt")
    r.start()
    wait_for(sink, ["one"])
    r.stop()
    with open(real / "0.txt", "a") as f:
        f.write("two\n")
    os.rename(real / "0.txt", real / "0.txt.20240101")
    (real / "0.txt").write_text("three\n")
    r.start()
    wait_for(sink, ["one", "two", "three"])
    assert {e[0]["filename"] for e in entries(sink)} == {str(r.logs / "pod.log")}


def test_a_file_that_may_not_be_read(reader, sink):
    r = reader()
    (r.logs / "loop.log").symlink_to("loop.log")
    r.write("good.log", "one\n")
    (r.logs / "dangling.log").symlink_to("nowhere")
    r.start()
    wait_for(sink, ["one"])
    until(lambda: r.daemon.said("cannot be opened.*loop.log"))
    assert r.daemon.metric('classify_read_errors_total{reason="open"}') == 1
    os.unlink(r.logs / "loop.log")
    r.write("loop.log", "two\n")
    wait_for(sink, ["one", "two"])


def test_positions_of_promtail_are_taken_over(reader, sink):
    r = reader(positions=True)
    r.write("a.log", "read before\nnew\n")
    r.write("b.log", "also new\n")
    r.positions.write_text(f'positions:\n  {r.logs}/a.log: "12"\n  {r.logs}/gone.log: "7"\n  cursor-journal: s=1;i=2\n')
    r.start()
    wait_for(sink, ["new", "also new"])
    r.stop()
    found = yaml.safe_load(r.positions.read_text())["positions"]
    assert found[str(r.logs / "a.log")] == "16" and found[str(r.logs / "b.log")] == "9"
    assert found["cursor-journal"] == "s=1;i=2"


@pytest.mark.parametrize("text", ["positions: [1]\n", "positions: {a: [", "positions: {a: {b: c}}\n"])
def test_positions_that_cannot_be_read(tmp_path, rules, text):
    r = Reader(tmp_path, rules, None, queue=False, positions=True)
    r.positions.write_text(text)
    done = run_once(*r.arguments)
    assert done.returncode == 1 and "positions cannot be read" in done.stderr
    assert r.positions.read_text() == text


def test_too_many_positions(tmp_path, rules):
    r = Reader(tmp_path, rules, None, queue=False, positions=True)
    r.positions.write_bytes(b"positions: {}\n#".ljust(16 << 20, b"\n"))
    done = run_once(*r.arguments)
    assert done.returncode == 1 and "positions cannot be read" in done.stderr


def test_long_lines(reader, sink):
    r = reader()
    r.write("a.log", "a" * 300_000 + "\nshort\n")
    r.start()
    wait_for(sink, ["a" * 256 * 1024, "short"])
    assert r.daemon.metric("classify_read_lines_cut_total") == 1


def test_without_loki_lines_are_printed(tmp_path, rules):
    r = Reader(tmp_path, rules, None, queue=False, positions=True)
    r.write("a.log", "no space left\n")
    daemon = r.start()
    until(lambda: any('"failure_category":"disk_full"' in line for line in daemon.output), "printing")
    r.stop()
    assert yaml.safe_load(r.positions.read_text())["positions"] == {str(r.logs / "a.log"): "14"}


@pytest.mark.parametrize("text, why", [
    ("inputs: {files: {a: b}}\n", "c.yaml:1:17 err=\"inputs.files: it takes a list"),
    ("inputs: {files: [x]}\n", "an item takes paths"),
    ("inputs: {files: [{labels: {a: b}}]}\n", "at least one of paths"),
    ("inputs: {files: [{paths: [a], lables: {}}]}\n", "inputs.files.lables: there is no setting"),
    ("inputs: {files: [{paths: ['/a/**/b']}]}\n", "** is not known"),
    ("inputs: {files: [{paths: [/a], labels: {1: b}}]}\n", "a name is no label"),
    ("inputs: {files: [{paths: [/a]}]}\n", "takes queue.path or inputs.positions"),
    ("queue: {max_size: 1KiB}\n", "is not within"),
])
def test_wrong_configurations(tmp_path, text, why):
    config = tmp_path / "c.yaml"
    config.write_text(text)
    done = run_once("--check-config", "--config.file", config)
    assert done.returncode == 2 and why in done.stderr, done.stderr
