"""What the Court can prove, and what it costs."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from eth_abi.abi import encode

from pol_oracle.agents.rules.verdicts import Invalid, Unavailable
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.commitments.segments import SegmentList
from pol_oracle.canonical.models import MODEL_NAMES
from pol_oracle.canonical.operations import Kind, Operation, strides
from pol_oracle.evidence import ClaimedTrace, SegmentStep, Traced, TraceId, answer_to
from pol_oracle.evidence.shown import ANSWER_TYPES
from pol_oracle.fixtures.l1 import running
from pol_oracle.protocol.errors import InputError, Reverted
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position, Tree
from pol_oracle.store import StateStore
from pol_oracle.view.blocks import BlockView

from ..format import Row
from .arithmetic import vectors
from .proving import EVALUATION, FLIPS, Harness, draw, flip, harness

VECTORS = 1_000_000  # per operation
CORRUPTIONS, HONEST = 500, 2000  # per model
BARS = {"elementwise": 120_000, "64 terms": 120_000, "576 terms": 400_000, "4608 terms": 2_500_000}
WORST_BAR = 12_000_000


def arithmetic(scratch: Path) -> Iterator[Row]:
    """Vectors in which the contracts' binary32 is not numpy's, per operation."""
    with running(scratch) as l1:
        yield from vectors(VECTORS, l1.client)


def corruptions(scratch: Path) -> Iterator[Row]:
    """Random corruptions of real traces that the Court does not see, of 500 per model; each in one transaction."""
    for model in MODEL_NAMES:
        with harness(scratch / model, model) as court:
            missed = undetected(court, CORRUPTIONS, seed=1)
        yield Row(f"corruptions.missed.{model}", missed, f"of {CORRUPTIONS}", bar=0)


def honest(scratch: Path) -> Iterator[Row]:
    """Random elements of honest traces that the Court does not agree with, of 2,000 per model."""
    for model in MODEL_NAMES:
        with harness(scratch / model, model) as court:
            wrong = disagreements(court, HONEST, seed=2)
        yield Row(f"honest.disagreements.{model}", wrong, f"of {HONEST}", bar=0)


def undetected(court: Harness, count: int, seed: int) -> int:
    """Corrupts elements one after the other; returns how many corruptions the Court does not see."""
    random, missed = np.random.default_rng(seed), 0
    for number in range(count):
        trace, tensor, element = draw(court, random)
        bits = flip(court.traces[trace].tensors[tensor], element, FLIPS[number % len(FLIPS)], random)
        try:
            court.corrupted(trace, tensor, element, bits)
        except Reverted:
            missed += 1
    return missed


def disagreements(court: Harness, count: int, seed: int) -> int:
    """Brings honest elements before the Court; returns with how many it does not agree."""
    random = np.random.default_rng(seed)
    return sum(not court.holds(*draw(court, random)) for _ in range(count))


def gas(scratch: Path) -> Iterator[Row]:
    """Gas of checking evidence, as a transaction of its own: by length of the reduction, and the dearest per model."""
    spent: dict[str, list[int]] = {name: [] for name in BARS}
    worst: dict[str, int] = {}
    for model in MODEL_NAMES:
        with harness(scratch / model, model) as court:
            for operation, price in prices(court):
                worst[model] = max(price, worst.get(model, 0))
                if (name := _class(operation)) in BARS:
                    spent[name].append(price)
    with harness(scratch / "expensive", "resnet18", expensive=True) as court:
        worst["resnet18 with expensive weights"] = max(price for _, price in prices(court))
    for name, bar in BARS.items():
        yield Row(f"gas.{name}, least", min(spent[name]), "gas", bar=bar)
        yield Row(f"gas.{name}, most", max(spent[name]), "gas", bar=bar)
    for model, price in worst.items():
        yield Row(f"gas.worst.{model}", price, "gas", bar=WORST_BAR)


def _class(operation: Operation) -> str:
    return "elementwise" if operation.kind is Kind.MAP else f"{operation.terms} terms"


def prices(court: Harness, terms: int = 0) -> Iterator[tuple[Operation, int]]:
    """Gas of one wrong element of every operation, of a step and of an evaluation.

    It lies in the middle of every axis, where no padding is seen.

    Args:
        court: with the traces.
        terms: only of reductions of so many.
    """
    for trace in (TraceId(Tree.STEP), EVALUATION):
        own = court.traces[trace]
        for tensor, operation in enumerate(own.program.operations, own.program.first):
            if terms not in (0, operation.terms):
                continue
            shape = operation.shape
            element = sum(stride * (extent // 2) for stride, extent in zip(strides(shape), shape, strict=True))
            bits = flip(own.tensors[tensor], element, "one ulp", np.random.default_rng(0))
            yield operation, court.gas(*court.corrupted(trace, tensor, element, bits))


def dispute(scratch: Path) -> Iterator[Row]:
    """Seconds a verifier computes from a wrong ResNet-18 block to its slash.

    An inner element of its step is wrong, or of a step of its segment, and all that it lacks is demanded. L1's own time
    is left out.
    """
    for model, tree in itertools.product(("resnet18-7x7", "resnet18"), (Tree.STEP, Tree.SEGMENT)):
        with harness(scratch / model / tree.name, model) as court:
            liar = _wrong_block(court, TraceId(tree))
            store = StateStore([scratch / model / tree.name / "store"])
            replay = Replayer(Follower(court.workload, liar.header.parent, store))
            began, answers = time.perf_counter(), dict[Position, bytes]()
            verdict = replay(_pending(court, liar.header), (), answers, lambda: False)
            while isinstance(verdict, Unavailable):
                position = verdict.lacks.position
                answers[position] = _answered(court, position, liar)
                verdict = replay(_pending(court, liar.header), (), answers, lambda: False)
            assert isinstance(verdict, Invalid)
            court.gas(verdict.proof, liar.claim)
            seconds = time.perf_counter() - began
        yield Row(f"dispute.{model}.{tree.name.lower()}", seconds, "s", bar=30)
        yield Row(f"dispute.demands.{model}.{tree.name.lower()}", len(answers), "demands", bar=6)


def _wrong_block(court: Harness, trace: TraceId) -> _Liar:
    """A block with one wrong activation in the middle of one of its traces."""
    own = court.traces[trace]
    tensor = own.program.first + len(own.program.operations) // 2
    element = own.tensors[tensor].size - 1
    wrong = own.tensors[tensor].copy()
    wrong.reshape(-1).view(np.uint32)[element] ^= 1
    lie = Traced.of(own.program, (*own.tensors[:tensor], wrong, *own.tensors[tensor + 1 :]))
    return _Liar(court, court.claim(trace, lie.roots), lie)


def _pending(court: Harness, header: Header) -> BlockView:
    """The block as an agent sees it; of no difficulty, since nobody searched for it."""
    identity = header.id(court.workload.task.id)
    return BlockView(identity, header, header.miner, header.parent, 1, 0, 1, 1, 0, header.correct_after)


@dataclass(frozen=True)
class _Liar:
    """The miner of that block, who shows what it committed to."""

    court: Harness
    claim: ClaimedTrace
    lie: Traced

    @property
    def header(self) -> Header:
        return self.claim.header

    def trace(self, trace: TraceId) -> Traced:
        return self.lie

    def steps(self) -> SegmentList:
        return self.court.listed(self.claim.trace, self.claim.roots)

    def segment_step(self, trace: TraceId) -> SegmentStep:
        return self.claim.segment

    def accuracy(self) -> AccuracyTree:
        raise InputError("only one trace of this block is looked at")


def _answered(court: Harness, position: Position, liar: _Liar) -> bytes:
    answer, types = answer_to(position, court.workload.programs, liar), ANSWER_TYPES[position.item]
    return encode(types, answer.arguments[: len(types)])
