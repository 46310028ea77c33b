#!/usr/bin/env python3
"""Compares whole training runs of DistNet with PyTorch on the mlp or the cnn workload, and writes the table into docs/performance.md.

Runs are interleaved (DistNet, PyTorch, DistNet, PyTorch, ...), figures are medians with the smallest and the largest,
and the processor's limit (independent FMAs; a stream copy) is measured in the same run. Standard library only.

    bench/compare.py --batch 32,128,512,2048 --workers 1,2 --threads 1 --repetitions 5
    bench/compare.py --workload cnn --batch 128
"""
import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLI = ROOT / "src/Cli/bin/Release/net10.0/DistNet.Cli.dll"
KERNELS = ROOT / "bench/Kernels/bin/Release/net10.0/DistNet.Kernels.Bench.dll"
JOB = ROOT / "bench/jobs/mlp.yaml"
PEER = ROOT / "bench/peers/torch_run.py"
PAGE = ROOT / "docs/performance.md"
SAMPLES = 60_000

# Multiply-adds of each layer for one sample. All layers have a forward product and a weight gradient, all but the first an input gradient.
LAYERS = {
    "mlp": [784 * 512, 512 * 512, 512 * 10],
    "cnn": [28 * 28 * 32 * 9, 14 * 14 * 64 * 32 * 9, 64 * 7 * 7 * 128, 128 * 10],
}
FLOP = {name: 2 * (2 * sum(layers) + sum(layers[1:])) for name, layers in LAYERS.items()}


def numbers(text):
    return [int(part) for part in text.split(",") if part]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", choices=list(LAYERS), default="mlp")
    parser.add_argument("--batch", type=numbers, default=[512], help="batch sizes, separated by commas")
    parser.add_argument("--workers", type=numbers, default=[1], help="DistNet's workers; the peer gets workers x threads threads")
    parser.add_argument("--threads", type=numbers, default=[1], help="threads of a worker")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4, help="about how long the measured part of one run lasts")
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch")
    parser.add_argument("--no-peer", action="store_true", help="measure DistNet alone")
    parser.add_argument("--no-page", action="store_true", help="print the table, leave docs/performance.md as it is")
    return parser.parse_args()


class Sampler(threading.Thread):
    """The largest proportional set size (PSS) of a process and its children, in MiB, looked at after one second, two, four and so on: a look takes up to
    ten milliseconds from each process, of those that use all processors."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.done = pid, 0.0, threading.Event()

    def run(self):
        pause = 1
        while not self.done.wait(pause):
            self.peak = max(self.peak, sum(self.pss(pid) for pid in self.family(self.pid)))
            pause *= 2

    def family(self, pid):
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            children = []
        return [pid, *itertools.chain.from_iterable(self.family(int(child)) for child in children)]

    @staticmethod
    def pss(pid):
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    return int(line.split()[1]) / 1024
        except OSError:
            pass  # the process has ended, or this is not Linux
        return 0.0


def run(command, environment=None, wants_memory=True):
    """Runs a command; returns its standard output and its peak PSS, 0 where that is not wanted."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
    sampler = Sampler(process.pid)
    if wants_memory:
        sampler.start()
    output, errors = process.communicate()
    if wants_memory:
        sampler.done.set()
        sampler.join()
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{output}\n{errors}")
    return output, sampler.peak


def epochs_for(rate, batch, seconds):
    steps = max(30, rate * seconds / batch)
    return max(1, round(steps * batch / SAMPLES + 0.5))


def distnet_command(workload, batch, epochs, how, out):
    return ["dotnet", str(CLI), "train", str(JOB.with_stem(workload).relative_to(ROOT)), *how,
            "--set", f"training.batch={batch}", "--set", f"training.epochs={epochs}", "--quiet", "--out", out]


def local(workers, threads):
    return ["--workers", str(workers), "--threads", str(threads)]


