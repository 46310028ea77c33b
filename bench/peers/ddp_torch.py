"""The ddp workload (bench/jobs/mlp.yaml over processes) in PyTorch: DistributedDataParallel over gloo, one process per worker, at its fastest on a CPU.

Data in memory in each process, normalised once, indexed by a permutation that all processes draw alike; no DataLoader, no .item() in the loop.
The batch is global: each process takes its share of it. Gradients are views of DDP's buckets, buffers are not broadcast.
Speed by DistNet's rule: wall clock of the first process from the end of step 10 to the end of the last step. Prints one line of JSON.
"""
import argparse
import json
import os
import socket
import subprocess
import sys
import time

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
arguments.add_argument("--batch", type=int, default=512, help="of all processes together")
arguments.add_argument("--epochs", type=int, default=5)
arguments.add_argument("--processes", type=int, default=2)
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--optimizer", choices=["foreach", "single"], default="foreach")
arguments.add_argument("--bucket-mib", type=int, default=25, help="DDP's bucket size")
arguments.add_argument("--rank", type=int, help=argparse.SUPPRESS)
arguments.add_argument("--port", type=int, help=argparse.SUPPRESS)
options = arguments.parse_args()

if options.rank is None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = [subprocess.Popen([sys.executable, *sys.argv, "--rank", str(rank), "--port", str(port)]) for rank in range(options.processes)]
    sys.exit(max(child.wait() for child in children))

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = "127.0.0.1", str(options.port)
os.environ["GLOO_SOCKET_IFNAME"] = "lo"

import mlp_workload
import torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

torch.set_num_threads(1)
torch.manual_seed(options.seed)
distributed.init_process_group("gloo", rank=options.rank, world_size=options.processes)

images, labels = mlp_workload.data(options.data)

model = DistributedDataParallel(
    mlp_workload.network(),
    broadcast_buffers=False, gradient_as_bucket_view=True, bucket_cap_mb=options.bucket_mib)
optimizer = mlp_workload.optimizer(model, foreach=options.optimizer == "foreach")

step, samples, start, start_samples = 0, 0, 0.0, 0
for epoch in range(options.epochs):
    order = torch.randperm(len(images))
    for first in range(0, len(images), options.batch):
        batch = order[first:first + options.batch]
        chosen = batch.tensor_split(options.processes)[options.rank]
        loss = functional.cross_entropy(model(images[chosen]), labels[chosen])
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        step += 1
        samples += len(batch)
        if step == 10:
            start, start_samples = time.perf_counter(), samples

elapsed = time.perf_counter() - start
if options.rank == 0:
    print(json.dumps({
        "samples_per_second": (samples - start_samples) / elapsed,
        "steps": step,
        "loss": loss.item(),
        "version": torch.__version__,
    }))
distributed.destroy_process_group()
