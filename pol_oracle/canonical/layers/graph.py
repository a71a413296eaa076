"""The network under construction: weights by name, the tape of layers, and what becomes of every weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..builder import Builder, Place, Tensor
from ..expressions import Expression, constant, operand
from ..operations import View

PIXEL_MEAN = 121.0  # of 0..255; about the mean of natural images
PIXEL_SCALE = 1 / 64  # about one over their standard deviation; a power of two, so this product is exact


@dataclass
class Activation:
    """What flows between layers: a tensor seen as [channels, samples, height, width].

    Attributes:
        tensor: the values.
        channels, samples, height, width: extents.
        strides: elements between neighbours along channel, sample, row, column.
        gradients: views of the loss gradient's parts, one per reader, as outputs [c, n, y, x] read them.
        wanted: False for the images, whose gradient nobody needs.
    """

    tensor: Tensor
    channels: int
    samples: int
    height: int
    width: int
    strides: tuple[int, int, int, int]
    wanted: bool = True
    gradients: list[View] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Extents, channel-major."""
        return self.channels, self.samples, self.height, self.width

    def places(self, channel: Place, sample: Place, row: Place, column: Place) -> list[tuple[Place, int, int]]:
        """Source coordinates of a gather from this activation."""
        return list(zip((channel, sample, row, column), self.shape, self.strides, strict=True))


def channel_major(tensor: Tensor) -> Activation:
    """Returns the activation of a tensor of shape [channels, samples, height, width]."""
    c, n, h, w = tensor.shape
    return Activation(tensor, c, n, h, w, (n * h * w, h * w, w, 1))


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
    """Where a convolution's taps can fall: its weight, input extents, stride and padding."""

    weight: str
    height: int
    width: int
    stride: int
    padding: int


class Layer(Protocol):
    """What stands on the tape."""

    def backward(self) -> None:
        """Emits the gradients of everything the layer read."""


@dataclass(frozen=True)
class Update:
    """A weight's new value: an expression over same-shaped tensors."""

    expression: Expression
    operands: tuple[Tensor, ...]


class Graph:
    """A network being laid down by its architecture.

    Args:
        weights: the state's tensors in order, or None to collect them (a dry run).
        samples: images in the batch.
        training: batch statistics and a tape for the backward pass, instead of running statistics.
        learn_buffers: training moves batch norm's running statistics.
        learning_rate: of SGD, rounded to binary32.
    """

    def __init__(
        self,
        weights: Sequence[Weight] | None,
        samples: int,
        *,
        training: bool = False,
        learn_buffers: bool = False,
        learning_rate: float = 0.0,
    ) -> None:
        batch = [(samples, 32, 32, 3), (samples,)]
        self.builder = Builder([w.shape for w in weights or ()], batch)
        self.training, self.learn_buffers, self.learning_rate = training, learn_buffers, learning_rate
        self.parameters: list[Weight] = []
        self.buffers: list[Weight] = []
        self.geometries: list[Geometry] = []
        self.tape: list[Layer] = []
        self.updates: dict[str, Update] = {}
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
        """Emits the new state in declaration order: gradients by SGD, updates as they are, the rest copied.

        Returns:
            The number of tensors of the new state.
        """
        for weight in self._weights:
            old, update = self._known[weight.name], self.updates.get(weight.name)
            label = f"{weight.name} new"
            if update is None:
                self.builder.copy(old, label)
                continue
            views = [t.whole() for t in (old, *update.operands)]
            self.builder.map(old.shape, update.expression, *views, label=label)
        return len(self._weights)

    def learn(self, name: str, gradient: Tensor) -> None:
        """Makes a weight's new value ``w - learning_rate * gradient``."""
        self.updates[name] = Update(operand(0) - constant(self.learning_rate) * operand(1), (gradient,))
