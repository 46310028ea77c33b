#!/usr/bin/env python3
"""Compares what `distnet bench` predicts for the mlp workload with what is then measured, and writes the table into docs/advisor.md.

On this machine with worker processes; and, as root with iproute2, over links that `tc` limits: a coordinator and its workers in network namespaces.
Prediction and runs are interleaved, figures are medians. Standard library only.

    bench/check_advisor.py --batch 128,512,2048 --processes 1,2 --link 1Gbit,200Mbit --link-batch 2048
"""
import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import compare
from compare import CLI, JOB, epochs_for, find, numbers, run

PAGE = compare.ROOT / "docs/advisor.md"
MARKS = "<!-- advisor: written by bench/check_advisor.py -->", "<!-- advisor: end -->"
SUBNET = "10.78.0"
LATENCY = "0.05ms"  # what ping shows between two namespaces
DISTNET = ["dotnet", str(CLI)]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=numbers, default=[128, 512, 2048], help="batch sizes on this machine, separated by commas")
    parser.add_argument("--processes", type=numbers, default=[1, 2], help="numbers of worker processes on this machine")
    parser.add_argument("--link", type=lambda text: [part for part in text.split(",") if part], default=[], help="rates of the coordinator's link, such as 1Gbit,200Mbit")
    parser.add_argument("--link-batch", type=numbers, default=[2048], help="batch sizes over the links")
    parser.add_argument("--link-workers", type=numbers, default=[1, 2], help="numbers of workers over the links")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="about how long one run, and the measuring of one prediction, last")
    parser.add_argument("--keep", type=Path, help="a file that measurements are added to, so that a comparison can be made in pieces")
    parser.add_argument("--no-page", action="store_true", help="print the table, leave docs/advisor.md as it is")
    return parser.parse_args()


def predict(batch, workers, seconds, link):
    """Samples a second by number of workers."""
    stated = ["--bandwidth", link, "--latency", LATENCY] if link else []
    output, _ = run([*DISTNET, "bench", str(JOB), "--set", f"training.batch={batch}", "--seconds", str(max(5, round(2 * seconds))), "--json",
                     "--workers", *map(str, workers), *stated])
    told = json.loads(output)["machines" if link else "this_machine"]["predictions"]
    return {prediction["workers"]: prediction["samples_per_second"] for prediction in told}


def measure(batch, workers, epochs, network):
    with tempfile.TemporaryDirectory() as folder:
        options = ["--set", f"training.batch={batch}", "--set", f"training.epochs={epochs}", "--out", f"{folder}/run"]
        if network:
            network.train(workers, options)
        else:
            run([*DISTNET, "train", str(JOB), "--processes", str(workers), "--quiet", *options])
        return find(json.loads(Path(f"{folder}/run/run.json").read_text()), "samples_per_second")


class Network:
    """A coordinator and workers in namespaces, joined by a switch; the coordinator's link has a rate, in both directions."""

    def __init__(self, rate, hosts):
        self.names = [f"advisor{os.getpid()}-{host}" for host in range(hosts)]
        self.switch = f"advisor{os.getpid()}-switch"
        self.tell("ip", "netns", "add", self.switch)
        self.tell("ip", "-n", self.switch, "link", "add", "br0", "type", "bridge")
        self.tell("ip", "-n", self.switch, "link", "set", "br0", "up")
        for host, name in enumerate(self.names):
            self.tell("ip", "netns", "add", name)
            self.tell("ip", "-n", self.switch, "link", "add", f"port{host}", "type", "veth", "peer", "name", "eth0", "netns", name)
            self.tell("ip", "-n", self.switch, "link", "set", f"port{host}", "master", "br0", "up")
            self.tell("ip", "-n", name, "link", "set", "lo", "up")
            self.tell("ip", "-n", name, "addr", "add", f"{SUBNET}.{10 + host}/24", "dev", "eth0")
            self.tell("ip", "-n", name, "link", "set", "eth0", "up")
        for namespace, device in ((self.names[0], "eth0"), (self.switch, "port0")):
            self.tell("tc", "-n", namespace, "qdisc", "add", "dev", device, "root", "tbf", "rate", rate.lower(), "burst", "64kb", "latency", "50ms")

    @staticmethod
    def tell(*command):
        subprocess.run(command, check=True)

    def close(self):
        for name in [*self.names, self.switch]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def train(self, workers, options):
        inside = lambda host: ["ip", "netns", "exec", self.names[host]]
        address = f"{SUBNET}.10:7400"
        common = ["--insecure", "--shared-memory", "off", "--quiet"]
        started = [subprocess.Popen([*inside(0), *DISTNET, "coordinator", str(JOB), "--bind", address, "--min-workers", str(workers), *common, *options],
                                    stderr=subprocess.PIPE, text=True, cwd=compare.ROOT)]
        try:
            for worker in range(1, workers + 1):
                started.append(subprocess.Popen([*inside(worker), *DISTNET, "worker", "--join", address, "--threads", "1", "--name", f"w{worker}", *common],
                                                stderr=subprocess.PIPE, text=True, cwd=compare.ROOT))
            _, errors = started[0].communicate(timeout=300)
            if started[0].returncode != 0:
                sys.exit(f"the coordinator ended with {started[0].returncode}:\n{errors}")
        finally:
            for process in started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=10)
                process.kill()


