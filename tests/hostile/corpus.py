# SPDX-License-Identifier: Apache-2.0
"""Texts that would act in a terminal, a ticket, a page, a spreadsheet, a document, a label or a shell.

Every format is given all of them, in lines, in captures and in the names of files.
"""

import re

TERMINAL = [
    b"\x1b[31mred\x1b[0m", b"\x1b]0;title\x07", b"\x1b]8;;https://evil.example/\x1b\\link\x1b]8;;\x1b\\",
    b"\x1b]52;c;ZWNobw==\x07", b"\x1bP1$r0m\x1b\\", b"\x1b[2J\x1b[H", b"\x1b[6n", b"\x1b", b"\x9b31m", b"\xc2\x9b31m",
    b"\xc2\x85\xc2\x90", b"\x08\x7f", b"a\rb", b"\x07",
]
DIRECTION = [text.encode() for text in (
    "\u202eabc\u202c", "\u2066x\u2069", "\u2028\u2029", "\ufeff\u200b", "\U000e0041", "\u206a", "\ufff9x\ufffb",
    "\u061c\u200e\u200f", "\u180e")]
BYTES = [b"\xff\xfe\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", "\ufffe\uffff".encode(), "\U0001f600 größe".encode()]
MARKUP = [
    b"<script>alert(1)</script>", b"</script><script>", b"</style><b>", b"</pre></code></details>", b"<img src=x onerror=alert(1)>",
    b"<!-- ", b"]]>", b"<![CDATA[", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&lt;b&gt; &amp; &#60; &#0;", b'" onmouseover="alert(1)',
    b"' x='", b"javascript:alert(1)",
]
TICKET = [
    b"```", b"````sh", b"~~~", b"| a | b |", b"# big", b"[x](javascript:alert(1))", b"![x](https://evil.example/x.png)",
    b"[x]: https://evil.example", b"*x* _x_ ~~x~~ `x`", b"\\", b"\\`", b"@team", b"\\@team", b"`@team`", b"@@a/b", b"#1", b"a/b#12",
    b"GH-12", b"!1", b"- [ ] x", b"$$x$$", b"www.evil.example", b"https://evil.example/",
]
SPREADSHEET = [b"=1+1", b"+1", b"-1", b"@SUM(A1)", b"\t=1", "\uff1d1".encode(), b'";=1+1;"', b"a;=1+1", b"a\t=1", b'"', b'""', b",;|"]
LABELS = [b'x"} 1', b'",failure_category="none', b"{0} {{x}} ${y}", b'x",y="', b"\\n\\", b"100%s%n"]
SHELL = [
    b"$(touch owned)", b"`touch owned`", b"; touch owned", b"'; touch owned; '", b'"; touch owned; "', b"&& touch owned #",
    b"| touch owned", b"-rf", b"--force", b"$'\\x3b'", b"> owned", b"a b\\", b"it's; touch owned; 'so'", b"!!", b"~", b"*",
]
LINES = TERMINAL + DIRECTION + BYTES + MARKUP + TICKET + SPREADSHEET + LABELS + SHELL

# So many controls that a log counts as binary.
BINARY = [b"\x00nul\x08\x7f", b"\x0e\x0f\x05"]

# Controls but the line feed; characters that reorder or hide others.
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
                    "\U000e0000-\U000e007f]")


def name(text):
    """What is left of a text as the name of a file."""
    return text.replace(b"/", b"_").replace(b"\0", b"_") or b"_"


def shown(text):
    """A text as documents hold it: what is no UTF-8 as U+FFFD."""
    return text.decode("utf-8", "replace")
