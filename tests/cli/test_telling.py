# SPDX-License-Identifier: Apache-2.0
"""Which line of an unexplained failure is the telling one."""

import pytest

from conftest import marker

FLAGS = "".join(f"  -{letter}, --{letter}rror-level string   Log level (error, fatal, panic, unknown)\n"
                for letter in "abcdefghijklmnopqrstuvwxyz") * 3


def telling(classify, log):
    """The verdict for a log that then failed."""
    return classify.verdict(classify.rules(marker("end", "^it ended$", "failure")), log + "it ended\n")


@pytest.mark.parametrize("log, line", [
    # A usage text after the error: flags tell nothing, however many words of failure they hold.
    ("Error: unknown prefix of the context\nUsage:\n" + FLAGS, 1),
    # Of lines that tell as much the first: the others follow from it.
    ("copying\npkg error code EACCES\npkg error syscall open\npkg error path /srv/x\n", 2),
    # The place of a log entry of CI, and of a manager of services, is no cause.
    ("tool: No such file or directory\nFinished: FAILURE\n", 1),
    ("quota exceeded for the volume\nsvc: Main process exited, code=exited, status=1/FAILURE\n", 1),
    # The end of a traceback, not its head or its frames.
    ("Traceback (most recent call last):\n  File \"/srv/error/a.py\", line 3\n    raise E('x')\nKeyError: 'x'\n", 4),
    # What tells nothing at all does not win for being first: the marker itself is as good.
    ("one\ntwo\n", 3),
])
def test_telling(classify, log, line):
    """The first of the telling lines is the line of the verdict."""
    answer = telling(classify, log)
    assert answer["line"] == line, answer["text"]
    assert answer["telling"][0]["line"] == line


def test_reach(classify):
    """160 lines and 16 KiB above the marker are searched."""
    for filler, n in (("x\n", 158), ("y" * 1000 + "\n", 15)):
        assert telling(classify, "fatal: first\n" + filler * n)["text"] == "fatal: first"
        assert telling(classify, "fatal: first\n" + filler * (n + 2))["text"] != "fatal: first"


def test_few_lines_are_told(classify):
    """Five of them."""
    log = "".join(f"error: cannot open the {word}\n" for word in ("lid", "box", "door", "gate", "file", "book", "tin"))
    assert len(telling(classify, log)["telling"]) == 5


def test_context(classify):
    """The lines around it, up to the marker, as around any other; redacted if asked for."""
    rules = classify.rules(marker("end", "^it ended$", "failure"))
    log = "one\ntwo password=hunter22\nthree\nfatal: four\nfive\nit ended\nsix\n"
    done = classify.run("scan", "-r", rules, "--context", "2", "--redact", "-", stdin=log.encode())
    shown = [line.lstrip("> ").split(None, 2)[-1] for line in done.out.splitlines() if line.lstrip("> ").startswith("line ")]
    assert shown[:5] == ["two password=[redacted]", "three", "fatal: four", "five", "it ended"]
    assert "hunter22" not in done.out and "six" not in done.out
    done = classify.run("scan", "-r", rules, "--context", "1", "-", stdin=("fatal: a\nit ended\n").encode())
    assert "line 0" not in done.out and "> line 1" in done.out


def test_context_of_a_later_failure(classify):
    """A success between two failures: the lines are those of the second."""
    rules = classify.rules(marker("end", "^it ended$", "failure"), marker("good", "^good$", "success"))
    log = "aa\nfatal: b\ncc\nit ended\ngood\ndd\nfatal: e\nff\nit ended\n"
    done = classify.run("scan", "-r", rules, "--context", "1", "-o", "markdown", "-", stdin=log.encode())
    assert "```text\ndd\nfatal: e\nff\n```" in done.out
