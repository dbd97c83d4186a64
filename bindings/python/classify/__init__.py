# SPDX-License-Identifier: Apache-2.0
"""From the log of a failed build or service to its cause.

>>> import classify
>>> classifier = classify.Classifier()
>>> verdict = classifier.scan(b"INFO building\\nERROR: no space left on device\\n")
>>> verdict.category, verdict.line
('disk_full', 2)

`Classifier` is where everything begins; ``docs/python.md`` is a tutorial.
"""

from typing import Tuple

from . import native
from .classifier import Classifier, RuleWarning
from .errors import (BusyError, ClassifyError, DuplicateError, EngineError, ExpressionError, InvalidError,
                     LimitError, NoRulesError, OutOfMemoryError, ReadError, RuleError, RuleSyntaxError)
from .handler import ClassifyFilter, ClassifyHandler
from .results import Also, Fault, Match, Note, Rule, Runbook, Telling, Verdict
from .stream import Stream
from .tables import MATCH_COLUMNS, VERDICT_COLUMNS, arrow_schema, records

__version__: str = native.clsf_version()
ENGINE: str = native.clsf_engine_version()
CATEGORIES: Tuple[str, ...] = native.clsf_categories()


def redact(text: str) -> str:
    """Hides secrets in a text: tokens, keys, passwords and e-mail addresses.

    >>> redact("curl -H 'Authorization: Bearer abcdefghijklmnop0123456789'")
    "curl -H 'Authorization: Bearer [redacted]'"
    """
    return native.redact(text).decode("utf-8", "replace")


__all__ = [
    "Also", "BusyError", "CATEGORIES", "Classifier", "ClassifyError", "ClassifyFilter", "ClassifyHandler",
    "DuplicateError", "ENGINE", "EngineError", "ExpressionError", "Fault", "InvalidError", "LimitError",
    "MATCH_COLUMNS", "Match", "NoRulesError", "Note", "OutOfMemoryError", "ReadError", "Rule", "RuleError",
    "RuleSyntaxError", "RuleWarning", "Runbook", "Stream", "Telling", "VERDICT_COLUMNS", "Verdict",
    "arrow_schema", "records", "redact",
]