def cases(options):
    """(link or None, batch, numbers of workers): each is predicted at once."""
    return [(None, batch, options.processes) for batch in options.batch] + [(link, batch, options.link_workers) for link in options.link for batch in options.link_batch]


def add_to(file, rows):
    """All measurements of a file and these; the file then holds both."""
    rows = {case: row for case, row in rows.items() if row[1]}
    if file:
        kept = {tuple(case): row for case, row in json.loads(file.read_text())} if file.exists() else {}
        rows = {case: [kept.get(case, [[], []])[side] + rows.get(case, [[], []])[side] for side in (0, 1)] for case in {**kept, **rows}}
        file.write_text(json.dumps([[case, row] for case, row in rows.items()]))
    return rows


def table(options, rows):
    dotnet = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, cwd=compare.ROOT).stdout.strip()
    repetitions = min(len(measured) for _, measured in rows.values())
    lines = [
        f"Machine: {compare.machine()}; .NET SDK {dotnet}; {time.strftime('%Y-%m-%d')}. {repetitions} interleaved repetitions; medians. Load of the machine before: {options.load:.2f}.",
        "",
        "| job | workers, one thread each | predicted samples/s | measured samples/s | error |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for (link, batch, workers), (predicted, measured) in rows.items():
        where = f"{workers} over {re.sub('bit', 'bit/s', link)}" if link else f"{workers} {'process' if workers == 1 else 'processes'}"
        before, after = statistics.median(predicted), statistics.median(measured)
        lines.append(f"| mlp, batch {batch} | {where} | {before:,.0f} | {after:,.0f} | {100 * (before / after - 1):+.0f} % |")
    listed = lambda place, linked: ",".join(dict.fromkeys(str(case[place]) for case in rows if (case[0] is not None) == linked))
    lines += ["", "```", f"bench/check_advisor.py --batch {listed(1, False)} --processes {listed(2, False)} --link {listed(0, True)} --link-batch {listed(1, True)} "
              f"--link-workers {listed(2, True)} --repetitions {repetitions} --seconds {options.seconds:g}", "```"]
    return "\n".join(lines)


def main():
    options = parse()
    options.load = os.getloadavg()[0]
    run(["dotnet", "build", "-c", "Release", "-v", "quiet", "src/Cli"])
    rows = {(link, batch, count): [[], []] for link, batch, workers in cases(options) for count in workers}
    for repetition in range(options.repetitions):
        for link, batch, workers in cases(options):
            network = Network(link, 1 + max(workers)) if link else None
            try:
                for count, rate in predict(batch, workers, options.seconds, link).items():
                    if (link, batch, count) in rows:
                        measured = measure(batch, count, epochs_for(rate, batch, options.seconds), network)
                        rows[link, batch, count][0].append(rate)
                        rows[link, batch, count][1].append(measured)
                        print(f"repetition {repetition + 1}, batch {batch}, {count} {f'over {link}' if link else 'here'}: predicted {rate:,.0f}, measured {measured:,.0f} samples/s",
                              file=sys.stderr, flush=True)
            finally:
                if network:
                    network.close()
    rows = add_to(options.keep, rows)
    text = table(options, rows)
    print(text)
    if not options.no_page:
        compare.write(text, *MARKS, page=PAGE)


if __name__ == "__main__":
    main()
