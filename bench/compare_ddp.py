#!/usr/bin/env python3
"""Compares training over worker processes with PyTorch DDP over gloo on the mlp workload, and with one local worker; writes the table into docs/performance.md.

Runs are interleaved (one local worker, N processes, DDP, and again), figures are medians with the smallest and the largest.

    bench/compare_ddp.py --batch 128,512,2048 --processes 2 --repetitions 5
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import compare
from compare import ROOT, epochs_for, limits, local, numbers, rate_and_memory, run, spread

PEER = ROOT / "bench/peers/ddp_torch.py"
MARKS = ("<!-- ddp: written by bench/compare_ddp.py -->", "<!-- ddp: end -->")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=numbers, default=[512], help="batch sizes, separated by commas")
    parser.add_argument("--processes", type=int, default=2, help="worker processes of one thread each; the peer gets as many")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="about how long the measured part of one run lasts")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch")
    parser.add_argument("--shared-memory", choices=["auto", "off"], default="auto", help="off: gradients and parameters over gRPC")
    parser.add_argument("--no-peer", action="store_true", help="measure DistNet alone")
    parser.add_argument("--no-page", action="store_true", help="print the table, leave docs/performance.md as it is")
    return parser.parse_args()


class Peer:
    """DDP in the fastest environment in which PyTorch's products are right, with the faster of its two AdamWs and bucket sizes."""

    def __init__(self, options):
        self.options = options
        right = compare.right_environments(options.python)
        candidates = [(name, optimizer, bucket) for name in right for optimizer in ("foreach", "single") for bucket in (1, 25)]
        rates = {candidate: [] for candidate in candidates}
        for _ in range(2):
            for name, optimizer, bucket in candidates:
                rates[name, optimizer, bucket].append(self.start(512, 1, right[name], optimizer, bucket)[0])
        self.choice = max(candidates, key=lambda candidate: statistics.median(rates[candidate]))
        self.environment = right[self.choice[0]]

    def start(self, batch, epochs, environment, optimizer, bucket):
        output, memory = run([self.options.python, str(PEER), "--batch", str(batch), "--processes", str(self.options.processes), "--epochs", str(epochs),
                              "--optimizer", optimizer, "--bucket-mib", str(bucket)], environment)
        result = json.loads(output)
        self.version = result["version"]
        return result["samples_per_second"], memory

    def measure(self, batch, epochs):
        return self.start(batch, epochs, self.environment, *self.choice[1:])


def table(options, rows, peer, peaks):
    fma = statistics.median(peak["fma_gflops"] for peak in peaks)
    dotnet = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    told = f"; PyTorch {peer.version} DDP over gloo ({peer.choice[0]}, {peer.choice[1]} AdamW, buckets of {peer.choice[2]} MiB)" if peer else ""
    lines = [
        f"Machine: {compare.machine()}. Limit of one core in the same run: {fma:.0f} GFLOP/s of independent FMAs.",
        f"Versions: .NET SDK {dotnet}{told}; {time.strftime('%Y-%m-%d')}. {options.repetitions} interleaved repetitions; medians, with the smallest and the largest.",
        f"Load of the machine before: {options.load:.2f}. Shared memory: {options.shared_memory}.",
        "",
        f"| batch | one local worker, samples/s | {options.processes} processes | share of {options.processes} × one | PyTorch DDP | ratio to DDP | peak PSS MiB: DistNet, DDP |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for batch, row in rows.items():
        one, many, theirs = (row[side] for side in ("one", "many", "peer"))
        share = statistics.median(many) / (options.processes * statistics.median(one))
        ratio = f"{statistics.median(many) / statistics.median(theirs):.2f}" if theirs else "–"
        memory = ", ".join(f"{statistics.median(values):,.0f}" if values else "–" for values in (row["many_pss"], row["peer_pss"]))
        lines.append(f"| {batch} | {spread(one)} | {spread(many)} | {share:.2f} | {spread(theirs) if theirs else '–'} | {ratio} | {memory} |")
    lines += ["", "```", "bench/compare_ddp.py " + " ".join(sys.argv[1:]), "```"]
    return "\n".join(lines)


def main():
    options = parse()
    options.load = os.getloadavg()[0]
    for project in ("src/Cli", "bench/Kernels"):
        run(["dotnet", "build", "-c", "Release", "-v", "quiet", project])
    peer = None if options.no_peer else Peer(options)
    sides = {
        "one": lambda batch, epochs: rate_and_memory("mlp", batch, epochs, local(1, 1)),
        "many": lambda batch, epochs: rate_and_memory("mlp", batch, epochs, ["--processes", str(options.processes), "--threads", "1", "--shared-memory", options.shared_memory]),
    }
    if peer:
        sides["peer"] = peer.measure
    rows, epochs, peaks = {}, {}, []
    for batch in options.batch:
        rows[batch] = {name + kind: [] for name in ("one", "many", "peer") for kind in ("", "_pss")}
        epochs[batch] = epochs_for(sides["many"](batch, epochs_for(20_000, batch, 1))[0], batch, options.seconds)
    for repetition in range(options.repetitions):
        peaks.append(limits())
        for batch in options.batch:
            for side, measure in list(sides.items())[::1 if repetition % 2 == 0 else -1]:
                rate, memory = measure(batch, epochs[batch])
                rows[batch][side].append(rate)
                rows[batch][side + "_pss"].append(memory)
                print(f"repetition {repetition + 1}, batch {batch}: {side} {rate:,.0f} samples/s, {memory:,.0f} MiB", file=sys.stderr)
    text = table(options, rows, peer, peaks)
    print(text)
    if not options.no_page:
        compare.write(text, *MARKS)


if __name__ == "__main__":
    main()
