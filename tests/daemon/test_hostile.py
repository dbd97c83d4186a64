# SPDX-License-Identifier: Apache-2.0
"""Log text is data for the daemon, too: in what it passes on, prints, counts and logs of itself."""

import json
import os
import re
import subprocess
import sys

import wire
from conftest import HERE, PATIENCE, binary, until

sys.path.insert(0, str(HERE.parent / "hostile"))
from corpus import ACTING, LINES, name, shown  # noqa: E402

RULES = """\
pack: test
rules:
  - id: oops
    title: 'Oops: ${what}'
    category: disk_full
    match: '^oops (?<what>(?s:.*)) end$'
    runbook: {cause: 'It is ${what}', fix: 'echo ${what}'}
  - {id: begins, title: b, role: start, match: '^begin (?<what>.*)$'}
"""
TEXTS = [text for text in LINES if b"\r" not in text]
# What Loki reads as the labels of a stream: strings of Go, and nothing beside them.
LABELS = re.compile(r'\{([A-Za-z_]\w*="(?:[^"\\\n\x00]|\\[abfnrtv\\"]|\\x[0-9a-f]{2})*"(, )?)*\}')


def hostile(tmp_path):
    """A file of rules whose captures take whatever stands there."""
    path = tmp_path / "hostile.yaml"
    path.write_text(RULES)
    return path


def quiet(daemon):
    """The daemon's own log is lines of fields: nothing else stands in it."""
    for line in daemon.log:
        assert line.endswith("\n") and re.fullmatch(r'[ -~]*', line[:-1]), line
        assert re.fullmatch(r'ts=\S+ level=\w+ msg=(?:"(?:[^"\\]|\\.)*"|\S+)(?: \w+=(?:"(?:[^"\\]|\\.)*"|[^\s"=]+))*', line[:-1]), line


def test_printed(tmp_path):
    """Without Loki entries are lines of JSON: each stays one, and loses nothing."""
    lines = b"".join(b"oops %s end\n" % text for text in TEXTS)
    done = subprocess.run([binary(), "--stdin", "--rules", str(hostile(tmp_path)), "--label", 'host=a"b\x1b\u202e'],
                          input=lines, capture_output=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    out = done.stdout.decode()
    assert not ACTING.search(out)
    told = [json.loads(line) for line in out.splitlines()]
    assert [one["line"] for one in told[:-1]] == [f"oops {shown(text)} end" for text in TEXTS]
    assert all(one["labels"] == {"host": 'a"b\x1b\u202e'} and one["failure_category"] == "disk_full" for one in told[:-1])
    assert told[-1]["labels"]["job"] == "classify"
    assert not ACTING.search(done.stderr.decode())


def test_pushed(daemons, sink, tmp_path):
    """A capture becomes metadata, never a label; labels are those that came and the category."""
    daemon = daemons("--loki", sink.url, "--rules", hostile(tmp_path))
    for form in ("json", "protobuf"):
        values = [(10**18 + n, f"oops {shown(text)} end", None) for n, text in enumerate(TEXTS)]
        streams = [({"job": form}, values)]
        if form == "json":
            status, _, _ = daemon.push(wire.push_json(streams))
        else:
            status, _, _ = daemon.push(wire.push_protobuf(streams), {"Content-Type": "application/x-protobuf"})
        assert status == 204
    first, second = [body for _, _, body in sink.pushes()]
    seen = []
    for stream in json.loads(first)["streams"]:
        assert stream["stream"] in ({"job": "json"}, {"job": "json", "failure_category": "disk_full"})
        seen += [(value[1], value[2]) for value in stream["values"]]
    for labels, values in wire.read_push_protobuf(second):
        assert labels == {"job": "protobuf", "failure_category": "disk_full"}
        seen += [(line.decode(), metadata) for _, line, metadata in values]
    assert len(seen) == 2 * len(TEXTS)
    for line, metadata in seen:
        assert set(metadata) == {"failure_rule", "failure_severity", "failure_field_what"} or \
            set(metadata) == {"failure_rule", "failure_severity"}
        assert line.startswith("oops ")
    counts = [line for line in daemon.metrics().splitlines() if line.startswith("classify_matches_total")]
    assert counts == [f'classify_matches_total{{category="disk_full",rule="oops",severity="high"}} {2 * len(TEXTS)}']
    for line in daemon.metrics().splitlines():
        assert not ACTING.search(line) and re.fullmatch(r'#.*|[a-z_]+(\{(\w+="[\w.:/+, -]*",?)*\})? \S+', line), line
    daemon.stop()
    quiet(daemon)


def test_names_of_files(daemons, sink, tmp_path):
    """The name of a file that is read becomes one label, whatever it holds; Loki can read the labels."""
    folder = tmp_path / "logs"
    folder.mkdir()
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"inputs": {"files": [{"paths": [f"{folder}/*"], "labels": {"job": "files"}}], "positions": str(tmp_path / "positions.yaml")}}))
    names = [b"%03d %s" % (number, name(text)) for number, text in enumerate(LINES)]
    for one in names:
        with open(os.path.join(os.fsencode(folder), one), "wb") as file:
            file.write(b"oops x end\n")
    daemon = daemons("--loki", sink.url, "--rules", hostile(tmp_path), "--config.file", config)

    def streams():
        return [stream for _, _, body in sink.pushes() for stream in wire.all_of(wire.fields(wire.unsnappy(body)), 1)]

    until(lambda: len({wire.one_of(wire.fields(stream), 1) for stream in streams()}) >= len(names), "all files")
    texts = {wire.one_of(wire.fields(stream), 1).decode() for stream in streams()}
    assert len(texts) == len(names)
    for text in texts:
        assert LABELS.fullmatch(text), text
        assert re.findall(r'([A-Za-z_]\w*)="(?:[^"\\]|\\.)*"', text).count("filename") == 1
        assert set(re.findall(r'(?:\{|", )([A-Za-z_]\w*)="', re.sub(r'"(?:[^"\\]|\\.)*"', '""', text).replace('""', '"", '))) \
            <= {"job", "filename", "failure_category"}
    daemon.stop()
    quiet(daemon)


def test_requests(daemons, sink, tmp_path):
    """Paths, tenants and bodies that cannot be read leave no trace that acts."""
    daemon = daemons("--loki", sink.url, "--rules", hostile(tmp_path))
    for body in (b'{"streams":[{"stream":{"\x1b[2J":"', b"\x1b]0;x\x07", b'{"streams":"\\u202e"}'):
        status, answer, _ = daemon.push(body)
        assert status in (204, 400) and not ACTING.search(answer.decode())
    for path in ("/%1b%5b2J", "/loki/%0d%0aX:%20y"):
        status, answer, headers = daemon.request("GET", path)
        assert status in (400, 404) and not ACTING.search(answer.decode()) and "X" not in headers
    daemon.push_lines(["oops a end"], labels={"job": 'x",a="b\x1b\n'}, headers={"X-Scope-OrgID": "a\x09b"})
    assert not ACTING.search(daemon.metrics())
    daemon.stop()
    quiet(daemon)
