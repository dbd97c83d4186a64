# SPDX-License-Identifier: Apache-2.0
"""A program of somebody else's, as far as its types go: mypy --strict has to find nothing in it."""

import asyncio
import logging
from pathlib import Path
from typing import Dict, List, Optional

import classify
from classify import Classifier, Match, Verdict


def failures(paths: List[Path]) -> Dict[str, Optional[str]]:
    classifier = Classifier(rules=[Path("mine.yaml"), "default"], redact=True, context=3)
    found: Dict[str, Optional[str]] = {}
    for verdict in classifier.scan_many(paths, jobs=4, ordered=False, on_error="keep"):
        if verdict.failed:
            found[verdict.source] = verdict.category
        if verdict.error is not None:
            logging.warning("%s", verdict.error)
    return found


def first_cause(text: bytes) -> str:
    verdict: Verdict = Classifier().scan(memoryview(text), name="job")
    return verdict.runbook.fix if verdict.runbook else verdict.outcome


def lines_of(log: Path) -> List[int]:
    with open(log, encoding="utf-8") as lines:
        return [number for number, matches in enumerate(Classifier().match_many(lines), 1) if matches]


async def live(reader: asyncio.StreamReader) -> List[Match]:
    return [match async for match in Classifier().follow(reader, name="live")]


def piecewise(classifier: Classifier) -> Optional[Verdict]:
    def tell(match: Match) -> None:
        print(match.line, match.fields.get("status"))

    try:
        with classifier.stream("job", on_match=tell) as stream:
            stream.feed(b"bytes")
            stream.feed("text")
        return stream.verdict
    except classify.BusyError as error:
        print(error.file, error.line, error.column)
        return None


def rows(verdicts: List[Verdict]) -> int:
    return sum(1 for record in classify.records(verdicts) if record["line"])
