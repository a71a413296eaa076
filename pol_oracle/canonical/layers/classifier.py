"""The last layer, its loss and its decision."""

from __future__ import annotations

from ..expressions import constant, coordinate, equal, exp, operand
from ..operations import Kind
from ..programs.builder import Reduction, Tail, Tensor
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
        tail = Tail(operand(0) + operand(1), (self.bias.across([1], 2),))
        self.logits = graph.builder.dot(self.shape, (self.width,), a, b, LOGITS, tail)
        graph.tape.append(self)

    def _row(self) -> tuple[tuple[int], tuple[int]]:
        """Strides of a reduction over classes."""
        return (self.shape[1],), (1,)

    def correct(self) -> Tensor:
        """Emits the correct-bits: 1 where the greatest logit (the first, on a tie) is the label's."""
        builder, rows = self.graph.builder, (self.samples,)
        tail = Tail(equal(operand(0), operand(1)), (builder.batch[1].whole(),))
        return builder.argmax(rows, (self.shape[1],), self.logits.view(*self._row()), "correct", tail)

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
        (n, classes), width = self.shape, self.width
        d, features = self._loss_gradient(), self.pool.features
        views = (d.view((1, 0), (classes,)), features.view((0, 1), (width,)))
        self.graph.learn(f"{self.name}.weight", Reduction(Kind.DOT, (classes, width), (n,), views))
        self.graph.learn(f"{self.name}.bias", Reduction(Kind.SUM, (classes,), (n,), (d.view((1,), (classes,)),)))
        views = (d.view((classes, 0), (1,)), self.weight.view((0, 1), (width,)))
        self.pool.backward(Reduction(Kind.DOT, features.shape, (classes,), views))
