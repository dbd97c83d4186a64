# SPDX-License-Identifier: Apache-2.0
"""`rules new --from-group`: a rule from what unknown failures of one template have in common."""

import json

import pytest

from conftest import marker, rule


def start(classify, lines, end="build ended badly\n"):
    """Logs of unknown failures, and the template of the first."""
    rules = classify.rules(marker("ended", "^build ended badly", "failure"), rule("known", "known fault"))
    for number, line in enumerate(lines):
        classify.write(f"logs/{number:02}.log", f"compiling\n{line}\n{end}")
    done = classify.run("scan", "-r", rules, "-o", "jsonl", "logs")
    return rules, done.objects()[0]["fingerprint"]


def new(classify, rules, template, *arguments, code=0):
    """The rule that is written, as the program itself reads it, and what was said."""
    done = classify.run("rules", "new", "-r", rules, "--category", "tool_bug", "--from-group", template,
                        *(arguments or ["logs"]))
    assert done.code == code, done.err
    if code:
        assert done.out == ""
        return None, done
    path = classify.write("new/rule.yaml", done.out)
    listed = classify.run("rules", "list", "-o", "jsonl", "-r", path).objects()
    tested = classify.run("rules", "test", "-r", path, "--no-passing")
    assert tested.code == 0, tested.out
    (one,) = listed
    return one, done


def verdicts(classify):
    """What the new rule makes of the logs."""
    return classify.run("scan", "-r", "new/rule.yaml", "-o", "jsonl", "logs").objects()


def test_what_is_common(classify):
    """What is the same in all lines is literal, even a number; what differs is captured."""
    rules, template = start(classify, [
        f"frobnicator 7: cannot open '/srv/{i}' on node-{i}.example after {i * 3} tries (code 42)" for i in range(1, 6)])
    one, done = new(classify, rules, template)
    assert one["expressions"] == [
        r"frobnicator 7: cannot open '(?<name>[^']*)' on (?<value>[\w./:-]+) after (?<number>\d+) tries \(code 42\)"]
    assert one["title"] == "frobnicator 7: cannot open '${name}' on ${value} after ${number} tries (code 42)"
    assert "5 of 5 logs have this template, with 5 different lines" in done.err
    assert done.out.count("- line: ") == 3
    for answer in verdicts(classify):
        assert answer["category"] == "tool_bug" and set(answer["fields"]) == {"name", "value", "number"}


def test_wrappers_and_numbers_of_lines(classify):
    """Lines in different wrappers, and several differing values of a kind."""
    rules, template = start(classify, [
        'time="2025-10-29T10:45:34Z" level=error msg="cannot empty sink 1 of 2"',
        "2025-10-29T10:45:34.1Z stderr F cannot empty sink 3 of 44"])
    one, _ = new(classify, rules, template)
    assert one["expressions"] == [r"cannot empty sink (?<number>\d+) of (?<number_2>\d+)"]
    assert [answer["rule"] for answer in verdicts(classify)] == [one["rule"]] * 2


def test_only_the_group(classify):
    """Logs of other templates, known failures and others are left out; their lines are not matched."""
    rules, template = start(classify, ["error: sink 1 is clogged", "error: sink 2 is clogged", "mangler cannot mangle"])
    classify.write("logs/known.log", "error: sink 3 is clogged\nknown fault\nbuild ended badly\n")
    classify.write("logs/fine.log", "fine\n")
    one, done = new(classify, rules, template)
    assert "2 of 5 logs have this template, with 2 different lines" in done.err
    assert [answer["rule"] for answer in verdicts(classify)] == [
        one["rule"], one["rule"], None, None, one["rule"]]


def test_one_line(classify):
    """Equal lines, or one log: a rule as from a line."""
    rules, template = start(classify, ["error: sink 1 is clogged"] * 3)
    one, done = new(classify, rules, template)
    assert "3 of 3 logs have this template, with 1 different line\n" in done.err
    assert one["expressions"] == [r"error: sink (?<sink>\d+) is clogged"]


