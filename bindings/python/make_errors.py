#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes errors.py of its template and of the library's table of codes.

usage: make_errors.py TEMPLATE TABLE OUTPUT

A code CLSF_E_SOME_NAME becomes the class SomeNameError. Here stands only what
the table cannot know: names that would hide or repeat one of Python's, and
which of Python's own errors a class is besides, so that `except OSError` and
the like work.
"""
import re
import sys

NAMES = {"NOMEM": "OutOfMemoryError", "IO": "ReadError", "SYNTAX": "RuleSyntaxError"}
ALSO = {"INVALID": "ValueError", "NOMEM": "MemoryError", "IO": "OSError", "SYNTAX": "ValueError",
        "RULE": "ValueError", "EXPRESSION": "ValueError", "DUPLICATE": "ValueError"}

CLASS = '''
class {name}({bases}):
    """{text} (``{symbol}``)."""

    code = {code}
'''

template, table, output = sys.argv[1:]
with open(table, encoding="utf-8") as source:
    codes = re.findall(r'^CLSF_ERROR\((\w+), (-?\d+), "([^"]*)"\)', source.read(), re.MULTILINE)
classes, rows = [], []
for symbol, code, text in codes:
    if not symbol.startswith("CLSF_E_"):
        continue
    word = symbol[len("CLSF_E_"):]
    name = NAMES.get(word) or "".join(part.capitalize() for part in word.split("_")) + "Error"
    bases = ", ".join(filter(None, ["ClassifyError", ALSO.get(word)]))
    classes.append(CLASS.format(name=name, bases=bases, text=text[0].upper() + text[1:], symbol=symbol, code=code))
    rows.append(f"    {code}: {name},")
if not classes:
    sys.exit(f"{table}: no codes")
with open(template, encoding="utf-8") as source:
    made = source.read()
made = made.replace("@CLASSES@", "\n".join(classes).strip("\n")).replace("@TABLE@", "\n".join(rows))
with open(output, "w", encoding="utf-8") as sink:
    sink.write(made)
