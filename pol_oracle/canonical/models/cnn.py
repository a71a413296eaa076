"""The devnet's model: small and strided, so that a step takes milliseconds."""

from __future__ import annotations

from ..layers.activation import Rectifier
from ..layers.classifier import Classifier
from ..layers.convolution import Convolution
from ..layers.graph import Graph
from ..layers.normalisation import BatchNorm
from ..layers.pooling import AveragePool

CHANNELS = (16, 32, 64)


def cnn(graph: Graph) -> Classifier:
    """Three 3x3 convolutions of stride 2 with batch norm and ReLU, global average pool, linear."""
    x = graph.images()
    for i, channels in enumerate(CHANNELS, 1):
        norm = BatchNorm(graph, Convolution(graph, x, f"conv{i}", channels, 3, 2, 1), f"bn{i}")
        x = Rectifier(graph, norm).out
    return Classifier(graph, AveragePool(graph, x), "fc")
