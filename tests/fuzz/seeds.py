#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the fuzzers begin: small inputs of every kind. usage: seeds.py CLASSIFY FOLDER"""

import bz2
import gzip
import io
import json
import lzma
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "daemon"))
import wire  # noqa: E402

classify, folder = sys.argv[1], Path(sys.argv[2])
LOGS = sorted((TOP / "samples").iterdir())[:12]


def write(kind, name, data):
    path = folder / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data[:60000])


for log in LOGS:
    write("log", log.name, b"\x10\x00" + log.read_bytes()[:8000])
write("log", "utf16", b"\x03\x00" + "begin\nno space\nfailed\n".encode("utf-16"))
write("log", "wrapped", b"\x05\x01" + b'{"log":"no space left\\n","stream":"stderr","time":"2026-03-01T10:00:00Z"}\n'
      b"2026-03-01T10:00:00.1Z stderr F one 12\n\x1b[31mfailed\x1b[0m\r\n" * 5)

for number, line in enumerate((b"2026-03-01T10:00:00Z stderr F {\"log\":\"no space\\n\",\"time\":\"2026-03-01T10:00:00Z\"}",
                               b"E0301 10:00:00.000001 1 x.go:1] msg=\"a \\\"b\\\"\" time=1772359200", b"\x1b[31m10%\r20%\x1b[0m done",
                               b"<13>Mar  1 10:00:00 host app[1]: {\"a\":{\"b\":[1,\"\\u00e9\"]}}",
                               b"1.2.3.4 - - [01/Mar/2026:10:00:00 +0100] \"GET / HTTP/1.1\" 200", b"[step-build] [2026-03-01 10:00:00,123] x")):
    write("line", str(number), line)

for number, name in enumerate(("knowledge-base.xml", "monitor.json", "promtail.yaml", "matchers.json", "counter.json")):
    data = (TOP / "tests" / "cli" / "data" / "import" / name).read_bytes()
    write("import", name, bytes([min(number, 3)]) + data)
    write("import", name + ".unnamed", b"\x05" + data)
write("import", "list", b"\x04# words\nno space left\n(?i)timed out\\b\n[[:alpha:]]+ error\n")

small = []
for pack in sorted((TOP / "rules").glob("*/*.yaml")):
    text = pack.read_text()
    if "pack:" in text:
        cut = text[:4000]
        small.append(cut[:cut.rfind("\n  - ")] + "\n")
for i, text in enumerate(small[:40]):
    write("rules", f"{i}.yaml", text.encode())
write("rules", "cre.yaml", b"rules:\n  - cre: {id: CRE-2026-0001, title: t, severity: 2}\n    rule: {sequence: {window: 9s, order: "
      b"[{value: a, count: 2}, {jq: '.n == 5'}], negate: [{regex: b, window: 5s}]}}\n")

source = folder / "small.yaml"
source.parent.mkdir(parents=True, exist_ok=True)
source.write_text("pack: a\nrules:\n  - {id: a, title: t, category: disk_full, match: 'no space(?<x> \\w+)'}\n"
                  "  - {id: b, title: t, category: timeout, match: {sequence: [one, {regex: two}], within: 3 lines}}\n")
subprocess.run([classify, "compile", "--rules", source, "-o", folder / "small.db"], check=True, capture_output=True)
write("restore", "small", (folder / "small.db").read_bytes())

text = b"first line\nno space left\nlast line\n" * 20
write("reader", "plain", text)
write("reader", "gz", gzip.compress(text) + gzip.compress(text))
write("reader", "bz2", bz2.compress(text))
write("reader", "xz", lzma.compress(text))
for name, mode in (("tar", "w"), ("tar.gz", "w:gz")):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for member in ("a.log", "b/c.log"):
            info = tarfile.TarInfo(member)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
    write("reader", name, out.getvalue())
out = io.BytesIO()
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("1_build.txt", text)
    archive.writestr("inner.tar.gz", (folder / "reader" / "tar.gz").read_bytes())
write("reader", "zip", out.getvalue())

T = 1_700_000_000_000_000_000
streams = [({"job": "a"}, [(T, "quiet", None), (T + 1, "no space left", {"trace": "7"})]), ({"job": "b"}, [(T, "é", None)])]
protobuf = wire.push_protobuf(streams)
document = json.dumps(wire.push_json(streams)).encode()
otlp = json.dumps({"resourceLogs": [{"resource": {"attributes": [{"key": "k", "value": {"stringValue": "v"}}]}, "scopeLogs": [
    {"logRecords": [{"timeUnixNano": str(T), "body": {"stringValue": "no space left"}}]}]}]}).encode()
record = wire.field(2, wire.fixed64(1, T) + wire.field(5, wire.field(1, b"no space left")))
binary = wire.field(1, wire.field(1, wire.field(1, wire.field(1, b"k") + wire.field(2, wire.field(1, b"v")))) + wire.field(2, record))
# The first byte: the form in two bits, the encoding in two, and how entries are marked.
for form, body, plain in ((0, protobuf, wire.unsnappy(protobuf)), (1, document, document), (2, binary, binary), (3, otlp, otlp)):
    write("push", f"{form}", bytes([form]) + plain)
    write("push", f"{form}.gz", bytes([form | 1 << 2]) + gzip.compress(plain))
    write("push", f"{form}.z", bytes([form | 2 << 2 | 16]) + zlib.compress(plain))
legacy = json.dumps({"streams": [{"labels": '{job="x"}', "entries": [
    {"ts": "2026-03-01T10:00:00Z", "line": "no space"}, {"ts": "2026-03-01T10:00:01Z", "line": "failed"}]}]}).encode()
write("push", "legacy", bytes([1 | 128]) + legacy)
write("push", "snappy", bytes([0 | 3 << 2]) + protobuf)

write("config", "whole", (TOP / "deploy" / "classifyd.yaml").read_bytes())
write("config", "more", b"server: {listen: ':1', tls: {certificate: a, key: b}, idle_timeout: 1m30s}\nlimits: {body: 1MiB, entries: 5}\n"
      b"verdicts: {labels: {a: b}, enabled: false}\nlabels: {category_as: metadata}\nthreads: 2\n")
