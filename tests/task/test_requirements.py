"""Which weights a requirement counts, and when it is met."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.canonical.commitments.trees import LEAF
from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import Requirement
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.rules import satisfies
from pol_oracle.task import Workload, requirements_of, unmet, weights_of
from tests.task.workloads import MINER, RIVAL, small_workload

HARDENED, PAPER = small_workload(), small_workload("paper")
HEADER = Header(keccak(b"parent"), MINER, 0, (0, 1, 2, 3), ZERO, ZERO, ZERO, ZERO, ZERO, 1, 2)

REQUIREMENT = st.builds(
    Requirement, st.integers(0, HARDENED.task.eligible_count - 1), st.integers(1, 2**64 - 1), st.booleans()
)
MOVE = st.sampled_from([-1, 0, 1])


def moved(workload: Workload, moves: dict[tuple[int, int], float]) -> State:
    """The initial state with some weights moved: (tensor, element) -> by how much."""
    starts = np.cumsum([0, *(prod(w.shape) for w in workload.model.state)])
    flat = workload.initial.flat.copy()
    for (tensor, element), by in moves.items():
        flat[starts[tensor] + element] += np.float32(by)
    return State(workload.model, flat)


@given(REQUIREMENT)
def test_a_requirement_counts_the_masked_weights_of_one_eligible_leaf(requirement: Requirement) -> None:
    tensor, elements = weights_of(HARDENED, requirement)
    _, leaf = HARDENED.eligible.locate(requirement.number)
    assert [element - LEAF * leaf for element in elements] == [b for b in range(64) if requirement.mask >> b & 1]
    assert elements[-1] < prod(HARDENED.model.state[tensor].shape)


@settings(max_examples=40)
@given(st.lists(REQUIREMENT, min_size=1, max_size=4, unique_by=lambda r: r.number), st.data())
def test_the_first_requirement_whose_parity_is_wrong_is_unmet(required: list[Requirement], data: st.DataObject) -> None:
    moves, first = dict[tuple[int, int], float](), None
    for number, requirement in enumerate(required):
        tensor, elements = weights_of(HARDENED, requirement)
        directions = data.draw(st.lists(MOVE, min_size=len(elements), max_size=len(elements)))
        moves |= {(tensor, element): by for element, by in zip(elements, directions, strict=True) if by}
        rises = sum(by > 0 for by in directions)
        if first is None and rises % 2 != requirement.odd:
            first = number
    assert unmet(HARDENED, required, HARDENED.initial, moved(HARDENED, moves)) == first


@given(st.lists(st.tuples(st.floats(-1, 1, width=32), st.floats(-1, 1, width=32)), min_size=1, max_size=64))
def test_one_more_rise_turns_the_parity(pairs: list[tuple[float, float]]) -> None:
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    odd, even = (satisfies(HARDENED.rules, before, after, parity) for parity in (True, False))
    assert odd != even
    assert satisfies(HARDENED.rules, [*before, 0], [*after, 1], True) == even


@pytest.mark.parametrize("odd", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pitfall_05_a_counted_weight_that_is_not_finite_satisfies_nothing(value: float, odd: bool) -> None:
    requirement = Requirement(3, 0b11, odd)
    tensor, elements = weights_of(HARDENED, requirement)
    broken = moved(HARDENED, {(tensor, elements[1]): value})
    assert unmet(HARDENED, [requirement], HARDENED.initial, broken) == 0
    assert unmet(HARDENED, [requirement], broken, HARDENED.initial) == 0


def test_weights_that_are_not_counted_do_not_matter() -> None:
    requirement = Requirement(3, 0b101, True)
    tensor, (first, _) = weights_of(HARDENED, requirement)
    met = moved(HARDENED, {(tensor, first): 1.0, (tensor, first + 1): 1.0, (tensor, first + 3): np.nan})
    assert unmet(HARDENED, [requirement], HARDENED.initial, met) is None


def test_r_has_as_many_requirements_as_the_difficulty_needs_over_different_leaves() -> None:
    for bits in (1, 3, 6):
        required = requirements_of(HARDENED, HEADER, bits * BIT)
        assert len({r.number for r in required}) == bits
        assert all(r.mask.bit_count() == HARDENED.task.mask_size for r in required)
        assert all(r.mask == 1 for r in requirements_of(PAPER, HEADER, bits * BIT))


def test_pitfall_04_miner_nonce_and_parent_draw_other_requirements_and_w_does_not() -> None:
    """W follows from the parent, so nobody can displace weights to suit R, nor choose R by choosing W."""
    changes: list[dict[str, Any]] = [{}, {"miner": RIVAL}, {"nonce": 1}, {"parent": keccak(b"other")}]
    drawn = [requirements_of(HARDENED, replace(HEADER, **change), 5 * BIT) for change in changes]
    assert len(set(drawn)) == 4
    assert requirements_of(HARDENED, replace(HEADER, pre_root=keccak(b"W")), 5 * BIT) == drawn[0]


def test_under_paper_rules_an_unchanged_weight_passes_and_a_wrong_direction_does_not() -> None:
    state, required = PAPER.initial, [Requirement(0, 1, True), Requirement(70, 1, False)]
    assert unmet(PAPER, required, state, state) is None
    (tensor, (element,)), rate = weights_of(PAPER, required[1]), 0.5
    assert (tensor, element) == (0, 70)
    assert unmet(PAPER, required, state, moved(PAPER, {(tensor, element): rate})) == 1
    assert unmet(PAPER, required, state, moved(PAPER, {(tensor, element): -rate})) is None


def test_under_hardened_rules_a_leaf_that_stands_still_has_even_parity() -> None:
    state = HARDENED.initial
    assert unmet(HARDENED, [Requirement(0, 3, False)], state, state) is None
    assert unmet(HARDENED, [Requirement(0, 3, True)], state, state) == 0
