"""The three products of Linear layers in PyTorch, one thread. Reads lines of JSON with product, samples, inputs and outputs; prints median seconds for each."""
import json
import os
import statistics
import sys
import time

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import torch
from torch.nn import functional

torch.set_num_threads(1)
torch.set_grad_enabled(False)

for line in sys.stdin:
    size = json.loads(line)
    samples, inputs, outputs = size["samples"], size["inputs"], size["outputs"]
    x, w, b, dy = torch.randn(samples, inputs), torch.randn(outputs, inputs), torch.randn(outputs), torch.randn(samples, outputs)
    y, dx, dw = torch.empty(samples, outputs), torch.empty(samples, inputs), torch.empty(outputs, inputs)
    run = {
        "forward": lambda: functional.linear(x, w, b),
        "input gradient": lambda: torch.mm(dy, w, out=dx),
        "weight gradient": lambda: torch.mm(dy.t(), x, out=dw),
    }[size["product"]]
    repeat = max(1, int(1e8 / max(2 * samples * inputs * outputs, 20_000)))
    seconds = []
    for _ in range(17):
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        seconds.append((time.perf_counter() - start) / repeat)
    print(json.dumps({**size, "seconds": statistics.median(seconds[2:])}), flush=True)
