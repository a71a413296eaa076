"""How much longer a step and an evaluation take where numbers are subnormal, which some CPUs compute by microcode.

No miner chooses W, but a chain's first W is its deployer's, and training may shut channels. Windows must hold a replay
of the slowest state, so this is to be measured on the machine that is to verify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import numpy as np

from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper

from .canonical import BATCH, Case, case
from .format import Row
from .timing import fastest

RATE = 0x3DCCCCCD  # 0.1
SHRUNK = (100, 120, 130, 140)  # binary orders of magnitude by which weights are made smaller
SEGMENT = 64
SAMPLES = 64


def slowest(_scratch: Path) -> Iterator[Row]:
    """The slowest of some hostile states against an ordinary one, in the same run."""
    for name, rounds in (("cnn", 20), ("resnet18-7x7", 3), ("resnet18", 2)):
        prepared = case(name)
        stepper, evaluator = Stepper(prepared.model, BATCH, RATE), Evaluator(prepared.model, 1)
        states = {"initial": prepared.state, "trained": _trained(prepared, stepper), **_hostile(prepared.model)}
        steps = fastest(*(_step(stepper, state, prepared) for state in states.values()), rounds=rounds)
        counts = fastest(*(_count(evaluator, state, prepared) for state in states.values()), rounds=rounds)
        for what, times in (("step", steps), ("evaluation", counts)):
            for label, taken in zip(list(states)[1:], times[1:], strict=True):
                yield Row(f"slowest.{what}.{name}.{label}", 1000 * taken, "ms", baseline=1000 * times[0])


def _hostile(model: Model) -> dict[str, State]:
    """States in which products, sums and activations are subnormal: all weights, or the convolutions', made tiny."""
    states = {}
    for orders in SHRUNK:
        states[f"tiny_weights_{orders}"] = _shrunk(model, orders, lambda name: "running" not in name)
        states[f"tiny_convolutions_{orders}"] = _shrunk(model, orders, lambda name: "conv" in name)
    return states


def _shrunk(model: Model, orders: int, chosen: Callable[[str], bool]) -> State:
    flat, at = State.initial(model, 1).flat.copy(), 0
    for weight in model.state:
        size = prod(weight.shape)
        if chosen(weight.name):
            flat[at : at + size] = np.ldexp(flat[at : at + size], -orders)
        at += size
    return State(model, flat)


def _trained(prepared: Case, stepper: Stepper) -> State:
    """Some steps on random labels at a high rate, which shut a part of the channels."""
    state = prepared.state
    for at in range(SEGMENT):
        batch = slice(BATCH * at, BATCH * (at + 1))
        state = stepper.run(state, prepared.images[batch], prepared.labels[batch]).post
    return state


def _step(stepper: Stepper, state: State, prepared: Case) -> Callable[[], object]:
    return lambda: stepper.run(state, prepared.images[:BATCH], prepared.labels[:BATCH]).finite


def _count(evaluator: Evaluator, state: State, prepared: Case) -> Callable[[], object]:
    return lambda: evaluator.correct(state, prepared.images[:SAMPLES], prepared.labels[:SAMPLES])
