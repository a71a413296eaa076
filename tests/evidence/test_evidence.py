"""Evidence: an unmet requirement is found and opened as the Court expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.canonical.trees import Opening, Slice, merkle_rise
from pol_oracle.evidence import first_unmet, requirement_proof
from pol_oracle.protocol.derivation import Requirement
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.eligible import unpacked
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload, requirements_of, unmet
from tests.task.workloads import MINER, RIVAL, small_workload

BITS = 5
DIFFICULTY = BITS * BIT


def header_for(workload: Workload, post: State, nonce: int = 0) -> Header:
    return Header(
        parent=keccak(b"parent"),
        miner=MINER,
        nonce=nonce,
        indices=(0, 1, 2, 3),
        pre_root=workload.initial.root,
        post_root=post.root,
        trace_root=bytes(32),
        eval_root=bytes(32),
        correct_before=1,
        correct_after=2,
    )


def moved(workload: Workload, moves: dict[int, float]) -> State:
    """The initial state with some eligible weights moved."""
    tensors = {name: tensor.copy() for name, tensor in workload.initial.items()}
    for weight, by in moves.items():
        name, element = located(workload, weight)
        tensors[name].reshape(-1)[element] += np.float32(by)
    return state_of(workload, tensors)


def located(workload: Workload, weight: int) -> tuple[str, int]:
    tensor, element = workload.eligible.locate(weight)
    return workload.model.state[tensor].name, element


def state_of(workload: Workload, tensors: dict[str, NDArray[np.float32]]) -> State:
    return State(workload.model, np.concatenate([tensors[w.name].reshape(-1) for w in workload.model.state]))


def fitting(workload: Workload, nonce: int = 0, miss: int | None = None) -> tuple[Header, State]:
    """A header whose W' meets all requirements but, perhaps, one, which stays put."""
    required = requirements_of(workload, header_for(workload, workload.initial, nonce), DIFFICULTY)
    moves = {r.weight: 0.01 if r.up else -0.01 for i, r in enumerate(required) if i != miss}
    post = moved(workload, moves)
    return header_for(workload, post, nonce), post


def list_root_above(opened: Slice, index: int, count: int, path: tuple[bytes, ...]) -> bytes:
    """Root of the state that has the slice's tensor at an index."""
    top = merkle_rise({index: opened.root}, count, path, Tag.LIST_NODE)[-1][0]
    return keccak(Tag.STATE_ROOT + count.to_bytes(8, "big") + top)


def test_a_block_that_meets_everything_gives_no_evidence() -> None:
    workload = small_workload()
    header, post = fitting(workload)
    assert first_unmet(workload, header, DIFFICULTY, workload.initial, post) is None


@pytest.mark.parametrize("miss", range(BITS))
def test_pitfall_05_a_weight_that_stays_put_is_found_and_opened(miss: int) -> None:
    workload = small_workload()
    header, post = fitting(workload, nonce=7, miss=miss)

    number = first_unmet(workload, header, DIFFICULTY, workload.initial, post)
    assert number == miss
    proof = requirement_proof(workload, header, DIFFICULTY, workload.initial, post, number)

    # As the Court does it: from the evidence and the header alone.
    _, (_, eligible, tensors, opened) = proof.arguments
    ranges = unpacked(eligible)
    assert ranges.hash == workload.task.eligible_hash
    tensor, element = ranges.locate(requirements_of(workload, header, DIFFICULTY)[miss].weight)
    opening = Opening.of(opened)
    before, after = opening.slices
    assert (before.tensor, after.tensor) == (tensor, tensors + tensor)
    path = len(opening.nodes) // 2
    assert list_root_above(before, tensor, tensors, opening.nodes[:path]) == header.pre_root
    assert list_root_above(after, tensor, tensors, opening.nodes[path:]) == header.post_root
    assert before.value(element) == after.value(element)


def test_a_weight_that_moves_the_wrong_way_is_found() -> None:
    workload = small_workload()
    header = header_for(workload, workload.initial)
    required = requirements_of(workload, header, DIFFICULTY)
    wrong = moved(
        workload, {r.weight: (0.01 if r.up else -0.01) * (-1 if i == 3 else 1) for i, r in enumerate(required)}
    )
    assert unmet(workload, required, workload.initial, wrong) == 3


@pytest.mark.parametrize("up", [True, False])
def test_pitfall_05_signed_zeros_do_not_satisfy(up: bool) -> None:
    workload = small_workload()
    name, element = located(workload, 0)
    states = []
    for zero in (np.float32(-0.0), np.float32(0.0)):
        tensors = {key: tensor.copy() for key, tensor in workload.initial.items()}
        tensors[name].reshape(-1)[element] = zero
        states.append(state_of(workload, tensors))
    assert states[0].root != states[1].root
    for pre, post in (states, states[::-1]):
        assert unmet(workload, [Requirement(0, up)], pre, post) == 0


def test_under_paper_rules_an_unchanged_weight_passes() -> None:
    workload = small_workload("paper")
    state = workload.initial
    assert unmet(workload, [Requirement(0, True), Requirement(1, False)], state, state) is None


def test_pitfall_04_grinding_another_w_or_miner_or_nonce_draws_other_requirements() -> None:
    """Nothing of R is known before W is fixed, so weights cannot be displaced to suit it: that changes preRoot."""
    workload = small_workload()
    header, _ = fitting(workload)
    displaced = moved(workload, {requirements_of(workload, header, DIFFICULTY)[0].weight: 0.5})
    drawn = {requirements_of(workload, header, DIFFICULTY)}
    for change in ({"pre_root": displaced.root}, {"miner": RIVAL}, {"nonce": 1}, {"parent": keccak(b"other")}):
        drawn.add(requirements_of(workload, replace(header, **change), DIFFICULTY))
    assert len(drawn) == 5


def test_evidence_is_only_made_for_what_the_court_would_open() -> None:
    workload = small_workload()
    header, post = fitting(workload, miss=0)
    with pytest.raises(RuleError, match="requirement 5 does not exist"):
        requirement_proof(workload, header, DIFFICULTY, workload.initial, post, BITS)
    with pytest.raises(RuleError, match="committed to"):
        requirement_proof(workload, header, DIFFICULTY, post, workload.initial, 0)
