#!/usr/bin/env python3
"""Compares one local worker with several of one process and with worker processes, of one thread each, on the mlp or the cnn workload, and writes the table into docs/performance.md.

Beside them stands what the machine gives to as many runs at once that share nothing: processors that are all busy slow each other.
Every way trains the same epoch first, and all must come to the same state digest: the number of workers is not to change a bit.
Runs are interleaved, figures are medians with the smallest and the largest. Standard library only.

    bench/compare_workers.py --workload cnn --batch 128 --workers 1,2 --repetitions 5
"""
import argparse
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import compare
from compare import ROOT, distnet, epochs_for, limits, local, numbers, run, spread


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=list(compare.LAYERS), default="cnn")
    parser.add_argument("--batch", type=numbers, default=[128], help="batch sizes, separated by commas")
    parser.add_argument("--workers", type=numbers, default=[1, 2], help="numbers of workers, beside the one that all are compared with")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6, help="about how long the measured part of one run lasts")
    parser.add_argument("--no-page", action="store_true", help="print the table, leave docs/performance.md as it is")
    return parser.parse_args()


def measure(workload, batch, epochs, way, count):
    """Samples a second, of all runs of a way together, and the state digests they came to."""
    how, runs = {"local": (local(count, 1), 1), "processes": (["--processes", str(count), "--threads", "1"], 1), "apart": (local(1, 1), count)}[way]
    with ThreadPoolExecutor(runs) as pool:
        results = [told for told, _ in pool.map(lambda _: distnet(workload, batch, epochs, how, wants_memory=False), range(runs))]
    return sum(told["samples_per_second"] for told in results), {told["state_sha256"] for told in results}


def table(options, rows, digests, peaks):
    fma = statistics.median(peak["fma_gflops"] for peak in peaks)
    dotnet = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    lines = [
        f"Machine: {compare.machine()}. Limit of one core in the same run: {fma:.0f} GFLOP/s of independent FMAs. .NET SDK {dotnet}; {time.strftime('%Y-%m-%d')}.",
        f"{options.repetitions} interleaved repetitions; medians, with the smallest and the largest. Load of the machine before: {options.load:.2f}.",
        "",
        "| batch | workers | as many runs at once, samples/s | in one process | in processes of their own | of as many runs at once: in one process, in processes | of as many × one: runs, in one process, in processes | processes, of as many × one process |",
        "| ---: | ---: | ---: | ---: | ---: | :---: | :---: | ---: |",
    ]
    for batch in options.batch:
        def share(way, count, base, times=1):
            return f"{statistics.median(rows[batch, way, count]) / (times * statistics.median(rows[batch, *base])):.2f}"
        for count in options.workers:
            apart = ("local", 1) if count == 1 else ("apart", count)
            lines.append(f"| {batch} | {count} | {spread(rows[batch, *apart])} | {spread(rows[batch, 'local', count])} | {spread(rows[batch, 'processes', count])} | "
                         f"{share('local', count, apart)}, {share('processes', count, apart)} | "
                         f"{share(*apart, ('local', 1), count)}, {share('local', count, ('local', 1), count)}, {share('processes', count, ('local', 1), count)} | "
                         f"{share('processes', count, ('processes', 1), count)} |")
    lines += ["", "State digests after the first epoch, the same for every way of a batch: " + ", ".join(f"{batch}: `{digest[:16]}`" for batch, digest in digests.items()) + ".",
              "", "```", "bench/compare_workers.py " + " ".join(sys.argv[1:]), "```"]
    return "\n".join(lines)


def main():
    options = parse()
    options.workers = sorted({1, *options.workers})
    options.load = os.getloadavg()[0]
    for project in ("src/Cli", "bench/Kernels"):
        run(["dotnet", "build", "-c", "Release", "-v", "quiet", project])
    ways = [(batch, way, count) for batch in options.batch for count in options.workers for way in ("local", "processes", *(["apart"] if count > 1 else []))]
    rows, epochs, digests, peaks = {way: [] for way in ways}, {}, {}, []
    for key in ways:
        batch, way, count = key
        rate, came_to = measure(options.workload, batch, 1, way, count)
        if came_to != {digests.setdefault(batch, min(came_to))}:
            sys.exit(f"batch {batch}: {count} workers ({way}) came to the state digests {came_to}, one worker to {digests[batch]}")
        epochs[key] = epochs_for(rate / count if way == "apart" else rate, batch, options.seconds)
    for repetition in range(options.repetitions):
        peaks.append(limits())
        for batch, way, count in ways[::1 if repetition % 2 == 0 else -1]:
            rate, _ = measure(options.workload, batch, epochs[batch, way, count], way, count)
            rows[batch, way, count].append(rate)
            print(f"repetition {repetition + 1}, batch {batch}: {way} {count}: {rate:,.0f} samples/s", file=sys.stderr)
    text = table(options, rows, digests, peaks)
    print(text)
    if not options.no_page:
        compare.write(text, f"<!-- {options.workload} workers: written by bench/compare_workers.py -->", f"<!-- {options.workload} workers: end -->")


if __name__ == "__main__":
    main()
