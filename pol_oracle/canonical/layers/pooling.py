"""Max pooling and global average pooling."""

from __future__ import annotations

from ..expressions import constant, coordinate, equal, operand, select
from ..programs.builder import Place, Reduction, Tail, Tensor
from .graph import Activation, Graph


class MaxPool:
    """Max pooling of a rectified activation.

    The input is padded with +0. It comes from a ReLU, so no value is smaller, and a padding that wins a tie against a
    zero keeps a gradient that the ReLU would drop anyway.

    Args:
        graph: where it is laid down.
        x: input, nowhere negative.
        name: of the layer, for labels.
        kernel: extent of a window.
        stride: between windows.
        padding: around the input.
    """

    def __init__(
        self, graph: Graph, x: Activation, name: str, kernel: int = 3, stride: int = 2, padding: int = 1
    ) -> None:
        self.graph, self.x, self.name = graph, x, name
        self.kernel, self.stride, self.padding = kernel, stride, padding
        high, wide = x.height + 2 * padding, x.width + 2 * padding
        rows, columns = (high - kernel) // stride + 1, (wide - kernel) // stride + 1
        channel, sample, row, column = (graph.order(0, 1, 2, 3).index(i) for i in range(4))
        places = x.places(
            Place({channel: 1}), Place({sample: 1}), Place({row: 1}, -padding), Place({column: 1}, -padding)
        )
        padded = graph.builder.gather(x.tensor, graph.order(x.channels, x.samples, high, wide), places, f"{name} input")
        steps = graph.activation(padded).strides
        strides = graph.order(steps[0], steps[1], stride * steps[2], stride * steps[3])
        self.window = padded.view(strides, (steps[2], steps[3]))
        shape = graph.order(x.channels, x.samples, rows, columns)
        self.out = graph.activation(graph.builder.max(shape, (kernel, kernel), self.window, f"{name} output"))
        graph.tape.append(self)

    def backward(self) -> None:
        """Emits the input's gradient: per input pixel, the sum over the windows that chose it, in descending tap."""
        builder, x, out, k = self.graph.builder, self.x, self.out.tensor, self.kernel
        taps = builder.argmax(out.shape, (k, k), self.window, f"{self.name} taps")
        dy = self.graph.gradient(self.out, f"{self.name} output gradient", rectified=False)
        spread_dy, spread_taps = self._spread(dy, "gradients"), self._spread(taps, "chosen taps")
        tap = constant(k * k - 1) - (coordinate(0) * constant(k) + coordinate(1))
        chosen = select(equal(operand(0), tap), operand(1), constant(0.0))
        wide = x.width + k - 1  # rows keep the spread grids' width, so that each plane is one run
        plane, run = (x.height + k - 1) * wide, (x.height - 1) * wide + x.width
        strides = (wide, 1, x.samples * plane, plane, 1)
        reads = (spread_taps.view(strides), spread_dy.view(strides))
        shape = (k, k, x.channels, x.samples, run)
        shares = builder.map(shape, chosen, *reads, label=f"{self.name} shares")
        view = shares.view((x.samples * run, run, wide, 1), (x.channels * x.samples * run,))
        total = builder.sum(x.tensor.shape, (k * k,), view, f"{self.name} input gradient")
        x.gradients.append(total.whole())

    def _spread(self, source: Tensor, label: str) -> Tensor:
        """Dilates and pads one value per window to the input's grid."""
        x, k, edge = self.x, self.kernel, self.kernel - 1 - self.padding
        shape = (x.channels, x.samples, x.height + k - 1, x.width + k - 1)
        grid = self.graph.activation(source)
        row, column = Place({2: 1}, -edge, self.stride), Place({3: 1}, -edge, self.stride)
        places = grid.places(Place({0: 1}), Place({1: 1}), row, column)
        return self.graph.builder.gather(source, shape, places, f"{self.name} {label}")


class AveragePool:
    """Global average pooling: ``features[n, c]`` is the mean over all pixels.

    Args:
        graph: where it is laid down.
        x: input.
    """

    def __init__(self, graph: Graph, x: Activation) -> None:
        self.graph, self.x, self.area = graph, x, x.height * x.width
        steps = x.strides
        tensor = x.tensor
        if self.area > 1 and steps[3] != 1:  # a sum reads contiguous pixels
            places = x.places(Place({0: 1}), Place({1: 1}), Place({2: 1}), Place({3: 1}))
            tensor = graph.builder.gather(tensor, x.shape, places, "channel-major pixels")
            steps = (x.samples * self.area, self.area, x.width, 1)
        view, mean = tensor.view((steps[1], steps[0]), (1,)), Tail(operand(0) / constant(self.area))
        self.features = graph.builder.sum((x.samples, x.channels), (self.area,), view, "features", mean)

    def backward(self, gradient: Reduction) -> None:
        """Emits the gradient of the features, [samples, channels], spread evenly over the pixels."""
        share = Tail(operand(0) / constant(self.area))
        each = self.graph.builder.reduce(gradient, "features gradient", share)
        self.x.gradients.append(each.view((1, self.x.channels, 0, 0)))
