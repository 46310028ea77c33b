"""The model of examples/digits.yaml in PyTorch, from a cold start. Prints one line of JSON: seconds from --started to the end of the import, of the first step and of all epochs."""
import argparse
import csv
import gzip
import json
import os
import time
from pathlib import Path

arguments = argparse.ArgumentParser(description=__doc__)
arguments.add_argument("--started", type=float, required=True, help="when the process was started, as time.time() tells it")
arguments.add_argument("--epochs", type=int, default=20)
options = arguments.parse_args()
times = {}


def reached(name):
    times.setdefault(name, time.time() - options.started)


# One thread is the fastest for a model as small as this.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
import torch
from torch.nn import functional

reached("import")
torch.set_num_threads(1)
with gzip.open(Path(__file__).parent.parent.parent / "datasets/digits.csv.gz", "rt") as file:
    rows = torch.tensor([[float(cell) for cell in row] for row in csv.reader(file)])
inputs, labels = rows[:, :-1], rows[:, -1].long()
inputs = (inputs - inputs.mean()) / inputs.std()
model = torch.nn.Sequential(
    torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(256, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
training = round(0.8 * len(inputs))
for epoch in range(options.epochs):
    order = torch.randperm(training)
    for first in range(0, training, 64):
        chosen = order[first:first + 64]
        loss = functional.cross_entropy(model(inputs[chosen]), labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        reached("first_step")
reached("done")
print(json.dumps({**times, "version": torch.__version__}))
