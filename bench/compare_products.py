#!/usr/bin/env python3
"""The products of Linear layers, small, odd, narrow and large: DistNet's kernels beside PyTorch's, one thread each, in turns, written into docs/performance.md.

    bench/compare_products.py [--repetitions 3] [--python PYTHON] [--no-page]
"""
import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

import compare
from compare import KERNELS, ROOT, right_environments, run

PEER = ROOT / "bench/peers/products_torch.py"
BEGIN, END = "<!-- products: written by bench/compare_products.py -->", "<!-- products: end -->"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--python", default="/usr/bin/python3", help="a Python with torch")
    parser.add_argument("--no-page", action="store_true", help="print the table, leave docs/performance.md as it is")
    return parser.parse_args()


def lines(command, text="", environment=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout.splitlines()


def main():
    options = parse()
    run(["dotnet", "build", "-c", "Release", "-v", "quiet", "bench/Kernels"])
    name, environment = list(right_environments(options.python).items())[-1]
    ours, theirs = {}, {}
    for _ in range(options.repetitions):
        products = lines(["dotnet", str(KERNELS), "products"])
        for own, peer in zip(products, lines([options.python, str(PEER)], "\n".join(products) + "\n", environment)):
            own, peer = json.loads(own), json.loads(peer)
            key = (own["samples"], own["inputs"], own["outputs"], own["product"])
            ours.setdefault(key, []).append((own["seconds"], own["share"]))
            theirs.setdefault(key, []).append(peer["seconds"])
    text = [f"Machine: {compare.machine()}. One thread. PyTorch: {name}. Medians of {options.repetitions} interleaved runs; a small product's time includes the call.", "",
            "| samples × inputs × outputs | product | DistNet, µs | share of FMA limit | PyTorch, µs | ratio |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for key in ours:
        own, share, peer = (statistics.median(values) for values in ([o[0] for o in ours[key]], [o[1] for o in ours[key]], theirs[key]))
        text.append(f"| {key[0]} × {key[1]} × {key[2]} | {key[3]} | {own * 1e6:,.1f} | {share:.2f} | {peer * 1e6:,.1f} | {peer / own:.2f} |")
    text += ["", "```", "bench/compare_products.py", "```"]
    print("\n".join(text))
    if not options.no_page:
        compare.write("\n".join(text), BEGIN, END)


if __name__ == "__main__":
    main()
