# SPDX-License-Identifier: Apache-2.0
"""Compiled rules: the cache, `classify compile`, `scan --database`, and how they may be broken without harm."""

import os
import subprocess
import time

import pytest
from conftest import binary, rule, without_fallback

LOG = b"nothing\noops disk 7\n"


@pytest.fixture(name="rules")
def rules_fixture(classify):
    return classify.rules(rule("a", r"^oops (?<what>\w+) \d$", examples={"match": [{"line": "oops x 1"}], "reject": ["z"]}),
                          rule("b", "(?i)^never here [0-9]+:"))


def files(classify):
    """What the cache holds."""
    folder = classify.folder / "home" / "cache" / "classify"
    return sorted(folder.iterdir()) if folder.exists() else []


def scan(classify, rules, *options):
    done = classify.run("scan", "-r", rules, "-o", "jsonl", *options, "-", stdin=LOG)
    assert done.code == 0, done.err
    return done.out


def test_kept_and_used(classify, rules):
    """The first run keeps one file, the second answers the same from it."""
    first = scan(classify, rules)
    kept = files(classify)
    assert len(kept) == 1 and kept[0].suffix == ".clsfrs"
    assert (kept[0].stat().st_mode & 0o022) == 0
    assert scan(classify, rules) == first
    assert files(classify) == kept


def test_content_decides(classify, rules):
    """Another rule text is another file; the same text again is the old one."""
    scan(classify, rules)
    text = open(rules, encoding="utf-8").read()
    with open(rules, "w", encoding="utf-8") as f:
        f.write(text.replace("never here", "hardly here"))
    scan(classify, rules)
    assert len(files(classify)) == 2
    with open(rules, "w", encoding="utf-8") as f:
        f.write(text)
    scan(classify, rules)
    assert len(files(classify)) == 2


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: data[:7], lambda data: data[:100], lambda data: data[:-1],
    lambda data: data + b"x", lambda data: data[:500] + b"\xff" + data[501:],
    lambda data: b"\0" * len(data), lambda data: data.replace(b"oops", b"oopz"),
])
def test_damaged(classify, rules, damage):
    """A damaged file is replaced, and nobody notices."""
    good = scan(classify, rules)
    [kept] = files(classify)
    data = kept.read_bytes()
    kept.write_bytes(damage(data))
    assert scan(classify, rules) == good
    assert kept.read_bytes() == data


def plant(classify, rules, kept):
    """Writes a sound file of other rules in place of a kept one."""
    target = classify.folder / "planted"
    assert classify.run("compile", "-r", rules, "-o", str(target)).code == 0
    kept.write_bytes(kept.stem.encode() + target.read_bytes())


def test_another_ruleset_under_the_name(classify, rules):
    """A sound file that was copied to another name is not taken for what the name says."""
    other = classify.rules(rule("other", "^oops"))
    mine, theirs = scan(classify, rules), scan(classify, other)
    assert mine != theirs
    first, second = files(classify)
    data = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(data)
    assert scan(classify, rules) == mine and scan(classify, other) == theirs


def test_writable_by_others(classify, rules):
    """A file or folder that others can write to is not believed."""
    good = scan(classify, rules)
    [kept] = files(classify)
    # A compiled ruleset of other rules under this name would be a lie that the checksum does not see.
    other = classify.rules(rule("liar", "nothing"))
    plant(classify, other, kept)
    assert '"liar"' in scan(classify, rules), "the test's lie would have been believed where it stands"
    kept.chmod(0o666)
    assert scan(classify, rules) == good
    plant(classify, other, kept)
    kept.parent.chmod(0o777)
    assert scan(classify, rules) == good


def test_link_is_not_followed(classify, rules, tmp_path):
    """A link in place of a file is no cache."""
    good = scan(classify, rules)
    [kept] = files(classify)
    elsewhere = tmp_path / "elsewhere"
    kept.rename(elsewhere)
    kept.symlink_to(elsewhere)
    assert scan(classify, rules) == good


def test_no_place(classify, rules, tmp_path):
    """Without a home, with a file for a folder, or with --no-cache: no cache, the same answer."""
    good = scan(classify, rules, "--no-cache")
    assert files(classify) == []
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    assert scan(classify, rules, "--cache", str(blocked)) == good
    for gone in ("HOME", "XDG_CACHE_HOME"):
        del classify.environment[gone]
    assert scan(classify, rules) == good


def test_cache_elsewhere(classify, rules, tmp_path):
    """--cache names the folder."""
    good = scan(classify, rules, "--cache", str(tmp_path / "deep" / "cache"))
    assert len(list((tmp_path / "deep" / "cache").iterdir())) == 1
    assert scan(classify, rules, "--cache", str(tmp_path / "deep" / "cache")) == good
    assert files(classify) == []


