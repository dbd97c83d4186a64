# SPDX-License-Identifier: Apache-2.0
"""Byte order marks and UTF-16."""

import pytest

from conftest import rule

RULE = rule("r", "^cannot open (?<file>.+)$")
CODINGS = [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_utf8_mark(classify, ending):
    """A mark before the first line does not keep ^ from holding there."""
    data = ("\ufeffcannot open main.c" + ending).encode()
    answer = classify.verdict(classify.rules(RULE), data)
    assert answer["rule"] == "r" and answer["fields"] == {"file": "main.c"}
    assert (answer["line"], answer["lines"], answer["bytes"]) == (1, 1, len(data))


@pytest.mark.parametrize("coding, mark", CODINGS)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_utf16(classify, coding, mark, ending):
    """UTF-16 with a mark reads as any other text."""
    text = f"first{ending}cannot open größe-日本-😀.c{ending}last{ending}"
    data = mark + text.encode(coding)
    answer = classify.verdict(classify.rules(RULE), data)
    assert answer["rule"] == "r" and answer["line"] == 2
    assert answer["text"] == "cannot open größe-日本-😀.c"
    assert answer["fields"] == {"file": "größe-日本-😀.c"}
    assert (answer["lines"], answer["bytes"]) == (3, len(data))


@pytest.mark.parametrize("coding, mark", CODINGS)
def test_utf16_place_is_in_the_data(classify, coding, mark):
    """Offsets are of the data, and where its text is wide they do not point behind its end."""
    above = "错误" * 20 + "\n"
    data = mark + (above + "cannot open 错误\n").encode(coding)
    answer = classify.verdict(classify.rules(RULE), data)
    assert answer["line"] == 2
    assert answer["offset"] == len(mark + above.encode(coding))


@pytest.mark.parametrize("coding, mark", CODINGS)
def test_utf16_in_wrappers(classify, coding, mark):
    """A wrapped line in UTF-16 is unwrapped as any other."""
    data = mark + '{"level":"error","msg":"cannot open \\"a\\""}\n'.encode(coding)
    assert classify.verdict(classify.rules(RULE), data)["fields"] == {"file": '"a"'}


@pytest.mark.parametrize("coding, mark", CODINGS)
def test_utf16_damaged(classify, coding, mark):
    """Half a character at the end, or a surrogate alone, spoils nothing else."""
    data = mark + "cannot open a\n".encode(coding)
    lone = "\ud800x\n".encode(coding, "surrogatepass")
    for tail in (b"x", lone, lone + b"\x00"):
        assert classify.verdict(classify.rules(RULE), data + tail)["fields"] == {"file": "a"}


@pytest.mark.parametrize("coding, mark", CODINGS)
def test_utf16_without_mark(classify, coding, mark):
    """Four characters of ASCII tell UTF-16 that has no mark."""
    log = "step 1 of 2 größe\r\ncannot open 错误\r\n"
    answer = classify.verdict(classify.rules(RULE), log.encode(coding))
    assert (answer["fields"], answer["line"]) == ({"file": "错误"}, 2)
    assert answer["offset"] == len(log.split("\n", maxsplit=1)[0].encode(coding)) + 2
    assert answer["bytes"] == len(log.encode(coding))


def test_nul_is_no_utf16(classify):
    """Nul bytes among text, and text that is too short to tell, stay what they are."""
    for head in (b"a\x00b\x00c", b"\x00\x00\x00\x00\x00\x00", b"a\x00b", b"\x00a\x00b\x00c", b""):
        data = head + b"\ncannot open a\n" + 100 * b"more\n"
        assert classify.verdict(classify.rules(RULE), data)["line"] == 2, head
    for data in (b"a\x00b\x00c\x00", b"\x00a", b"a", b"a\x00"):
        answer = classify.verdict(classify.rules(RULE), data)
        assert (answer["outcome"], answer["bytes"], answer["lines"]) == ("undetermined", len(data), 1)


def test_mark_alone(classify):
    """A mark and nothing else is an empty log."""
    for data in (b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\xff", b"\xef\xbb"):
        assert classify.verdict(classify.rules(RULE), data)["outcome"] == "undetermined"
