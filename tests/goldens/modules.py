"""Writes tests/Core/Goldens/modules.json and losses.json: what PyTorch computes for small models and for the losses.

    /usr/bin/python3 tests/goldens/modules.py          (Debian's python3-torch)

Everything is computed in double precision from inputs and parameters that are exact floats; losses are sums over samples.
No case touches a tie or a kink, where PyTorch and the lecture differ.
"""
import json
import pathlib

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)
ROWS = 7


def exact(*shape, scale=1.0):
    """Random values that are exact floats and exact in JSON: multiples of 1/1024, none of them 0."""
    values = torch.randint(1, 2049, shape) * torch.where(torch.rand(shape) < 0.5, -1.0, 1.0)
    return values / 1024 * scale


def linear(outputs, inputs, bias=True):
    module = nn.Linear(inputs, outputs, bias=bias)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(exact(*parameter.shape, scale=0.5))
    return module


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


CASES = []


def case(name, modules, forward, shape, outputs=3):
    """A regression by mean squared error; gradients of every parameter, so that an fc before the module shows its input gradient."""
    x, target = exact(ROWS, *shape), exact(ROWS, outputs)
    y = forward(x)
    loss = ((y - target) ** 2).mean(dim=1).sum()
    loss.backward()
    parameters = {f"{node}.{key}": value for node, module in modules.items() for key, value in module.named_parameters()}
    CASES.append({
        "name": name, "shape": list(shape), "inputs": flat(x), "targets": flat(target),
        "parameters": {key: flat(value) for key, value in parameters.items()},
        "outputs": flat(y), "loss": loss.item(),
        "gradients": {key: flat(value.grad) for key, value in parameters.items()},
    })


def between(name, module):
    """fc1 → module → fc2."""
    fc1, fc2 = linear(6, 5), linear(3, 6)
    case(name, {"fc1": fc1, "fc2": fc2}, lambda x: fc2(module(fc1(x))), (5,))


fc1 = linear(3, 5)
case("linear", {"fc1": fc1}, fc1, (5,))
bare1, bare2 = linear(4, 5, bias=False), linear(3, 4, bias=False)
case("linear without bias", {"fc1": bare1, "fc2": bare2}, lambda x: bare2(bare1(x)), (5,))
between("relu", F.relu)
between("sigmoid", torch.sigmoid)
between("tanh", torch.tanh)
between("softplus", F.softplus)
between("softmax", lambda x: F.softmax(x, dim=-1))
between("log-softmax", lambda x: F.log_softmax(x, dim=-1))
f1 = linear(3, 12)
case("flatten", {"fc1": f1}, lambda x: f1(torch.flatten(x, 1)), (2, 2, 3))

a, b, c, d = linear(4, 5), linear(4, 5), linear(4, 5), linear(3, 4)
four = {"a": a, "b": b, "c": c, "d": d}
case("add", four, lambda x: d(a(x) + b(x) + c(x)), (5,))
for module in four.values():
    module.zero_grad()
case("max", {"a": a, "b": b, "d": d}, lambda x: d(torch.maximum(a(x), b(x))), (5,))
for module in four.values():
    module.zero_grad()


def fan_out(x):
    h = a(x)
    return d(torch.tanh(h) + torch.sigmoid(h) + h)


case("duplicate", {"a": a, "d": d}, fan_out, (5,))
s1, s2, s3 = linear(5, 5), linear(4, 5), linear(3, 4)
case("shared", {"fc1": s1, "fc2": s2, "fc3": s3}, lambda x: s3(torch.tanh(s2(torch.sigmoid(s1(torch.tanh(s1(x))))))), (5,))

mean, deviation = exact(5), torch.tensor([0.5, 1.5, 0.25, 2.0, 0.75])
n1 = linear(3, 5)
case("normalization by feature", {"fc1": n1}, lambda x: n1((x - mean) / deviation), (5,))
CASES[-1] |= {"mean": flat(mean), "deviation": flat(deviation)}
m1, m2 = linear(5, 5), linear(3, 5)
case("normalization inside", {"fc1": m1, "fc2": m2}, lambda x: m2((m1(x) - mean) / deviation), (5,))
CASES[-1] |= {"mean": flat(mean), "deviation": flat(deviation)}
channel_mean, channel_deviation = exact(2), torch.tensor([0.5, 1.5])
c1 = linear(3, 12)
case("normalization by channel", {"fc1": c1},
     lambda x: c1(torch.flatten((x - channel_mean.view(2, 1, 1)) / channel_deviation.view(2, 1, 1), 1)), (2, 2, 3))
