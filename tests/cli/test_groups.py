# SPDX-License-Identifier: Apache-2.0
"""What several failed logs of one run share: rule, captured values, template."""

import itertools
import json
import string

import pytest

from conftest import marker, rule

GROUP_KEYS = ["kind", "rule", "fingerprint", "category", "title", "telling", "count", "failed", "fields", "shared",
              "explained_by", "sources"]


def the_rules(classify):
    """Two rules of a category, one of another, and a marker for what no rule explains."""
    return classify.rules(
        rule("s3", r"denied s3 bucket=(?<bucket>\S+) status=(?<status>\d+)", category="access_denied"),
        rule("oci", r"denied oci bucket=(?<bucket>\S+)", category="access_denied"),
        rule("disk", r"disk full(?: on (?<node>\S+))?", category="disk_full"),
        rule("late", "upload failed", category="timeout"),
        rule("early", "store hung", category="service_unavailable", explains=["late"]),
        marker("began", r"^begin parser=(?<parser>\S+) node=(?<node>\S+)", "start"),
        marker("ended", "^build ended badly", "failure"))


def scan(classify, logs, *options, form="json"):
    """The groups of a folder of logs by what they are of; for other forms, and "-", the output."""
    for name, text in logs.items():
        classify.write(f"logs/{name}", text)
    done = classify.run("scan", "-r", the_rules(classify), "-o", form.replace("-", "json"), *options, "logs")
    assert done.code == 0, done.err
    if form != "json":
        return done.out
    groups = json.loads(done.out)["groups"]
    for group in groups:
        assert list(group) == GROUP_KEYS
    assert [group["count"] for group in groups] == sorted((group["count"] for group in groups), reverse=True)
    return {(group["kind"], group["rule"] or group["category"]): group for group in groups}


def shared(group):
    """The shared values of a group, in their order."""
    return [(one["name"], one["value"], one["count"]) for one in group["shared"]]


def buckets(n_common, n_other):
    """Logs that were denied a bucket, most of them the same one."""
    logs = {f"a{i:02}.log": f"denied s3 bucket=knative status={403 + i % 2}\n" for i in range(n_common)}
    return logs | {f"b{i:02}.log": f"denied s3 bucket=other-{i} status={403 + i % 2}\n" for i in range(n_other)}


def test_same_bucket(classify):
    """17 of 20: the same bucket; the status is as chance would have it and is not told."""
    groups = scan(classify, buckets(17, 3))
    group = groups["rule", "s3"]
    assert (group["count"], group["failed"], group["fields"]) == (20, 20, {})
    assert shared(group) == [("bucket", "knative", 17)]
    assert len(groups) == 1


def test_sentences(classify):
    """The same in words, for a terminal and for a ticket."""
    logs = buckets(17, 2) | {"c.log": "disk full on node-3\n", "d.log": "fine\n"}
    words = "19 of 20 failed with access_denied (s3), 17 of them with bucket knative"
    assert f"  shared  {words}\n" in scan(classify, logs, form="text")
    markdown = scan(classify, logs, form="markdown").replace("\\", "")
    assert f"\n- {words}\n" in markdown


def test_all_of_them(classify):
    """What all logs of a group have stays in `fields`."""
    group = scan(classify, buckets(4, 0))["rule", "s3"]
    assert group["fields"] == {"bucket": "knative"} and shared(group) == []
    text = scan(classify, {}, form="text")
    assert "4 of 4 failed with access_denied (s3), all with bucket knative\n" in text


def test_across_rules_of_a_category(classify):
    """The same bucket under two rules."""
    logs = buckets(3, 0) | {f"o{i}.log": "denied oci bucket=knative\n" for i in range(2)}
    logs |= {"p.log": "denied oci bucket=own\n"}
    groups = scan(classify, logs)
    group = groups["category", "access_denied"]
    assert (group["count"], group["rule"], group["fingerprint"], group["title"]) == (6, None, None, "")
    assert shared(group) == [("bucket", "knative", 5)]
    assert len(group["sources"]) == 6
    assert "6 of 6 failed with access_denied (2 rules), 5 of them with bucket knative\n" in scan(
        classify, {}, form="text")


def test_one_rule_alone_is_no_category(classify):
    """What only logs of one rule have is told there, and not twice."""
    logs = buckets(5, 0) | {"p.log": "denied oci bucket=own\n"}
    assert set(scan(classify, logs)) == {("rule", "s3"), ("rule", "oci")}


