# SPDX-License-Identifier: Apache-2.0
"""Compiles rules in a process of its own; run by ruleset.py, which tells why.

What to compile comes as JSON on standard input. The answer on standard output
is a line of JSON and behind it the compiled form.
"""

import json
import os
import resource
import sys
from typing import Any, Dict

MEMORY = 4 << 30  # bytes of address space
SECONDS = 30


def limit(sanitized: bool) -> None:
    """Takes from this process what compiling may not need."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    # Sanitizers reserve more address space than any limit.
    if not sanitized:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main() -> None:
    request = json.load(sys.stdin)
    # The package is found as the parent finds it; the folder of this script would hide modules of Python's own.
    sys.path[:] = request["sys.path"]
    from classify import errors, native, ruleset

    limit("libasan" in os.environ.get("LD_PRELOAD", ""))
    answer: Dict[str, Any] = {"faults": [], "error": None, "key": "", "length": 0}
    compiled = b""
    loader = None
    try:
        loader = ruleset.read(request["paths"], request["texts"], request["engine"], request["strict"])
        answer["key"] = loader.key()
        compiled = loader.compile().to_bytes()
    except errors.ClassifyError as error:
        answer["error"] = (error.code, error.message, error.file or "", error.line or 0, error.column or 0,
                           error.rule or "", error.library_code)
    if loader is not None:
        answer["faults"] = loader.faults()
    answer["length"] = len(compiled)
    sys.stdout.buffer.write(json.dumps(answer).encode("ascii") + b"\n" + compiled)


if __name__ == "__main__":
    main()
