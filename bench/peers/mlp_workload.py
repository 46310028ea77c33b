"""The mlp workload as every peer sees it: Fashion-MNIST in memory, normalised once, and the network. Import it after the thread counts are set in the environment."""
import gzip
import os

import numpy
import torch
from torch import nn


def read_idx(folder, name, header):
    with gzip.open(os.path.join(folder, name)) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=header)


def data(folder):
    """Images [60000, 784], mean 0 and deviation 1 over all pixels, and labels [60000]."""
    images = torch.from_numpy(read_idx(folder, "train-images-idx3-ubyte.gz", 16).reshape(-1, 784).astype(numpy.float32))
    labels = torch.from_numpy(read_idx(folder, "train-labels-idx1-ubyte.gz", 8).astype(numpy.int64))
    mean, deviation = images.mean(), images.std(unbiased=False)
    return images.sub_(mean).div_(deviation), labels


def network():
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def optimizer(model, foreach):
    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4, foreach=foreach)
