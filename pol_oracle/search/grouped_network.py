"""A torch twin that treats every S samples of a large batch as a batch of their own, and trains on all of them at once.

One forward and one backward pass over G groups of S samples give

    the gradient of the mean loss, which an optimiser takes as that of any other batch, and
    for each group the gradient of *its* loss at a few weights that the group asks for: its slopes.

Two things make it so. Batch norm takes its statistics per group: samples lie sample-major (sample s of group g is
number s * G + g), so that a view shows every group's channels as channels of their own. And the slope at one weight of
a convolution is a short dot product, over the group's samples and output pixels, of what the tap read and of the loss
gradient at the output; both are at hand when the backward pass comes by.

Weights of dead taps (``layers.graph.live_taps``) never move, so they are left out: of torchvision's ResNet-18 at 32x32
that is 62 % of what would have to be multiplied and updated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pol_oracle.canonical.layers.graph import Geometry
from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State

from .torch_models import build_module

Integers = NDArray[np.int64]
BUFFER_MOMENTUM = 0.1  # torch's default: the share of a batch in batch norm's running statistics


@dataclass(frozen=True)
class Wanted:
    """The weights of one convolution that groups ask for.

    Attributes:
        answers: where weight, slope and scale go, float32 [3, G * k].
        slot: the place of each there.
        group: who asks.
        out, row, column, channel: where the weight is in its kernel.
    """

    answers: Tensor
    slot: Tensor
    group: Tensor
    out: Tensor
    row: Tensor
    column: Tensor
    channel: Tensor


class GroupNorm2d(nn.Module):
    """Batch norm whose batch is a group. Takes parameters and buffers over from ordinary batch norm."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)
        self.groups, self.learn = 1, True

    def forward(self, x: Tensor) -> Tensor:
        """[S * G, C, H, W], the same. Moves the running statistics towards the mean of the groups'."""
        n, c, h, w = x.shape
        apart = x.reshape(n // self.groups, self.groups * c, h, w)
        mean, var = x.new_zeros(2, self.groups * c, dtype=torch.float32)
        scale, shift = self.weight.repeat(self.groups), self.bias.repeat(self.groups)
        y = functional.batch_norm(apart, mean, var, scale, shift, True, 1.0, self.eps)
        if self.learn:
            self.running_mean.lerp_(mean.view(self.groups, c).mean(0), BUFFER_MOMENTUM)
            self.running_var.lerp_(var.view(self.groups, c).mean(0), BUFFER_MOMENTUM)
        return y.view(n, c, h, w)


class LiveConv2d(nn.Module):
    """A convolution without its dead taps, which tells the gradient at single weights of single groups."""

    def __init__(self, conv: nn.Conv2d, geometry: Geometry) -> None:
        super().__init__()
        (top, bottom), (left, right) = geometry.live_rows, geometry.live_columns
        self.taps = slice(top, bottom + 1), slice(left, right + 1)
        self.weight = nn.Parameter(conv.weight.detach()[:, :, self.taps[0], self.taps[1]].clone())
        self.stride = geometry.stride
        before = geometry.padding - left, geometry.padding - top
        after = _end(geometry.width, geometry, left, right), _end(geometry.height, geometry, top, bottom)
        self.padding = (before[0], after[0], before[1], after[1])  # as functional.pad takes it
        self.even = before == after
        self.groups = 1
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

    def _look(self, wanted: Wanted, seen: Tensor, gradient: Tensor) -> None:
        """The backward pass comes by with the gradient at the output: answers what is wanted."""
        h, w = gradient.shape[2:]
        at_output = gradient.reshape(-1, self.groups, *gradient.shape[1:])[:, wanted.group, wanted.out]
        channels = seen.reshape(-1, self.groups, *seen.shape[1:])[:, wanted.group, wanted.channel]
        padded = functional.pad(channels, self.padding)
        row, column = wanted.row - self.taps[0].start, wanted.column - self.taps[1].start
        rows = row[:, None] + self.stride * torch.arange(h, device=seen.device)
        columns = column[:, None] + self.stride * torch.arange(w, device=seen.device)
        each = torch.arange(len(rows), device=seen.device)[:, None, None]
        terms = at_output.float() * padded[:, each, rows[:, :, None], columns[:, None, :]]
        wanted.answers[0, wanted.slot] = self.weight.detach()[wanted.out, wanted.channel, row, column]
        wanted.answers[1, wanted.slot] = terms.sum((0, 2, 3))
        wanted.answers[2, wanted.slot] = torch.linalg.vector_norm(terms, dim=(0, 2, 3))


def _end(extent: int, geometry: Geometry, first: int, last: int) -> int:
    """Padding behind the last pixel with which taps first .. last give as many outputs as the whole kernel."""
    outputs = (extent + 2 * geometry.padding - geometry.kernel) // geometry.stride + 1
    needed = (outputs - 1) * geometry.stride + last - first + 1
    return max(0, needed - extent - (geometry.padding - first))


@dataclass(frozen=True)
class Slopes:
    """Gradients of each group's loss at the weights it asks for.

    Attributes:
        weight: float32 [G, k], the weights themselves.
        value: float32 [G, k].
        scale: float32 [G, k], the root of the sum of the squares of the products that were added up. A slope far below
            its scale is what cancellation left, and its sign is worth as much as the products' precision.
    """

    weight: NDArray[np.float32]
    value: NDArray[np.float32]
    scale: NDArray[np.float32]


class GroupedNetwork:
    """One network for passes over groups.

    Args:
        model: the network.
        device: where torch computes.
        samples: S, samples of a group.

    Attributes:
        module: the torch module, in training mode.
    """

    def __init__(self, model: Model, device: torch.device, samples: int) -> None:
        self._model, self._device, self._samples = model, device, samples
        module = build_module(model)
        self._convolutions = _rebuild(module, model)
        self.module = module.to(device).train()
        self._norms = [m for m in module.modules() if isinstance(m, GroupNorm2d)]
        self._numbers = {w.name: i for i, w in enumerate(model.parameters)}

    def load(self, state: State) -> None:
        """Takes a state's weights over."""
        with torch.no_grad():
            for theirs, ours in self._tensors(state.flat.copy()):
                ours.copy_(theirs)

    def read(self, base: State) -> State:
        """Returns the weights as a state; those of dead taps are ``base``'s, since they never move."""
        flat = base.flat.copy()
        with torch.no_grad():
            for theirs, ours in self._tensors(flat):
                theirs.copy_(ours)
        return State(self._model, flat)

    def train(
        self, images: Tensor, labels: Tensor, tensors: Integers, elements: Integers, *, mixed: bool = False
    ) -> tuple[Slopes, Tensor]:
        """One pass that sets the parameters' gradients to those of the mean loss, and moves the running statistics.

        Args:
            images: float32 [S * G, 3, H, W], sample-major.
            labels: int64 [S * G].
            tensors: int64 [G, k], the state's tensor that each group's weight is in; convolutions only.
            elements: int64 [G, k], its flat index there, in canonical layout.
            mixed: multiply in bfloat16 (torch's autocast); weights, sums and batch norm stay float32.

        Returns:
            The groups' slopes, and the mean loss.
        """
        self.module.zero_grad(set_to_none=True)
        loss, answers = self._forward(images, labels, tensors, elements, learn=True, mixed=mixed)
        loss.backward()  # type: ignore[no-untyped-call]
        return self._slopes(answers, tensors), loss.detach()

    def look(self, images: Tensor, labels: Tensor, tensors: Integers, elements: Integers) -> Slopes:
        """The groups' slopes in float32 alone; changes nothing. Arguments as for :meth:`train`."""
        loss, answers = self._forward(images, labels, tensors, elements, learn=False, mixed=False)
        first = next(iter(self._convolutions.values()))  # the way to it leads past all others
        torch.autograd.grad(loss, first.weight)
        return self._slopes(answers, tensors)

    def _forward(
        self, images: Tensor, labels: Tensor, tensors: Integers, elements: Integers, *, learn: bool, mixed: bool
    ) -> tuple[Tensor, Tensor]:
        answers = torch.zeros(3, tensors.size, device=self._device)
        groups = len(images) // self._samples
        for norm in self._norms:
            norm.groups, norm.learn = groups, learn
        for name, convolution in self._convolutions.items():
            convolution.groups, convolution.wanted = groups, self._wanted(name, answers, tensors, elements)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=mixed):
            logits = self.module(images.contiguous())
        return functional.cross_entropy(logits.float(), labels), answers

    def _slopes(self, answers: Tensor, tensors: Integers) -> Slopes:
        """The mean loss gives each group a G-th of its own gradient."""
        weight, value, scale = answers.view(3, *tensors.shape).cpu().numpy()
        return Slopes(weight, value * np.float32(len(tensors)), scale * np.float32(len(tensors)))

    def _wanted(self, name: str, answers: Tensor, tensors: Integers, elements: Integers) -> Wanted | None:
        slots = np.flatnonzero(tensors == self._numbers[name])
        if not len(slots):
            return None
        place = np.unravel_index(elements.flat[slots], self._model.parameters[self._numbers[name]].shape)
        columns = np.array([slots, slots // tensors.shape[1], *place], np.int64)
        return Wanted(answers, *torch.from_numpy(columns).to(self._device))

    def _tensors(self, flat: NDArray[np.float32]) -> Iterator[tuple[Tensor, Tensor]]:
        """Every tensor of a canonical state as torch lays it out, a view of ``flat``, with the one in use here."""
        ours, at = self.module.state_dict(), 0
        for weight in self._model.state:
            size = prod(weight.shape)
            theirs = torch.from_numpy(flat[at : at + size].reshape(weight.shape))
            at += size
            if weight.to_torch is not None:
                theirs = theirs.permute(weight.to_torch)
            if weight.name in self._convolutions:
                theirs = theirs[:, :, *self._convolutions[weight.name].taps]
            yield theirs, ours[weight.name]


def _rebuild(module: nn.Module, model: Model) -> dict[str, LiveConv2d]:
    """Exchanges the layers of a torch twin; returns its convolutions by the names of their weights."""
    geometries = {g.weight.removesuffix(".weight"): g for g in model.geometries}
    convolutions: dict[str, LiveConv2d] = {}
    for name, layer in list(module.named_modules()):
        parent, _, attribute = name.rpartition(".")
        if isinstance(layer, nn.BatchNorm2d):
            setattr(module.get_submodule(parent), attribute, GroupNorm2d(layer))
        elif isinstance(layer, nn.Conv2d):
            convolutions[f"{name}.weight"] = live = LiveConv2d(layer, geometries[name])
            setattr(module.get_submodule(parent), attribute, live)
    return convolutions
