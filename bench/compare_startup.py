#!/usr/bin/env python3
"""Measures the start of `distnet train examples/digits.yaml` by phase, with the compiler's settings compared and PyTorch's cold start beside it, and writes the
table into docs/performance.md. Runs are interleaved, the file cache is warm, figures are medians. Standard library only.

    bench/compare_startup.py --repetitions 7 [--ready-to-run]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from compare import CLI, ROOT, machine, run, write

PHASES = ["supervisor", "runtime", "command", "data", "model", "listening", "workers", "first_step", "total"]
PEER = ROOT / "bench/peers/digits_torch.py"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--portable", action="store_true", help="measure the command as it is published too: portable, without machine code")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch")
    parser.add_argument("--no-peer", action="store_true", help="measure DistNet alone")
    parser.add_argument("--no-page", action="store_true", help="print the table, leave docs/performance.md as it is")
    return parser.parse_args()


def distnet(command, tiered, more):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("DOTNET_Tiered")}
    if tiered is not None:
        environment["DOTNET_TieredCompilation"] = tiered
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        subprocess.run(["dotnet", str(command), "train", "examples/digits.yaml", "--quiet", "--out", f"{folder}/run", *more], check=True, cwd=ROOT, env=environment)
        done = time.time() - started
        return {**json.loads(Path(f"{folder}/run/run.json").read_text())["results"]["startup_ms"], "done": done * 1000}


def torch(python):
    output = subprocess.run([python, str(PEER), "--started", repr(time.time())], check=True, capture_output=True, text=True).stdout
    times = json.loads(output)
    torch.version = times.pop("version")
    return {"import": times["import"] * 1000, "total": times["first_step"] * 1000, "done": times["done"] * 1000}


def variants(options, folder):
    found = {
        "as built": lambda: distnet(CLI, None, []),
        "as built, tiered compilation on": lambda: distnet(CLI, "1", []),
        "`--processes 2`": lambda: distnet(CLI, None, ["--processes", "2"]),
        "`--processes 2`, tiered compilation on in all": lambda: distnet(CLI, "1", ["--processes", "2"]),
    }
    if options.portable:
        published = Path(folder) / "DistNet.Cli.dll"
        run(["dotnet", "publish", "src/Cli", "-c", "Release", "-v", "quiet", "-o", folder])
        found["published, portable"] = lambda: distnet(published, None, [])
        found["the same, `--processes 2`"] = lambda: distnet(published, None, ["--processes", "2"])
    if not options.no_peer:
        found["PyTorch"] = lambda: torch(options.python)
    return found


def table(options, measured):
    dotnet = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    lines = [f"Machine: {machine()}. .NET SDK {dotnet}" + ("" if options.no_peer else f"; PyTorch {torch.version}") + f"; {time.strftime('%Y-%m-%d')}. "
             f"{options.repetitions} interleaved repetitions, the file cache warm; medians in milliseconds, of the last column with the smallest and the largest.", "",
             "| | " + " | ".join(name.replace("_", " ") for name in PHASES[:-1]) + " | first step done | command done |", "| --- |" + " ---: |" * (len(PHASES) + 1)]
    for name, runs in measured.items():
        cells = [f"{statistics.median(times[phase] for times in runs):,.0f}" if phase in runs[0] else "–" for phase in PHASES]
        done = [times["done"] for times in runs]
        if "import" in runs[0]:
            name += f" (import {statistics.median(times['import'] for times in runs):,.0f})"
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {statistics.median(done):,.0f} ({min(done):,.0f}–{max(done):,.0f}) |")
    return "\n".join([*lines, "", "```", " ".join(["bench/compare_startup.py", *sys.argv[1:]]), "```"])


def main():
    options = parse()
    run(["dotnet", "build", "-c", "Release", "-v", "quiet", "src/Cli"])
    with tempfile.TemporaryDirectory() as folder:
        found = variants(options, folder)
        measured = {name: [] for name in found}
        for repetition in range(options.repetitions + 1):
            for name, measure in found.items():
                times = measure()
                if repetition > 0:  # the first warms the file cache
                    measured[name].append(times)
                    print(f"repetition {repetition}, {name}: first step {times['total']:,.0f} ms, done {times['done']:,.0f} ms", file=sys.stderr)
    text = table(options, measured)
    print(text)
    if not options.no_page:
        write(text, "<!-- start-up: written by bench/compare_startup.py -->", "<!-- start-up: end -->")


if __name__ == "__main__":
    main()
