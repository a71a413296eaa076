"""A torch twin that treats every S samples of a large batch as a batch of their own, and trains on all of them at once.

One forward and one backward pass over G groups of S samples give

    the gradient of the mean loss, which an optimiser takes as that of any other batch, and
    for each group the gradient of *its* loss at a few weights that the group asks for: its slopes.

Two things make it so: batch norm by groups (group_norm.py), for which samples lie sample-major (sample s of group g is
number s * G + g), and convolutions that tell slopes as the backward pass comes by (live_convolution.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional

from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.trees import list_root
from pol_oracle.protocol.hashing import Tag

from .attempt import Weights
from .cpu_loops import use_threads
from .draws import Integers
from .group_norm import GroupNorm2d
from .live_convolution import LiveConv2d, Wanted
from .recorder import Kind, Recorder
from .torch_models import build_module, exact_float32, has_kernels

if TYPE_CHECKING:
    from .gpu_roots import GpuRoots

Roots = Callable[[Sequence[FloatArray]], list[bytes]]


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

    def first(self, groups: int) -> Slopes:
        """Returns those of the first few groups."""
        return Slopes(self.weight[:groups], self.value[:groups], self.scale[:groups])


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
        self._flat = torch.zeros(model.elements, device=device)  # the canonical state, dead taps included
        self._pairs = list(self._both())
        self._shapes = np.array([_four(weight.shape) for weight in model.parameters])
        for name, convolution in self._convolutions.items():
            convolution.number = self._numbers[name]
        self._recorder = Recorder(self.module, device) if has_kernels(device) else None
        self._roots = _roots_on(device, model)

    def load(self, state: State) -> None:
        """Takes a state's weights over; those of dead taps stay what they are, since they never move."""
        with torch.no_grad():
            self._flat.copy_(torch.from_numpy(state.flat.copy()))
            for theirs, ours in self._pairs:
                ours.copy_(theirs)

    def read(self) -> State:
        """Returns the weights as a state."""
        self._gather()
        return self._held()

    def snapshot(self, roots: Roots) -> Weights | None:
        """Returns the weights as a W to search with; None if one of them is not finite.

        On a GPU they are hashed there, and brought to the host only if a proof is to be made of them.

        Args:
            roots: computes tensors' roots on the host.
        """
        if self._roots is not None:
            found = self._roots.of(self._flat, self._gather)
            return None if found is None else Weights(list_root(Tag.STATE_ROOT, found), self._held)
        self._gather()
        if not bool(torch.isfinite(self._flat).all()):
            return None
        state = self._held()
        state.hash_with(roots)
        return Weights.of(state)

    def _gather(self) -> None:
        with torch.no_grad():
            for theirs, ours in self._pairs:
                theirs.copy_(ours)

    def _held(self) -> State:
        """What was gathered last."""
        return State(self._model, self._flat.cpu().numpy().copy())

    def train(
        self, images: Tensor, labels: Tensor, tensors: Integers, elements: Integers, *, mixed: bool = False
    ) -> tuple[Slopes, Tensor]:
        """One pass that sets the parameters' gradients to those of the mean loss, and moves the running statistics.

        Args:
            images: float32 [S * G, 3, H, W], sample-major; best channels-last.
            labels: int64 [S * G].
            tensors: int64 [G, k], the state's tensor that each group's weight is in; convolutions only.
            elements: int64 [G, k], its flat index there, in canonical layout.
            mixed: multiply in bfloat16 (torch's autocast), and else in float32, which a GPU rounds to TF32; weights,
                sums and batch norm stay float32.

        Returns:
            The groups' slopes, and the mean loss.
        """
        return self._pass(Kind(learn=True, mixed=mixed), images, labels, tensors, elements)

    def look(self, images: Tensor, labels: Tensor, tensors: Integers, elements: Integers) -> Slopes:
        """The groups' slopes in float32 alone; changes nothing. Arguments as for :meth:`train`."""
        return self._pass(Kind(learn=False, mixed=False), images, labels, tensors, elements)[0]

    @property
    def records(self) -> bool:
        """Whether passes are recorded, each kind and shape once: sizes should be few."""
        return self._recorder is not None

    def _pass(
        self, kind: Kind, images: Tensor, labels: Tensor, tensors: Integers, elements: Integers
    ) -> tuple[Slopes, Tensor]:
        given = images, labels, self._asked(tensors, elements)
        if self._recorder is not None:
            loss, answers = self._recorder.replay(kind, self._compute, given)
        else:
            answers = torch.zeros(3, tensors.size, device=self._device)
            loss = self._compute(kind, answers, *given)
        return self._slopes(answers, tensors), loss

    def _compute(self, kind: Kind, answers: Tensor, images: Tensor, labels: Tensor, asked: Tensor) -> Tensor:
        """Forward and backward; returns the mean loss, and leaves what is asked in ``answers``."""
        self._want(answers, asked)
        groups = len(images) // self._samples
        use_threads(torch.get_num_threads())
        for norm in self._norms:
            norm.groups, norm.learn = groups, kind.learn
        for convolution in self._convolutions.values():
            convolution.groups = groups
        with nullcontext() if kind.learn and not self.exact else exact_float32():
            # casts of weights are not kept: none is used twice
            with torch.autocast(self._device.type, torch.bfloat16, enabled=kind.mixed, cache_enabled=False):
                logits = self.module(images)
            loss = functional.cross_entropy(logits.float(), labels)
            if kind.learn:
                self.module.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
            else:
                first = next(iter(self._convolutions.values()))  # the way to it leads past all others
                torch.autograd.grad(loss, first.weight)
        return loss.detach()

    def _slopes(self, answers: Tensor, tensors: Integers) -> Slopes:
        """The mean loss gives each group a G-th of its own gradient."""
        weight, value, scale = answers.view(3, *tensors.shape).cpu().numpy()
        return Slopes(weight, value * np.float32(len(tensors)), scale * np.float32(len(tensors)))

    def _asked(self, tensors: Integers, elements: Integers) -> Tensor:
        """What the groups ask, int64 [G * k, 7] on the device: see :class:`Wanted`."""
        slots, numbers, rest = np.arange(tensors.size), tensors.reshape(-1), elements.reshape(-1)
        columns = []
        for axis in (3, 2, 1):
            rest, place = np.divmod(rest, self._shapes[numbers, axis])
            columns.append(place)
        columns += [rest, slots // tensors.shape[1], slots]
        return torch.from_numpy(np.stack((*columns[::-1], numbers), axis=1)).to(self._device)

    def _want(self, answers: Tensor, asked: Tensor) -> None:
        """Tells every convolution what it is asked: a kernel of ours finds what concerns it, others get that alone."""
        numbers = asked[:, 6]
        for convolution in self._convolutions.values():
            own = asked if has_kernels(self._device) else asked[numbers == convolution.number]
            convolution.wanted = Wanted(answers, own) if len(own) else None

    @property
    def exact(self) -> bool:
        """Whether a pass in float32 is one. On a GPU it is made in TF32, which is many times faster; looks always are
        exact."""
        return self._device.type == "cpu"

    def _both(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every tensor of the canonical state as torch lays it out, a view of ``_flat``, with the one in use here."""
        ours, at = self.module.state_dict(), 0
        for weight in self._model.state:
            size = prod(weight.shape)
            theirs = self._flat[at : at + size].view(weight.shape)
            at += size
            if weight.to_torch is not None:
                theirs = theirs.permute(weight.to_torch)
            if weight.name in self._convolutions:
                theirs = theirs[:, :, *self._convolutions[weight.name].taps]
            yield theirs, ours[weight.name]


def _four(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a kernel; of anything else, which nobody asks about, ones."""
    return shape if len(shape) == 4 else (1, 1, 1, 1)


def _roots_on(device: torch.device, model: Model) -> GpuRoots | None:
    if not has_kernels(device):
        return None
    from .gpu_roots import GpuRoots

    return GpuRoots(model, device)


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