def test_context_of_start_markers(classify):
    """A node that a start marker names is shared whatever failed on it."""
    logs = {}
    for i, line in enumerate(["disk full", "denied oci bucket=b", "upload failed", "disk full", "upload failed"]):
        logs[f"n{i}.log"] = f"begin parser=p{i} node={'worker-9' if i else 'worker-1'}\n{line}\n"
    groups = scan(classify, logs)
    group = groups["run", None]
    assert (group["count"], group["category"]) == (5, None)
    assert shared(group) == [("node", "worker-9", 4)]
    assert "all 5 failed, in 3 categories, 4 of them with node worker-9\n" in scan(classify, {}, form="text")


def test_chance_is_not_told(classify):
    """Values that are spread evenly, and values of one log."""
    logs = {f"{i}.log": f"denied s3 bucket=b{i // 2} status=403\n" for i in range(10)}
    group = scan(classify, logs)["rule", "s3"]
    assert group["fields"] == {"status": "403"} and shared(group) == []


def test_few_of_many_are_not_told(classify):
    """A value that is rare in the group, though it stands out among the few that have its name."""
    logs = {f"{i}.log": "disk full\n" for i in range(9)}
    logs |= {"x.log": "disk full on node-3\n", "y.log": "disk full on node-3\n", "z.log": "disk full on node-3\n"}
    assert shared(scan(classify, logs)["rule", "disk"]) == [("node", "node-3", 3)]
    assert shared(scan(classify, {"9.log": "disk full\n"})["rule", "disk"]) == []


def test_redacted_values_are_not_compared(classify):
    """Two secrets look the same once they are hidden."""
    logs = {f"{i}.log": f"denied s3 bucket=token=ghp_{str(i) * 36} status=403\n" for i in range(4)}
    logs["other.log"] = "denied s3 bucket=x status=404\n"
    group = scan(classify, logs, "--redact")["rule", "s3"]
    assert shared(group) == [("status", "403", 4)]


def test_unknown_by_template(classify):
    """Failures that no rule explains, grouped by the template of their telling line, with that line."""
    logs = {f"{i}.log": f"2025-10-29T10:45:3{i}Z frobnicator {i}: cannot open /srv/sink/{i}\nbuild ended badly\n"
            for i in range(3)}
    logs["x.log"] = "mangler: cannot mangle\nbuild ended badly\n"
    first, second = json.loads(scan(classify, logs, form="-"))["groups"]
    assert (first["count"], second["count"]) == (3, 1)
    assert first["telling"] == "2025-10-29T10:45:30Z frobnicator 0: cannot open /srv/sink/0"
    assert first["fingerprint"] != second["fingerprint"] and first["category"] == "unknown"
    text = scan(classify, {}, form="text")
    assert f"3 of 4 failed with unknown (template {first['fingerprint']}): 2025-10-29T10:45:30Z" in " ".join(text.split())


@pytest.mark.parametrize("wrap", ["{}", "2025-10-29T10:45:34Z {}", 'time="2025-10-29T10:45:34Z" level=error msg="{}"',
                                  '{{"log":"{}\\n","stream":"stderr","time":"2025-10-29T10:45:34Z"}}',
                                  "2025-10-29T10:45:34.1Z stdout F {}", "\x1b[31m{}\x1b[0m"])
def test_fingerprint_is_of_the_template(classify, wrap):
    """The same failure has the same fingerprint, whatever its numbers, paths and names, in whatever wrapper."""
    rules = the_rules(classify)
    first = classify.verdict(rules, "frobnicator 7 cannot open /srv/a1/b in 12ms\nbuild ended badly\n")
    other = classify.verdict(rules, wrap.format("frobnicator 12 cannot open /tmp/x.y in 3ms") + "\nbuild ended badly\n")
    assert other["fingerprint"] == first["fingerprint"]
    different = classify.verdict(rules, wrap.format("frobnicator 12 cannot close /tmp/x.y in 3ms") + "\nbuild ended badly\n")
    assert different["fingerprint"] != first["fingerprint"]


def test_explained_in_another_log(classify):
    """A rule that another one explains may follow from it across logs."""
    logs = {"a.log": "store hung\n", "b.log": "upload failed\n", "c.log": "upload failed\n"}
    groups = scan(classify, logs)
    assert groups["rule", "late"]["explained_by"] == "early"
    assert groups["rule", "early"]["explained_by"] is None
    assert "2 of 3 failed with timeout (late); it may follow from early in 1 other log\n" in scan(
        classify, {}, form="text")


