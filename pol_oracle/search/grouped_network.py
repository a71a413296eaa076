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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional

from pol_oracle.canonical.layers.graph import Geometry
from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State

from .group_norm import GroupNorm2d
from .group_norm_kernels import use_threads
from .torch_models import build_module

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Wanted:
    """The n weights of one convolution that groups ask for, as places in flat tensors.

    Attributes:
        answers: where weight, slope and scale go, float32 [3, G * k].
        slot: int64 [n], the place of each there.
        weight: int64 [n], in the kernel.
        outputs: int64 [n * h * w], pixels of the weight's output channel, of one sample of the group that asks.
        inputs: int64 [n * h * w], the pixels that the tap read for them; any, where it read padding.
        inside: float32 [n * h * w], 0 where it did, else 1.
    """

    answers: Tensor
    slot: Tensor
    weight: Tensor
    outputs: Tensor
    inputs: Tensor
    inside: Tensor


class LiveConv2d(nn.Module):
    """A convolution without its dead taps, which tells the gradient at single weights of single groups."""

    def __init__(self, conv: nn.Conv2d, geometry: Geometry) -> None:
        super().__init__()
        (top, bottom), (left, right) = geometry.live_rows, geometry.live_columns
        self.geometry = geometry
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

    def want(self, answers: Tensor, slots: Integers, group: Integers, place: Sequence[Integers]) -> None:
        """Asks for the slopes of some weights at the next backward pass.

        Args:
            answers: see :class:`Wanted`.
            slots: int64 [n], likewise.
            group: int64 [n], the group that asks.
            place: the weights' out, row, column and channel in the model's kernel, int64 [n] each.
        """
        out, row, column, channel = place
        row, column = row - self.taps[0].start, column - self.taps[1].start
        shape, (outs, channels) = self.geometry, self.weight.shape[:2]
        rows, row_inside = _reach(shape.output_height, self.stride, row - self.padding[2], shape.height)
        columns, column_inside = _reach(shape.output_width, self.stride, column - self.padding[0], shape.width)
        rows = (group[:, None] * shape.height + rows) * (shape.width * channels) + channel[:, None]
        pixels = shape.output_height * shape.output_width
        written = (group * pixels * outs + out)[:, None] + np.arange(0, pixels * outs, outs)
        read = rows[:, :, None] + (columns * channels)[:, None, :]
        inside = row_inside[:, :, None] * column_inside[:, None, :]
        kernel = np.ravel_multi_index((out, row, column, channel), tuple(self.weight.permute(0, 2, 3, 1).shape))
        places = (slots, kernel, written.reshape(-1), read.reshape(-1), inside.reshape(-1))
        self.wanted = Wanted(answers, *(torch.from_numpy(p).to(answers.device) for p in places))

    def _look(self, wanted: Wanted, seen: Tensor, gradient: Tensor) -> None:
        """The backward pass comes by with the gradient at the output: answers what is wanted."""
        samples = len(gradient) // self.groups
        gradient, seen = (t.permute(0, 2, 3, 1).reshape(samples, -1) for t in (gradient, seen))
        written, read = gradient.index_select(1, wanted.outputs), seen.index_select(1, wanted.inputs)
        terms = (written.float() * read * wanted.inside).view(samples, len(wanted.slot), -1)
        weight = self.weight.detach().permute(0, 2, 3, 1).reshape(-1)[wanted.weight]
        scale = torch.linalg.vector_norm(terms, dim=(0, 2))
        wanted.answers.index_copy_(1, wanted.slot, torch.stack((weight, terms.sum((0, 2)), scale)))


def _reach(outputs: int, stride: int, start: Integers, extent: int) -> tuple[Integers, NDArray[np.float32]]:
    """Where taps lie for every output along one axis, [n, outputs], clipped to the image; 0 where that was needed."""
    at = start[:, None] + stride * np.arange(outputs)
    clipped = at.clip(0, extent - 1)
    return clipped, (at == clipped).astype(np.float32)


def _end(extent: int, geometry: Geometry, first: int, last: int) -> int:
    """Padding behind the last pixel with which taps first .. last give as many outputs as the whole kernel: as much as
    before the first one if that gives no more, since torch pads both ends alike without a copy."""
    outputs = (extent + 2 * geometry.padding - geometry.kernel) // geometry.stride + 1
    before, taps = geometry.padding - first, last - first + 1
    if (extent + 2 * before - taps) // geometry.stride + 1 == outputs:
        return before
    return max(0, (outputs - 1) * geometry.stride + taps - extent - before)


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
        twin = build_module(model)
        self._convolutions = _rebuild(twin, model)
        self.module = _rectified(twin).to(device).train()
        self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as the canonical layout
        self._norms = [m for m in self.module.modules() if isinstance(m, GroupNorm2d)]
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
            images: float32 [S * G, 3, H, W], sample-major; best channels-last.
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
        use_threads(torch.get_num_threads())
        for norm in self._norms:
            norm.groups, norm.learn = groups, learn
        for name, convolution in self._convolutions.items():
            convolution.groups, convolution.wanted = groups, None
            self._want(name, answers, tensors, elements)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=mixed):
            logits = self.module(images)
        return functional.cross_entropy(logits.float(), labels), answers

    def _slopes(self, answers: Tensor, tensors: Integers) -> Slopes:
        """The mean loss gives each group a G-th of its own gradient."""
        weight, value, scale = answers.view(3, *tensors.shape).cpu().numpy()
        return Slopes(weight, value * np.float32(len(tensors)), scale * np.float32(len(tensors)))

    def _want(self, name: str, answers: Tensor, tensors: Integers, elements: Integers) -> None:
        slots = np.flatnonzero(tensors == self._numbers[name])
        if len(slots):
            place = np.unravel_index(elements.flat[slots], self._model.parameters[self._numbers[name]].shape)
            self._convolutions[name].want(answers, slots, slots // tensors.shape[1], place)

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


class _Layers(fx.Tracer):
    """Sees a network as a graph of its layers."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, GroupNorm2d | LiveConv2d) or super().is_leaf_module(m, module_qualified_name)


def _rectified(module: nn.Module) -> fx.GraphModule:
    """Lets every batch norm do the ReLU that follows it, if nothing else takes its result."""
    graph = _Layers().trace(module)
    for node in list(graph.nodes):
        norm = _layer(module, node)
        users = list(node.users)
        if isinstance(norm, GroupNorm2d) and len(users) == 1 and _is_relu(module, users[0]):
            norm.rectify = True
            users[0].replace_all_uses_with(node)
            graph.erase_node(users[0])
    return fx.GraphModule(module, graph)


def _layer(module: nn.Module, node: fx.Node) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def _is_relu(module: nn.Module, node: fx.Node) -> bool:
    return node.target is functional.relu or isinstance(_layer(module, node), nn.ReLU)