def distnet(workload, batch, epochs, how, wants_memory=True):
    """The results that a run's run.json tells, and its peak PSS, where it is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        _, memory = run(distnet_command(workload, batch, epochs, how, f"{folder}/run"), wants_memory=wants_memory)
        return json.loads(Path(f"{folder}/run/run.json").read_text())["results"], memory


def rate_and_memory(workload, batch, epochs, how):
    results, memory = distnet(workload, batch, epochs, how)
    return results["samples_per_second"], memory


def find(tree, key):
    """The value of a key, at any depth."""
    if isinstance(tree, dict):
        if key in tree:
            return tree[key]
        tree = list(tree.values())
    if isinstance(tree, list):
        for branch in tree:
            value = find(branch, key)
            if value is not None:
                return value
    return None


def right_environments(python):
    """The environments in which PyTorch's products are right, by name; some builds of OpenBLAS are wrong on some processors."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    environments = {
        "environment as found": dict(os.environ),
        "OPENBLAS_* unset": bare,
        "OPENBLAS_* unset, ATEN_CPU_CAPABILITY=avx512": {**bare, "ATEN_CPU_CAPABILITY": "avx512"},
    }
    if "avx512f" not in Path("/proc/cpuinfo").read_text():
        environments.popitem()
    right = {name: environment for name, environment in environments.items()
             if subprocess.run([python, PEER, "--check-matmul"], env=environment, capture_output=True).returncode == 0}
    if not right:
        sys.exit("PyTorch's products are wrong in every environment tried, or it is not installed (Debian: python3-torch libopenblas0-pthread)")
    return right


class Peer:
    """PyTorch at its fastest: in the fastest environment in which its products are right, with the fastest AdamW and OpenMP threads for each size."""

    def __init__(self, python, workload, sizes):
        self.python, self.workload = python, workload
        right = right_environments(python)
        self.environments = self.fastest({name: lambda name=name: self.measure(128, 1, 100, right[name], ("single", 1, "contiguous", "mkldnn"), steps=60) for name in right})
        self.name = next(iter(self.environments))
        self.environment = right[self.name]
        self.settings = {}
        for batch, threads in sizes:
            images = ([("contiguous", "mkldnn")] if workload == "mlp"
                      else itertools.product(("contiguous", "channels-last"), ("mkldnn", "native")))
            candidates = [(optimizer, elementwise, *image) for (optimizer, elementwise), image
                          in itertools.product(itertools.product(("foreach", "single"), sorted({1, threads})), list(images))]
            steps = 20 + int((20_000 if workload == "mlp" else 2_000) * threads * 2 / batch)
            self.settings[batch, threads] = self.fastest({pair: lambda pair=pair: self.measure(batch, threads, 100, self.environment, pair, steps) for pair in candidates})

    @staticmethod
    def fastest(candidates):
        """Medians of three interleaved runs each, the fastest first."""
        rates = {name: [] for name in candidates}
        for _ in range(3):
            for name, measure in candidates.items():
                rates[name].append(measure()[0])
        return dict(sorted(((name, statistics.median(values)) for name, values in rates.items()), key=lambda pair: -pair[1]))

    def measure(self, batch, threads, epochs, environment=None, setting=None, steps=0):
        optimizer, elementwise, layout, convolutions = setting or next(iter(self.settings[batch, threads]))
        output, memory = run([self.python, str(PEER), "--workload", self.workload, "--layout", layout, "--convolutions", convolutions, "--batch", str(batch),
                              "--threads", str(threads), "--epochs", str(epochs), "--steps", str(steps),
                              "--optimizer", optimizer, "--elementwise-threads", str(elementwise)], environment or self.environment)
        result = json.loads(output)
        self.version = result["version"]
        return result["samples_per_second"], memory

    def choices(self):
        lines = ["The peer's settings, by medians of three short runs each; the fastest was taken.", "",
                 "- Environment (batch 128, one thread): " + "; ".join(f"{name} {rate:,.0f}" for name, rate in self.environments.items()) + "."]
        for (batch, threads), rates in self.settings.items():
            told = "; ".join(f"{optimizer} AdamW{f', {elementwise} OpenMP' if threads > 1 else ''}{f', {layout}, {convolutions}' if self.workload == 'cnn' else ''} {rate:,.0f}"
                             for (optimizer, elementwise, layout, convolutions), rate in rates.items())
            lines.append(f"- Batch {batch}, {threads} {'thread' if threads == 1 else 'threads'}: {told}.")
        return "\n".join(lines)


def limits():
    output, _ = run(["dotnet", str(KERNELS), "peak"])
    return json.loads(output)


def spread(values):
    return f"{statistics.median(values):,.0f} ({min(values):,.0f}–{max(values):,.0f})"


def machine():
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.processor())
    family = {key: next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(key)), "?") for key in ("cpu family", "model\t")}
    return f"{model} (family {family['cpu family']}, model {family['model' + chr(9)]}), {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"