CASES[-1] |= {"mean": flat(channel_mean), "deviation": flat(channel_deviation)}

before, low, high, after = linear(5, 5), linear(4, 5), linear(4, 5), linear(3, 4)


def select(x):
    h = before(x)
    chosen = (h[:, 1] < 0.125).unsqueeze(1)
    return after(torch.where(chosen, torch.tanh(low(h)), torch.sigmoid(high(h))))


case("select", {"before": before, "select.branch0.low": low, "select.branch1.high": high, "after": after}, select, (5,))

LOSSES = []


def loss_case(name, kind, logits, labels=None, targets=None, weights=None, smoothing=0.0):
    logits = logits.clone().requires_grad_()
    if kind == "cross-entropy":
        losses = F.cross_entropy(logits, labels, weight=weights, reduction="none", label_smoothing=smoothing)
        weight = float(len(labels)) if weights is None else weights[labels].sum().item()
    elif kind == "binary-cross-entropy":
        losses = F.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype), reduction="none")
        weight = float(len(labels))
    else:
        losses = F.mse_loss(logits, targets, reduction="none").mean(dim=1)
        weight = float(len(logits))
    losses.sum().backward()
    LOSSES.append({
        "name": name, "kind": kind, "width": logits.shape[1], "logits": flat(logits),
        "labels": [] if labels is None else labels.tolist(), "targets": [] if targets is None else flat(targets),
        "weights": [] if weights is None else flat(weights), "weight": weight,
        "loss": losses.sum().item(), "gradient": flat(logits.grad),
    } | ({"smoothing": smoothing} if smoothing else {}))


classes = torch.tensor([0, 3, 1, 2, 3, 0, 1])
loss_case("cross-entropy", "cross-entropy", exact(ROWS, 4, scale=4), classes)
loss_case("cross-entropy with class weights", "cross-entropy", exact(ROWS, 4, scale=4), classes, weights=torch.tensor([0.5, 2.0, 0.0, 1.25]))
loss_case("cross-entropy of logits of ±1e4", "cross-entropy", exact(ROWS, 4, scale=5000), classes)
many = torch.randint(0, 37, (ROWS,))
loss_case("cross-entropy of 37 classes", "cross-entropy", exact(ROWS, 37, scale=2), many)
binary = torch.tensor([0, 1, 1, 0, 1, 0, 0])
loss_case("binary cross-entropy", "binary-cross-entropy", exact(ROWS, 1, scale=4), binary)
loss_case("binary cross-entropy of logits of ±1e4", "binary-cross-entropy", exact(ROWS, 1, scale=5000), binary)
loss_case("mean squared error", "mean-squared-error", exact(ROWS, 3), targets=exact(ROWS, 3))
loss_case("mean squared error of one output", "mean-squared-error", exact(ROWS, 1), targets=exact(ROWS, 1))


# Each section below has a seed of its own, so that none changes another's numbers.
torch.manual_seed(21)


def image(name, shape, pool, outputs):
    """fc1 → an image → pool → fc2."""
    before, after = linear(shape[0] * shape[1] * shape[2], 5), linear(3, outputs)
    case(name, {"fc1": before, "fc2": after}, lambda x: after(torch.flatten(pool(before(x).reshape(-1, *shape)), 1)), (5,))


image("max-pool2d", (2, 4, 6), nn.MaxPool2d(2), 12)
image("max-pool2d of an odd image", (2, 5, 7), nn.MaxPool2d(2), 12)
image("max-pool2d with stride and padding", (1, 6, 5), nn.MaxPool2d(3, stride=2, padding=1), 9)
image("max-pool2d with dilation", (2, 6, 7), nn.MaxPool2d((2, 3), stride=(1, 3), padding=(1, 0), dilation=(3, 2)), 10)
image("avg-pool2d", (2, 4, 6), nn.AvgPool2d(2), 12)
image("avg-pool2d with stride and padding", (1, 6, 5), nn.AvgPool2d((3, 2), stride=(3, 1), padding=1), 12)
image("avg-pool2d without padding in the count", (1, 6, 5), nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), 30)
image("avg-pool2d of one pixel", (2, 1, 1), nn.AvgPool2d(1), 2)
image("global-average-pool", (3, 4, 5), nn.AdaptiveAvgPool2d(1), 3)

