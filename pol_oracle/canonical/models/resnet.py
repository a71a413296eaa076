"""ResNet-18 (He et al., 2016) with torchvision's parameter names, and two stems."""

from __future__ import annotations

from ..layers.activation import Rectifier
from ..layers.classifier import Classifier
from ..layers.convolution import Convolution
from ..layers.graph import Activation, Graph
from ..layers.normalisation import BatchNorm
from ..layers.pooling import AveragePool, MaxPool

STAGES = (64, 128, 256, 512)


def resnet18(graph: Graph) -> Classifier:
    """With the usual stem for 32x32 images: 3x3, stride 1, no max pool."""
    norm = BatchNorm(graph, Convolution(graph, graph.images(), "conv1", STAGES[0], 3, 1, 1), "bn1")
    return _body(graph, Rectifier(graph, norm).out)


def resnet18_7x7(graph: Graph) -> Classifier:
    """With torchvision's stem: 7x7, stride 2, max pool of stride 2."""
    norm = BatchNorm(graph, Convolution(graph, graph.images(), "conv1", STAGES[0], 7, 2, 3), "bn1")
    return _body(graph, MaxPool(graph, Rectifier(graph, norm).out, "maxpool").out)


def _body(graph: Graph, x: Activation) -> Classifier:
    for stage, channels in enumerate(STAGES, 1):
        x = _block(graph, x, f"layer{stage}.0", channels, 1 if stage == 1 else 2)
        x = _block(graph, x, f"layer{stage}.1", channels, 1)
    return Classifier(graph, AveragePool(graph, x), "fc")


def _block(graph: Graph, x: Activation, name: str, channels: int, stride: int) -> Activation:
    """torchvision's BasicBlock; a strided one projects its input by a 1x1 convolution."""
    first = BatchNorm(graph, Convolution(graph, x, f"{name}.conv1", channels, 3, stride, 1), f"{name}.bn1")
    y = Rectifier(graph, first).out
    second = BatchNorm(graph, Convolution(graph, y, f"{name}.conv2", channels, 3, 1, 1), f"{name}.bn2")
    residual: Activation | BatchNorm = x
    if stride != 1:
        projection = Convolution(graph, x, f"{name}.downsample.0", channels, 1, stride)
        residual = BatchNorm(graph, projection, f"{name}.downsample.1")
    return Rectifier(graph, second, residual).out
