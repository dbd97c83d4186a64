# SPDX-License-Identifier: Apache-2.0
"""The shipped packs on lines that only speak of a failure: echoed commands, titles of commits."""

from conftest import HERE, check_shape

PACKS = HERE / "../../rules"
ECHOES = [
    "INFO[0003] Running: [/bin/sh -c {}]",
    "INFO[0003] RUN {}",
    "INFO[0003] Args: [-c {}]",
    "INFO[0003] Unpacking rootfs as cmd RUN {} requires it.",
    '{{"level":"info","msg":"Running: [/bin/sh -c {}]","time":"2026-03-02T10:00:00Z"}}',
    "2026-03-02T10:00:00.000000000Z stdout F INFO[0003] RUN {}",
    "+ {}",
    "++ {}",
    "$ {}",
    "Step 4/9 : RUN {}",
    "STEP 4/9: RUN {}",
    "#8 [2/4] RUN {}",
    "HEAD is now at 1a2b3c4 Fix {}",
]
# What a command says, the command's line, and the category of the saying.
COMMANDS = [
    ("write /a: no space left on device", "echo 'write /a: no space left on device'", "disk_full"),
    ("/a: exec format error", "make || echo '/a: exec format error'", "build_step_failed"),
    ("x509: certificate signed by unknown authority",
     "grep -q 'x509: certificate signed by unknown authority' log", "tls_invalid"),
    ("Temporary failure in name resolution",
     "curl registry.example || echo 'Temporary failure in name resolution'", "dns_failed"),
]
END = "error building image: error building stage: failed to execute command: waiting for process to exit: exit status 1"


def scan(classify, logs):
    """The verdicts on these logs, by one process."""
    names = [classify.write(f"{number}.log", log) for number, log in enumerate(logs)]
    done = classify.run("scan", "--rules", PACKS, "-o", "jsonl", *names)
    assert done.code == 0, done.err
    verdicts = done.objects()
    for verdict in verdicts:
        check_shape(verdict)
    assert len(verdicts) == len(logs)
    return verdicts


def test_echo_is_no_failure(classify):
    """A log that breaks off behind the echo of a command has not failed."""
    logs = [f"{echo.format(command)}\nINFO[0004] Taking snapshot of full filesystem...\n"
            for echo in ECHOES for _, command, _ in COMMANDS]
    for log, verdict in zip(logs, scan(classify, logs)):
        assert verdict["outcome"] == "undetermined", log


def test_output_behind_its_echo(classify):
    """When the command's output says the same, its line is the one."""
    cases = [(f"{echo.format(command)}\n{said}\n{END}\n", category)
             for echo in ECHOES for said, command, category in COMMANDS]
    for (log, category), verdict in zip(cases, scan(classify, [log for log, _ in cases])):
        assert (verdict["category"], verdict["line"]) == (category, 2), log
