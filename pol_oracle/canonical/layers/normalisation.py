"""Batch normalisation, folded into what reads it: an output is ``d * a + b`` per channel."""

from __future__ import annotations

from math import prod

from ..expressions import Expression, constant, operand, square_root
from ..operations import AffineView
from ..programs.builder import Tail, Tensor
from .convolution import Convolution
from .graph import Graph, Weight, WeightUpdate

EPSILON = 1e-5
MOMENTUM = 0.1


class BatchNorm:
    """Batch norm of a convolution's output.

    Training: d = y - mean, a = gamma / sqrt(var + eps), b = beta. Evaluation: d = y, a likewise from the running
    variance, b = beta - running_mean * a. The count of batches that torch keeps (num_batches_tracked) is absent: with
    a fixed momentum it enters no arithmetic.

    Args:
        graph: where it is laid down.
        convolution: what it normalises.
        name: of the layer.
    """

    def __init__(self, graph: Graph, convolution: Convolution, name: str) -> None:
        self.graph, self.convolution, self.name = graph, convolution, name
        channels = (convolution.out,)
        self.shape, self.count = convolution.shape, prod(convolution.shape) // convolution.out
        self.gamma = graph.parameter(Weight(f"{name}.weight", channels, start=1.0))
        self.beta = graph.parameter(Weight(f"{name}.bias", channels))
        self.mean = graph.buffer(Weight(f"{name}.running_mean", channels))
        self.variance = graph.buffer(Weight(f"{name}.running_var", channels, start=1.0))
        y = convolution.emit()
        self.values, self.scale, self.shift = self._training(y) if graph.training else (y, *self._evaluation())

    def _channels(self, expression: Expression, *operands: Tensor, label: str) -> Tensor:
        """One value per channel from others."""
        views = [t.whole() for t in operands]
        return self.graph.builder.map(self.gamma.shape, expression, *views, label=f"{self.name} {label}")

    def _evaluation(self) -> tuple[Tensor, Tensor]:
        one, epsilon = constant(1.0), constant(EPSILON)
        inverse = one / square_root(operand(1) + epsilon)
        scale = self._channels(operand(0) * inverse, self.gamma, self.variance, label="scale")
        shift = self._channels(operand(0) - operand(1) * operand(2), self.beta, self.mean, scale, label="shift")
        return scale, shift

    def _training(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        builder, count = self.graph.builder, constant(self.count)
        row = y.view((self.count,), (1,))
        mean = builder.sum(self.gamma.shape, (self.count,), row, f"{self.name} mean", Tail(operand(0) / count))
        difference, per_channel = operand(0) - operand(1), self.graph.per_channel(mean)
        centred = builder.map(y.shape, difference, y.whole(), per_channel, label=f"{self.name} centred")
        row = centred.view((self.count,), (1,))
        squares = builder.dot(self.gamma.shape, (self.count,), row, row, f"{self.name} squares")
        inverse = constant(1.0) / square_root(operand(0) / count + constant(EPSILON))
        self.inverse = self._channels(inverse, squares, label="inverse deviation")
        scale = self._channels(operand(0) * operand(1), self.gamma, self.inverse, label="scale")
        self._track(mean, squares)
        return centred, scale, self.beta

    def _track(self, mean: Tensor, squares: Tensor) -> None:
        """Moves the running statistics as torch does: the variance is the unbiased one."""
        keep, take = constant(1.0 - MOMENTUM), constant(MOMENTUM)
        moved = operand(1) * keep + operand(0) * take
        unbiased = operand(0) / constant(self.count - 1)
        self.graph.updates[f"{self.name}.running_mean"] = WeightUpdate(moved, mean)
        self.graph.updates[f"{self.name}.running_var"] = WeightUpdate(operand(1) * keep + unbiased * take, squares)

    def views(self) -> tuple[AffineView, AffineView, AffineView]:
        """Operands d, a and b of ``d * a + b``."""
        return self.values.whole(), self.graph.per_channel(self.scale), self.graph.per_channel(self.shift)

    def backward(self, g: Tensor) -> None:
        """Emits the gradients of gamma, beta and the convolution, given that of the output.

        dy = a * ((g - mean(g)) - d * inverse**2 * mean(g * d))
        """
        builder = self.graph.builder
        shape, row = self.gamma.shape, g.view((self.count,), (1,))
        total = builder.sum(shape, (self.count,), row, f"{self.name}.bias gradient")
        centred = self.values.view((self.count,), (1,))
        product = builder.dot(shape, (self.count,), row, centred, f"{self.name} products")
        gamma = self._channels(operand(0) * operand(1), product, self.inverse, label="weight gradient")
        self.graph.learn(f"{self.name}.bias", total)
        self.graph.learn(f"{self.name}.weight", gamma)
        count = constant(self.count)
        mean = self._channels(operand(0) / count, total, label="mean gradient")
        slope = self._channels(operand(0) * operand(1) / count, gamma, self.inverse, label="slope")
        value = operand(1) * ((operand(0) - operand(2)) - operand(3) * operand(4))
        scale, mean_view, slope_view = (self.graph.per_channel(t) for t in (self.scale, mean, slope))
        views = (g.whole(), scale, mean_view, self.values.whole(), slope_view)
        self.convolution.backward(builder.map(self.shape, value, *views, label=f"{self.name} input gradient"))
