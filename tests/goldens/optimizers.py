"""Writes tests/Core/Goldens/optimizers.json: what PyTorch's optimizers, clipping and schedulers compute.

    /usr/bin/python3 tests/goldens/optimizers.py          (Debian's python3-torch)

Gradients come from an integer generator that the test repeats exactly, so that only results are stored.
"""
import json
import pathlib

import torch

WEIGHT, BIAS = (5, 7), (6,)
STEPS = 100
KEPT_STEPS = (1, 2, 10, 100)


class Generator:
    """x ← 1664525·x + 1013904223 mod 2^32; values are multiples of 1/1024 in [-1, 1]: exact floats."""

    def __init__(self, seed):
        self.x = seed

    def values(self, shape, scale=1.0):
        out = []
        for _ in range(torch.Size(shape).numel()):
            self.x = (1664525 * self.x + 1013904223) % 2**32
            out.append(((self.x >> 8) % 2049 - 1024) / 1024 * scale)
        return torch.tensor(out, dtype=torch.float32).reshape(shape)


def optimizer_of(job, weight, bias):
    decayed = [weight, bias] if job.get("decayBiases") else [weight]
    rest = [] if job.get("decayBiases") else [bias]
    l2, decay, lr = job.get("l2", 0), job.get("weightDecay", 0), job["learningRate"]
    if job["kind"] == "sgd":
        groups = [{"params": decayed, "weight_decay": 2 * l2}, {"params": rest}]
        return torch.optim.SGD(groups, lr=lr, momentum=job.get("momentum", 0), nesterov=job.get("nesterov", False))
    kind, wd = (torch.optim.Adam, 2 * l2) if job["kind"] == "adam" else (torch.optim.AdamW, decay)
    groups = [{"params": decayed, "weight_decay": wd}, {"params": rest, "weight_decay": 0}]
    betas = (job.get("beta1", 0.9), job.get("beta2", 0.999))
    return kind(groups, lr=lr, betas=betas, eps=job.get("epsilon", 1e-8))


def average_of(decay, weight, bias):
    """PyTorch's average of the weights, with the warm-up of TensorFlow's."""
    def step(average, value, updates):
        return average + (1 - min(decay, (1 + float(updates)) / (10 + float(updates)))) * (value - average)
    return torch.optim.swa_utils.AveragedModel(torch.nn.ParameterList([weight, bias]), avg_fn=step)


def run(name, **job):
    weight = Generator(1).values(WEIGHT).requires_grad_()
    bias = Generator(2).values(BIAS).requires_grad_()
    optimizer = optimizer_of(job, weight, bias)
    average = average_of(job["emaDecay"], weight, bias) if "emaDecay" in job else None
    gradients = Generator(3)
    kept, norms = {}, {}
    for step in range(1, STEPS + 1):
        # Magnitudes from 1/4 to 2, so that clipping acts on some steps only.
        scale = 2.0 ** (step % 4 - 2)
        weight.grad, bias.grad = gradients.values(WEIGHT, scale), gradients.values(BIAS, scale)
        if "l1" in job:
            weight.grad += job["l1"] * torch.sign(weight.detach())
        if "clipNorm" in job:
            norms[step] = float(torch.nn.utils.clip_grad_norm_([weight, bias], job["clipNorm"]))
        optimizer.step()
        if average:
            average.update_parameters(torch.nn.ParameterList([weight, bias]))
        if step in KEPT_STEPS:
            kept[step] = weight.detach().flatten().tolist() + bias.detach().flatten().tolist()
    slots = {}
    for ours, theirs in (("momentum", "momentum_buffer"), ("firstMoment", "exp_avg"), ("secondMoment", "exp_avg_sq")):
        if optimizer.state[weight].get(theirs) is not None:
            slots[ours] = sum((optimizer.state[p][theirs].flatten().tolist() for p in (weight, bias)), [])
    if average:
        slots["average"] = sum((p.flatten().tolist() for p in average.parameters()), [])
    return {"name": name, "job": job, "parameters": kept, "slots": slots, "norms": {s: norms[s] for s in KEPT_STEPS if s in norms}}


def rates(make, count, validation=None):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.25)
    scheduler = make(optimizer)
    out = []
    for i in range(count):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(validation[i]) if validation else scheduler.step()
    return out


def main():
    lr = torch.optim.lr_scheduler
    losses = [1.0, 0.8, 0.8, 0.9, 0.7, 0.7, 0.71, 0.72, 0.73, 0.69, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]
    golden = {
        "torch": torch.__version__,
        "optimizers": [
            run("sgd", kind="sgd", learningRate=0.05),
            run("sgd, momentum", kind="sgd", learningRate=0.02, momentum=0.9),
            run("sgd, Nesterov", kind="sgd", learningRate=0.02, momentum=0.9, nesterov=True),
            run("sgd, momentum, L2", kind="sgd", learningRate=0.02, momentum=0.8, l2=0.05),
            run("sgd, L2 on biases too", kind="sgd", learningRate=0.02, l2=0.05, decayBiases=True),
            run("sgd, L1", kind="sgd", learningRate=0.02, l1=0.25),
            run("sgd, momentum, clipped", kind="sgd", learningRate=0.02, momentum=0.9, clipNorm=3.0),
            run("adam", kind="adam", learningRate=0.01),
            run("adam, other constants", kind="adam", learningRate=0.003, beta1=0.8, beta2=0.95, epsilon=1e-4),
            run("adam, L2", kind="adam", learningRate=0.01, l2=0.05),
            run("adamw", kind="adamw", learningRate=0.01, weightDecay=0.1),
            run("adamw, decay on biases too", kind="adamw", learningRate=0.01, weightDecay=0.1, decayBiases=True),
            run("adamw, clipped", kind="adamw", learningRate=0.01, weightDecay=0.1, clipNorm=3.0),
            run("sgd, averaged", kind="sgd", learningRate=0.05, emaDecay=0.8),
            run("adamw, averaged", kind="adamw", learningRate=0.01, weightDecay=0.1, emaDecay=0.999),
        ],
        "validationLosses": losses,
        "rates": {
            "step": rates(lambda o: lr.StepLR(o, step_size=3, gamma=0.5), 20),
            "exponential": rates(lambda o: lr.ExponentialLR(o, gamma=0.9), 20),
            "cosine": rates(lambda o: lr.CosineAnnealingLR(o, T_max=60, eta_min=0.025), 60),
            "oneCycle": rates(lambda o: lr.OneCycleLR(o, max_lr=0.25, total_steps=60, pct_start=0.3, anneal_strategy="cos", cycle_momentum=False, div_factor=25, final_div_factor=0.4), 59),
            "plateau": rates(lambda o: lr.ReduceLROnPlateau(o, factor=0.5, patience=2, threshold=0, min_lr=0.03, eps=0), 20, losses),
            "warmup": rates(lambda o: lr.LinearLR(o, start_factor=1 / 9, total_iters=8), 20),
        },
    }
    path = pathlib.Path(__file__).parent.parent / "Core" / "Goldens" / "optimizers.json"
    path.write_text(json.dumps(golden, indent=1) + "\n")


main()
