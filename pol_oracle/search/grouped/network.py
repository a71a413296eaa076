"""A network that makes a step's forward and backward pass for many batches of S samples at once: for *groups*.

What is asked is not the gradient but, leaf by leaf, how many weights the step would raise. So nothing is computed that
does not lead to an answer: no gradients of weights, nothing below the lowest convolution that is asked, and nothing for
a group that has given a wrong answer: the backward pass goes on without it. On ResNet-18 with 8 requirements and more,
few groups get past the third convolution.

Samples lie group by group. Layers that mix samples are ours (group_norm.py), and so are those that answer
(live_convolution.py); all others are torch's, taken from its twin of the model, and differentiated by it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn
from torch.nn import functional

from pol_oracle.canonical.commitments.keccak import Words
from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State

from ..draws import Integers
from ..torch_models import build_module, exact_float32, load_state
from .cpu_loops import use_threads
from .group_norm import GroupNorm
from .live_convolution import LiveConvolution

Bits = NDArray[np.bool_]


@dataclass(frozen=True)
class GroupRequirements:
    """Requirements of groups, in any order.

    Attributes:
        group: int64 [n], whose it is.
        tensor: int64 [n], number of the state's tensor; convolutions only.
        leaf: int64 [n], which one of it.
        mask: uint64 [n], the weights that count.
        odd: bool [n], the parity.
    """

    group: Integers
    tensor: Integers
    leaf: Integers
    mask: Words
    odd: Bits


class PassLayer(Protocol):
    """What a step of the pass does."""

    def forward(self, x: Tensor, groups: int, /) -> Tensor:
        """From all groups' inputs to their results."""

    def backward(self, gradient: Tensor, chosen: Tensor, x: Tensor, /) -> Tensor:
        """From the gradient at the results of some groups to that at their input, given the input of all."""


@dataclass(frozen=True)
class _Step:
    """A layer that is ours, or else a function of torch's that treats every sample alone, and what it reads."""

    node: fx.Node
    inputs: tuple[fx.Node, ...]
    layer: PassLayer | None
    function: Callable[..., Tensor]


class GroupedNetwork:
    """One network for passes over groups.

    Args:
        model: the network.
        device: where torch computes.
        samples: S, samples of a group.
        learning_rate: of the step.
    """

    def __init__(self, model: Model, device: torch.device, samples: int, learning_rate: np.float32) -> None:
        self._device, self._samples = device, samples
        self._twin = build_module(model).to(device)
        numbers = {weight.name: number for number, weight in enumerate(model.parameters)}
        self._convolutions = {
            g.weight: LiveConvolution(g, numbers[g.weight], learning_rate, device) for g in model.geometries
        }
        graph = fx.Tracer().trace(self._twin)
        self._input = next(node for node in graph.nodes if node.op == "placeholder")
        rectified = _rectified(self._twin, graph)
        self._steps = [self._step(n, n in rectified) for n in graph.nodes if n.op.startswith("call")]

    def load(self, state: State) -> None:
        """Takes W over."""
        load_state(self._twin, state)
        for name, convolution in self._convolutions.items():
            convolution.load(state[name])

    @torch.no_grad()
    def met(self, images: Tensor, labels: Tensor, asked: GroupRequirements, *, drop: bool = True) -> Bits:
        """Makes a pass and says which requirements the groups' steps meet, bool [n].

        Args:
            images: float32 [G * S, 3, H, W], group by group; best channels-last.
            labels: int64 [G * S].
            asked: the requirements.
            drop: leave a group that does not meet a requirement alone from there on; its others count as not met.
        """
        use_threads(torch.get_num_threads())
        here = torch.cuda.device(self._device) if self._device.type == "cuda" else nullcontext()
        with here, exact_float32():
            groups = len(images) // self._samples
            values = {self._input: images}
            for step in self._steps:
                given = [values[node] for node in step.inputs]
                values[step.node] = step.layer.forward(given[0], groups) if step.layer else step.function(*given)
            logits = values[self._steps[-1].node]
            gradient = (logits.softmax(1) - functional.one_hot(labels, logits.shape[1])) / self._samples
            way = _WayBack(values, groups, self._steps[-1].node, gradient)
            return self._descend(way, asked, drop=drop)

    def _descend(self, way: _WayBack, asked: GroupRequirements, *, drop: bool) -> Bits:
        """The backward pass, as far down and for as many groups as anything is asked."""
        met, waits = np.zeros(len(asked.group), np.bool_), np.ones(len(asked.group), np.bool_)
        for step in reversed(self._steps):
            if isinstance(step.layer, LiveConvolution):
                here = np.flatnonzero(waits & (asked.tensor == step.layer.tensor))
                met[here] = way.answer(step, step.layer, asked, here)
                waits[here] = False
                if drop and not met[here].all():
                    way.drop(asked.group[here[~met[here]]])
                    waits &= np.isin(asked.group, way.alive)
            if not waits.any():
                break
            way.pass_on(step)
        return met

    def _step(self, node: fx.Node, rectify: bool) -> _Step:
        inputs = tuple(node.all_input_nodes)
        inner = _layer(self._twin, node)
        if isinstance(inner, nn.Conv2d):
            return _Step(node, inputs, self._convolutions[f"{node.target}.weight"], inner)
        if isinstance(inner, nn.BatchNorm2d):
            return _Step(node, inputs, GroupNorm(inner, rectify=rectify), inner)

        def function(*given: Tensor) -> Tensor:
            known = dict(zip(inputs, given, strict=True))
            arguments, options = fx.node.map_arg((node.args, node.kwargs), known.__getitem__)
            target = operator.methodcaller(str(node.target), *arguments[1:], **options)
            if node.op == "call_method":
                return cast(Tensor, target(arguments[0]))
            return cast(Tensor, (inner or cast(Callable[..., Tensor], node.target))(*arguments, **options))

        return _Step(node, inputs, None, function)


