#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to label lines with classifyd, and with the pipeline of an agent.

usage: agents.py --build DIR --data DIR [--quick] [--out FILE]

promtail, which has to be on the PATH, is given the same lines and the same 100 expressions, a `match` stage
with a label for each. Both read standard input and push to the same receiver; the processor time of their
starts, with nothing to read, is taken off. First it is seen that both mark the same lines.
"""

import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import daemon as bench  # noqa: E402


class Keeper(bench.Receiver):
    """Keeps the bodies."""

    def __init__(self):
        self.bodies = []
        super().__init__()

    def take(self, body):
        self.bodies.append(body)


def marked(receiver):
    """How often each line came with which category."""
    found = collections.Counter()
    for body in receiver.bodies:
        for labels, entries in bench.wire.read_push_protobuf(body):
            found.update((line, labels.get("failure_category")) for _, line, _ in entries)
    return found


def promtail_pipeline(folder, expressions, port):
    """Its configuration: what each rule is to classifyd is a match stage here."""
    def stage(expression):
        selector = '{job="stdin"} |~ ' + json.dumps(expression, ensure_ascii=False)
        return ("      - match:\n          selector: '" + selector.replace("'", "''") + "'\n"
                "          stages: [{static_labels: {failure_category: build_step_failed}}]\n")

    path = folder / "promtail.yaml"
    path.write_text(
        f"server: {{disable: true}}\npositions: {{filename: {folder}/positions.yaml}}\n"
        f"clients: [{{url: 'http://127.0.0.1:{port}/loki/api/v1/push', batchwait: 200ms}}]\n"
        "scrape_configs:\n  - job_name: stdin\n    static_configs: [{labels: {job: stdin}}]\n"
        "    pipeline_stages:\n" + "".join(map(stage, expressions)))
    return path


def processor_time(command, log):
    with open(log, "rb") as lines:
        process = subprocess.Popen(command, stdin=lines, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"agents.py: {command[0]} ended with {status}")
    return used.ru_utime + used.ru_stime


def compare(promtail, build, data, size, rounds):
    """The results, as text."""
    generator = [sys.executable, HERE / "generate.py"]
    subprocess.run([*generator, "rules", "100", data / "r100"], check=True)
    logs = {n: data / f"agents-{n}.log" for n in (1 << 20, size, size * 16)}
    for n, path in logs.items():
        subprocess.run([*generator, "log", data / "r100.hits", "ordinary", str(n), path], check=True)
    expressions = (data / "r100.txt").read_text().splitlines()

    def commands(port):
        classifyd = [build / "tools" / "classifyd" / "classifyd", "--stdin", "--no-verdicts", "--rules",
                     data / "r100.yaml", "--loki", f"http://127.0.0.1:{port}"]
        return classifyd, [promtail, "-stdin", f"-config.file={promtail_pipeline(data, expressions, port)}"]

    came = []
    for i in range(2):
        keeper = Keeper()
        processor_time(commands(keeper.port)[i], logs[1 << 20])
        came.append(marked(keeper))
    if came[0] != came[1]:
        odd = list((came[0] - came[1]).items())[:3] + list((came[1] - came[0]).items())[:3]
        sys.exit(f"agents.py: classifyd and promtail do not say the same: {odd}")
    hits = sum(n for (_, category), n in came[0].items() if category)
    if not hits:
        sys.exit("agents.py: no line is marked")
    receiver, figures = bench.Receiver(), ([], [])
    for _ in range(rounds):
        for i, log in enumerate((logs[size * 16], logs[size])):
            command = commands(receiver.port)[i]
            used = processor_time(command, log) - processor_time(command, os.devnull)
            figures[i].append(log.stat().st_size / 1e6 / used)
    ratio = [a / b for a, b in zip(*figures)]
    return "\n".join([
        f"Lines from standard input, 100 rules, ordinary; {rounds} rounds. Of {sum(came[0].values())} lines both marked "
        f"the same {hits}.", "", "| what | MB of log text for a second of its processor time |", "|---|---|",
        f"| classifyd --stdin | {bench.spread(figures[0])} |", f"| promtail, 100 match stages | {bench.spread(figures[1], 2)} |", "",
        f"classifyd does {bench.spread(ratio)} times as much.", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    a = parser.parse_args()
    promtail = shutil.which("promtail")
    if not promtail:
        sys.exit("agents.py: promtail is not on the PATH")
    a.data.mkdir(parents=True, exist_ok=True)
    size, rounds = (1 << 20, 3) if a.quick else (4 << 20, 7)
    text = compare(promtail, a.build, a.data, size, rounds)
    print(text)
    if a.out:
        a.out.write_text("<!-- SPDX-License-Identifier: Apache-2.0 -->\n# classifyd beside the pipeline of an agent\n\n"
                         "Written by `bench/agents.py`, which says what is measured.\n\n" + text)


if __name__ == "__main__":
    main()
