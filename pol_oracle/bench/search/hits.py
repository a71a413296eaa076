"""Whether candidates of the grouped search stand, and whether it hits as often as the difficulty says."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import numpy as np

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import pick_device, set_up_torch
from pol_oracle.search.draws import Nonces, PassDraws, mask_rows
from pol_oracle.search.grouped.network import Bits
from pol_oracle.search.grouped.passes import Passes, groups_for
from pol_oracle.task import Workload, segment_step, unmet
from pol_oracle.task.proof import Job

from ..format import Row
from .rates import MINER, THREADS, workload

STEPS = {"cnn": (0, 1_000, 20_000), "resnet18-7x7": (0, 1_000), "resnet18": (0, 100)}  # of the chain, before W
RATES = {"cnn": 0.1, "resnet18-7x7": 0.03, "resnet18": 0.03}  # of the task files
BITS = 8
CONFIRMED_TRIES = {"cnn": 2000, "resnet18-7x7": 600, "resnet18": 200}
CONFIRMED_BAR = 0.85
CHAIN = keccak(b"chain")  # the block that those steps follow
MANY = 240  # requirements of a group that are looked at, for many independent sets of them from one pass
HIT_GROUPS = {"cnn": 64000, "resnet18-7x7": 16000, "resnet18": 1600}
HIT_BITS = range(3, 9)
HIT_TOLERANCE = 0.03


def states(prepared: Workload, name: str) -> Iterator[tuple[int, State]]:
    """Yields W after some steps of a chain, and how many they were."""
    state, done = prepared.initial, 0
    for steps in STEPS[name]:
        for step in range(done, steps):
            state = segment_step(prepared, CHAIN, step, state).post
        done = steps
        yield steps, state


def passes_on(prepared: Workload, state: State) -> Passes:
    """Passes on some weights, where a search would make them."""
    passes = Passes(prepared, pick_device())
    passes.load(state)
    return passes


def confirmed(scratch: Path) -> Iterator[Row]:
    """The share of candidates of 8 bits that the canonical step confirms.

    Seeds draw parities independently of all else, so it is the share of all tries of which torch and the canonical step
    agree about all 8 requirements; candidates are one in 256 of them.
    """
    set_up_torch(THREADS)
    for name, tries in CONFIRMED_TRIES.items():
        prepared = workload(name, scratch, RATES[name])
        for steps, state in states(prepared, name):
            alike = _alike(prepared, state, tries)
            row = f"confirmed.{name}.{steps}_steps"
            yield Row(f"{row}.requirements", float(alike.mean()), "alike")
            yield Row(row, float(alike.all(axis=1).mean()), f"of {tries}", bar=CONFIRMED_BAR, higher_is_better=True)


def _alike(prepared: Workload, state: State, tries: int) -> Bits:
    """Whether torch and the canonical step agree about the requirements of some tries, bool [tries, 8]."""
    nonces = Nonces(prepared, Job(keccak(b"bench"), MINER, BITS * BIT))
    passes, groups, train = passes_on(prepared, state), groups_for(prepared, pick_device()), prepared.train
    alike = np.empty((tries, BITS), np.bool_)
    for first in range(0, tries, groups):
        numbers = range(first, min(first + groups, tries))
        met = passes.met(nonces.draw_all(numbers), drop=False)
        for draw, seen in zip(map(nonces.draw, numbers), met, strict=True):
            chosen = list(draw.indices)
            post = prepared.stepper.run(state, train.images[chosen], train.labels[chosen]).post
            true = [unmet(prepared, [requirement], state, post) is None for requirement in draw.required]
            alike[draw.nonce] = seen == true
    return alike


def hits(scratch: Path) -> Iterator[Row]:
    """The share of tries that meet b requirements, as a multiple of 2^-b.

    A try costs a group's pass, and 2^10 of them would be needed for one hit at 10 bits. So a pass looks at many
    requirements of each group, and every b of them in turn are a set of their own.
    """
    set_up_torch(THREADS)
    for name, count in HIT_GROUPS.items():
        prepared = workload(name, scratch, RATES[name])
        for steps, state in states(prepared, name):
            met = _met(prepared, state, count)
            for bits in HIT_BITS:
                yield _hit_row(f"hits.{name}.{steps}_steps.{bits}_bits", met, bits)


def _met(prepared: Workload, state: State, count: int) -> Bits:
    """Which of the requirements of so many groups are met, bool [count, MANY]."""
    passes, groups, numbers = passes_on(prepared, state), groups_for(prepared, pick_device()), np.random.default_rng(1)
    return np.concatenate([passes.met(_drawn(prepared, numbers, groups), drop=False) for _ in range(0, count, groups)])


def _drawn(prepared: Workload, numbers: np.random.Generator, groups: int) -> PassDraws:
    """Requirements and batches as seeds draw them, with far more requirements than a block would have."""
    task = prepared.task
    leaves, indices = (
        np.argsort(numbers.random((groups, bound)), axis=1)[:, :size]
        for bound, size in ((task.eligible_count, MANY), (task.train_count, task.batch_size))
    )
    masks = mask_rows(numbers.integers(0, 2**64, (groups, 4), np.uint64), MANY, task.mask_size)
    return PassDraws(leaves, masks, numbers.integers(0, 2, (groups, MANY)) == 1, indices)


def _hit_row(name: str, met: Bits, bits: int) -> Row:
    """The bar is the tolerance, or twice the error of the mean where that is wider.

    Sets of one group may hang together, so they are no independent counts, but groups are.
    """
    sets = met[:, : MANY // bits * bits].reshape(len(met), -1, bits)
    rates = sets.all(axis=2).mean(axis=1) * 2.0**bits
    error = float(rates.std(ddof=1)) / sqrt(len(rates))
    allowed = max(HIT_TOLERANCE, 2 * error)
    return Row(name, float(rates.mean()), f"x 2^-b (error {error:.3f})", baseline=1.0, tolerance=allowed)
