"""The cnn workload as every peer sees it: Fashion-MNIST as images with one channel, and the network. Import it after the thread counts are set in the environment."""
import mlp_workload
from mlp_workload import optimizer  # noqa: F401 (the same for both workloads)
from torch import nn


def data(folder):
    """Images [60000, 1, 28, 28], mean 0 and deviation 1 over all pixels, and labels [60000]."""
    images, labels = mlp_workload.data(folder)
    return images.view(-1, 1, 28, 28), labels


def network():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))
