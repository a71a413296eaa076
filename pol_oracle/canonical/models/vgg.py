"""A small VGG with batch norm (Simonyan and Zisserman, 2015): plain stacks between max pools, no residuals."""

from __future__ import annotations

from ..layers.activation import Rectifier
from ..layers.classifier import Classifier
from ..layers.convolution import Convolution
from ..layers.graph import Graph
from ..layers.normalisation import BatchNorm
from ..layers.pooling import AveragePool, MaxPool

STAGES = ((32, 32), (64, 64), (128, 128))  # channels of the convolutions before each pool


def vgg(graph: Graph) -> Classifier:
    """Six 3x3 convolutions, three 2x2 max pools, global average pool, linear; named like torchvision's VGG."""
    x, number = graph.images(), 0
    for stage in STAGES:
        for channels in stage:
            convolution = Convolution(graph, x, f"features.{number}", channels, 3, 1, 1)
            x = Rectifier(graph, BatchNorm(graph, convolution, f"features.{number + 1}")).out
            number += 3
        x = MaxPool(graph, x, f"features.{number}", kernel=2, stride=2, padding=0).out
        number += 1
    return Classifier(graph, AveragePool(graph, x), "classifier")