def test_many_groups_are_not_asked(classify):
    """Which rule may follow from another is asked of the two hundred largest groups."""
    for n, told in ((190, "early"), (210, None)):
        rules = classify.rules(rule("early", "store hung", explains=["late"]), rule("late", "upload failed"),
                               *[rule(f"r{i}", f"^oops {i}$") for i in range(n)])
        logs = {f"{i}-{k}.log": f"oops {i}\n" for i in range(n) for k in range(2)}
        logs |= {"e.log": "store hung\n", "f.log": "store hung\n", "l.log": "upload failed\n"}
        groups = groups_of(classify, rules, logs)
        assert [one["explained_by"] for one in groups if one["rule"] == "late"] == [told]


def test_no_groups_of_one_log(classify):
    """Neither the quiet format nor one log alone says anything of groups."""
    assert "shared" not in scan(classify, buckets(3, 0), "-q", form="text")
    done = classify.run("scan", "-r", the_rules(classify), "logs/a00.log")
    assert "shared" not in done.out


def test_long_values_are_not_compared(classify):
    """A captured value of more than 256 bytes is no bucket's name."""
    for size, told in ((256, [("bucket", "k" * 256, 4)]), (257, [])):
        logs = {f"{i}.log": f"denied s3 bucket={'k' * size} status={400 + i}\n" for i in range(4)}
        logs["other.log"] = "denied s3 bucket=other status=404\n"
        assert shared(scan(classify, logs)["rule", "s3"]) == told


def groups_of(classify, rules, logs):
    """The groups of logs with other rules."""
    for name, text in logs.items():
        classify.write(f"{rules.stem}/{name}", text)
    return json.loads(classify.run("scan", "-r", rules, "-o", "json", rules.stem).out)["groups"]


def test_many_shared_values(classify):
    """A group tells eight of them."""
    rules = classify.rules(rule("r", " ".join(f"k{i}=(?<k{i}>\\S+)" for i in range(12))))
    logs = {f"{n}.log": " ".join(f"k{i}={'same' if n else 'other'}-{i}" for i in range(12)) + "\n" for n in range(6)}
    (group,) = groups_of(classify, rules, logs)
    assert len(group["shared"]) == 8


def test_many_captures_of_start_markers(classify):
    """Sixteen captures of a log's start markers are compared."""
    names = [f"k{i:02}" for i in range(20)]
    rules = classify.rules(marker("began", "^begin " + " ".join(f"{k}=(?<{k}>\\S+)" for k in names), "start"),
                           rule("a", "^aa"), rule("b", "^bb", category="timeout"))
    for common, told in ((15, ["k15"]), (16, [])):
        logs = {}
        for n in range(6):
            values = [f"{k}={'same' if i == common else n}" for i, k in enumerate(names)]
            logs[f"{n}.log"] = f"begin {' '.join(values)}\n{'aa' if n % 2 else 'bb'}\n"
        found = [one for one in groups_of(classify, rules, logs) if one["kind"] == "run"]
        assert [one["name"] for group in found for one in group["shared"]] == told


def test_long_telling_line(classify):
    """Of a line that tells, a group shows 300 bytes."""
    line = "frobnicator: cannot open " + "sink " * 100
    (group,) = groups_of(classify, the_rules(classify), {f"{i}.log": f"{line}\nbuild ended badly\n" for i in range(2)})
    assert group["telling"] == line[:300]


def test_many_sources(classify):
    """A thousand logs of a group are named; all are counted."""
    logs = {f"{i:04}.log": "upload failed\n" for i in range(1001)}
    (group,) = groups_of(classify, the_rules(classify), logs)
    assert group["count"] == 1001 and len(group["sources"]) == 1000


def test_more_groups_than_are_kept(classify):
    """The bound is told, and the logs keep their verdicts."""
    words = itertools.islice(itertools.product(string.ascii_lowercase, repeat=3), 10001)
    for number, word in enumerate(words):
        classify.write(f"logs/{number:05}", f"error: {''.join(word)}x\nbuild ended badly\n")
    done = classify.run("scan", "-r", the_rules(classify), "logs")
    assert done.out.count("  FAILED  unknown\n") == 10001
    assert done.out.endswith("10001 logs: 10001 failed, 0 passed, 0 undetermined\n")
    assert "more groups or captured values than are compared" in done.err
