# SPDX-License-Identifier: Apache-2.0
"""A rule for the bare message holds inside every wrapper, and in stacks of them."""

import json

import pytest

from conftest import check_shape, marker, rule

# Quotes and a backslash, so that escapes have something to do.
MESSAGE = 'error building image: step "RUN make D=C:\\x" failed'
FIELDS = {"what": 'step "RUN make D=C:\\x"'}
RULE = rule("image", "^error building image: (?<what>.+) failed$")

ESC = "\x1b"
TIME = "2026-03-01T10:00:00.123456789Z"


def escaped(text):
    """Inside double quotes, as Go and JSON do."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def logrus(message):
    """logrus, text, without a terminal."""
    return f'time="2026-03-01T10:00:00Z" level=error msg="{escaped(message)}"'


def logrus_colour(message):
    """logrus on a terminal: the message is padded to 44 columns."""
    return f"{ESC}[31mERRO{ESC}[0m[0012] {message:<44} "


def json_line(message):
    """A structured logger."""
    return json.dumps({"level": "error", "ts": 1772359200.1, "msg": message},
                      separators=(",", ":"))


def klog(message):
    """The Kubernetes components."""
    return f"E0301 10:00:00.000000       1 builder.go:42] {message}"


def cri(message):
    """A container's log on the node, as containerd and CRI-O write it."""
    return f"{TIME} stderr F {message}"


def docker(message):
    """A container's log on the node, as Docker writes it."""
    return json.dumps({"log": message + "\n", "stream": "stderr", "time": TIME})


def syslog(message):
    """journalctl's short form, and /var/log/syslog."""
    return f"Mar  1 10:00:00 node-1.example builder[1234]: {message}"


def prefixed(message):
    """kubectl logs --prefix."""
    return f"[pod/build-7-x2x9z/builder] {message}"


def timestamped(message):
    """kubectl logs --timestamps."""
    return f"{TIME} {message}"


def gitlab(message):
    """A section's first line."""
    return f"section_start:1772359200:build_script\r{ESC}[0K{message}"


def gitlab_time(message):
    """GitLab's job log with time stamps: time, stream, a blank or + for a continued line."""
    return f"2026-03-01T10:00:00.123456Z 01E {message}"


def red(message):
    """ANSI colour around it."""
    return f"{ESC}[31;1m{message}{ESC}[0m"


def progress(message):
    """A progress bar before it on the same line."""
    return f" 10% |#    |\r 90% |#### |\r{message}"


def compose(message):
    """docker compose logs, with colour."""
    return f"{ESC}[36mbuilder-1  | {ESC}[0m{message}"


