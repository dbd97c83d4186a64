#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The result codes of common.h are those of errors.def: same names, same numbers."""
import re
import sys

header, table = (open(path, encoding="utf-8").read() for path in sys.argv[1:3])
declared = dict(re.findall(r"^\t(CLSF_(?:OK|STOPPED|RECOMPILED|E_\w+)) = (-?\d+),", header, flags=re.M))
listed = dict(re.findall(r"^CLSF_ERROR\((\w+), (-?\d+),", table, flags=re.M))
if not declared or declared != listed:
    print("differ:", set(declared.items()) ^ set(listed.items()))
    sys.exit(1)
