# SPDX-License-Identifier: Apache-2.0
"""`rules test --bless`: the captures of matching examples go into the file, and nothing else does."""

import os
import random
import re
import stat

import pytest

HEAD = """# a comment
pack: test   # another
rules:
  - id: one
    title: "t"
    category: unknown
    match: 'a(?<num>[^ ]+) ?(?<more>b.*)?$'
    examples:
      match:
"""


def bless(classify, path, code=0):
    """Runs it, and says what it said."""
    done = classify.run("rules", "test", "--no-passing", "--bless", "-r", path)
    assert done.code == code, done.out + done.err
    return done


# What stands in the file, and what stands there afterwards.
FORMS = {
    "plain": ("- axx         # why\n",
              "- line: axx         # why\n  fields: {num: xx}\n"),
    "single": ("- 'a7 b\"q\" ''r'''\n",
               "- line: 'a7 b\"q\" ''r'''\n  fields: {num: '7', more: 'b\"q\" ''r'''}\n"),
    "double": ('- "a\\u00e9 b\\té"\n',
               '- line: "a\\u00e9 b\\té"\n  fields: {num: \'é\', more: "b\\té"}\n'),
    "literal": ("- |\n  nothing\n\n    deep\n  a9\n\n# between\n",
                "- line: |\n    nothing\n\n      deep\n    a9\n  fields: {num: '9'}\n\n# between\n"),
    "kept": ("- |+\n   nothing\n   a9\n\n\n",
             "- line: |+\n     nothing\n     a9\n\n\n  fields: {num: '9'}\n"),
    "stripped": ("- |-\n  a9\n", "- line: |-\n    a9\n  fields: {num: '9'}\n"),
    "indented": ("- |2\n    a9\n", "- line: |2\n      a9\n  fields: {num: '9'}\n"),
    "comment-in-block": ("- line: |\n    a9\n    # a8\n  # no text\n",
                         "- line: |\n    a9\n    # a8\n  fields: {num: '9'}\n  # no text\n"),
    "folded": ("- >-\n  x\n\n  a9\n", "- line: >-\n    x\n\n    a9\n  fields: {num: '9'}\n"),
    "wide": ("-    a9\n", "-    line: a9\n     fields: {num: '9'}\n"),
    "below-dash": ("-\n  a9\n", "-\n  line: a9\n  fields: {num: '9'}\n"),
    "mapping": ("- line: a9\n", "- line: a9\n  fields: {num: '9'}\n"),
    "mapping-below": ("-   # c\n  line: a9\n", "-   # c\n  line: a9\n  fields: {num: '9'}\n"),
    "line-below": ("- line:\n    a9\n", "- line:\n    a9\n  fields: {num: '9'}\n"),
    "quoted-key": ('- "line": a9\n', '- "line": a9\n  fields: {num: \'9\'}\n'),
    "plain-of-two": ("- a9\n  b c  # end\n", "- line: a9\n    b c  # end\n  fields: {num: '9', more: 'b c'}\n"),
    "single-of-two": ("- 'a9\n     b # c'\n",
                      "- line: 'a9\n       b # c'\n  fields: {num: '9', more: 'b # c'}\n"),
    "wrong": ("- line: a9\n  fields: {num: '8'}   # why\n", "- line: a9\n  fields: {num: '9'}   # why\n"),
    "too-many": ("- line: a9\n  fields: {num: '9', x: y}\n", "- line: a9\n  fields: {num: '9'}\n"),
    "none-promised": ("- line: a9\n  fields: {}\n", "- line: a9\n  fields: {num: '9'}\n"),
    "null": ("- line: a9\n  fields: ~ # c\n", "- line: a9\n  fields: {num: '9'} # c\n"),
    "empty": ("- line: a9\n  fields:\n", "- line: a9\n  fields: {num: '9'}\n"),
    "block": ("- line: a9\n  fields:\n    num: '8'\n    more: |\n      x\n\n",
              "- line: a9\n  fields: {num: '9'}\n\n"),
    "flow-of-two": ("- line: a9\n  fields: {num: '}8',\n    \"more\": x} # c\n",
                    "- line: a9\n  fields: {num: '9'} # c\n"),
    "fields-first": ("- fields: {num: '8'}\n  # c\n  line: a9\n",
                     "- fields: {num: '9'}\n  # c\n  line: a9\n"),
    "right": ("- line: a9\n  fields: {\"num\": \"9\"}\n", "- line: a9\n  fields: {\"num\": \"9\"}\n"),
    "right-in-block": ("- line: a9\n  fields:\n    # c\n    num: 9\n",
                       "- line: a9\n  fields:\n    # c\n    num: 9\n"),
    "tagged": ("- !!str a9\n", "- line: !!str a9\n  fields: {num: '9'}\n"),
    "words": ("- ayes\n- anull\n- a-x\n- a~\n",
              "- line: ayes\n  fields: {num: 'yes'}\n- line: anull\n  fields: {num: 'null'}\n"
              "- line: a-x\n  fields: {num: '-x'}\n- line: a~\n  fields: {num: '~'}\n"),
    "odd-characters": ('- "a\\a\\u202e\\U0001f600:,]}\\\\\\""\n',
                       '- line: "a\\a\\u202e\\U0001f600:,]}\\\\\\""\n'
                       '  fields: {num: "\\x07\\u202e\U0001f600:,]}\\\\\\""}\n'),
}


