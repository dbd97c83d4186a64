# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the scripts share: installing what is missing, and building.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD_DIR:-$top/build}

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 2; }

# Debian packages: to build, and to test.
build_packages="build-essential meson ninja-build pkg-config libpcre2-dev zlib1g-dev libyaml-dev libmd-dev
	libjansson-dev libexpat1-dev libsqlite3-dev libarchive-dev libzstd-dev liblzma-dev libbz2-dev liblz4-dev"
# ISA-L is written for these, and used where it is.
case $(uname -m) in
x86_64 | aarch64) build_packages="$build_packages libisal-dev" ;;
esac
daemon_packages="libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libprotobuf-c-dev protobuf-c-compiler
	libsnappy-dev"
test_packages="g++ cmake mandoc libcmocka-dev python3 python3-pytest python3-jsonschema python3-yaml git ca-certificates
	prometheus python3-mypy zstd lz4 systemd-journal-remote"
# For the Python package; what else it is built with, pip brings.
python_packages="python3-dev python3-venv swig git"

# Further ones for `scripts/test --full`: other compilers, a browser for the report, Java for Spark.
full_packages="clang libclang-rt-14-dev abigail-tools chromium
	openjdk-17-jre-headless"
# For `scripts/test --coverage`.
coverage_packages="gcovr"
# What the package index has to run the Python package on Spark and Dask.
engine_wheels="pyspark pyarrow pandas<3 dask pytest"

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

# need PACKAGE...: installs those that are missing, in one call; silent when nothing is.
need() {
	local missing=() package
	for package in "$@"; do
		installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "needs these Debian packages: ${missing[*]}"
	local as_root=()
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || die "needs root or sudo to install: ${missing[*]}"
		as_root=(sudo)
	fi
	say "installing ${missing[*]}"
	local log
	log=$(mktemp)
	if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -q --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		die "could not install: ${missing[*]}"
	fi
	rm -f "$log"
}

# The engine: Hyperscan where it exists, Vectorscan elsewhere; either will do if it is there.
need_engine() {
	installed libhyperscan-dev || installed libvectorscan-dev || {
		case $(uname -m) in
		x86_64) need libhyperscan-dev ;;
		*) need libvectorscan-dev ;;
		esac
	}
}

# compile DIR [MESON-OPTION...]: sets up DIR with these options if needed, and builds; prints only what went wrong.
compile() {
	local dir=$1 log
	shift
	log=$(mktemp)
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" "$top" "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "meson setup failed"; }
	elif [ $# -gt 0 ]; then
		meson configure "$dir" "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; die "meson configure failed"; }
	fi
	if ! ninja -C "$dir" >"$log" 2>&1; then
		cat "$log" >&2
		rm -f "$log"
		die "the build failed"
	fi
	rm -f "$log"
}
