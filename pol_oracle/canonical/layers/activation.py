"""ReLU over batch norm, with an optional residual: one expression forward, one backward."""

from __future__ import annotations

from ..builder import Tail, Tensor
from ..expressions import Expression, operand, relu
from ..operations import View
from .graph import Activation, Graph
from .normalisation import BatchNorm


class Rectifier:
    """``out = relu(norm [+ residual])``; the residual is an activation or another batch norm (a projection).

    Evaluating, it is the tail of the convolution that the norm normalises.

    Args:
        graph: where it is laid down.
        norm: what is rectified.
        residual: what is added before.
    """

    def __init__(self, graph: Graph, norm: BatchNorm, residual: Activation | BatchNorm | None = None) -> None:
        self.graph, self.norm, self.residual = graph, norm, residual
        self.label = f"{norm.name} rectified"
        self.out = graph.activation(self._training() if graph.training else self._evaluation())
        graph.tape.append(self)

    def _training(self) -> Tensor:
        value: Expression = operand(0) * operand(1) + operand(2)
        views: tuple[View, ...] = (self.norm.centred.whole(), *self.norm.channels())
        if isinstance(self.residual, BatchNorm):
            value = value + (operand(3) * operand(4) + operand(5))
            views = (*views, self.residual.centred.whole(), *self.residual.channels())
        elif self.residual is not None:
            value, views = value + operand(3), (*views, _view(self.graph, self.residual))
        return self.graph.builder.map(self.norm.shape, relu(value), *views, label=self.label)

    def _evaluation(self) -> Tensor:
        value: Expression = operand(0) * operand(1) + operand(2)
        views: tuple[View, ...] = self.norm.channels()
        if isinstance(self.residual, BatchNorm):
            value, views = value + operand(3), (*views, self.residual.plain().whole())
        elif self.residual is not None:
            value, views = value + operand(3), (*views, _view(self.graph, self.residual))
        return self.norm.convolution.emit(self.label, Tail(relu(value), views))

    def backward(self) -> None:
        """Passes the gradient on where the output is positive."""
        g = self.graph.gradient(self.out, f"{self.norm.name} output gradient", rectified=True)
        if isinstance(self.residual, BatchNorm):
            self.residual.backward(g)
        elif self.residual is not None:
            self.residual.gradients.append(g.whole())
        self.norm.backward(g)


def _view(graph: Graph, x: Activation) -> View:
    """An activation as a tensor in the graph's layout reads it."""
    return x.tensor.view(graph.order(*x.strides))
