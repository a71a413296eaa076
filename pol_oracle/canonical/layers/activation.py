"""ReLU over batch norm, with an optional residual: one map forward, one backward."""

from __future__ import annotations

from functools import reduce

from ..builder import Tensor
from ..expressions import Expression, constant, greater, operand, relu, select
from ..operations import View
from .graph import Activation, Graph, channel_major
from .normalisation import BatchNorm


class Rectifier:
    """``out = relu(norm [+ residual])``; the residual is an activation or another batch norm (a projection).

    Args:
        graph: where it is laid down.
        norm: what is rectified.
        residual: what is added before.
    """

    def __init__(self, graph: Graph, norm: BatchNorm, residual: Activation | BatchNorm | None = None) -> None:
        self.graph, self.norm, self.residual = graph, norm, residual
        value: Expression = operand(0) * operand(1) + operand(2)
        views: tuple[View, ...] = norm.views()
        if isinstance(residual, BatchNorm):
            value, views = value + (operand(3) * operand(4) + operand(5)), views + residual.views()
        elif residual is not None:
            value, views = value + operand(3), (*views, View(residual.tensor.number, 0, residual.strides))
        self.label = norm.name
        self.out = channel_major(graph.builder.map(norm.shape, relu(value), *views, label=f"{self.label} rectified"))
        graph.tape.append(self)

    def backward(self) -> None:
        """Passes the gradient on where the output is positive."""
        g = masked(self.graph, self.out, f"{self.label} output gradient")
        if isinstance(self.residual, BatchNorm):
            self.residual.backward(g)
        elif self.residual is not None:
            self.residual.gradients.append(g.whole())
        self.norm.backward(g)


def masked(graph: Graph, out: Activation, label: str) -> Tensor:
    """Emits the sum of an activation's gradients where it is positive, +0 elsewhere."""
    parts = [operand(i + 1) for i in range(len(out.gradients))]
    total = reduce(lambda a, b: a + b, parts)
    value = select(greater(operand(0), constant(0.0)), total, constant(0.0))
    return graph.builder.map(out.shape, value, out.tensor.whole(), *out.gradients, label=label)
