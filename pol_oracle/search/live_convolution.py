"""A convolution that also tells the gradient at single weights of single groups.

The slope at one weight is a short dot product, over a group's samples and output pixels, of what the tap read and of
the loss gradient at the output; both are at hand when the backward pass comes by.

Weights of dead taps (``layers.graph.live_taps``) never move, so they are left out: of torchvision's ResNet-18 at 32x32
that is 62 % of what would have to be multiplied and updated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from pol_oracle.canonical.layers.graph import Geometry

from .cpu_loops import weight_slopes
from .torch_models import has_kernels


@dataclass(frozen=True)
class Wanted:
    """The n weights that groups ask for: of one convolution, or of all for a kernel that picks its own.

    Attributes:
        answers: where weight, slope and scale go, float32 [3, G * k].
        asked: int64 [n, 7], for each its place there, the group that asks, where it lies in the model's kernel (output
            channel, row, column, input channel), and the number of that kernel's tensor.
    """

    answers: Tensor
    asked: Tensor


class LiveConv2d(nn.Module):
    """A convolution without its dead taps, which tells the gradient at single weights of single groups.

    Attributes:
        taps: the live ones, rows and columns of the whole kernel.
        groups: G, to be set before a pass.
        number: of its weight among the state's tensors.
        wanted: what the next backward pass is to tell.
    """

    def __init__(self, conv: nn.Conv2d, geometry: Geometry) -> None:
        super().__init__()
        (top, bottom), (left, right) = geometry.live_rows, geometry.live_columns
        self.taps = slice(top, bottom + 1), slice(left, right + 1)
        self.weight = nn.Parameter(conv.weight.detach()[:, :, self.taps[0], self.taps[1]].clone())
        self.stride, self._padding, self._first = geometry.stride, geometry.padding, (top, left)
        before = geometry.padding - left, geometry.padding - top
        after = _end(geometry.width, geometry, left, right), _end(geometry.height, geometry, top, bottom)
        self.padding = (before[0], after[0], before[1], after[1])  # as functional.pad takes it
        self.even = before == after
        self.groups, self.number = 1, 0
        self.wanted: Wanted | None = None

    def forward(self, x: Tensor) -> Tensor:
        """[N, in, H, W] -> [N, out, h, w]."""
        if self.even:
            y = functional.conv2d(x, self.weight, stride=self.stride, padding=(self.padding[2], self.padding[0]))
        else:
            y = functional.conv2d(functional.pad(x, self.padding), self.weight, stride=self.stride)
        if self.wanted is not None:
            y.register_hook(partial(self._look, self.wanted, x.detach()))  # type: ignore[no-untyped-call]
        return y

    def _look(self, wanted: Wanted, x: Tensor, gradient: Tensor) -> None:
        """The backward pass comes by with the gradient at the output: answers what is wanted."""
        compiled = x.device.type == "cpu" and x.dtype == gradient.dtype == torch.float32
        look = self._look_in_loops if compiled else self._look_by_places
        if has_kernels(x.device):
            look = self._look_by_kernel
        look(wanted, *(t.detach().permute(0, 2, 3, 1).contiguous() for t in (x, gradient, self.weight)))

    def _look_in_loops(self, wanted: Wanted, x: Tensor, gradient: Tensor, kernel: Tensor) -> None:
        arrays = x.numpy(), gradient.numpy(), kernel.numpy(), wanted.asked.numpy()
        weight_slopes(*arrays, self.groups, self.stride, self._padding, *self._first, wanted.answers.numpy())

    def _look_by_kernel(self, wanted: Wanted, x: Tensor, gradient: Tensor, kernel: Tensor) -> None:
        from .gpu_loops import weight_slopes as look

        place = self.stride, self._padding, self._first
        look(x, gradient, kernel, wanted.asked, self.number, self.groups, *place, wanted.answers)

    def _look_by_places(self, wanted: Wanted, x: Tensor, gradient: Tensor, kernel: Tensor) -> None:
        """The same with torch's operations."""
        asked = wanted.asked.T
        slot, group, out, row, column, channel = asked[:6, :, None, None]
        samples = torch.arange(len(x) // self.groups, device=x.device)[:, None, None, None] * self.groups + group
        rows, columns = (torch.arange(extent, device=x.device) for extent in gradient.shape[1:3])
        y = rows[:, None] * self.stride + row - self._padding
        z = columns * self.stride + column - self._padding
        height, width = x.shape[1:3]
        inside = (y >= 0) & (y < height) & (z >= 0) & (z < width)
        read = x[samples, y.clamp(0, height - 1), z.clamp(0, width - 1), channel]
        terms = read.float() * gradient[samples, rows[:, None], columns, out] * inside
        top, left = self._first
        weight = kernel[out, row - top, column - left, channel].flatten()
        found = torch.stack((weight, terms.sum((0, 2, 3)), torch.linalg.vector_norm(terms, dim=(0, 2, 3))))
        wanted.answers.index_copy_(1, slot.flatten(), found)


def _end(extent: int, geometry: Geometry, first: int, last: int) -> int:
    """Padding behind the last pixel with which taps first .. last give as many outputs as the whole kernel: as much as
    before the first one if that gives no more, since torch pads both ends alike without a copy."""
    outputs = (extent + 2 * geometry.padding - geometry.kernel) // geometry.stride + 1
    before, taps = geometry.padding - first, last - first + 1
    if (extent + 2 * before - taps) // geometry.stride + 1 == outputs:
        return before
    return max(0, (outputs - 1) * geometry.stride + taps - extent - before)