def test_faults_are_told_each_time(classify):
    """Rules with a fault are not kept, so that the fault is told at every run."""
    path = classify.rules(rule("a", "^oops"), rule("bad", "("))
    for _ in range(2):
        done = classify.run("scan", "-r", path, "-o", "jsonl", "-", stdin=LOG)
        assert done.code == 3 and "does not compile" in done.err
    assert files(classify) == []


def test_many_at_once(classify, rules):
    """Several processes that find no cache all answer, and one good file is left."""
    command = [binary(), "scan", "-r", rules, "-o", "jsonl", "-"]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=classify.environment)
               for _ in range(6)]
    answers = {without_fallback(p.communicate(LOG)[0]) for p in running}
    assert len(answers) == 1 and all(p.returncode == 0 for p in running)
    assert [path.suffix for path in files(classify)] == [".clsfrs"]
    assert scan(classify, rules).encode() in answers


def test_compile_and_database(classify, rules, tmp_path):
    """A compiled file serves in place of its rules, without them, and says when it cannot."""
    good = scan(classify, rules)
    target = tmp_path / "rules.clsfrs"
    done = classify.run("compile", "-r", rules, "--output", str(target))
    assert done.code == 0 and "2 rules" in done.out
    os.unlink(rules)
    done = classify.run("scan", "--database", str(target), "-o", "jsonl", "-", stdin=LOG)
    assert done.code == 0 and done.out == good
    # Damaged, gone, or writable by others: said, and nothing is scanned with it.
    for spoil, why in ((lambda: target.chmod(0o666), "others can write"),
                       (lambda: (target.chmod(0o644), target.write_bytes(target.read_bytes()[:-3])), "cut short"),
                       (target.unlink, "No such file")):
        spoil()
        done = classify.run("scan", "--database", str(target), "-o", "jsonl", "-", stdin=LOG)
        assert done.code == 3 and done.out == "" and why in done.err
    done = classify.run("scan", "--database", str(target), "-r", "default", "-", stdin=LOG)
    assert done.code == 2


def test_too_large_to_be_read(classify, tmp_path):
    """A compiled file of more than 1 GiB is not read."""
    target = tmp_path / "rules.clsfrs"
    with open(target, "wb") as file:
        file.truncate((1 << 30) + 1)
    done = classify.run("scan", "--database", str(target), "-", stdin=LOG)
    assert done.code == 3 and "larger than 1073741824 bytes" in done.err


def test_old_files_go(classify, rules):
    """What was not used for 30 days goes when another is kept."""
    scan(classify, rules)
    [kept] = files(classify)
    for days, stays in ((29, True), (31, False)):
        old = time.time() - days * 24 * 3600
        os.utime(kept, (old, old))
        scan(classify, classify.rules(rule(f"r{days}", "^oops")))
        assert kept.exists() is stays


def test_compile_usage(classify, rules, tmp_path):
    """compile wants a place to write to, and says when it cannot be written."""
    assert classify.run("compile", "-r", rules).code == 2
    done = classify.run("compile", "-r", rules, "-o", str(tmp_path / "no" / "such" / "folder"))
    assert done.code == 2 and "No such file" in done.err
    bad = classify.rules(rule("bad", "("))
    assert classify.run("compile", "-r", bad, "-o", str(tmp_path / "x")).code == 3
    assert not (tmp_path / "x").exists()


def test_compile_into_what_is_no_file(classify, rules, tmp_path):
    """A pipe is written to, a link is followed, and neither is replaced."""
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to(target)
    target.write_text("old")
    assert classify.run("compile", "-r", rules, "-o", str(link)).code == 0
    assert link.is_symlink() and target.read_bytes().startswith(b"CLSFRS")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE) as reader:
        assert classify.run("compile", "-r", rules, "-o", str(fifo)).code == 0
        assert reader.communicate()[0] == target.read_bytes()
    assert fifo.is_fifo()
    done = subprocess.run([binary(), "compile", "-r", str(rules), "-o", "-"], capture_output=True,
                          env=classify.environment, check=True)
    assert done.stdout == target.read_bytes()


def test_explosive_rules(classify):
    """Expressions that explode elsewhere load within bounds, and the others work."""
    deep = "(?:" * 60 + "a" + "{1,60})" * 60
    wide = "|".join(f"x{i}[^y]{{1,200}}z{i}" for i in range(200))
    path = classify.rules(rule("good", "^oops"), rule("deep", deep), rule("wide", wide),
                          rule("long", "(?:" + "a?" * 1500 + "){40}"), rule("dots", ".*a" * 300))
    done = classify.run("scan", "-r", path, "-o", "jsonl", "-", stdin=LOG)
    assert done.code in (0, 3)
    assert done.objects()[0]["rule"] == "good"