WRAPPERS = {
    "bare": lambda m: m,
    "logrus": logrus,
    "logrus-more": lambda m: logrus(m) + " step=3 image=registry.example/app",
    "logrus-error": lambda m: f'time="{TIME}" level=fatal msg=stopped error="{escaped(m)}"',
    "logrus-colour": logrus_colour,
    "logrus-plain": lambda m: f"ERRO[0012] {m}",
    "logrus-full-time": lambda m: f"{ESC}[31mERRO{ESC}[0m[2026-03-01T10:00:00Z] {m}",
    "json": json_line,
    "json-blanks": lambda m: json.dumps({"severity": "ERROR", "message": m, "line": 3,
                                         "a": {"b": [1]}}),
    "json-escapes": lambda m: '{"msg":"%s"}' % "".join(f"\\u{ord(c):04x}" for c in m),
    "json-error": lambda m: json.dumps({"level": "error", "msg": "stopped", "error": m}),
    "json-after-object": lambda m: json.dumps({"ctx": {"msg": "other", "x": "}"}, "msg": m}),
    "klog": klog,
    "klog-fatal": lambda m: f"F0301 10:00:00.000000   12345 main.go:7] {m}",
    "cri": cri,
    "cri-stdout": lambda m: f"2026-03-01T10:00:00.123456789+01:00 stdout F {m}",
    "docker": docker,
    "syslog": syslog,
    "syslog-no-pid": lambda m: f"Mar 11 10:00:00 node-1 kernel: {m}",
    "syslog-priority": lambda m: f"<11>Mar  1 10:00:00 node-1.example builder[1234]: {m}",
    "syslog-5424": lambda m: f"<11>1 {TIME} node-1.example builder 1234 ID47 - {m}",
    "journal-iso": lambda m: f"2026-03-01T10:00:00+0100 node-1.example builder[1234]: {m}",
    "kubectl-time": timestamped,
    "kubectl-prefix": prefixed,
    "tekton": lambda m: f"[build : build-and-push] {m}",
    "tekton-step": lambda m: f"[build-and-push] {m}",
    "compose": lambda m: f"builder-1  | {m}",
    "compose-colour": compose,
    "gitlab-section": gitlab,
    "gitlab-section-options": lambda m: f"section_start:1772359200:b[collapsed=true]\r{ESC}[0K{m}",
    "gitlab-section-end": lambda m: f"section_end:1772359200:b\r{ESC}[0K{m}",
    "gitlab-time": gitlab_time,
    "gitlab-continued": lambda m: f"2026-03-01T10:00:00.123456Z 01E+{m}",
    "ansi": red,
    "ansi-inside": lambda m: m.replace("building", f"{ESC}[1mbuilding{ESC}[22m"),
    "ansi-256": lambda m: f"{ESC}[38;5;196m{m}{ESC}[m{ESC}[K",
    "ansi-link": lambda m: f"{ESC}]8;;https://docs.example/x{ESC}\\{m}{ESC}]8;;{ESC}\\",
    "ansi-title": lambda m: f"{ESC}]0;building\x07{m}",
    "progress": progress,
    "progress-overwritten": lambda m: f"{m}\rdone",
    "progress-empty": lambda m: f"\r\r{m}\r\r",
    "python": lambda m: f"2026-03-01 10:00:00,123 - builder.image - ERROR - {m}",
    "python-short": lambda m: f"2026-03-01 10:00:00,123 ERROR {m}",
    "python-brackets": lambda m: f"[2026-03-01 10:00:00,123] ERROR: {m}",
    # Stacks, as they are met in the field.
    "cri+logrus": lambda m: cri(logrus(m)),
    "cri+klog": lambda m: cri(klog(m)),
    "cri+json": lambda m: cri(json_line(m)),
    "docker+logrus": lambda m: docker(logrus(m)),
    "docker+json": lambda m: docker(json_line(m)),
    "docker+klog": lambda m: docker(klog(m)),
    "docker+colour": lambda m: docker(red(m)),
    "docker+logrus-colour": lambda m: docker(logrus_colour(m)),
    "docker+progress": lambda m: docker(progress(m)),
    "prefix+time+logrus": lambda m: prefixed(timestamped(logrus(m))),
    "prefix+time+klog": lambda m: prefixed(timestamped(klog(m))),
    "tekton+json": lambda m: "[build : push] " + json_line(m),
    "tekton+logrus-colour": lambda m: "[build : push] " + logrus_colour(m),
    "gitlab-time+colour": lambda m: gitlab_time(red(m)),
    "gitlab-time+section+logrus": lambda m: gitlab_time(gitlab(logrus(m))),
    "gitlab+compose": lambda m: gitlab_time(compose(m)),
    "syslog+json": lambda m: syslog(json_line(m)),
    "syslog+logrus": lambda m: syslog(logrus(m)),
    "compose+python": lambda m: compose(f"2026-03-01 10:00:00,123 - builder - ERROR - {m}"),
    "compose+json": lambda m: compose(json_line(m)),
    "progress+logrus": lambda m: progress(logrus(m)),
    "cri+prefix+colour": lambda m: cri(prefixed(red(m))),
    "logrus+json": lambda m: logrus(json_line(m)),
    "json+json+json": lambda m: json_line(json_line(json_line(m))),
    "syslog+cri+docker+logrus": lambda m: syslog(cri(docker(logrus(m)))),
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_wrapper(classify, wrap):
    """The rule holds, its capture is of the message, and the shown text is the raw line."""
    line = wrap(MESSAGE)
    # At the end of a log without \n one \r is no part of the line either.
    logs = [(f"above\n{line}\r\nbelow\n", line), (f"above\r\n{line}\r\n", line),
            (f"above\n{line}", line.removesuffix("\r"))]
    for number, (data, _) in enumerate(logs):
        classify.write(f"logs/{number}.log", data)
    done = classify.run("scan", "-r", classify.rules(RULE), "-o", "jsonl", "logs")
    for answer, (_, shown) in zip(done.objects(), logs, strict=True):
        check_shape(answer)
        assert answer["rule"] == "image"
        assert answer["fields"] == FIELDS
        assert answer["line"] == 2
        assert answer["text"] == shown


def test_no_unwrap(classify):
    """Told not to, the program looks at raw lines alone."""
    for name, wrap in WRAPPERS.items():
        classify.write(f"logs/{name}.log", wrap(MESSAGE) + "\n")
    rules = classify.rules(RULE)
    found = classify.run("scan", "-r", rules, "-o", "jsonl", "--no-unwrap", "logs").objects()
    assert len(found) == len(WRAPPERS)
    assert [log["source"] for log in found if log["rule"]] == ["logs/bare.log"]


def test_no_unwrap_bare(classify):
    """A bare message is a raw line."""
    assert classify.verdict(classify.rules(RULE), MESSAGE + "\n", "--no-unwrap")["rule"] == "image"


def test_raw_line_counts_too(classify):
    """A rule for the wrapper itself holds as well."""
    rules = classify.rules(rule("raw", "^time=.* level=error msg="))
    for options in ([], ["--no-unwrap"]):
        assert classify.verdict(rules, logrus(MESSAGE) + "\n", *options)["rule"] == "raw"


def test_middle_layers_count_too(classify):
    """Each layer of a stack is a message: a rule for the inner wrapper holds."""
    rules = classify.rules(rule("layer", "^time=.* level=(?<level>[a-z]+) msg="))
    assert classify.verdict(rules, cri(logrus(MESSAGE)) + "\n")["fields"] == {"level": "error"}


def test_markers_are_unwrapped(classify):
    """Roles make no difference."""
    rules = classify.rules(RULE, marker("pushed", "^Pushed image$", "success"))
    log = f"{cri(MESSAGE)}\n{cri(logrus('Pushed image'))}\n"
    assert classify.verdict(rules, log)["outcome"] == "passed"


def test_several_lines_in_one_value(classify):
    """A value that holds several lines is looked at line by line."""
    message = f"it stopped:\n{MESSAGE}\nbye"
    for wrap in (docker, json_line):
        assert classify.verdict(classify.rules(RULE), wrap(message) + "\n")["fields"] == FIELDS
    go = logrus(message).replace("\n", "\\n")
    assert classify.verdict(classify.rules(RULE), go + "\n")["fields"] == FIELDS


DAMAGED = [
    '{"level":"error","msg":"error building', '{"level":"error","msg":"error building"',
    '{"level":"error","msg":"error building\\', '{"level":"error","msg":"error building\\"',
    '{"level":"error","msg":"\\u00',
    '{"msg":"\\ud83d"}', '{"msg":"\\ud83d\\u0041"}', '{"msg":""}', "{}", '{"', "{", "[",
    'time="', 'time="x" level=', 'msg="\\', "E0301 10:00:00.000000", f"{ESC}", f"{ESC}[",
    f"{ESC}]8;;",
    f"{ESC}[31", "\r", "\r\r\r", "[", "[]", "[pod/", "<", "<11>", "<11>1", "section_start:", "|",
    " | ",
    "2026-03-01T10:00:00", TIME, TIME + " stderr", TIME + " stderr F", "#", "#1", "##[", "::error",
    "{" * 1000, "[" * 1000, '{"msg":' * 300, ('{"msg":"' + '{\\"msg\\":\\"' * 300),
]


def test_damaged_wrapper(classify):
    """What is no wrapper in full is taken as it is, and the next line is not harmed."""
    for number, line in enumerate(DAMAGED):
        classify.write(f"logs/{number:02}.log", f"{line}\n{MESSAGE}\n")
    found = classify.run("scan", "-r", classify.rules(RULE), "-o", "jsonl", "logs").objects()
    assert len(found) == len(DAMAGED)
    for answer, line in zip(found, DAMAGED):
        assert (answer["rule"], answer["line"], answer["fields"]) == ("image", 2, FIELDS), line


def test_too_many_layers(classify):
    """Twelve wrappers around each other are taken off, and no more."""
    rules = classify.rules(rule("r", "^needle$"))
    for n, found in ((12, "r"), (13, None)):
        assert classify.verdict(rules, "[ERROR] " * n + "needle\n")["rule"] == found


def test_too_many_messages(classify):
    """Of the messages of a line a thousand are looked at; that there are more is told."""
    rules = classify.rules(rule("r", "^needle$"))
    for n, found, told in ((999, "r", []), (1000, None, ["limit_reached"])):
        verdict = classify.verdict(rules, "x\r" * n + "needle\n")
        assert verdict["rule"] == found and [warning["code"] for warning in verdict["warnings"]] == told
