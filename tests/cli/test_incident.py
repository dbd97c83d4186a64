# SPDX-License-Identifier: Apache-2.0
"""`scan --incident`: a log, the status of job and pod, and events are one log with one verdict."""

import gzip
import json

import pytest

from conftest import check_shape, marker, rule

LOG = "INFO[0000] Retrieving image manifest\nINFO[0004] Unpacking rootfs\n"
POD = """apiVersion: v1
kind: Pod
metadata:
  name: build-7-x2x9q
status:
  containerStatuses:
  - name: kaniko
    state:
      terminated:
        exitCode: 137
        reason: OOMKilled
"""
JOB = """{
    "apiVersion": "batch/v1",
    "kind": "Job",
    "status": {"conditions": [{"type": "Failed", "reason": "%s"}]}
}
"""
EVENTS = """LAST SEEN   TYPE      REASON      OBJECT     MESSAGE
5m          Warning   Failed      pod/build  Failed to pull image "a.example/b"
"""
EVENTS_YAML = """apiVersion: v1
items:
- apiVersion: v1
  involvedObject:
    kind: Pod
  kind: Event
  message: 'Failed to pull image "a.example/b"'
kind: List
"""


def the_rules(classify):
    """Rules of a test's own, as a platform would have them."""
    return classify.rules(
        rule("oom", r"\breason\W+OOMKilled", category="out_of_memory"),
        rule("deadline", r"\breason\W+DeadlineExceeded", category="timeout"),
        rule("pull", "Failed to pull image", category="image_pull_failed", severity="high"),
        rule("denied", "status=403", category="access_denied", explains=["gone"]),
        rule("gone", "step failed", role="symptom"),
        marker("job-failed", r"\breason\W+BackoffLimitExceeded", "failure"),
        marker("pushed", "^Pushed image", "success"))


def write(classify, **files):
    """A folder of an incident; double underscores stand for dots."""
    for name, data in files.items():
        classify.write("inc/" + name.replace("__", "."), data)
    return "inc"


def scan(classify, *arguments, code=0):
    """The one verdict."""
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", "jsonl", *arguments)
    assert done.code == code, done.err
    (answer,) = done.objects()
    check_shape(answer)
    return answer


def test_a_kill_that_left_nothing_in_the_log(classify):
    """The log just stops; the pod's status says why. The line is that of its file."""
    folder = write(classify, build__log=LOG, pod__yaml=POD, events__txt=EVENTS)
    answer = scan(classify, folder)
    assert (answer["outcome"], answer["category"], answer["rule"]) == ("failed", "out_of_memory", "oom")
    assert answer["source"] == "inc!pod.yaml"
    assert answer["line"] == 11
    assert POD.encode()[answer["offset"]:][:answer["length"]] == b"        reason: OOMKilled"
    assert answer["lines"] == 2 + 11 + 2
    assert answer["bytes"] == len(LOG + POD + EVENTS)
    (other,) = answer["also"]
    assert (other["rule"], other["line"]) == ("pull", 2)
    assert other["why_not"] == "earlier: the log went on to oom (in events.txt)"


def test_a_deadline(classify):
    """The same for a job that took too long."""
    folder = write(classify, job__json=JOB % "DeadlineExceeded", log__txt=LOG)
    answer = scan(classify, folder)
    assert (answer["category"], answer["source"], answer["line"]) == ("timeout", "inc!job.json", 4)


def test_a_status_is_no_aftermath(classify):
    """What the status says goes before what the log survived, though the log tells its end itself."""
    log = "x status=403\nBackoff reason: BackoffLimitExceeded\nafter that: Failed to pull image\n"
    folder = write(classify, log__txt=log, pod__yaml=POD)
    answer = scan(classify, folder)
    assert answer["rule"] == "oom"
    assert {one["rule"]: one["why_not"] for one in answer["also"]} == {
        "denied": "earlier: the log went on to oom (in log.txt)",
        "pull": "weaker: it came after the build had ended (in log.txt)"}


def test_nothing_known_is_unknown(classify):
    """A job that failed for no reason that anything tells: no guess, and the status' own line."""
    folder = write(classify, job__json=JOB % "BackoffLimitExceeded", log__txt=LOG)
    answer = scan(classify, folder)
    assert (answer["category"], answer["rule"], answer["source"]) == ("unknown", None, "inc!job.json")
    assert answer["line"] == 4


