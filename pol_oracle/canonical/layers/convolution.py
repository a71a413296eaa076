"""Convolution without bias: three dot products over gathered layouts."""

from __future__ import annotations

from ..operations import Kind
from ..programs.builder import Place, Reduction, Tensor
from .graph import Activation, Geometry, Graph, Weight


class Convolution:
    """``y[o, n, oy, ox] = sum over (ky, kx, i) of w[o, ky, kx, i] * x[n, oy * stride + ky - padding, ..., i]``.

    Args:
        graph: where it is laid down.
        x: input.
        name: of the weight, without ``.weight``.
        out: output channels.
        kernel: taps along each side.
        stride: input pixels per output pixel.
        padding: zeros around the input; none for a 1x1 kernel.
    """

    def __init__(
        self, graph: Graph, x: Activation, name: str, out: int, kernel: int, stride: int = 1, padding: int = 0
    ) -> None:
        self.graph, self.x, self.name = graph, x, f"{name}.weight"
        self.kernel, self.stride, self.padding, self.out = kernel, stride, padding, out
        self.rows = (x.height + 2 * padding - kernel) // stride + 1
        self.columns = (x.width + 2 * padding - kernel) // stride + 1
        self.shape = graph.order(out, x.samples, self.rows, self.columns)
        fan_in = kernel * kernel * x.channels
        self.weight = graph.parameter(Weight(self.name, (out, kernel, kernel, x.channels), (0, 3, 1, 2), fan_in))
        self.geometry = Geometry(self.name, x.height, x.width, kernel, stride, padding)
        graph.geometries.append(self.geometry)

    def emit(self) -> Tensor:
        """Emits the output, in the graph's layout. Taps that see only padding are left out of the sums.

        A 1x1 kernel gathers only the pixels it reads, any other the padded input.
        """
        k, s, p, x = self.kernel, self.stride, self.padding, self.x
        n, c, order = x.samples, x.channels, self.graph.order
        step, high, wide = (1, self.rows, self.columns) if k == 1 else (s, x.height + 2 * p, x.width + 2 * p)
        factor = s if k == 1 else 1
        places = x.places(Place({3: 1}), Place({0: 1}), Place({1: factor}, -p), Place({2: factor}, -p))
        padded = self.graph.builder.gather(x.tensor, (n, high, wide, c), places, f"{self.name} input")
        (top, last), (left, right) = self.geometry.live_rows, self.geometry.live_columns
        reduction = (last - top + 1, (right - left + 1) * c)
        kernel = self.weight.view(order(self.weight.strides[0], 0, 0, 0), (k * c, 1), offset=(top * k + left) * c)
        pixels = padded.view(
            order(0, high * wide * c, step * wide * c, step * c), (wide * c, 1), offset=(top * wide + left) * c
        )
        return self.graph.builder.dot(self.shape, reduction, kernel, pixels, f"{self.name} output")

    def backward(self, dy: Tensor) -> None:
        """Emits the gradients of weight and input, given that of the output, [out, samples, rows, columns]."""
        self.graph.learn(self.name, self._weight_gradient(dy))
        if self.x.wanted:
            self.x.gradients.append(self._input_gradient(dy).whole())

    def _weight_gradient(self, dy: Tensor) -> Reduction:
        """Sums over (n, oy, ox).

        The input is gathered channel-major, one copy per kx (stride 1) or per tap, so that every sample is one
        contiguous run.
        """
        x, k, s, p = self.x, self.kernel, self.stride, self.padding
        n, c, area = x.samples, x.channels, self.rows * self.columns
        column = Place({0: 1, 5: s}, -p)
        if s == 1:
            high = self.rows + k - 1
            shape = (k, 1, c, n, high, self.columns)
            row, size = Place({4: 1}, -p), high * self.columns
            out = (0, self.columns, n * c * size, size * n)
        else:
            shape = (k, k, c, n, self.rows, self.columns)
            row, size = Place({1: 1, 4: s}, -p), area
            out = (0, c * n * area, k * c * n * area, n * area)
        taps = self.graph.builder.gather(
            x.tensor, shape, x.places(Place({2: 1}), Place({3: 1}), row, column), f"{self.name} taps"
        )
        views = (dy.view((n * area, 0, 0, 0), (area, 1)), taps.view(out, (size, 1)))
        return Reduction(Kind.DOT, self.weight.shape, (n, area), views)

    def _input_gradient(self, dy: Tensor) -> Tensor:
        """A stride-1 convolution of the dilated, padded dy with the flipped kernel.

        With k running (ky, kx, o), over the taps that are not dead.
        """
        x, k, p, builder = self.x, self.kernel, self.padding, self.graph.builder
        n, c, o, area = x.samples, x.channels, self.out, self.rows * self.columns
        (top, last), (left, right) = self.geometry.live_rows, self.geometry.live_columns
        taps_high, taps_wide = last - top + 1, right - left + 1
        high, wide = x.height + taps_high - 1, x.width + taps_wide - 1
        places = [
            (Place({3: 1}), o, n * area),
            (Place({0: 1}), n, area),
            (Place({1: 1}, p - last, self.stride), self.rows, self.columns),
            (Place({2: 1}, p - right, self.stride), self.columns, 1),
        ]
        spread = builder.gather(dy, (n, high, wide, o), places, f"{self.name} output gradient")
        flip = [(Place({3: 1}), o, k * k * c), (Place({1: -1}, last), k, k * c), (Place({2: -1}, right), k, c)]
        shape = (c, taps_high, taps_wide, o)
        flipped = builder.gather(self.weight, shape, [*flip, (Place({0: 1}), c, 1)], f"{self.name} flipped")
        a = flipped.view((taps_high * taps_wide * o, 0, 0, 0), (taps_wide * o, 1))
        b = spread.view((0, high * wide * o, wide * o, o), (wide * o, 1))
        return builder.dot(x.tensor.shape, (taps_high, taps_wide * o), a, b, f"{self.name} input gradient")