def _rectified(module: nn.Module, graph: fx.Graph) -> set[fx.Node]:
    """Takes every ReLU that alone follows a batch norm out of the graph; returns those batch norms."""
    found = set[fx.Node]()
    for node in list(graph.nodes):
        users = list(node.users)
        if isinstance(_layer(module, node), nn.BatchNorm2d) and len(users) == 1 and _is_relu(module, users[0]):
            users[0].replace_all_uses_with(node)
            graph.erase_node(users[0])
            found.add(node)
    return found


def _layer(module: nn.Module, node: fx.Node) -> nn.Module | None:
    return module.get_submodule(str(node.target)) if node.op == "call_module" else None


def _is_relu(module: nn.Module, node: fx.Node) -> bool:
    return node.target is functional.relu or isinstance(_layer(module, node), nn.ReLU)


class _WayBack:
    """A backward pass: where its gradients have come to, and for which groups.

    Attributes:
        alive: int64 [A], groups that it is still made for, in order.
    """

    def __init__(self, values: dict[fx.Node, Tensor], groups: int, end: fx.Node, gradient: Tensor) -> None:
        self.alive: Integers = np.arange(groups)
        self._values, self._groups = values, groups
        self._gradients = {end: gradient}

    def answer(self, step: _Step, layer: LiveConvolution, asked: GroupRequirements, here: Integers) -> Bits:
        """Says which of some requirements, all of one convolution and of groups alive, are met."""
        if not len(here):
            return np.zeros(0, np.bool_)
        groups = asked.group[here]
        rows = np.stack((groups, np.searchsorted(self.alive, groups), asked.leaf[here]), axis=1)
        given = self._values[step.inputs[0]], self._groups, self._gradients[step.node], len(self.alive)
        rises = layer.count_rises(*given, rows, asked.mask[here])
        return np.asarray((rises >= 0) & (rises % 2 == asked.odd[here]))

    def drop(self, groups: Integers) -> None:
        """Goes on without some groups."""
        stays = np.flatnonzero(~np.isin(self.alive, groups))
        count, self.alive = len(self.alive), self.alive[stays]
        chosen = torch.from_numpy(stays)
        self._gradients = {node: _some(g, count, chosen.to(g.device)) for node, g in self._gradients.items()}

    def pass_on(self, step: _Step) -> None:
        """Takes the gradients from a step's result to what it read."""
        gradient = self._gradients.pop(step.node)
        given = [self._values[node] for node in step.inputs]
        chosen = torch.from_numpy(self.alive).to(gradient.device)
        if step.layer is None:
            found = _gradients(step.function, [_some(x, self._groups, chosen) for x in given], gradient)
        else:
            found = [step.layer.backward(gradient, chosen, given[0])]
        for node, own in zip(step.inputs, found, strict=True):
            self._gradients[node] = self._gradients[node] + own if node in self._gradients else own


@torch.enable_grad()
def _gradients(function: Callable[..., Tensor], given: Sequence[Tensor], gradient: Tensor) -> Sequence[Tensor]:
    """Gradients at what a function is given; it is computed once more, which is cheap for all that is not ours."""
    leaves = [x.detach().requires_grad_() for x in given]
    return torch.autograd.grad(function(*leaves), leaves, gradient)


def _some(x: Tensor, groups: int, chosen: Tensor) -> Tensor:
    """Some of the groups of a tensor [G * S, ...]; images stay channels-last."""
    if len(chosen) == groups:
        return x
    rows = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
    some = rows.reshape(groups, -1).index_select(0, chosen).view(-1, *rows.shape[1:])
    return some.permute(0, 3, 1, 2) if x.dim() == 4 else some