def test_unknown_takes_the_line_of_the_log(classify):
    """Where the status says that it failed and no more, the log's telling line is the better one."""
    log = LOG + "frobnicator: cannot open 17 sinks\nbye\n"
    folder = write(classify, job__json=JOB % "BackoffLimitExceeded", log__txt=log)
    answer = scan(classify, folder)
    assert (answer["category"], answer["source"]) == ("unknown", "inc!log.txt")
    assert answer["line"] == 3
    assert answer["text"] == "frobnicator: cannot open 17 sinks"
    assert [told["line"] for told in answer["telling"]] == [3, 4]
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", "markdown", "--context", "3", folder)
    assert "```text\n" + log + "```\n" in done.out
    alone = classify.verdict(classify.rules(marker("bye", "^bye", "failure")), log)
    assert alone["fingerprint"] == answer["fingerprint"]


def test_order_does_not_matter_but_kind_does(classify):
    """However the files are named: events, logs, status."""
    for number, (log, pod, events) in enumerate(["abc", "bca", "cab"]):
        folder = f"i{number}"
        classify.write(f"{folder}/{log}", LOG + "x status=403\nstep failed\n")
        classify.write(f"{folder}/{pod}", POD)
        classify.write(f"{folder}/{events}", EVENTS_YAML)
        answer = scan(classify, folder)
        assert answer["rule"] == "oom"
        assert {one["rule"]: one["why_not"] for one in answer["also"]} == {
            "denied": f"earlier: the log went on to oom (in {log})",
            "pull": f"earlier: the log went on to oom (in {events})",
            "gone": f"explained by denied (in {log})"}


def test_what_the_log_outlived(classify):
    """A pull that failed before the build pushed its image is no failure."""
    folder = write(classify, events__yaml=EVENTS_YAML, log__txt=LOG + "Pushed image a.example/b\n")
    answer = scan(classify, folder)
    assert (answer["outcome"], answer["source"]) == ("passed", "inc")
    (other,) = answer["also"]
    assert other["why_not"] == "recovered: a success marker came after it, on line 3 of log.txt (in events.yaml)"
    assert other["line"] == 7


def test_files_in_place_of_a_folder(classify):
    """The incident has the name of the first; the file is told where it is another."""
    write(classify, build__log=LOG, pod__yaml=POD)
    assert scan(classify, "inc/build.log", "inc/pod.yaml")["source"] == "inc/build.log!inc/pod.yaml"
    assert scan(classify, "inc/pod.yaml", "inc/build.log")["source"] == "inc/pod.yaml"
    assert scan(classify, "inc/")["source"] == "inc!pod.yaml"


def test_each_file_has_its_encoding_and_its_end(classify):
    """UTF-16 and gzip beside plain text; a last line without an end is no part of the next file's first."""
    folder = write(classify, a__log="step fa", b__log="iled status=40")
    classify.write("inc/c.log.gz", gzip.compress(b"3"))
    assert scan(classify, folder)["outcome"] == "undetermined"
    classify.write("inc/d.log", "\ufeffx\nx status=403".encode("utf-16-le"))
    classify.write("inc/e.log", "end")
    answer = scan(classify, folder)
    assert (answer["source"], answer["line"], answer["offset"], answer["length"]) == ("inc!d.log", 2, 6, 24)


def test_a_pod_in_utf16_is_a_log(classify):
    """What an input is, is told from its bytes: a status in UTF-16 counts as a log and is read all the same."""
    folder = write(classify, a__log=LOG)
    classify.write("inc/pod.yaml", POD.encode("utf-16"))
    answer = scan(classify, folder)
    assert (answer["rule"], answer["line"], answer["offset"]) == ("oom", 11, 2 * (1 + POD.index("        reason")))