def indented(text):
    """An item at the place of an example."""
    return "".join("        " + line if line.strip() else line for line in text.splitlines(True))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_forms(classify, name, newline):
    """Every form in which people write examples; the second run finds nothing to do."""
    before, after = FORMS[name]
    tail = "      reject:\n        - 'b'   # c\n"
    path = classify.write("r.yaml", b"")
    path.write_bytes((HEAD + indented(before) + tail).replace("\n", newline).encode())
    done = bless(classify, path)
    expected = (HEAD + indented(after) + tail).replace("\n", newline)
    assert path.read_bytes().decode() == expected
    assert ("filled in" in done.err) is (before != after)
    assert "nothing to fill in" in bless(classify, path).err
    assert path.read_bytes().decode() == expected


def test_all_forms_at_once(classify):
    """The same in one file, without a newline at its end, behind a byte order mark."""
    items = [FORMS[name] for name in FORMS]
    text = "".join(indented(before) for before, _ in items) + "        - a1"
    expected = ("".join(indented(after) for _, after in items)
                + "        - line: a1\n          fields: {num: '1'}")
    path = classify.write("r.yaml", "\ufeff" + HEAD + text)
    done = bless(classify, path)
    assert path.read_text(encoding="utf-8") == "\ufeff" + HEAD + expected
    assert "filled in" in done.err
    assert "nothing to fill in" in bless(classify, path).err


@pytest.mark.parametrize("form", [
    "- {line: a9}\n", "- {line: a9, fields: {num: '8'}}\n", "- *nine\n",
    "- line: a9\n  fields:\n    # c\n    num: '8'\n", "- line: a9\n  fields: &f {num: '8'}\n",
    "- ? line\n  : a9\n",
])
def test_refused_forms(classify, form):
    """What cannot be edited is told with its place, and the file stays as it is."""
    head = HEAD.replace('title: "t"', "title: &nine a9")
    path = classify.write("r.yaml", head + indented(form))
    before = path.read_bytes()
    done = classify.run("rules", "test", "--no-passing", "--bless", "-r", path)
    assert done.code == 1
    assert "r.yaml:" in done.err and "not filled in" in done.err and "[one]" in done.err
    assert path.read_bytes() == before


@pytest.mark.parametrize("examples", ["match: ['a9', a8]", "match: [\n        'a9',\n        'a8']",
                                      "match: [{line: a9}]"])
def test_flow_lists_are_refused(classify, examples):
    """A list in flow style has its place told; other examples of the file are still filled in."""
    text = HEAD.replace("      match:\n", "      " + examples + "\n")
    text += ("  - id: two\n    title: t\n    category: unknown\n    match: 'q(?<num>.)'\n"
             "    examples:\n      match:\n        - q1\n")
    path = classify.write("r.yaml", text)
    done = classify.run("rules", "test", "--no-passing", "--bless", "-r", path)
    assert done.code == 1 and re.search(r"r\.yaml:(9|10): not filled in: .*\[one\]", done.err)
    assert path.read_text() == text.replace(
        "        - q1\n", "        - line: q1\n          fields: {num: '1'}\n")


def test_failing_examples_are_left(classify):
    """What does not match, and what must not, is no matter of fields."""
    text = HEAD + "        - nothing\n      reject:\n        - a9\n        - line: b\n"
    path = classify.write("r.yaml", text)
    done = bless(classify, path, code=1)
    assert path.read_text() == text and "does not match" in done.out


def test_rule_without_captures(classify):
    """Where nothing is captured nothing is added; where something was promised, it becomes {}."""
    path = classify.write("r.yaml", "rules:\n  - id: r\n    title: t\n    category: unknown\n"
                          "    match: x\n    examples:\n      match:\n        - x1\n"
                          "        - line: x2\n          fields: {a: b}\n")
    bless(classify, path)
    assert path.read_text().endswith("        - x1\n        - line: x2\n          fields: {}\n")


def test_several_files(classify):
    """Files and folders, several documents; only files that change are written."""
    item = HEAD + "        - a9\n"
    classify.write("rules/a.yaml", item)
    good = classify.write("rules/b.yaml", item.replace("id: one", "id: two").replace(
        "- a9\n", "- line: a9\n          fields: {num: '9'}\n"))
    classify.write("rules/c.yaml", item.replace("id: one", "id: three") + "---\n"
                   + item.replace("id: one", "id: four"))
    os.utime(good, (1, 1))
    done = bless(classify, "rules")
    assert "rules/a.yaml: fields of 1 example filled in" in done.err
    assert "rules/c.yaml: fields of 2 examples filled in" in done.err
    assert "b.yaml" not in done.err and good.stat().st_mtime == 1
    assert classify.run("rules", "test", "--no-passing", "-r", "rules").code == 0
    assert sorted(path.name for path in (classify.folder / "rules").iterdir()) == [
        "a.yaml", "b.yaml", "c.yaml"]


