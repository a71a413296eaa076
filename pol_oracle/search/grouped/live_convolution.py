"""A convolution that tells which weights of a leaf a step on a group would raise.

The slope at one weight is a dot product, over a group's samples and output pixels, of what the tap read and of the loss
gradient at the output; both are at hand when the backward pass comes by.

Weights of dead taps (``layers.graph.live_taps``) never move, so they are left out: of torchvision's ResNet-18 at 32x32
that is 62 % of what would have to be multiplied.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pol_oracle.canonical.commitments.keccak import Words
from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.layers.graph import Geometry

from ..draws import Integers
from . import winograd
from .cpu_loops import count_rises
from .winograd import Winograd


class LiveConvolution:
    """A convolution without its dead taps.

    Args:
        geometry: where it lies.
        tensor: number of its weight among the state's tensors.
        learning_rate: of the step.
        device: where torch computes.

    Attributes:
        tensor: as given.
    """

    def __init__(self, geometry: Geometry, tensor: int, learning_rate: np.float32, device: torch.device) -> None:
        self.tensor, self._rate, self._device = tensor, learning_rate, device
        (top, bottom), (left, right) = geometry.live_rows, geometry.live_columns
        self._taps = slice(top, bottom + 1), slice(left, right + 1)
        self._stride, self._reach = geometry.stride, geometry.padding
        before = geometry.padding - left, geometry.padding - top
        after = _end(geometry.width, geometry, left, right), _end(geometry.height, geometry, top, bottom)
        even = before == after
        self._pads = None if even else (before[0], after[0], before[1], after[1])  # as functional.pad takes it
        self._padding = (before[1], before[0]) if even else (0, 0)
        self._geometry = geometry
        self._kernel = self._live = torch.empty(0)
        self._fast: Winograd | None = None
        self._fast_back: Winograd | None = None

    def load(self, kernel: FloatArray) -> None:
        """Takes the weights over, [out, rows, columns, in]."""
        self._kernel = torch.from_numpy(kernel.copy()).to(self._device)
        live = self._kernel[:, self._taps[0], self._taps[1]].permute(0, 3, 1, 2)
        self._live = live.contiguous(memory_format=torch.channels_last)
        suits = self._device.type == "cpu" and winograd.suits(self._geometry, self._live)
        self._fast = Winograd(self._live) if suits else None
        self._fast_back = None  # made when it is first wanted: few groups get far down

    def forward(self, x: Tensor, groups: int) -> Tensor:
        """[N, in, H, W] -> [N, out, h, w]."""
        if self._fast is not None and winograd.is_worth_it(x):
            return self._fast.convolve(x)
        if self._pads is not None:
            x = functional.pad(x, self._pads)
        return functional.conv2d(x, self._live, stride=self._stride, padding=self._padding)

    def backward(self, gradient: Tensor, chosen: Tensor, x: Tensor) -> Tensor:
        """Returns the gradient at the input of some groups; arguments as for :meth:`GroupNorm.backward`."""
        if self._fast is not None and winograd.is_worth_it(gradient):
            self._fast_back = self._fast_back or Winograd(self._live.transpose(0, 1).flip(2, 3))
            return self._fast_back.convolve(gradient)
        left, right, top, bottom = self._pads or (0, 0, 0, 0)
        _, channels, height, width = x.shape
        shape = len(gradient), channels, height + top + bottom, width + left + right
        like = torch.empty(shape, device=x.device).to(memory_format=torch.channels_last)
        steps = [self._stride] * 2, list(self._padding), [1, 1], False, [0, 0], 1
        made, _, _ = torch.ops.aten.convolution_backward(gradient, like, self._live, None, *steps, [True, False, False])
        cropped: Tensor = made[:, :, top : top + height, left : left + width]
        return cropped

    def count_rises(
        self, x: Tensor, groups: int, gradient: Tensor, chosen: int, asked: Integers, masks: Words
    ) -> Integers:
        """Tells how many of the masked weights of leaves a step on their group would raise.

        Args:
            x: what the convolution read, of ``groups`` groups.
            groups: G.
            gradient: at its output, of so many chosen ones.
            chosen: A.
            asked: see :func:`cpu_loops.count_rises`.
            masks: see there.
        """
        given = _by_group(x, groups), _by_group(gradient, chosen)
        if x.device.type == "cpu":
            rises = np.empty(len(asked), np.int64)
            arrays = given[0].numpy(), given[1].numpy(), self._kernel.numpy(), asked, masks
            count_rises(*arrays, self._rate, self._stride, self._reach, rises)
            return rises
        from .gpu_loops import count_rises as kernel

        questions = torch.from_numpy(asked).to(x.device), torch.from_numpy(masks.view(np.int64)).to(x.device)
        found = kernel(*given, self._kernel, *questions, float(self._rate), self._stride, self._reach)
        return np.asarray(found.cpu().numpy(), np.int64)


def _by_group(images: Tensor, groups: int) -> Tensor:
    """[G * S, C, H, W] -> [G, S, H, W, C], contiguous: of channels-last a view."""
    rows = images.permute(0, 2, 3, 1).contiguous()
    return rows.view(groups, -1, *rows.shape[1:])


def _end(extent: int, geometry: Geometry, first: int, last: int) -> int:
    """Padding behind the last pixel with which taps first .. last give as many outputs as the whole kernel.

    It is as much as before the first one if that gives no more, since torch pads both ends alike without a copy.
    """
    outputs = (extent + 2 * geometry.padding - geometry.kernel) // geometry.stride + 1
    before, taps = geometry.padding - first, last - first + 1
    if (extent + 2 * before - taps) // geometry.stride + 1 == outputs:
        return before
    return max(0, (outputs - 1) * geometry.stride + taps - extent - before)
