"""Whether the grouped search sees what Algorithm 1 sees, and hits as often as the difficulty says."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pol_oracle.canonical.state import State
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import Recipe, build_module, load_state, pick_device, set_up_torch, train
from pol_oracle.search.draws import Drawn, seed_rows
from pol_oracle.search.grouped_network import GroupedNetwork
from pol_oracle.search.passes import Groups, Passes
from pol_oracle.search.torch_models import images_to_torch, torch_position
from pol_oracle.task import Workload

from .format import Row
from .search import THREADS, workload

CPU = torch.device("cpu")
GROUPS = 16  # of a pass
BITS = 5
DIRECTION_GROUPS = 2000
LAST_BITS = 2.0**-20  # of a weight: what float32 sums of some thousand products lose amounts to as much
NUDGES = 16
CONFIRMED_BAR = 0.95
MANY = 960  # weights of a group that are looked at, for many independent sets of requirements from one pass
HIT_GROUPS = {"cnn": 64000, "resnet18-7x7": 6400, "resnet18": 1600}
HIT_BITS = (3, 4, 5, 6, 7, 8, 10)
TRAINED_STEPS = {"cnn": 600, "resnet18-7x7": 150, "resnet18": 40}
HIT_TOLERANCE = 0.1


def drawn_nonces(prepared: Workload, first: int, count: int, bits: int) -> Drawn:
    """What nonces demand, with more requirements than a block would have."""
    return Drawn.of(prepared, seed_rows(keccak(b"bench") * 5, range(first, first + count)), bits)


def passes_on(prepared: Workload, state: State, kind: type[GroupedNetwork] = GroupedNetwork) -> Passes:
    """Passes of a network with these weights, where a search would make them."""
    device = pick_device()
    network = kind(prepared.model, device, prepared.task.batch_size)
    network.load(state)
    return Passes(prepared, network, device)


def states(prepared: Workload, name: str) -> dict[str, State]:
    """The weights that a model begins with, and some that training led to."""
    trained = train(prepared, prepared.initial, steps=TRAINED_STEPS[name], seed=1, recipe=Recipe(average=0.9))
    return {"initial": prepared.initial, "trained": trained}


def directions(scratch: Path) -> Iterator[Row]:
    """Directions of 5 weights in 2,000 groups, in one pass for 16 groups and in one canonical step for each.

    Where they differ, the direction is rounding's if it is not firm: see :func:`_firm`.
    """
    set_up_torch(THREADS)
    for name in ("cnn", "vgg", "resnet18-7x7", "resnet18"):
        prepared = workload(name, scratch)
        passes = passes_on(prepared, prepared.initial)
        wrong = rounding = candidates = confirmed = 0
        for first in range(0, DIRECTION_GROUPS, GROUPS):
            drawn = drawn_nonces(prepared, first, GROUPS, BITS)
            groups = passes.groups(drawn)
            slopes = passes.look(groups)
            found = passes.meets(groups, slopes)
            for number in range(GROUPS):
                moved = _canonical_moves(prepared, groups, number)
                differs = np.flatnonzero((moved != np.sign(-slopes.value[number])) & (moved != 0))
                if len(differs):
                    firm = _firm(prepared, groups, number)[differs]
                    wrong += int(firm.sum())
                    rounding += int((~firm).sum())
                if found[number]:
                    candidates += 1
                    confirmed += bool((moved == np.where(groups.up[number], 1, -1)).all())
        yield Row(f"directions.{name}.wrong", wrong, f"of {DIRECTION_GROUPS * BITS}", bar=0)
        yield Row(f"directions.{name}.within_rounding", rounding, f"of {DIRECTION_GROUPS * BITS}")
        share = confirmed / max(1, candidates)
        yield Row(f"directions.{name}.confirmed", share, f"of {candidates}", bar=CONFIRMED_BAR, higher_is_better=True)


def _canonical_moves(prepared: Workload, groups: Groups, number: int) -> NDArray[np.float32]:
    """Which way the canonical step of one group moves each of its weights: -1, 0 or 1."""
    chosen, pre = list(groups.indices[number]), prepared.initial
    post = prepared.stepper.run(pre, prepared.train.images[chosen], prepared.train.labels[chosen]).post
    places = list(zip(*_weights(groups, number), strict=True))
    moves = [np.sign(post.tensors[tensor].flat[at] - pre.tensors[tensor].flat[at]) for tensor, at in places]
    return np.array(moves, np.float32)


def _firm(prepared: Workload, groups: Groups, number: int) -> NDArray[np.bool_]:
    """Which slopes of a group keep their sign, in float64, when the last bits of all weights change, bool [k].

    Others are zero to within rounding: because they are small, or because some ReLU or maximum hangs on the last bits.
    """
    chosen, noise = list(groups.indices[number]), torch.Generator().manual_seed(number)
    images = images_to_torch(prepared.train.images[chosen], CPU).double()
    labels = torch.from_numpy(prepared.train.labels[chosen].astype(np.int64))
    places = [torch_position(prepared.model, int(t), int(e)) for t, e in zip(*_weights(groups, number), strict=True)]
    signs = []
    for _ in range(NUDGES):
        module = build_module(prepared.model).train()
        load_state(module, prepared.initial)
        module = module.double()
        weights = dict(module.named_parameters())
        with torch.no_grad():
            for weight in weights.values():
                weight.mul_(1 + LAST_BITS * (2 * torch.rand(weight.shape, generator=noise).double() - 1))
        loss = functional.cross_entropy(module(images), labels)
        slopes = dict(zip(weights, torch.autograd.grad(loss, list(weights.values())), strict=True))
        signs.append([np.sign(slopes[name][at].item()) for name, at in places])
    return np.asarray(np.abs(np.sum(signs, axis=0)) == NUDGES)


def _weights(groups: Groups, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return groups.tensors[number], groups.elements[number]


def hits(scratch: Path) -> Iterator[Row]:
    """The share of tries that meet b requirements, as a multiple of 2^-b.

    A try costs a group's pass, and 2^10 of them would be needed for one hit at 10 bits. So a pass looks at many weights
    of each group, and every b of them in turn are a set of requirements of their own.
    """
    set_up_torch(THREADS)
    for name in HIT_GROUPS:
        prepared = workload(name, scratch)
        for kind, state in states(prepared, name).items():
            moves = _moves(prepared, state, HIT_GROUPS[name])
            yield Row(f"hits.{name}.{kind}.moved", float(np.abs(moves).mean()), "of weights")
            for bits in HIT_BITS:
                yield _hit_row(f"hits.{name}.{kind}.{bits}_bits", moves, bits)


def _moves(prepared: Workload, state: State, count: int) -> NDArray[np.int8]:
    """For each of the weights of each group: 1 if it moves as required, -1 the other way, 0 if it stays."""
    passes = passes_on(prepared, state)
    parts = []
    for first in range(0, count, GROUPS):
        groups = passes.groups(drawn_nonces(prepared, first, GROUPS, MANY))
        parts.append(_as_required(passes, groups))
    return np.concatenate(parts)


def _as_required(passes: Passes, groups: Groups) -> NDArray[np.int8]:
    slopes = passes.look(groups)
    right = passes.moves(groups, slopes)
    still = slopes.weight - passes.learning_rate * slopes.value == slopes.weight
    return np.where(still, 0, np.where(right, 1, -1)).astype(np.int8)


def _hit_row(name: str, moves: NDArray[np.int8], bits: int) -> Row:
    """The bar is the tolerance, or twice the error of the mean where that is wider.

    Directions within a group hang together, so sets of one group are no independent counts, but groups are.
    """
    sets = moves[:, : MANY // bits * bits].reshape(len(moves), -1, bits)
    rates = (sets == 1).all(axis=2).mean(axis=1) * 2.0**bits
    error = float(rates.std(ddof=1)) / sqrt(len(rates))
    allowed = max(HIT_TOLERANCE, 2 * error)
    return Row(name, float(rates.mean()), f"x 2^-b (error {error:.3f})", baseline=1.0, tolerance=allowed)