def table(options, rows, peer, peaks):
    fma = statistics.median(peak["fma_gflops"] for peak in peaks)
    copy = statistics.median(peak["copy_gigabytes_per_second"] for peak in peaks)
    dotnet = subprocess.run(["dotnet", "--version"], capture_output=True, text=True, cwd=ROOT).stdout.strip()
    lines = [
        f"Machine: {machine()}. Limit of one core in the same run: {fma:.0f} GFLOP/s of independent FMAs "
        f"({min(p['fma_gflops'] for p in peaks):.0f}–{max(p['fma_gflops'] for p in peaks):.0f}), stream copy {copy:.1f} GB/s, vector unit {peaks[0]['vector_unit']}.",
        f"Versions: .NET SDK {dotnet}" + (f"; PyTorch {peer.version}, {peer.name}" if peer else "") + f"; {time.strftime('%Y-%m-%d')}.",
        f"{options.repetitions} interleaved repetitions; medians, with the smallest and the largest. Load of the machine before: {options.load:.2f}.",
        "",
        "| batch | workers × threads | DistNet samples/s | PyTorch samples/s | ratio | share of FMA limit: DistNet, PyTorch | peak PSS MiB: DistNet, PyTorch |",
        "| ---: | :---: | ---: | ---: | ---: | :---: | :---: |",
    ]
    for (batch, workers, threads), row in rows.items():
        ours, theirs = row["distnet"], row["peer"]
        cores = min(workers * threads, os.cpu_count())
        share = lambda values: f"{statistics.median(values) * FLOP[options.workload] / 1e9 / (fma * cores):.2f}" if values else "–"
        ratio = f"{statistics.median(ours) / statistics.median(theirs):.2f}" if theirs else "–"
        memory = ", ".join(f"{statistics.median(values):,.0f}" if values else "–" for values in (row["distnet_pss"], row["peer_pss"]))
        lines.append(f"| {batch} | {workers} × {threads} | {spread(ours)} | {spread(theirs) if theirs else '–'} | {ratio} | {share(ours)}, {share(theirs)} | {memory} |")
    for (batch, workers, threads), row in rows.items():
        base = rows.get((batch, 1, threads))
        if workers > 1 and base:
            lines.append(f"\nBatch {batch}: {workers} workers are {statistics.median(row['distnet']) / statistics.median(base['distnet']):.2f}× one.")
    if peer:
        lines.append("\n" + peer.choices())
    lines += ["", "```", "bench/compare.py " + " ".join(sys.argv[1:]),
              " ".join(distnet_command(options.workload, "BATCH", "EPOCHS", local("WORKERS", "THREADS"), "DIR")).replace(str(ROOT) + "/", ""),
              f"python3 bench/peers/torch_run.py --workload {options.workload}{' --layout L --convolutions C' if options.workload == 'cnn' else ''} --batch BATCH --threads THREADS --epochs EPOCHS --optimizer foreach|single --elementwise-threads N", "```"]
    return "\n".join(lines)


def write(text, begin, end, page=PAGE):
    """Puts a table between its two marks in a page."""
    head, rest = page.read_text().split(begin)
    page.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end)[1]}")


def main():
    options = parse()
    options.load = os.getloadavg()[0]
    for project in ("src/Cli", "bench/Kernels"):
        run(["dotnet", "build", "-c", "Release", "-v", "quiet", project])
    configurations = list(itertools.product(options.batch, options.workers, options.threads))
    sizes = list(dict.fromkeys((batch, workers * threads) for batch, workers, threads in configurations))
    peer = None if options.no_peer else Peer(options.python, options.workload, sizes)
    rows, epochs, peaks = {}, {}, []
    for batch, workers, threads in configurations:
        rows[batch, workers, threads] = {"distnet": [], "peer": [], "distnet_pss": [], "peer_pss": []}
        rate, _ = rate_and_memory(options.workload, batch, epochs_for(20_000, batch, 1), local(workers, threads))
        epochs[batch, workers, threads] = epochs_for(rate, batch, options.seconds)
    for repetition in range(options.repetitions):
        peaks.append(limits())
        for key in configurations:
            batch, workers, threads = key
            pairs = [("distnet", lambda: rate_and_memory(options.workload, batch, epochs[key], local(workers, threads)))]
            if peer:
                pairs.append(("peer", lambda: peer.measure(batch, workers * threads, epochs[key])))
            for side, measure in pairs if repetition % 2 == 0 else reversed(pairs):
                rate, memory = measure()
                rows[key][side].append(rate)
                rows[key][side + "_pss"].append(memory)
                print(f"repetition {repetition + 1}, batch {batch}, {workers} × {threads}: {side} {rate:,.0f} samples/s, {memory:,.0f} MiB", file=sys.stderr)
    text = table(options, rows, peer, peaks)
    print(text)
    if not options.no_page:
        write(text, f"<!-- {options.workload}: written by bench/compare.py -->", f"<!-- {options.workload}: end -->")


if __name__ == "__main__":
    main()
