# SPDX-License-Identifier: Apache-2.0
"""What `fix` shows may be pasted into a shell, whatever the log holds."""

import subprocess

import pytest

from conftest import PATIENCE, rule

# Each would create a file called "owned" if the shell ever looked into it.
HOSTILE = [
    "$(touch owned)", "`touch owned`", "; touch owned", "& touch owned &", "| touch owned",
    "a\tb; touch owned", "'; touch owned; '", '"; touch owned; "', "'$(touch owned)'",
    '"$(touch owned)"', "\\'; touch owned; '", "\\", "\\$(touch owned)", "a'b\"c`touch owned`d",
    "${IFS}touch", "$((1+1))", "> owned", "<(touch owned)", "# touch", "~root", "*", "[a-z]*", "?",
    "!!", "a=b", "{a,b}", "(touch owned)", "größe 日本", "''", "' '", "$'\\x41'", "%s%n", "a\\nb",
]


def render(classify, fix, value):
    """The fix of a rule whose capture has this value."""
    rules = classify.rules(rule("r", "^got (?<x>.*)$", runbook={"fix": fix}))
    return classify.verdict(rules, f"got {value}\n")["runbook"]["fix"]


def paste(classify, text):
    """Runs a rendered fix in an empty folder; gives its output and what it left there."""
    classify.count += 1
    folder = classify.folder / f"paste-{classify.count}"
    folder.mkdir()
    done = subprocess.run(["sh", "-c", text], cwd=folder, capture_output=True, timeout=PATIENCE,
                          env=classify.environment, check=False)
    return done.stdout.decode("utf-8"), sorted(path.name for path in folder.iterdir())


def render_all(classify, fix):
    """The fixes for all the hostile values, each in a log of its own."""
    rules = classify.rules(rule("r", "^got (?<x>.*)$", runbook={"fix": fix}))
    for number, value in enumerate(HOSTILE):
        classify.write(f"logs/{number:02}.log", f"got {value}\n")
    done = classify.run("scan", "-r", rules, "-o", "jsonl", "logs")
    shown = [log["runbook"]["fix"] for log in done.objects()]
    assert len(shown) == len(HOSTILE)
    return shown


def test_value_arrives(classify):
    """Outside quotes a value is one word, is not run, and is what the log said."""
    for text, value in zip(render_all(classify, "printf '<%s>' ${x} end"), HOSTILE):
        # A control character would act on the terminal that it is pasted into.
        shown = value.replace("\t", "?")
        assert paste(classify, text) == (f"<{shown}><end>", [])


TEMPLATES = {
    "double": 'printf "<%s>" "a ${x} b"',
    "single": "printf '<%s>' 'a ${x} b'",
    "command": "printf '<%s>' \"$(printf %s ${x})\"",
    "backtick": "printf '<%s>' `printf %s ${x}`",
    "comment": "# don't run this on ${x}\nprintf '<%s>' ${x}\n",
    "script": "sh -c '\n  printf \"<%s>\" ${x}\n'\n",
    "lines": 'printf "<%s>" "\n  ${x}\n"\n',
    "backslash": 'printf "<%s>" "a\\" ${x}"',
    "nested": 'printf "<%s>" "$(printf %s "${x}")"',
    "here": "cat <<EOF\n${x}\nEOF\n",
    "here-quoted": "cat <<'EOF'\n${x}\nEOF\n",
    "escaped": "printf '<%s>' \\' ${x}",
    "hash": "printf '<%s>' a#b'c ${x}'",
    "arithmetic": "echo $((${x}))",
}


@pytest.mark.parametrize("fix", TEMPLATES.values(), ids=TEMPLATES)
def test_nothing_is_run(classify, fix):
    """In whatever quotes a rule puts a value, nothing of it is run."""
    owned = [text for text in render_all(classify, fix) if paste(classify, text)[1]]
    assert owned == []


@pytest.mark.parametrize("value", ["-rf", "--force", "-", "-o$(touch owned)", "--x='y'"])
def test_value_is_no_option(classify, value):
    """Quotes do not keep a leading dash from being an option, so it is not shown as one."""
    output, left = paste(classify, render(classify, "printf '<%s>' ${x}", value))
    assert left == []
    assert output.startswith("<") and not output.startswith("<-")
    assert output.count("<") == 1


def test_plain_values_stay_plain(classify):
    """What needs no quotes gets none, so that the command reads well."""
    for value in ("main.c", "/srv/build/a-b_c", "registry.example:5000/team/app@sha256:0a1b",
                  "https://git.example/x.git", "1.2.3+4"):
        assert render(classify, "ls ${x}", value) == f"ls {value}"


def test_empty_value_is_a_word(classify):
    """An empty capture keeps its place among the arguments."""
    assert paste(classify, render(classify, "printf '<%s>' ${x} end", "")) == ("<><end>", [])


def test_the_shells_own_variables(classify):
    """$name and $(command) of the rule itself are the shell's."""
    text = render(classify, 'V=1; printf "<%s>" $V "$(echo 2)" ${x}', "3")
    assert paste(classify, text) == ("<1><2><3>", [])


def test_other_texts_are_not_quoted(classify):
    """Titles and sentences are for people."""
    rules = classify.rules(rule("r", "^got (?<x>.*)$", title="Got ${x}",
                                runbook={"cause": "It got ${x}."}))
    answer = classify.verdict(rules, "got it's $x\n")
    assert answer["title"] == "Got it's $x"
    assert answer["runbook"]["cause"] == "It got it's $x."


def test_value_with_controls(classify):
    """A control character never reaches a terminal by way of a paste."""
    rules = classify.rules(rule("r", "^got (?<x>.*)$", runbook={"fix": "echo ${x}"}))
    answer = classify.verdict(rules, '{"level":"error","msg":"got a\\u0003b\\u001b[Ac\\u007f"}\n')
    fix = answer["runbook"]["fix"]
    assert all(0x20 <= ord(character) != 0x7f for character in fix)


@pytest.mark.parametrize("options", [["--redact"], ["--no-redact"]])
def test_redaction_keeps_the_quotes(classify, options):
    """Hiding a secret takes no quote away, which would set free what stands behind it."""
    rules = classify.rules(rule(
        "r", "^clone (?<who>[^ ]+) to (?<where>.*)$",
        runbook={"fix": "printf '<%s>' https://${who}@git.example/x ${where}"}))
    hostile = ["x/https://u:$p", "u:p'w", "https://u:p;", "u:'p'", "password='", "token=''''x;",
               "x/https://u:\"p", "--token='$x", "bearer:'abc'"]
    for who in hostile:
        for where in ("$(touch owned)", "$(touch owned) it's"):
            answer = classify.verdict(rules, f"clone {who} to {where}\n", *options)
            output, left = paste(classify, answer["runbook"]["fix"])
            assert left == []
            assert output.endswith(f"<{where}>")
