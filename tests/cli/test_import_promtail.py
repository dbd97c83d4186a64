# SPDX-License-Identifier: Apache-2.0
"""`rules import --from promtail`: pipeline stages that know a line again."""

import pytest

from importing import INPUTS, import_file, import_text


def match(selector, stages="[static_labels: {a: b}]"):
    """A list of stages with one `match`."""
    return f"- match:\n    pipeline_name: one\n    selector: {selector}\n    stages: {stages}\n"


def test_pipeline(classify):
    """A whole configuration: rules of filters and of expressions, the rest told."""
    done = import_file(classify, INPUTS / "promtail.yaml")
    assert done.done.code == 0
    rules = done.rules()
    assert set(rules) == {
        "promtail-quota", "promtail-panics-total", "promtail-errors-total", "promtail-label-user"}
    assert rules["promtail-quota"]["severity"] == "critical"
    assert rules["promtail-quota"]["category"] == "capacity_exhausted"
    assert rules["promtail-panics-total"]["title"] == "The program panicked"
    assert rules["promtail-label-user"]["severity"] == "low"
    for told in ("stage 'docker': not needed", "stage 'timestamp': not imported",
                 "stage 'match' that drops lines: not imported", "metric 'seconds': not imported",
                 "'deep' is left out: 'a[0].b' is more than a path", "stage 'pack': not imported",
                 "'quota': only in the streams {job=\"demo\", x=\"}\"} there; here in every log"):
        assert told in done.err, told
        assert told.replace("'quota': ", "") in done.text


def test_filters(classify):
    """Filters are joined with and, on one line; negative ones become `unless`."""
    done = import_file(classify, INPUTS / "promtail.yaml")
    assert done.matches("the quota was Exceeded by 7")["promtail-quota"] == {"amount": "7"}
    assert "promtail-quota" in done.matches("EXCEEDED BY 7: limit (b)")
    for line in ("the quota was exceeded", "exceeded by 7", "limit b exceeded by 7",
                 "retrying: quota exceeded by 7", "dry-run: quota exceeded by 7",
                 "quota\nexceeded by 7"):
        assert "promtail-quota" not in done.matches(line), line


def test_expressions(classify):
    """Of a `regex`, the captures are ours."""
    done = import_file(classify, INPUTS / "promtail.yaml")
    assert done.matches("panic: boom")["promtail-panics-total"] == {"reason": "boom"}
    assert "promtail-panics-total" not in done.matches("no panic: boom")
    assert done.matches("x user=me")["promtail-label-user"] == {"user": "me"}


def test_fields(classify):
    """A metric of a field asks for the field."""
    done = import_file(classify, INPUTS / "promtail.yaml")
    assert "promtail-errors-total" in done.matches('{"level":"error","message":"x"}')
    assert "promtail-errors-total" not in done.matches('{"level":"errors","message":"error"}')


@pytest.mark.parametrize("filters, matching, other", [
    ('|= "a.b"', ["a.b"], ["axb"]), ('|~ `a.b`', ["axb"], ["ab"]),
    ('|= "x" |= "y"', ["yx", "xy"], ["x", "y"]), ('|= "x" != "y" !~ "z|q"', ["x"], ["xy", "xz", "qx"]),
    ('|= "say \\"hi\\"\\tyou"', ['say "hi"\tyou'], ["say hi you"]), ('|= "é" |~ "."', ["é"], ["e"]),
    ('|= "" |= "x"', ["x"], ["y"]), ('|~ "(?i)x|y" |= "z"', ["Yz", "zX"], ["x", "z"]),
])
def test_logql(classify, filters, matching, other):
    """Line filters mean what they meant."""
    done = import_text(classify, "p.yaml", match("'{} " + filters.replace("'", "''") + "'"))
    assert done.counts == (1, 0, 0), done.err
    for line in matching:
        assert done.matches(line), line
    for line in other:
        assert not done.matches(line), line


@pytest.mark.parametrize("selector", [
    "'{}'", "'{} != \"x\"'", "'{} |> \"<_>x\"'", "'{} |= ip(\"10.0.0.0/8\")'", "'x'", "'{'", "'{} |= \"x'",
    "'{} | json'", "'{} |~ \"(\"'", "5", "[]"])
def test_selectors_refused(classify, selector):
    """A selector that chooses no line for us is told."""
    done = import_text(classify, "p.yaml", match(selector))
    assert done.done.code == 3 and done.counts[2] >= 1


def test_match_without_effect(classify):
    """Lines that are only passed on are no failure."""
    done = import_text(classify, "p.yaml", match("'{} |= \"x\"'", "[output: {source: m}]"))
    assert done.counts == (0, 0, 2)
    assert "it neither labels nor counts a line" in done.err


def test_nested_match(classify):
    """A match within a match has the filters of both."""
    done = import_text(classify, "p.yaml", match(
        "'{} |= \"outer\"'", "[{match: {selector: '{} |= \"inner\"', stages: [{labels: {a: b}}]}}]"))
    assert done.matches("inner outer") and not done.matches("inner") and not done.matches("outer")


def test_anchors(classify):
    """Aliases are followed; a flood of them is not."""
    text = "x: &s [{match: {selector: '{} |= \"q\"', stages: [{static_labels: {a: b}}]}}]\npipeline_stages: *s\n"
    assert import_text(classify, "p.yaml", text).counts == (1, 0, 0)
    flood = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 10)}]\n" for n in range(12))
    done = classify.run("rules", "import", "--from", "promtail", classify.write("f.yaml", flood))
    assert done.code == 2 and "too many values" in done.err


def test_many_filters_and_values(classify):
    """Sixteen filters of a selector, and 64 values of a pipeline."""
    for n, counts in ((16, (1, 0, 0)), (17, (0, 0, 1))):
        assert import_text(classify, "p.yaml", match("'{} " + f'|= "x" ' * n + "'")).counts == counts
    values = "".join(f"- regex: {{expression: '{n:02}(?P<v{n}>.)'}}\n" for n in range(65))
    done = import_text(classify, "p.yaml", "pipeline_stages:\n" + values + match("'{} |= \"x\"'"))
    assert "'v64' is left out: a pipeline extracts more than 64 values" in done.err and "'v63'" not in done.err