torch.manual_seed(22)


def convolution(name, shape, outputs, kernel, flattened, **options):
    """fc1 → an image → conv1 → fc2."""
    channels = shape[0]
    before, conv, after = linear(shape[0] * shape[1] * shape[2], 5), nn.Conv2d(channels, outputs, kernel, **options), linear(3, flattened)
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.copy_(exact(*parameter.shape, scale=0.5))
    case(name, {"fc1": before, "conv1": conv, "fc2": after}, lambda x: after(torch.flatten(conv(before(x).reshape(-1, *shape)), 1)), (5,))


convolution("conv2d", (2, 5, 6), 3, 3, 90, padding=1)
convolution("conv2d without bias", (2, 5, 6), 3, 3, 36, bias=False)
convolution("conv2d 1×1", (3, 2, 3), 4, 1, 24)
convolution("conv2d 1×1 with stride", (3, 5, 4), 4, 1, 24, stride=2)
convolution("conv2d with stride 3", (2, 7, 8), 3, 3, 27, stride=3, padding=1)
convolution("conv2d with dilation", (2, 7, 6), 3, (3, 2), 63, stride=(1, 2), padding=(2, 1), dilation=(2, 3))
convolution("conv2d with groups", (4, 5, 4), 6, 3, 72, stride=(2, 1), padding=1, groups=2)
convolution("conv2d depthwise", (3, 5, 5), 3, 3, 75, padding=1, groups=3)
convolution("conv2d depthwise with a multiplier", (2, 4, 5), 4, 3, 24, stride=2, padding=1, groups=2)
convolution("conv2d same", (2, 5, 4), 3, (4, 2), 60, padding="same", dilation=(1, 3))
convolution("conv2d of one pixel", (2, 1, 1), 3, 3, 3, padding=1)
convolution("conv2d of the whole image", (2, 4, 3), 3, (4, 3), 3)

torch.manual_seed(23)
between("gelu", F.gelu)
between("silu", F.silu)
between("leaky-relu", lambda x: F.leaky_relu(x, 0.25))
between("columns", lambda x: torch.cat([x[:, 4:6], x[:, 0:4]], dim=1))
m1, m2, m3, m4 = linear(4, 5), linear(4, 5), linear(4, 5), linear(3, 4)
case("multiply", {"a": m1, "b": m2, "c": m3, "d": m4}, lambda x: m4(m1(x) * m2(x) * m3(x)), (5,))
k1, k2, k3 = linear(12, 5), linear(6, 5), linear(3, 18)
case("concat", {"a": k1, "b": k2, "d": k3},
     lambda x: k3(torch.flatten(torch.cat([k1(x).reshape(-1, 4, 3), k2(x).reshape(-1, 2, 3)], dim=1), 1)), (5,))
table, t1 = nn.Embedding(6, 3), linear(3, 8)
with torch.no_grad():
    table.weight.copy_(exact(6, 3))
codes = torch.tensor([[0., 5.], [2., 2.], [3., 0.], [5., 2.], [0., 0.], [4., 4.], [2., 5.]])


def embed(x):
    return t1(torch.cat([torch.flatten(table(codes.long()), 1), x[:, 2:4]], dim=1))


case("embedding", {"place": table, "fc": t1}, embed, (4,))
CASES[-1]["inputs"] = flat(torch.cat([codes, torch.tensor(CASES[-1]["inputs"]).reshape(ROWS, 4)[:, 2:]], dim=1))

loss_case("cross-entropy with label smoothing", "cross-entropy", exact(ROWS, 4, scale=4), classes, smoothing=0.1)
loss_case("cross-entropy with label smoothing and class weights", "cross-entropy", exact(ROWS, 4, scale=4), classes, weights=torch.tensor([0.5, 2.0, 0.0, 1.25]), smoothing=0.25)

torch.manual_seed(24)
convolution("conv2d by Winograd", (17, 3, 5), 16, 3, 240, padding=1)

folder = pathlib.Path(__file__).parent.parent / "Core" / "Goldens"
for name, cases in (("modules", CASES), ("losses", LOSSES)):
    (folder / f"{name}.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