def test_standard_input(classify):
    """It counts as a log, and is read once."""
    write(classify, pod__yaml=POD)
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", "jsonl", "-", "inc/pod.yaml",
                        stdin=b"x status=403\nstep failed\n")
    (answer,) = done.objects()
    assert (answer["source"], answer["rule"]) == ("-!inc/pod.yaml", "oom")
    assert {one["line"] for one in answer["also"]} == {1, 2}


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_formats(classify, form):
    """All formats tell file and line, and there is nothing to group."""
    folder = write(classify, build__log=LOG, pod__yaml=POD, events__txt=EVENTS)
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", form, "--context", "1", folder)
    assert done.code == 0
    assert "inc!pod.yaml" in done.out.replace("\\", "") and "logs:" not in done.out
    if form == "json":
        document = json.loads(done.out)
        assert [log["source"] for log in document["logs"]] == ["inc!pod.yaml"]
    else:
        assert "events.txt" in done.out and "exitCode: 137" in done.out


def test_matches(classify):
    """Each match names its file and the line there."""
    folder = write(classify, build__log=LOG, pod__yaml=POD, events__txt=EVENTS)
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "--matches", folder)
    assert [(m["source"], m["rule"], m["line"]) for m in done.objects()] == [
        ("inc!events.txt", "pull", 2), ("inc!pod.yaml", "oom", 11)]


def test_missing_and_cut_files(classify):
    """What cannot be read is told, and the rest still has its verdict."""
    folder = write(classify, build__log=LOG, pod__yaml=POD)
    path = classify.write("inc/a.log.gz", gzip.compress(b"some line\n" * 100)[:-4])
    answer = scan(classify, folder, code=2)
    assert answer["rule"] == "oom"
    (warning,) = answer["warnings"]
    assert warning["code"] == "truncated_input"
    assert warning["message"].startswith("a.log.gz: the gzip data ends too early")
    assert warning["offset"] == 1000
    path.unlink()
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "inc/build.log", "inc/no", "inc/pod.yaml")
    assert done.code == 2 and "inc/no" in done.err and "oom" in done.out
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "inc/no")
    assert done.code == 2 and done.out == ""


def test_both_services_or_one(classify):
    """The console service's 5xx alone is its own fault, 401 is the login's, and with composer's 5xx it is composer's."""
    rules = classify.rules(
        rule("composer-5xx", "^composer.* status=5", category="service_unavailable", explains=["crc-5xx"]),
        rule("crc-5xx", "^crc.* status=5", category="service_unavailable"),
        rule("crc-401", "^crc.*composer.* 401", category="auth_failed", owner="upstream"))
    composer, crc = "composer level=error status=503\n", "crc levelname=error status=500\n"
    for name, logs, expected in (
            ("one", {"composer.log": "composer fine\n", "crc.log": crc}, ("service_unavailable", "crc-5xx")),
            ("two", {"composer.log": composer, "crc.log": crc}, ("service_unavailable", "composer-5xx")),
            ("sso", {"composer.log": "composer fine\n", "crc.log": "crc to composer: 401\n"},
             ("auth_failed", "crc-401"))):
        for log, text in logs.items():
            classify.write(f"{name}/{log}", text)
        done = classify.run("scan", "--incident", "-r", rules, "-o", "jsonl", name)
        (answer,) = done.objects()
        assert (answer["category"], answer["rule"]) == expected


def test_too_many_files(classify):
    """More than a thousand are told and left out."""
    for number in range(1001):
        classify.write(f"inc/{number:04}.log", "x status=403\n" if number == 1000 else "fine\n")
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", "jsonl", "inc")
    assert done.code == 2
    assert "1000.log: more than 1000 files in one incident" in done.err
    assert done.objects()[0]["outcome"] == "undetermined"


def test_folders_too_deep(classify):
    """What cannot be walked is told, and the rest is one log all the same."""
    deep = "inc/" + "/".join(["d"] * 70)
    classify.write(f"{deep}/x.log", "x status=403\n")
    classify.write("inc/x.log", "fine\n")
    done = classify.run("scan", "--incident", "-r", the_rules(classify), "-o", "jsonl", "inc")
    assert done.code == 2 and "folders nested too deep" in done.err
    assert done.objects()[0]["source"].startswith("inc")


def test_a_status_that_begins_late(classify):
    """An input that says only behind 16 KiB that it is a status counts as a log."""
    for size, found in ((16000, "oom"), (17000, "denied")):
        write(classify, a__yaml="#" * size + "\n" + POD, b__log="x status=403\n")
        assert scan(classify, "inc")["rule"] == found
