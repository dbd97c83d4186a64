#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The package as a user gets it: a wheel is made of the source distribution,
# installed into an environment of its own, and scans with the rules and
# libraries that it carries.
#
# usage: check_package.sh PYTHON CLASSIFY SOURCE
set -eu
export PYTHON=$1
classify=$(realpath "$2")
source=$3
unset PYTHONPATH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$PYTHON" -m venv "$work/maker" || { echo "skipped: no python3-venv"; exit 77; }
"$work/maker/bin/pip" download -q --no-deps -d "$work/try" meson-python >"$work/log" 2>&1 ||
	{ echo "skipped: pip reaches no package index"; exit 77; }

"$source/scripts/wheel" "$work/dist"
"$PYTHON" -m venv "$work/user"
"$work/user/bin/pip" install -q --no-index "$work"/dist/*.whl

mkdir "$work/home"
cd "$work/home"
for sample in "$source"/samples/*; do
	"$classify" scan --rules "$source/rules" -o jsonl "$sample"
done >"$work/expected"
env -i HOME="$work/home" LC_ALL=C.UTF-8 "$work/user/bin/python" - "$work" "$source"/samples/* <<'END' >"$work/got"
import json
import sys

import classify

work, *samples = sys.argv[1:]
assert classify.__file__.startswith(f"{work}/user/"), classify.__file__
for verdict in classify.Classifier().scan_many(samples):
    print(json.dumps(verdict.to_dict()))
assert classify.Classifier().rules[0].file.startswith(f"{work}/user/")
with open("/proc/self/maps") as maps:
    foreign = {line.split()[-1] for line in maps
               if any(name in line for name in ("/libhs", "/libpcre2", "/libyaml")) and f"{work}/user/" not in line}
assert not foreign, foreign
END
"$PYTHON" - "$work/expected" "$work/got" <<'END'
import json
import sys

expected, got = ([json.loads(line) for line in open(name, encoding="utf-8")] for name in sys.argv[1:])
assert expected and expected == got
END
echo "the wheel scans as the command line does"
