"""Max pooling and global average pooling."""

from __future__ import annotations

from functools import reduce

from ..builder import Place, Tensor
from ..expressions import constant, coordinate, equal, operand, select
from .graph import Activation, Graph, channel_major


class MaxPool:
    """Max pooling of a rectified activation.

    The input is padded with +0. It comes from a ReLU, so no value is smaller, and a padding that wins a tie against a
    zero keeps a gradient that the ReLU would drop anyway.

    Args:
        graph: where it is laid down.
        x: input, nowhere negative.
        name: of the layer, for labels.
        kernel, stride, padding: as of a convolution.
    """

    def __init__(
        self, graph: Graph, x: Activation, name: str, kernel: int = 3, stride: int = 2, padding: int = 1
    ) -> None:
        self.graph, self.x, self.name = graph, x, name
        self.kernel, self.stride, self.padding = kernel, stride, padding
        high, wide = x.height + 2 * padding, x.width + 2 * padding
        rows, columns = (high - kernel) // stride + 1, (wide - kernel) // stride + 1
        places = x.places(Place({0: 1}), Place({1: 1}), Place({2: 1}, -padding), Place({3: 1}, -padding))
        padded = graph.builder.gather(x.tensor, (x.channels, x.samples, high, wide), places, f"{name} input")
        plane = high * wide
        self.window = padded.view((x.samples * plane, plane, stride * wide, stride), (wide, 1))
        shape = (x.channels, x.samples, rows, columns)
        self.out = channel_major(graph.builder.max(shape, (kernel, kernel), self.window, f"{name} output"))
        graph.tape.append(self)

    def backward(self) -> None:
        """Emits the input's gradient: per input pixel, the sum over the windows that chose it, in descending tap."""
        builder, x, out, k = self.graph.builder, self.x, self.out, self.kernel
        taps = builder.argmax(out.shape, (k, k), self.window, f"{self.name} taps")
        views = out.gradients
        total = reduce(lambda a, b: a + b, [operand(i) for i in range(len(views))])
        dy = builder.map(out.shape, total, *views, label=f"{self.name} output gradient")
        spread_dy, spread_taps = self._spread(dy, "gradients"), self._spread(taps, "chosen taps")
        tap = constant(k * k - 1) - (coordinate(4) * constant(k) + coordinate(5))
        chosen = select(equal(operand(0), tap), operand(1), constant(0.0))
        wide = x.width + k - 1
        plane = (x.height + k - 1) * wide
        strides = (x.samples * plane, plane, wide, 1, wide, 1)
        reads = (spread_taps.view(strides), spread_dy.view(strides))
        shares = builder.map((*x.shape, k, k), chosen, *reads, label=f"{self.name} shares")
        each = shares.view(tuple(s * k * k for s in x.strides), (1,))
        x.gradients.append(builder.sum(x.shape, (k * k,), each, f"{self.name} input gradient").whole())

    def _spread(self, source: Tensor, label: str) -> Tensor:
        """Dilates and pads one value per window to the input's grid."""
        x, k, edge = self.x, self.kernel, self.kernel - 1 - self.padding
        shape = (x.channels, x.samples, x.height + k - 1, x.width + k - 1)
        grid = channel_major(source)
        row, column = Place({2: 1}, -edge, self.stride), Place({3: 1}, -edge, self.stride)
        places = grid.places(Place({0: 1}), Place({1: 1}), row, column)
        return self.graph.builder.gather(source, shape, places, f"{self.name} {label}")


class AveragePool:
    """Global average pooling: ``features[n, c]`` is the mean over all pixels.

    Args:
        graph: where it is laid down.
        x: input, channel-major.
    """

    def __init__(self, graph: Graph, x: Activation) -> None:
        self.graph, self.x, self.area = graph, x, x.height * x.width
        shape = (x.samples, x.channels)
        view = x.tensor.view((x.strides[1], x.strides[0]), (1,))
        total = graph.builder.sum(shape, (self.area,), view, "features total")
        mean = operand(0) / constant(self.area)
        self.features = graph.builder.map(shape, mean, total.whole(), label="features")

    def backward(self, gradient: Tensor) -> None:
        """Spreads the gradient of the features, [samples, channels], evenly over the pixels."""
        share = operand(0) / constant(self.area)
        each = self.graph.builder.map(gradient.shape, share, gradient.whole(), label="features gradient")
        self.x.gradients.append(each.view((1, self.x.channels, 0, 0)))
