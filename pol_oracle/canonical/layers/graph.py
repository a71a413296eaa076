"""The network under construction: weights by name, the tape of layers, and what becomes of every weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Protocol, TypeVar

from ..expressions import Expression, constant, greater, operand, select
from ..operations import AffineView
from ..programs.builder import Builder, Place, Reduction, Tail, Tensor

T = TypeVar("T")

PIXEL_MEAN = 121.0  # of 0..255; about the mean of natural images
PIXEL_SCALE = 1 / 64  # about one over their standard deviation; a power of two, so this product is exact


@dataclass
class Activation:
    """What flows between layers: a tensor seen as [channels, samples, height, width].

    Attributes:
        tensor: the values.
        channels, samples, height, width: extents.
        strides: elements between neighbours along channel, sample, row, column.
        gradients: views of the loss gradient's parts, one per reader, as the tensor's own layout reads them.
        wanted: False for the images, whose gradient nobody needs.
    """

    tensor: Tensor
    channels: int
    samples: int
    height: int
    width: int
    strides: tuple[int, int, int, int]
    wanted: bool = True
    gradients: list[AffineView] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Extents, channel-major."""
        return self.channels, self.samples, self.height, self.width

    def places(self, channel: Place, sample: Place, row: Place, column: Place) -> list[tuple[Place, int, int]]:
        """Source coordinates of a gather from this activation."""
        return list(zip((channel, sample, row, column), self.shape, self.strides, strict=True))


@dataclass(frozen=True)
class Weight:
    """One tensor of a state.

    Attributes:
        name: torchvision's.
        shape: canonical; convolutions are [out, ky, kx, in].
        to_torch: axes permutation from canonical to torch, or None where they agree.
        fan_in: terms that one output sums, for the initial scale; 0 for everything but matrices and kernels.
        start: initial value where fan_in is 0.
    """

    name: str
    shape: tuple[int, ...]
    to_torch: tuple[int, ...] | None = None
    fan_in: int = 0
    start: float = 0.0


@dataclass(frozen=True)
class Geometry:
    """Where a convolution's taps can fall.

    Attributes:
        weight: name of its weight.
        height, width: input pixels.
        kernel: taps along each side.
        stride: input pixels per output pixel.
        padding: zeros around the input.
    """

    weight: str
    height: int
    width: int
    kernel: int
    stride: int
    padding: int

    @property
    def output_height(self) -> int:
        """Rows of the map that comes out."""
        return _outputs(self.height, self.kernel, self.stride, self.padding)

    @property
    def output_width(self) -> int:
        """Columns of the map that comes out."""
        return _outputs(self.width, self.kernel, self.stride, self.padding)

    @property
    def live_rows(self) -> tuple[int, int]:
        """The first and the last row of taps that is not dead."""
        return _ends(live_taps(self.height, self.kernel, self.stride, self.padding))

    @property
    def live_columns(self) -> tuple[int, int]:
        """The first and the last column of taps that is not dead."""
        return _ends(live_taps(self.width, self.kernel, self.stride, self.padding))


def live_taps(extent: int, kernel: int, stride: int, padding: int) -> list[int]:
    """Returns the taps along one side that touch the input for at least one output pixel.

    Args:
        extent: input pixels along this side.
        kernel: taps along this side.
        stride: input pixels per output pixel.
        padding: zeros on either end.
    """
    outputs = range(_outputs(extent, kernel, stride, padding))
    return [t for t in range(kernel) if any(0 <= o * stride + t - padding < extent for o in outputs)]


def _outputs(extent: int, kernel: int, stride: int, padding: int) -> int:
    return (extent + 2 * padding - kernel) // stride + 1


def _ends(taps: list[int]) -> tuple[int, int]:
    return taps[0], taps[-1]


class Layer(Protocol):
    """What stands on the tape."""

    def backward(self) -> None:
        """Emits the gradients of everything the layer read."""


@dataclass(frozen=True)
class WeightUpdate:
    """A weight's new value: an expression of what was learned (operand 0) and of the old value (operand 1)."""

    expression: Expression
    learned: Tensor | Reduction


