"""Evidence: an unmet requirement is found, opened and committed to as the Court expects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.canonical.trees import verify_opening
from pol_oracle.evidence import RequirementEvidence, commitment, first_unmet, requirement_evidence
from pol_oracle.protocol.derivation import Requirement
from pol_oracle.protocol.eligible import unpacked
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task import Workload, requirements_of, unmet
from tests.task.workloads import MINER, RIVAL, small_workload

BITS = 5
OPENING = "(uint64,uint64,bytes,bytes32[],bytes32[])"


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
    required = requirements_of(workload, header_for(workload, workload.initial, nonce), BITS)
    moves = {r.weight: 0.01 if r.up else -0.01 for i, r in enumerate(required) if i != miss}
    post = moved(workload, moves)
    return header_for(workload, post, nonce), post


def test_a_block_that_meets_everything_gives_no_evidence() -> None:
    workload = small_workload()
    header, post = fitting(workload)
    assert first_unmet(workload, header, BITS, workload.initial, post) is None


@pytest.mark.parametrize("miss", range(BITS))
def test_pitfall_05_a_weight_that_stays_put_is_found_and_opened(miss: int) -> None:
    workload = small_workload()
    header, post = fitting(workload, nonce=7, miss=miss)

    number = first_unmet(workload, header, BITS, workload.initial, post)
    assert number == miss
    evidence = requirement_evidence(workload, header, BITS, workload.initial, post, number)

    # As the Court does it: from the evidence and the header alone.
    ranges = unpacked(evidence.eligible)
    assert ranges.hash == workload.task.eligible_hash
    tensor, element = ranges.locate(requirements_of(workload, header, BITS)[miss].weight)
    before = verify_opening(header.pre_root, tensor, element, evidence.before)
    after = verify_opening(header.post_root, tensor, element, evidence.afterwards)
    assert before is not None
    assert before == after


def test_a_weight_that_moves_the_wrong_way_is_found() -> None:
    workload = small_workload()
    header = header_for(workload, workload.initial)
    required = requirements_of(workload, header, BITS)
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
    displaced = moved(workload, {requirements_of(workload, header, BITS)[0].weight: 0.5})
    drawn = {requirements_of(workload, header, BITS)}
    for change in ({"pre_root": displaced.root}, {"miner": RIVAL}, {"nonce": 1}, {"parent": keccak(b"other")}):
        drawn.add(requirements_of(workload, replace(header, **change), BITS))
    assert len(drawn) == 5


def test_evidence_is_only_made_for_what_the_court_would_open() -> None:
    workload = small_workload()
    header, post = fitting(workload, miss=0)
    with pytest.raises(RuleError, match="requirement 5 does not exist"):
        requirement_evidence(workload, header, BITS, workload.initial, post, BITS)
    with pytest.raises(RuleError, match="committed to"):
        requirement_evidence(workload, header, BITS, post, workload.initial, 0)


@pytest.fixture(scope="module")
def evidence() -> RequirementEvidence:
    workload = small_workload()
    header, post = fitting(workload, miss=2)
    return requirement_evidence(workload, header, BITS, workload.initial, post, 2)


def test_the_abi_tuple_has_the_courts_fields(evidence: RequirementEvidence) -> None:
    number, eligible, before, afterwards = evidence.abi()
    assert number == 2
    assert all(len(word) == 32 for word in eligible)
    for opening in (before, afterwards):
        elements, tensors, leaf, tensor_path, state_path = opening
        assert elements > 0
        assert tensors == len(small_workload().model.state)
        assert len(leaf) == 256
        assert all(len(node) == 32 for node in [*tensor_path, *state_path])


@given(salt=st.binary(min_size=32, max_size=32), block=st.binary(min_size=32, max_size=32))
def test_disputes_commit_to_a_zero_evidence_hash(salt: bytes, block: bytes) -> None:
    words = bytes(12) + bytes.fromhex(MINER[2:]) + block + (2).to_bytes(32, "big") + bytes(32) + salt
    assert commitment(MINER, block, EvidenceKind.ACCURACY, None, salt) == keccak(words)


def test_the_commitment_hashes_the_encoded_evidence(evidence: RequirementEvidence) -> None:
    block, salt = keccak(b"block"), keccak(b"salt")
    digest = keccak(encode([f"(uint256,bytes32[],{OPENING},{OPENING})"], [evidence.abi()]))
    words = bytes(12) + bytes.fromhex(MINER[2:]) + block + bytes(32) + digest + salt
    assert commitment(MINER, block, EvidenceKind.REQUIREMENT, evidence, salt) == keccak(words)


def test_pitfall_02_a_commitment_is_worth_nothing_under_another_address(evidence: RequirementEvidence) -> None:
    block, salt = keccak(b"block"), keccak(b"salt")
    mine = commitment(MINER, block, EvidenceKind.REQUIREMENT, evidence, salt)
    assert mine != commitment(RIVAL, block, EvidenceKind.REQUIREMENT, evidence, salt)
