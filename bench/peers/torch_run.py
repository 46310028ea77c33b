"""A workload (bench/jobs/mlp.yaml, bench/jobs/cnn.yaml) in PyTorch, at its fastest on a CPU.

Data in memory, normalised once, indexed by a permutation; no DataLoader, no .item() in the loop; gradients set to None.
Speed by DistNet's rule: wall clock from the end of step 10 to the end of the last step. Prints one line of JSON.
"""
import argparse
import json
import os
import sys
import time

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--workload", choices=["mlp", "cnn"], default="mlp")
arguments.add_argument("--layout", choices=["contiguous", "channels-last"], default="contiguous", help="how images lie in memory")
arguments.add_argument("--convolutions", choices=["mkldnn", "native"], default="mkldnn", help="oneDNN's kernels, or PyTorch's own")
arguments.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
arguments.add_argument("--batch", type=int, default=512)
arguments.add_argument("--epochs", type=int, default=5)
arguments.add_argument("--steps", type=int, default=0, help="end after so many steps; 0 for whole epochs")
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--elementwise-threads", type=int, help="OpenMP threads for everything but the products; as --threads where not given")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--optimizer", choices=["foreach", "single"], default="foreach")
arguments.add_argument("--check-matmul", action="store_true", help="print the largest relative error of a float32 product against float64, and exit")
options = arguments.parse_args()
elementwise_threads = options.elementwise_threads or options.threads

# Read when the libraries load. OpenBLAS has threads of its own beside OpenMP's; waiting actively, the two sets take the cores from each other
# (measured on two cores, batch 512: 7,000 samples/s with the defaults, 87,000 with passive waiting, 95,000 with one OpenMP thread).
os.environ["OPENBLAS_NUM_THREADS"] = str(options.threads)
os.environ["OMP_NUM_THREADS"] = str(elementwise_threads)
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import cnn_workload
import mlp_workload
import torch
from torch.nn import functional

torch.set_num_threads(elementwise_threads)
torch.manual_seed(options.seed)

if options.check_matmul:
    worst = 0.0
    for rows, inner, columns in ((512, 784, 512), (2048, 512, 512), (512, 512, 784), (128, 512, 10), (33, 65, 129)):
        left, right = torch.randn(rows, inner), torch.randn(inner, columns)
        exact = left.double() @ right.double()
        scale = left.double().abs() @ right.double().abs()
        worst = max(worst, ((left @ right).double() - exact).abs().div(scale).max().item())
    print(json.dumps({"worst": worst}))
    sys.exit(0 if worst < 1e-5 else 1)

workload = {"mlp": mlp_workload, "cnn": cnn_workload}[options.workload]
images, labels = workload.data(options.data)
model = workload.network()
torch.backends.mkldnn.enabled = options.convolutions == "mkldnn"
if options.layout == "channels-last":
    images, model = images.contiguous(memory_format=torch.channels_last), model.to(memory_format=torch.channels_last)

optimizer = workload.optimizer(model, foreach=options.optimizer == "foreach")

step, samples, start, start_samples = 0, 0, 0.0, 0
for epoch in range(options.epochs):
    order = torch.randperm(len(images))
    for first in range(0, len(images), options.batch):
        chosen = order[first:first + options.batch]
        loss = functional.cross_entropy(model(images[chosen]), labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        samples += len(chosen)
        if step == 10:
            start, start_samples = time.perf_counter(), samples
        if step == options.steps:
            break
    if step == options.steps:
        break

elapsed = time.perf_counter() - start
print(json.dumps({
    "samples_per_second": (samples - start_samples) / elapsed,
    "steps": step,
    "loss": loss.item(),
    "version": torch.__version__,
}))
