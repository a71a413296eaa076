"""Whether the grouped search sees what Algorithm 1 sees, and hits as often as the difficulty says."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import batch, requirements
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import Recipe, train, use_threads
from pol_oracle.search.attempt import Draw
from pol_oracle.search.grouped_network import GroupedNetwork
from pol_oracle.search.passes import Groups, Passes
from pol_oracle.task import Workload, unmet

from .format import Row
from .search import THREADS, workload

CPU = torch.device("cpu")
GROUPS = 16  # of a pass
BITS = 5
DIRECTION_GROUPS = 2000
ROUNDING = 1e-3  # of a slope's scale: nearer to zero, its sign is rounding's
CONFIRMED_BAR = 0.95
MANY = 240  # weights of a group that are looked at, for many independent sets of requirements from one pass
HIT_GROUPS = {"cnn": 16000, "resnet18-7x7": 3200, "resnet18": 800}
HIT_BITS = (3, 4, 5, 6, 7, 8, 10)
TRAINED_STEPS = {"cnn": 600, "resnet18-7x7": 150, "resnet18": 40}
HIT_TOLERANCE = 0.1


def _draws(prepared: Workload, first: int, count: int, bits: int) -> list[Draw]:
    """Nonces with more requirements than a block would have."""
    task, drawn = prepared.task, [keccak(b"bench" + i.to_bytes(8, "big")) for i in range(first, first + count)]
    return [
        Draw(i, s, requirements(s, bits, prepared.eligible.count), batch(s, task.batch_size, task.train_count))
        for i, s in enumerate(drawn, first)
    ]


def _passes(prepared: Workload, state: State) -> Passes:
    network = GroupedNetwork(prepared.model, CPU, prepared.task.batch_size)
    network.load(state)
    return Passes(prepared, network, CPU)


def directions(scratch: Path) -> Iterator[Row]:
    """Directions of 5 weights in 2,000 groups, in one pass for 16 groups and in one canonical step for each."""
    use_threads(THREADS)
    for name in ("cnn", "vgg", "resnet18-7x7", "resnet18"):
        prepared = workload(name, scratch)
        passes = _passes(prepared, prepared.initial)
        wrong = rounding = candidates = confirmed = 0
        for first in range(0, DIRECTION_GROUPS, GROUPS):
            draws = _draws(prepared, first, GROUPS, BITS)
            groups = passes.groups(draws, BITS)
            slopes = passes.look(groups)
            found = passes.meets(groups, slopes)
            for number, draw in enumerate(draws):
                post = _step(prepared, draw)
                moved = _canonical_moves(prepared, draw, post)
                differs = (moved != np.sign(-slopes.value[number])) & (moved != 0)
                near = np.abs(slopes.value[number]) <= ROUNDING * slopes.scale[number]
                wrong += int((differs & ~near).sum())
                rounding += int((differs & near).sum())
                if found[number]:
                    candidates += 1
                    confirmed += unmet(prepared, draw.required, prepared.initial, post) is None
        yield Row(f"directions.{name}.wrong", wrong, f"of {DIRECTION_GROUPS * BITS}", bar=0)
        yield Row(f"directions.{name}.within_rounding", rounding, f"of {DIRECTION_GROUPS * BITS}")
        share = confirmed / max(1, candidates)
        yield Row(f"directions.{name}.confirmed", share, f"of {candidates}", bar=CONFIRMED_BAR, higher_is_better=True)


def _step(prepared: Workload, draw: Draw) -> State:
    chosen = list(draw.indices)
    train_set = prepared.train
    return prepared.stepper.run(prepared.initial, train_set.images[chosen], train_set.labels[chosen]).post


def _canonical_moves(prepared: Workload, draw: Draw, post: State) -> NDArray[np.float32]:
    """Which way the canonical step to W' moves each weight: -1, 0 or 1."""
    moves = []
    for requirement in draw.required:
        tensor, element = prepared.eligible.locate(requirement.weight)
        moves.append(np.sign(post.tensors[tensor].flat[element] - prepared.initial.tensors[tensor].flat[element]))
    return np.array(moves, np.float32)


def hits(scratch: Path) -> Iterator[Row]:
    """The share of tries that meet b requirements, as a multiple of 2^-b.

    A try costs a group's pass, and 2^10 of them would be needed for one hit at 10 bits. So a pass looks at many weights
    of each group, and every b of them in turn are a set of requirements of their own.
    """
    use_threads(THREADS)
    for name in HIT_GROUPS:
        prepared = workload(name, scratch)
        trained = train(prepared, prepared.initial, steps=TRAINED_STEPS[name], seed=1, recipe=Recipe(average=0.9))
        for kind, state in (("initial", prepared.initial), ("trained", trained)):
            moves = _moves(prepared, state, HIT_GROUPS[name])
            yield Row(f"hits.{name}.{kind}.moved", float(np.abs(moves).mean()), "of weights")
            for bits in HIT_BITS:
                yield _hit_row(f"hits.{name}.{kind}.{bits}_bits", moves, bits)


def _moves(prepared: Workload, state: State, count: int) -> NDArray[np.int8]:
    """For each of the weights of each group: 1 if it moves as required, -1 the other way, 0 if it stays."""
    passes = _passes(prepared, state)
    parts = []
    for first in range(0, count, GROUPS):
        groups = passes.groups(_draws(prepared, first, GROUPS, MANY), MANY)
        parts.append(_as_required(passes, groups))
    return np.concatenate(parts)


def _as_required(passes: Passes, groups: Groups) -> NDArray[np.int8]:
    slopes = passes.look(groups)
    right = passes.moves(groups, slopes)
    still = slopes.weight - passes.learning_rate * slopes.value == slopes.weight
    return np.where(still, 0, np.where(right, 1, -1)).astype(np.int8)


def _hit_row(name: str, moves: NDArray[np.int8], bits: int) -> Row:
    """The bar is the tolerance, or twice the error bar of the count where that is wider."""
    sets = moves[:, : MANY // bits * bits].reshape(-1, bits)
    rate = float((sets == 1).all(axis=1).mean() * 2**bits)
    error = sqrt(2**bits / len(sets))
    allowed = max(HIT_TOLERANCE, 2 * error)
    return Row(name, rate, f"x 2^-b (error {error:.3f})", baseline=1.0, tolerance=allowed)
