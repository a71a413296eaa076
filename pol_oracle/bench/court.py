"""What the Court can prove, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pol_oracle.canonical.models import MODEL_NAMES
from pol_oracle.canonical.operations import Kind, Operation
from pol_oracle.evidence import TraceId
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.positions import Tree

from .format import Row
from .proving import FLIPS, Dock, dock, draw, flip

CORRUPTIONS, HONEST = 500, 2000  # per model
BARS = {"elementwise": 120_000, "64 terms": 120_000, "576 terms": 400_000, "4608 terms": 2_500_000}
WORST_BAR = 12_000_000


def corruptions(scratch: Path) -> Iterator[Row]:
    """Random corruptions of real traces that the Court does not see, of 500 per model; each in one transaction."""
    for model in MODEL_NAMES:
        with dock(scratch / model, model) as court:
            missed = undetected(court, CORRUPTIONS, seed=1)
        yield Row(f"corruptions.missed.{model}", missed, f"of {CORRUPTIONS}", bar=0)


def honest(scratch: Path) -> Iterator[Row]:
    """Random elements of honest traces that the Court does not agree with, of 2,000 per model."""
    for model in MODEL_NAMES:
        with dock(scratch / model, model) as court:
            wrong = disagreements(court, HONEST, seed=2)
        yield Row(f"honest.disagreements.{model}", wrong, f"of {HONEST}", bar=0)


def undetected(court: Dock, count: int, seed: int) -> int:
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


def disagreements(court: Dock, count: int, seed: int) -> int:
    """Brings honest elements before the Court; returns with how many it does not agree."""
    random = np.random.default_rng(seed)
    return sum(not court.holds(*draw(court, random)) for _ in range(count))


def gas(scratch: Path) -> Iterator[Row]:
    """Gas of checking evidence, as a transaction of its own: by length of the reduction, and the dearest per model."""
    typical: dict[str, int] = {}
    worst: dict[str, int] = {}
    for model in MODEL_NAMES:
        with dock(scratch / model, model) as court:
            for operation, spent in _prices(court):
                worst[model] = max(spent, worst.get(model, 0))
                if (name := _class(operation)) in BARS:
                    typical[name] = max(spent, typical.get(name, 0))
    for name, bar in BARS.items():
        yield Row(f"gas.{name}", typical[name], "gas", bar=bar)
    for model, spent in worst.items():
        yield Row(f"gas.worst.{model}", spent, "gas", bar=WORST_BAR)


def _class(operation: Operation) -> str:
    return "elementwise" if operation.kind is Kind.MAP else f"{operation.terms} terms"


def _prices(court: Dock) -> Iterator[tuple[Operation, int]]:
    """Gas of one wrong element of every operation of a step: one in the middle, which sees no padding."""
    trace = TraceId(Tree.STEP)
    own = court.traces[trace]
    for tensor, operation in enumerate(own.program.operations, own.program.first):
        element = operation.size // 2
        bits = flip(own.tensors[tensor], element, "one ulp", np.random.default_rng(0))
        yield operation, court.gas(*court.corrupted(trace, tensor, element, bits))


def dispute(scratch: Path) -> Iterator[Row]:
    """Seconds from a wrong ResNet-18 block to the evidence against it: replay, first wrong element, openings, check."""
    for model in ("resnet18-7x7", "resnet18"):
        with dock(scratch / model, model) as court:
            trace = TraceId(Tree.STEP)
            own = court.traces[trace]
            tensor = own.program.first + len(own.program.operations) // 2
            bits = flip(own.tensors[tensor], 0, "one ulp", np.random.default_rng(0))
            began = time.perf_counter()
            court.corrupted(trace, tensor, 0, bits)
            yield Row(f"dispute.{model}", time.perf_counter() - began, "s", bar=30)
