"""ReLU over batch norm, with an optional residual: one expression forward, one backward."""

from __future__ import annotations

from ..expressions import Expression, operand, relu
from ..operations import AffineView
from .graph import Activation, Graph
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
        views: tuple[AffineView, ...] = norm.views()
        if isinstance(residual, BatchNorm):
            value, views = value + (operand(3) * operand(4) + operand(5)), (*views, *residual.views())
        elif residual is not None:
            value, views = value + operand(3), (*views, _view(graph, residual))
        self.out = graph.activation(graph.builder.map(norm.shape, relu(value), *views, label=f"{norm.name} rectified"))
        graph.tape.append(self)

    def backward(self) -> None:
        """Passes the gradient on where the output is positive."""
        g = self.graph.gradient(self.out, f"{self.norm.name} output gradient", rectified=True)
        if isinstance(self.residual, BatchNorm):
            self.residual.backward(g)
        elif self.residual is not None:
            self.residual.gradients.append(g.whole())
        self.norm.backward(g)


def _view(graph: Graph, x: Activation) -> AffineView:
    """An activation as a tensor in the graph's layout reads it."""
    return x.tensor.view(graph.order(*x.strides))
