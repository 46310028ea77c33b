"""Writes tests/Core/Goldens/norms.json: what PyTorch computes for models with trained normalisations.

    /usr/bin/python3 tests/goldens/norms.py          (Debian's python3-torch)

Everything is computed in double precision from inputs and parameters that are exact floats; losses are sums over samples. Every case trains on three batches without changing
the parameters, so that running statistics move three times. A norm with a weight for each value before the one in question shows its input gradient, value by value.
"""
import json
import pathlib

import torch
from torch import nn

torch.manual_seed(21)
torch.set_default_dtype(torch.float64)
STEPS = 3


def exact(*shape, scale=1.0):
    """Random values that are exact floats and exact in JSON: multiples of 1/1024, none of them 0."""
    values = torch.randint(1, 2049, shape) * torch.where(torch.rand(shape) < 0.5, -1.0, 1.0)
    return values / 1024 * scale


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


CASES = []


def case(name, shape, rows, **modules):
    """A chain of modules, then a regression by mean squared error."""
    chain = nn.Sequential(*modules.values())
    parameters = {f"{node}.{key}": value for node, module in modules.items() for key, value in module.named_parameters()}
    buffers = {f"{node}.{key}": value for node, module in modules.items() for key, value in module.named_buffers() if key != "num_batches_tracked"}
    with torch.no_grad():
        for value in parameters.values():
            value.copy_(exact(*value.shape, scale=0.5))
        for key, value in buffers.items():
            value.copy_(exact(*value.shape).abs() if key.endswith("var") else exact(*value.shape))
    record = {"name": name, "shape": list(shape), "rows": rows, "parameters": {key: flat(value) for key, value in (parameters | buffers).items()}, "steps": []}
    for _ in range(STEPS):
        x, target = exact(rows, *shape, scale=2), exact(rows, 3)
        chain.train()
        chain.zero_grad()
        loss = ((chain(x) - target) ** 2).mean(dim=1).sum()
        loss.backward()
        chain.eval()
        record["steps"].append({
            "inputs": flat(x), "targets": flat(target), "loss": loss.item(), "gradients": {key: flat(value.grad) for key, value in parameters.items()},
            "buffers": {key: flat(value) for key, value in buffers.items()}, "outputs": flat(chain(x)),
        })
    CASES.append(record)


case("batch-norm of features", (5,), 9, fc1=nn.Linear(5, 4, bias=False), bn1=nn.BatchNorm1d(4), fc2=nn.Linear(4, 3))
case("batch-norm first", (5,), 2, bn1=nn.BatchNorm1d(5, eps=0.25, momentum=0.75), fc1=nn.Linear(5, 3))
case("batch-norm without weights", (5,), 4, fc1=nn.Linear(5, 20, bias=False), bn1=nn.BatchNorm1d(20, affine=False, momentum=0.0), fc2=nn.Linear(20, 3))
case("batch-norm of sequences", (3, 5), 3, bn1=nn.BatchNorm1d(3), flatten1=nn.Flatten(), fc1=nn.Linear(15, 3))
case("batch-norm of images", (3, 5, 7), 4, ln1=nn.LayerNorm((3, 5, 7)), bn1=nn.BatchNorm2d(3, momentum=1.0), flatten1=nn.Flatten(), fc1=nn.Linear(105, 3))
case("batch-norm of one image", (2, 4, 4), 1, bn1=nn.BatchNorm2d(2), flatten1=nn.Flatten(), fc1=nn.Linear(32, 3))
case("layer-norm of features", (5,), 7, fc1=nn.Linear(5, 20), ln1=nn.LayerNorm(20, eps=0.125), fc2=nn.Linear(20, 3))
case("layer-norm of sequences", (4, 5), 3, ln1=nn.LayerNorm((4, 5)), ln2=nn.LayerNorm(5), flatten1=nn.Flatten(), fc1=nn.Linear(20, 3))
case("layer-norm of images", (2, 3, 5), 5, ln1=nn.LayerNorm((2, 3, 5)), ln2=nn.LayerNorm((3, 5), elementwise_affine=False), flatten1=nn.Flatten(), fc1=nn.Linear(30, 3))
case("group-norm of images", (6, 3, 7), 4, ln1=nn.LayerNorm((6, 3, 7)), gn1=nn.GroupNorm(3, 6, eps=0.125), flatten1=nn.Flatten(), fc1=nn.Linear(126, 3))
case("group-norm of instances", (3, 4, 5), 2, ln1=nn.LayerNorm((3, 4, 5)), gn1=nn.GroupNorm(3, 3, affine=False), flatten1=nn.Flatten(), fc1=nn.Linear(60, 3))
case("group-norm of features", (5,), 6, fc1=nn.Linear(5, 8), gn1=nn.GroupNorm(2, 8), fc2=nn.Linear(8, 3))
case("group-norm first", (4, 9), 6, gn1=nn.GroupNorm(1, 4), flatten1=nn.Flatten(), fc1=nn.Linear(36, 3))

folder = pathlib.Path(__file__).parent.parent / "Core" / "Goldens"
text = json.dumps({"torch": torch.__version__, "cases": CASES}, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"').replace('{"inputs"', '\n{"inputs"')
(folder / "norms.json").write_text(text + "\n")
