#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into a staging folder, builds the example against it through pkg-config, runs program and example there.
set -eu
build=$1 source=$2 sample=$3
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
DESTDIR=$stage meson install -C "$build" --no-rebuild --quiet
prefix=$(meson introspect "$build" --buildoptions | python3 -c 'import json,sys; print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
libdir=$(dirname "$(find "$stage" -name libclassify.so | head -n 1)")
export PKG_CONFIG_SYSROOT_DIR="$stage" PKG_CONFIG_PATH="$libdir/pkgconfig" LD_LIBRARY_PATH="$libdir"
cc "$source/examples/verdict.c" -o "$stage/verdict" $(pkg-config --cflags --libs libclassify)
"$stage/verdict" "$stage$prefix/share/classify/rules" <"$sample" | grep -q '^failed access_denied'
# The reader library by itself.
cc "$source/tests/reader/logs.c" -o "$stage/logs" $(pkg-config --cflags --libs libclassify-reader)
"$stage/logs" "$sample" | tr '\0' ' ' | grep -q "^L$sample "
# Editors find the schema beside the rules.
test -s "$stage$prefix/share/classify/rules/schema.json"
# The program finds its rules beside itself, wherever it was put.
"$stage$prefix/bin/classify" scan -o jsonl "$sample" | grep -q '"category":"access_denied"'
"$stage$prefix/bin/classify" rules list -o jsonl | grep -q "\"file\":\"$stage"
# So it does the logs that passed.
"$stage$prefix/bin/classify" rules test | grep -q '^[1-9][0-9]* passing logs, 0 called failed$'