def test_permissions_stay(classify):
    """The file is replaced, and keeps its mode."""
    path = classify.write("r.yaml", HEAD + "        - a9\n")
    path.chmod(0o640)
    bless(classify, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_links_are_refused(classify):
    """A link is not followed, and not replaced."""
    path = classify.write("real.yaml", HEAD + "        - a9\n")
    before = path.read_bytes()
    link = classify.folder / "link.yaml"
    link.symlink_to("real.yaml")
    done = bless(classify, link, code=2)
    assert "link" in done.err and link.is_symlink() and path.read_bytes() == before


def test_rules_are_to_be_named(classify):
    """The shipped packs are not changed by the way."""
    done = classify.run("rules", "test", "--bless")
    assert done.code == 2 and "--rules" in done.err and done.out == ""


def test_captures_that_yaml_cannot_hold(classify):
    """Half a character, or a NUL, is no text of YAML."""
    path = classify.write(
        "r.yaml", "rules:\n  - id: half\n    title: t\n    category: unknown\n    match: 'a(?<c>.)'\n"
        "    examples:\n      match:\n        - aé\n  - id: nul\n    title: t\n"
        "    category: unknown\n    match: 'n(?<c>.)'\n    examples:\n      match:\n"
        '        - "n\\0"\n')
    text = path.read_text(encoding="utf-8")
    done = classify.run("rules", "test", "--no-passing", "--bless", "-r", path)
    assert done.code == 1 and path.read_text(encoding="utf-8") == text
    assert "r.yaml:8: not filled in" in done.err and "r.yaml:15: not filled in" in done.err


def test_beside_a_faulty_rule(classify):
    """A rule that does not load is left as it is, byte by byte."""
    bad = "  - id: bad\n    title: t\n    match: '('\n    examples:\n      match:\n        - a9\n"
    path = classify.write("r.yaml", HEAD + "        - a9\n" + bad)
    assert classify.run("rules", "test", "--no-passing", "--bless", "-r", path).code == 3
    assert path.read_text() == HEAD + "        - line: a9\n          fields: {num: '9'}\n" + bad


def random_example(dice):
    """An example in a random form, of random characters."""
    words = ["a1", "b", "é", "'", '"', "# c", ": d", "{x}", "[y]", "- z", "\\", "&", "*", "|", "  ", "ü"]
    text = "a" + " ".join(dice.choice(words) for _ in range(dice.randrange(1, 7))).strip() + "."
    single = "'" + text.replace("'", "''") + "'"
    double = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    block = dice.choice(["|", "|-", "|+", ">", "|2-"])
    deep = 2 if "2" in block else dice.randrange(1, 5)
    lines = dice.choice([[text], ["x", "", text], [text, ""]])
    body = "".join(" " * deep + line + "\n" if line else "\n" for line in lines)
    form = dice.randrange(6)
    comment = dice.choice(["", "", "  # 'note"])
    gap = dice.choice(["", "", "\n", "# gap\n", "  # deep\n"])
    if form == 0:
        return f"- {single}{comment}\n{gap}"
    if form == 1:
        return f"- {double}{comment}\n{gap}"
    if form == 2:
        return f"- {block}\n{body}" + ("" if deep <= 2 else gap)
    value = dice.choice([single, double])
    fields = dice.choice(["{num: x}", "\n    num: x", "", "{}", "{num: 'it''s}'}"])
    if form == 3:
        return f"- line: {value}{comment}\n  fields: {fields}\n{gap}"
    if form == 4:
        return f"- fields: {fields}\n  line: {value}{comment}\n{gap}"
    return f"- line: {block}\n" + "".join("  " + line for line in body.splitlines(True))


def test_random_files(classify):
    """Whatever the mixture: lines without fields stay, examples stay, the second run does nothing."""
    dice = random.Random(7)
    filled = 0
    for _ in range(40):
        items = "".join(indented(random_example(dice)) for _ in range(12))
        path = classify.write("r.yaml", HEAD + items)
        listed = classify.run("rules", "list", "-r", path)
        if listed.code != 0:
            continue   # not every mixture is YAML
        before = path.read_text(encoding="utf-8")
        done = classify.run("rules", "test", "--no-passing", "--bless", "-o", "jsonl", "-r", path)
        after = path.read_text(encoding="utf-8")
        again = classify.run("rules", "test", "--no-passing", "--bless", "-o", "jsonl", "-r", path)
        assert path.read_text(encoding="utf-8") == after
        wanted = [one for one in again.objects() if one["kind"] == "example" and not one["passed"]]
        assert all("does not match" in problem for one in wanted for problem in one["problems"]), (
            before, after, done.err)
        filled += before != after
    assert filled > 20