class Graph:
    """A network being laid down by its architecture.

    Args:
        weights: the state's tensors in order, or None to collect them (a dry run).
        samples: images in the batch.
        training: batch statistics, which move the running ones, and a tape for the backward pass.
        learning_rate: of SGD, rounded to binary32.
    """

    def __init__(
        self,
        weights: Sequence[Weight] | None,
        samples: int,
        *,
        training: bool = False,
        learning_rate: float = 0.0,
    ) -> None:
        batch = [(samples, 32, 32, 3), (samples,)]
        self.builder = Builder([w.shape for w in weights or ()], batch)
        self.training, self.learning_rate = training, learning_rate
        self.parameters: list[Weight] = []
        self.buffers: list[Weight] = []
        self.geometries: list[Geometry] = []
        self.tape: list[Layer] = []
        self.updates: dict[str, WeightUpdate] = {}
        self._known = {w.name: t for w, t in zip(weights or (), self.builder.state, strict=True)}
        self._weights = tuple(weights or ())
        self._declaring = weights is None

    def parameter(self, weight: Weight) -> Tensor:
        """Declares a learnable tensor and returns it."""
        self.parameters.append(weight)
        return self._lookup(weight)

    def buffer(self, weight: Weight) -> Tensor:
        """Declares a running statistic and returns it."""
        self.buffers.append(weight)
        return self._lookup(weight)

    def _lookup(self, weight: Weight) -> Tensor:
        return Tensor(0, weight.shape) if self._declaring else self._known[weight.name]

    def order(self, channel: T, sample: T, row: T, column: T) -> tuple[T, T, T, T]:
        """The four in the order of this graph's layout.

        Training is channel-major, for batch norm's sums and the gradients of kernels; evaluation, which has neither,
        keeps channels last, as convolutions read them.
        """
        return (channel, sample, row, column) if self.training else (sample, row, column, channel)

    def activation(self, tensor: Tensor) -> Activation:
        """Returns the activation of a tensor in this graph's layout."""
        extents, steps = tensor.shape, tensor.strides
        at = [self.order(0, 1, 2, 3).index(i) for i in range(4)]
        c, n, h, w = (extents[i] for i in at)
        channel, sample, row, column = (steps[i] for i in at)
        return Activation(tensor, c, n, h, w, (channel, sample, row, column))

    def per_channel(self, tensor: Tensor) -> AffineView:
        """The view of one value per channel that repeats it over a tensor in this graph's layout."""
        return tensor.view(self.order(1, 0, 0, 0))

    def images(self) -> Activation:
        """Emits the normalised images, [samples, height, width, channels]."""
        pixels = self.builder.batch[0]
        n, h, w, c = pixels.shape
        value = (operand(0) - constant(PIXEL_MEAN)) * constant(PIXEL_SCALE)
        tensor = self.builder.map(pixels.shape, value, pixels.whole(), label="images")
        return Activation(tensor, c, n, h, w, (1, h * w * c, w * c, c), wanted=False)

    def backward(self) -> None:
        """Emits every layer's backward pass, last layer first."""
        for layer in reversed(self.tape):
            layer.backward()

    def emit_posts(self) -> int:
        """Emits the new state in declaration order: learned weights by their updates, the rest copied.

        A gradient that is used for nothing else is not kept: its weight's new value is the tail of its reduction.

        Returns:
            The number of tensors of the new state.
        """
        for weight in self._weights:
            old, update = self._known[weight.name], self.updates.get(weight.name)
            label = f"{weight.name} new"
            if update is None:
                self.builder.copy(old, label)
            elif isinstance(update.learned, Reduction):
                self.builder.reduce(update.learned, label, Tail(update.expression, (old.whole(),)))
            else:
                self.builder.map(old.shape, update.expression, update.learned.whole(), old.whole(), label=label)
        return len(self._weights)

    def learn(self, name: str, gradient: Tensor | Reduction) -> None:
        """Makes a weight's new value ``w - learning_rate * gradient``."""
        self.updates[name] = WeightUpdate(operand(1) - constant(self.learning_rate) * operand(0), gradient)

    def gradient(self, x: Activation, label: str, *, rectified: bool) -> Tensor:
        """Emits the loss gradient of an activation: the sum of its readers' parts.

        Args:
            x: the activation, whose readers have all done their backward pass.
            label: for people.
            rectified: the activation comes from a ReLU: +0 wherever it is not positive.
        """
        views, shape = tuple(x.gradients), x.tensor.shape
        first = Tensor(views[0].tensor, shape)
        if not rectified and views == (first.whole(),):
            return first
        value = reduce(lambda a, b: a + b, [operand(i) for i in range(len(views))])
        if rectified:
            value = select(greater(operand(len(views)), constant(0.0)), value, constant(0.0))
            views = (*views, x.tensor.whole())
        return self.builder.map(shape, value, *views, label=label)