def test_a_log_that_nothing_calls_failed(classify):
    """As with --from: a log without a marker is taken for failed."""
    rules, template = start(classify, ["error: sink 1 is clogged", "error: sink 2 is clogged"])
    for number in range(2):
        classify.write(f"logs/{number:02}.log", f"error: sink {number} is clogged\n")
    one, _ = new(classify, rules, template)
    assert one["expressions"] == [r"error: sink (?<number>\d+) is clogged"]


@pytest.mark.parametrize("lines", [
    [r"a\b (c) [d] {e} ^f$ .* +? | g 1 error", r"a\b (c) [d] {e} ^f$ .* +? | g 2 error"],
    ["sp\u00e4t 1 gescheitert: \u65e5\u672c error", "sp\u00e4t 2 gescheitert: \u65e5\u672c error"],
    ["Error: THING 1 failed", "error: thing 2 FAILED"],
    ["error: 1 , 2;;  x failed", "error: 1 ,,3  x failed"],
    ['cannot read "a \' b" of /x/y, sorry', 'cannot read "c" of /x/z/w, sorry'],
    ["error: " + "very long text " * 60 + "1", "error: " + "very long text " * 60 + "2"],
    ["error: " + " ".join(f"a{i}=1{i}" for i in range(40)), "error: " + " ".join(f"a{i}=2{i}" for i in range(40))],
    ["error: caf\udce9 1 failed", "error: caf\udce9 2 failed"],
    ["error: ${x} 1 failed", "error: ${x} 2 failed"],
])
def test_odd_lines(classify, lines):
    """Whatever the lines hold, the rule loads, passes its test and matches them all."""
    encoded = [line.encode("utf-8", "surrogateescape") for line in lines]
    rules = classify.rules(marker("ended", "^build ended badly", "failure"))
    for number, line in enumerate(encoded):
        classify.write(f"logs/{number}.log", line + b"\nbuild ended badly\n")
    template = classify.run("scan", "-r", rules, "-o", "jsonl", "logs").objects()[0]["fingerprint"]
    one, _ = new(classify, rules, template)
    assert [answer["rule"] for answer in verdicts(classify)] == [one["rule"]] * 2


@pytest.mark.parametrize("arguments, said", [
    (("0123456789abcdef", "logs"), "of 1 logs none is an unknown failure with the template 0123456789abcdef"),
    (("0123456789ABCDEF", "logs"), "'0123456789ABCDEF' is no template"),
    (("01234", "logs"), "is no template"),
    (("0123456789abcdef",), "--from-group takes logs or folders"),
    (("0123456789abcdef", "--from", "logs/00.log"), "--from-group takes logs or folders"),
    (("0123456789abcdef", "-"), "reads logs twice"),
])
def test_wrong_usage(classify, arguments, said):
    """Nothing is written, and what is wrong is said."""
    rules, _ = start(classify, ["error: sink 1 is clogged"])
    done = classify.run("rules", "new", "-r", rules, "--from-group", *arguments)
    assert done.code == 2 and done.out == ""
    assert said in done.err


def test_missing_log(classify):
    """A log that cannot be read is told; the others make the rule."""
    rules, template = start(classify, ["error: sink 1 is clogged", "error: sink 2 is clogged"])
    done = classify.run("rules", "new", "-r", rules, "--from-group", template, "no.log", "logs")
    assert done.code == 2 and "no.log" in done.err and r"error: sink (?<number>\d+) is clogged" in done.out


def test_from_the_groups_of_a_scan(classify):
    """The templates are those that `scan -o json` groups by."""
    rules, _ = start(classify, [f"error: sink {i} is clogged" for i in range(25)])
    (group,) = json.loads(classify.run("scan", "-r", rules, "-o", "json", "logs").out)["groups"]
    assert group["count"] == 25
    one, done = new(classify, rules, group["fingerprint"])
    assert "25 of 25 logs have this template, with 20 or more different lines" in done.err
    assert [answer["rule"] for answer in verdicts(classify)] == [one["rule"]] * 25
