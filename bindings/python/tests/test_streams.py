# SPDX-License-Identifier: Apache-2.0
"""Logs in pieces, through asyncio, and what Python logs itself."""

import asyncio
import logging
import pickle
import random
import threading

import pytest

import classify

LOG = b"begin\naccess denied for root\nstep failed\n"


def test_pieces(small):
    with small.stream("job") as stream:
        assert stream.feed(b"access denied for ro") == ()
        (match,) = stream.feed(b"ot\nstep")
        assert (match.source, match.line, match.fields) == ("job", 1, {"user": "root"})
        assert stream.verdict is None
        stream.feed(" failed")
    assert stream.verdict.category == "access_denied" and stream.verdict.source == "job"
    assert [loser.rule for loser in stream.verdict.also] == ["test-failed"]


def test_however_it_is_cut(small):
    chosen = random.Random(3)
    log = (LOG + b"\xc3\xa4 fine\r\n") * 20
    expected, matches = small.scan(log), [match for match in small.matches(log)]
    for _ in range(50):
        found, at = [], 0
        stream = small.stream()
        while at < len(log):
            end = at + chosen.randrange(1, 200)
            found += stream.feed(log[at:end])
            at = end
        found += stream.finish()
        assert stream.verdict == expected and found == matches


def test_a_callback(small):
    found = []
    with small.stream(on_match=found.append) as stream:
        stream.feed(LOG)
        stream.feed(b"denied for last")
    assert [match.line for match in found] == [2, 3, 4]


def test_a_callback_that_fails(small):
    def fails(match):
        raise LookupError(match.rule)

    stream = small.stream(on_match=fails)
    with pytest.raises(LookupError):
        stream.feed(LOG)
    stream.feed(b"nothing\n")
    with pytest.raises(LookupError), small.stream(on_match=fails) as stream:
        stream.feed(LOG)
    assert stream.verdict is None


def test_after_the_end(small):
    stream = small.stream()
    stream.feed(LOG)
    stream.finish()
    for call in (stream.finish, lambda: stream.feed(b"x"), lambda: stream.truncated("x")):
        with pytest.raises(classify.InvalidError):
            call()
    stream.close()
    assert stream.verdict.failed


def test_an_exception_gives_up(small):
    with pytest.raises(LookupError):
        with small.stream() as stream:
            stream.feed(LOG)
            raise LookupError
    assert stream.verdict is None


def test_truncated(small):
    with small.stream() as stream:
        stream.feed(LOG)
        stream.truncated("the connection broke")
    (warning,) = stream.verdict.warnings
    assert (warning.code, warning.offset) == ("truncated_input", len(LOG))
    assert "the connection broke" in warning.message


def test_no_pickle(small):
    with pytest.raises(TypeError):
        pickle.dumps(small.stream())


def test_two_threads_in_one_stream(small):
    """Whoever comes second is told so; nothing else happens."""
    stream = small.stream()
    data = LOG * 20_000
    answers = []

    def feed():
        for _ in range(10):
            try:
                stream.feed(data)
                answers.append("fed")
            except classify.BusyError:
                answers.append("busy")

    threads = [threading.Thread(target=feed) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stream.finish()
    assert stream.verdict.lines == 60_000 * answers.count("fed") and len(answers) == 40


async def collect(matches):
    return [match async for match in matches]


def test_follow_a_stream_reader(small):
    async def run():
        reader = asyncio.StreamReader(limit=16)
        found = asyncio.ensure_future(collect(small.follow(reader, name="live")))
        for at in range(0, len(LOG), 5):
            reader.feed_data(LOG[at:at + 5])
            await asyncio.sleep(0)
        reader.feed_data(LOG * 10_000)
        reader.feed_eof()
        return await found

    found = asyncio.run(run())
    assert len(found) == 20_002
    assert found[:2] == list(small.matches(LOG, name="live"))


def test_follow_an_iterator_of_text(small):
    async def lines():
        for line in LOG.decode().splitlines(keepends=True):
            yield line

    assert asyncio.run(collect(small.follow(lines()))) == list(small.matches(LOG))


def test_follow_tells_at_once(small):
    async def run():
        reader = asyncio.StreamReader()
        matches = small.follow(reader)
        reader.feed_data(LOG)
        first = await matches.__anext__()
        await matches.aclose()
        return first

    assert asyncio.run(run()).rule == "test-denied"


@pytest.fixture
def log():
    logger = logging.Logger("test")
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)


def test_the_filter(small, log):
    seen = []

    class Keep(logging.Handler):
        def emit(self, record):
            seen.append(self.format(record))

    handler = Keep()
    handler.addFilter(classify.ClassifyFilter(small))
    handler.setFormatter(logging.Formatter("%(failure_category)s %(failure_rule)s %(failure_severity)s|%(message)s"))
    log.addHandler(handler)
    log.error("access denied for %s", "root")
    log.info("fine")
    log.info("all done")
    assert seen == ["access_denied test-denied critical|access denied for root", "  |fine", "  |all done"]


def test_the_handler_sees_tracebacks(small, log):
    seen = []
    log.addHandler(classify.ClassifyHandler(lambda record, match: seen.append((record.msg, match.rule)), small))
    try:
        raise PermissionError("denied for joe")
    except PermissionError:
        log.exception("it went wrong")
    assert seen == [("it went wrong", "test-denied")]


def test_the_handler_never_raises(small, log, capsys):
    def fails(record, match):
        raise LookupError("in the callback")

    log.addHandler(classify.ClassifyHandler(fails, small))
    log.error("denied for root")
    log.error("denied for %d", "no number")
    log.error("half a character: \ud800")
    assert "in the callback" in capsys.readouterr().err
