"""The last layer, its loss and its decision."""

from __future__ import annotations

from ..builder import Tensor
from ..expressions import constant, coordinate, equal, exp, operand
from .graph import Graph, Weight
from .pooling import AveragePool


LOGITS = "logits"  # label of the tensor that holds them


class Classifier:
    """``logits[n, j] = features[n] . w[j] + b[j]``, softmax cross-entropy, argmax.

    Args:
        graph: where it is laid down.
        pool: the features.
        name: of the layer.
        classes: how many.
    """

    def __init__(self, graph: Graph, pool: AveragePool, name: str, classes: int = 10) -> None:
        self.graph, self.pool, self.name = graph, pool, name
        self.samples, self.width = pool.features.shape
        self.weight = graph.parameter(Weight(f"{name}.weight", (classes, self.width), fan_in=self.width))
        self.bias = graph.parameter(Weight(f"{name}.bias", (classes,)))
        self.shape = (self.samples, classes)
        a, b = pool.features.view((self.width, 0), (1,)), self.weight.view((0, self.width), (1,))
        products = graph.builder.dot(self.shape, (self.width,), a, b, f"{name} products")
        value = operand(0) + operand(1)
        self.logits = graph.builder.map(self.shape, value, products.whole(), self.bias.across([1], 2), label="logits")
        graph.tape.append(self)

    def _row(self) -> tuple[tuple[int], tuple[int]]:
        """Strides of a reduction over classes."""
        return (self.shape[1],), (1,)

    def correct(self) -> Tensor:
        """Emits the correct-bits: 1 where the greatest logit (the first, on a tie) is the label's."""
        builder, rows = self.graph.builder, (self.samples,)
        choice = builder.argmax(rows, (self.shape[1],), self.logits.view(*self._row()), "choice")
        labels = self.graph.builder.batch[1]
        value = equal(operand(0), operand(1))
        return builder.map(rows, value, choice.whole(), labels.whole(), label="correct")

    def _loss_gradient(self) -> Tensor:
        """(softmax - one-hot) / samples; exponents are taken relative to the greatest logit."""
        builder, rows, classes = self.graph.builder, (self.samples,), self.shape[1]
        greatest = builder.max(rows, (classes,), self.logits.view(*self._row()), "greatest logit")
        views = (self.logits.whole(), greatest.across([0], 2))
        powers = builder.map(self.shape, exp(operand(0) - operand(1)), *views, label="powers")
        total = builder.sum(rows, (classes,), powers.view(*self._row()), "powers total")
        hot = equal(operand(2), coordinate(1))
        value = (operand(0) / operand(1) - hot) / constant(self.samples)
        labels = builder.batch[1].across([0], 2)
        return builder.map(self.shape, value, powers.whole(), total.across([0], 2), labels, label="logits gradient")

    def backward(self) -> None:
        """Emits the loss gradient and those of weight, bias and features."""
        builder, (n, classes), width = self.graph.builder, self.shape, self.width
        d, features = self._loss_gradient(), self.pool.features
        a, b = d.view((1, 0), (classes,)), features.view((0, 1), (width,))
        weight = builder.dot((classes, width), (n,), a, b, f"{self.name}.weight gradient")
        bias = builder.sum((classes,), (n,), d.view((1,), (classes,)), f"{self.name}.bias gradient")
        self.graph.learn(f"{self.name}.weight", weight)
        self.graph.learn(f"{self.name}.bias", bias)
        a, b = d.view((classes, 0), (1,)), self.weight.view((0, 1), (width,))
        self.pool.backward(builder.dot(features.shape, (classes,), a, b, "pool gradient"))
