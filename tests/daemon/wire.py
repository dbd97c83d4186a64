# SPDX-License-Identifier: Apache-2.0
"""The forms of a push on the wire, as plain as can be: snappy's block format and Loki's protobuf.

Written apart from the daemon and its libraries, so that a mistake of theirs is not made twice.
"""

import re


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    n = shift = 0
    while True:
        byte = data[at]
        at += 1
        n |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return n, at


def snappy(data):
    """Literals only: valid, and not smaller."""
    out = bytearray(varint(len(data)))
    for i in range(0, len(data), 60):
        piece = data[i:i + 60]
        out.append((len(piece) - 1) << 2)
        out += piece
    return bytes(out)


def unsnappy(data):
    size, at = read_varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], "little")
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if kind == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def field(number, value):
    """A field: bytes are length-delimited, numbers are varints."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def fixed64(number, value):
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def fields(data):
    """All fields of a message as (number, value) in their order."""
    at, found = 0, []
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind == 1:
            value, at = int.from_bytes(data[at:at + 8], "little"), at + 8
        elif kind == 5:
            value, at = int.from_bytes(data[at:at + 4], "little"), at + 4
        else:
            assert kind == 2, kind
            length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length
        found.append((key >> 3, value))
    return found


def all_of(found, number):
    return [value for n, value in found if n == number]


def one_of(found, number, default=None):
    values = all_of(found, number)
    return values[-1] if values else default


def labels_text(labels):
    return "{" + ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items())) + "}"


def labels_of(text):
    return dict(re.findall(r'([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"', text))


def push_protobuf(streams):
    """[(labels, [(nanoseconds, line, metadata or None), ...]), ...] as the body of a push."""
    body = b""
    for labels, entries in streams:
        stream = field(1, labels_text(labels).encode())
        for time, line, metadata in entries:
            stamp = field(1, time // 10**9) + field(2, time % 10**9)
            entry = field(1, stamp) + field(2, line if isinstance(line, bytes) else line.encode())
            for name, value in (metadata or {}).items():
                entry += field(3, field(1, name.encode()) + field(2, value.encode()))
            stream += field(2, entry)
        body += field(1, stream)
    return snappy(body)


def read_push_protobuf(body):
    """The opposite: [(labels, [(nanoseconds, line as bytes, metadata), ...]), ...]."""
    streams = []
    for stream in all_of(fields(unsnappy(body)), 1):
        stream = fields(stream)
        entries = []
        for entry in all_of(stream, 2):
            entry = fields(entry)
            stamp = fields(one_of(entry, 1, b""))
            metadata = {}
            for pair in all_of(entry, 3):
                pair = fields(pair)
                metadata[one_of(pair, 1, b"").decode()] = one_of(pair, 2, b"").decode()
            time = one_of(stamp, 1, 0) * 10**9 + one_of(stamp, 2, 0)
            entries.append((time, one_of(entry, 2, b""), metadata))
        streams.append((labels_of(one_of(stream, 1).decode()), entries))
    return streams


def push_json(streams):
    return {"streams": [
        {"stream": labels,
         "values": [[str(t), line] + ([m] if m is not None else []) for t, line, m in entries]}
        for labels, entries in streams
    ]}


def read_push_json(document):
    return [
        (stream["stream"], [(int(v[0]), v[1].encode(), v[2] if len(v) > 2 else {}) for v in stream["values"]])
        for stream in document["streams"]
    ]


def flat(streams):
    """Every entry with its labels, the labels that were added taken out, sorted by time."""
    out = []
    for labels, entries in streams:
        kept = tuple(sorted((k, v) for k, v in labels.items() if k != "failure_category"))
        for time, line, metadata in entries:
            own = tuple(sorted((k, v) for k, v in metadata.items() if not k.startswith("failure_")))
            out.append((kept, time, line, own))
    return sorted(out)
