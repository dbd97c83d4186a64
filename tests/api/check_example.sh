#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example program names the cause of a sample log, and is short enough to be read.
set -eu
program=$1 source=$2 rules=$3 sample=$4
lines=$(wc -l <"$source")
[ "$lines" -lt 60 ] || { echo "the example has $lines lines"; exit 1; }
out=$("$program" "$rules" <"$sample")
echo "$out"
case $out in
"failed access_denied"*) ;;
*) echo "not the expected verdict"; exit 1 ;;
esac
