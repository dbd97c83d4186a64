# SPDX-License-Identifier: Apache-2.0
"""Classifying what a Python program logs itself."""

from __future__ import annotations

import logging
from typing import Any, Callable, Optional, Tuple

from .classifier import Classifier
from .results import Match

Callback = Callable[[logging.LogRecord, Match], Any]

_SEVERITIES = ("info", "low", "medium", "high", "critical")


def best(matches: Tuple[Match, ...]) -> Optional[Match]:
    """The match that tells the most: causes before symptoms, then by severity; markers never."""

    def weight(match: Match) -> Tuple[bool, int]:
        return match.role == "cause", _SEVERITIES.index(match.severity)

    failures = [match for match in matches if match.role in ("cause", "symptom")]
    return max(failures, key=weight) if failures else None


class ClassifyFilter(logging.Filter):
    """Adds ``failure_category``, ``failure_rule`` and ``failure_severity`` to records.

    As a filter it lets everything pass. Added to a handler, its formatter may
    use ``%(failure_category)s``, which is empty where nothing matched.

    Args:
        classifier: the rules; None is a classifier of the shipped packs.
    """

    def __init__(self, classifier: Optional[Classifier] = None) -> None:
        super().__init__()
        self.classifier = classifier or Classifier()

    def classify(self, record: logging.LogRecord) -> Optional[Match]:
        """The best match of a record: of its message and, with one, its traceback."""
        text = record.getMessage()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            text += "\n" + record.exc_text
        found = best(self.classifier.match(text))
        record.failure_category = found.category or "" if found else ""
        record.failure_rule = found.rule if found else ""
        record.failure_severity = found.severity if found else ""
        return found

    def filter(self, record: logging.LogRecord) -> bool:
        """Adds the attributes; always true."""
        self.classify(record)
        return True


class ClassifyHandler(logging.Handler):
    """Classifies each record, and tells a callback of those that match.

    Args:
        on_match: called with the record and its best match.
        classifier: the rules; None is a classifier of the shipped packs.
        level: records below it are not looked at.

    >>> import logging
    >>> found = []
    >>> log = logging.getLogger("classify.example")
    >>> log.propagate = False
    >>> log.addHandler(ClassifyHandler(lambda record, match: found.append(match.category)))
    >>> log.error("dial tcp: lookup registry.example: no such host")
    >>> found
    ['dns_failed']
    """

    def __init__(self, on_match: Optional[Callback] = None, classifier: Optional[Classifier] = None,
                 level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self.on_match = on_match
        self._filter = ClassifyFilter(classifier)

    def emit(self, record: logging.LogRecord) -> None:
        """Classifies a record; what goes wrong is left to `logging.Handler.handleError`."""
        try:
            found = self._filter.classify(record)
            if found and self.on_match:
                self.on_match(record, found)
        except Exception:
            self.handleError(record)
