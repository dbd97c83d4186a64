#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Programs of others, in C11 and C++17, find, build with and run an installed library.

usage: check_consumers.py pkg-config|meson|cmake|static BUILD SOURCE

The first three use what BUILD installs. `static` has the sources as a subproject of meson, and
links with the static libraries that this installs.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

way, build, source = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
CONSUMERS = source / "tests/api/consumers"
ARGUMENTS = [str(source / "rules"), str(source / "samples/s3-access-denied.log")]
SOURCES = {"consumer-c": ["consumer.c", "cc", "-std=c11"], "consumer-cpp": ["consumer.cpp", "c++", "-std=c++17"]}
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
found = 0


def run(*command, **more):
    more.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([str(c) for c in command], stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def consume(program, libdir=None):
    """The program runs with the libraries of libdir, or with none but its own."""
    global found
    environment = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    if libdir:
        environment["LD_LIBRARY_PATH"] = str(libdir)
    out = run(program, *ARGUMENTS, env=environment)
    if out != "0.1.0 failed access_denied line 4\n":
        sys.exit(f"{program}: unexpected output: {out}")
    found += 1


def needed(program):
    """What a program is linked with, by soname."""
    return {line.split("[")[1][:-1] for line in run("readelf", "-d", program).splitlines() if "(NEEDED)" in line}


def check_linked(program, shared):
    names = {name for name in needed(program) if name.startswith("libclassify")}
    expected = {"libclassify.so.0", "libclassify-reader.so.0"} if shared else set()
    if names != expected:
        sys.exit(f"{program} is linked with {sorted(names)}, not with {sorted(expected)}")


def installed(stage):
    """Installs the build below `stage`; the folders of its libraries and of its pkg-config files."""
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", env={**os.environ, "DESTDIR": str(stage)})
    return find_libdir(stage)


def find_libdir(stage):
    files = sorted(stage.rglob("libclassify.pc"))
    if len(files) != 1:
        sys.exit(f"pkg-config files of libclassify: {files}")
    return files[0].parent.parent


def with_pkg_config(folder, libdir, static, sysroot=None):
    global found
    environment = {**os.environ, "PKG_CONFIG_PATH": str(libdir / "pkgconfig")}
    if sysroot:
        environment["PKG_CONFIG_SYSROOT_DIR"] = str(sysroot)
    flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if static else []),
                "libclassify-reader", env=environment).split()
    for name, (text, compiler, standard) in SOURCES.items():
        program = folder / f"{name}-pkg-config"
        run(compiler, standard, *STRICT, CONSUMERS / text, "-o", program, *flags)
        check_linked(program, not static)
        consume(program, None if static else libdir)
    if static:
        # The core with no shared library at all. Debian's file for Hyperscan names one that has no static form.
        flags = run("pkg-config", "--cflags", "--libs", "--static", "libclassify", env=environment).split()
        program = folder / "verdict-static"
        run("cc", source / "examples/verdict.c", "-o", program, "-static", *(f for f in flags if f != "-lgcc_s"))
        if needed(program):
            sys.exit(f"{program} is linked with {sorted(needed(program))}")
        with open(ARGUMENTS[1], "rb") as log:
            if not run(program, ARGUMENTS[0], stdin=log).startswith("failed access_denied\nline 4: "):
                sys.exit(f"{program}: unexpected output")
        found += 1


def with_cmake(folder, libdir, reader, shared=False):
    run("cmake", "-S", CONSUMERS, "-B", folder, f"-Dclassify_DIR={libdir}/cmake/classify",
        f"-DREADER={reader}")
    run("cmake", "--build", folder)
    for name in SOURCES:
        check_linked(folder / name, shared)
        consume(folder / name, libdir)


def refused(folder, libdir, request, message):
    """find_package() does not take what does not fit."""
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.18)\nproject(refused C)\n" f"find_package(classify {request} REQUIRED)\n")
    done = subprocess.run(["cmake", "-S", str(folder), "-B", str(folder / "b"), f"-Dclassify_DIR={libdir}/cmake/classify"],
                          capture_output=True, text=True)
    if done.returncode == 0 or message not in " ".join(done.stderr.split()):
        sys.exit(f"find_package(classify {request}): status {done.returncode}, {done.stderr}")


def with_meson(folder, libdir, sysroot):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(libdir / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(sysroot)}
    run("meson", "setup", folder, CONSUMERS, "--wrap-mode=nofallback", env=environment)
    run("ninja", "-C", folder)
    for name in SOURCES:
        check_linked(folder / name, True)
        consume(folder / name, libdir)


def as_subproject(folder):
    """The sources inside a project of meson, both kinds of library; what that installs is linked statically."""
    project = folder / "project"
    shutil.copytree(CONSUMERS, project)
    (project / "subprojects").mkdir()
    (project / "subprojects/libclassify").symlink_to(source)
    run("meson", "setup", folder / "build", project, "--wrap-mode=forcefallback", "-Dbuildtype=debug",
        "-Dlibclassify:default_library=both", "-Dwerror=false", f"--prefix={folder}/prefix")
    run("ninja", "-C", folder / "build", "-j2")
    for name in SOURCES:
        consume(folder / "build" / name)
    run("meson", "install", "-C", folder / "build", "--no-rebuild", "--quiet")
    libdir = find_libdir(folder / "prefix")
    with_cmake(folder / "cmake-both", libdir, "reader_static")
    # Without the shared libraries, the plain names of the CMake package are the static ones.
    for library in libdir.glob("libclassify*.so*"):
        library.unlink()
    with_cmake(folder / "cmake-static", libdir, "reader")
    with_pkg_config(folder, libdir, True)


with tempfile.TemporaryDirectory() as name:
    scratch = pathlib.Path(name)
    if way == "static":
        as_subproject(scratch)
        expected = 9
    else:
        stage = scratch / "stage"
        libdir = installed(stage)
        if way == "pkg-config":
            with_pkg_config(scratch, libdir, False, stage)
        elif way == "meson":
            with_meson(scratch / "build", libdir, stage)
        else:
            if not shutil.which("cmake"):
                print("skipped: there is no cmake")
                sys.exit(77)
            with_cmake(scratch / "build", libdir, "reader", shared=True)
            refused(scratch / "newer", libdir, "0.2", "0.1.0")
            refused(scratch / "major", libdir, "1", "0.1.0")
            refused(scratch / "exact", libdir, "0.1.1 EXACT", "0.1.0")
            refused(scratch / "component", libdir, "0.1 COMPONENTS writer", "no component 'writer'")
            refused(scratch / "static", libdir, "0.1 COMPONENTS reader_static", "no component 'reader_static'")
        expected = 2
    assert found == expected, f"{found} programs ran, not {expected}"
    print(f"{found} programs ran")
