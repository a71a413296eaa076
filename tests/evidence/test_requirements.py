"""Evidence: an unmet requirement is found, and opened as the Court expects."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np
import pytest

from pol_oracle.canonical.commitments.trees import Opening, Slice, merkle_rise
from pol_oracle.canonical.state import State
from pol_oracle.evidence import first_unmet, requirement_proof
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.eligible import unpacked
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.hashing import ZERO, Tag, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.rules import satisfies
from pol_oracle.task import Workload, requirements_of, weights_of
from tests.task.workloads import MINER, small_workload

BITS = 5
DIFFICULTY = BITS * BIT
WORKLOADS = pytest.mark.parametrize("workload", [small_workload(), small_workload("paper")], ids=["hardened", "paper"])


def header_for(workload: Workload, post: State, nonce: int = 0) -> Header:
    roots = ZERO, workload.initial.root, post.root, ZERO, ZERO
    return Header(keccak(b"parent"), MINER, nonce, (0, 1, 2, 3), *roots, 1, 2)


def fitting(workload: Workload, nonce: int = 0, miss: int | None = None) -> tuple[Header, State]:
    """A header whose W' meets all requirements but, perhaps, one: of each that has to rise one weight does, and of the
    others none, or, of a single weight, that one falls."""
    starts = np.cumsum([0, *(prod(w.shape) for w in workload.model.state)])
    flat = workload.initial.flat.copy()
    draft = header_for(workload, workload.initial, nonce)
    for number, requirement in enumerate(requirements_of(workload, draft, DIFFICULTY)):
        tensor, (element, *_) = weights_of(workload, requirement)
        rises = requirement.odd != (number == miss)
        flat[starts[tensor] + element] += np.float32(0.01 if rises else -0.01)
    post = State(workload.model, flat)
    return header_for(workload, post, nonce), post


def list_root_above(opened: Slice, index: int, count: int, path: tuple[bytes, ...]) -> bytes:
    """Root of the state that has the slice's tensor at an index."""
    top = merkle_rise({index: opened.root}, count, path, Tag.LIST_NODE)[-1][0]
    return keccak(Tag.STATE_ROOT + count.to_bytes(8, "big") + top)


@WORKLOADS
def test_a_block_that_meets_everything_gives_no_evidence(workload: Workload) -> None:
    header, post = fitting(workload)
    assert first_unmet(workload, header, DIFFICULTY, workload.initial, post) is None


@WORKLOADS
@pytest.mark.parametrize("miss", range(BITS))
def test_pitfall_05_a_wrong_parity_is_found_and_its_leaf_opened(workload: Workload, miss: int) -> None:
    header, post = fitting(workload, nonce=7, miss=miss)
    number = first_unmet(workload, header, DIFFICULTY, workload.initial, post)
    assert number == miss
    proof = requirement_proof(workload, header, DIFFICULTY, workload.initial, post, number)

    # As the Court does it: from the evidence and the header alone.
    _, (_, eligible, tensors, opened) = proof.arguments
    ranges, requirement = unpacked(eligible), requirements_of(workload, header, DIFFICULTY)[miss]
    assert ranges.hash == workload.task.eligible_hash
    tensor, place = ranges.locate(requirement.number)
    leaf, mask = requirement.within(workload.rules, place)
    opening = Opening.of(opened)
    before, after = opening.slices
    assert (before.tensor, after.tensor) == (tensor, tensors + tensor)
    assert before.places == after.places == [leaf]
    path = len(opening.nodes) // 2
    assert list_root_above(before, tensor, tensors, opening.nodes[:path]) == header.pre_root
    assert list_root_above(after, tensor, tensors, opening.nodes[path:]) == header.post_root
    counted = [bit for bit in range(64) if mask >> bit & 1]
    old, new = (slice_.floats()[0, counted].tolist() for slice_ in (before, after))
    assert not satisfies(workload.rules, old, new, requirement.odd)


def test_evidence_is_only_made_for_what_the_court_would_open() -> None:
    workload = small_workload()
    header, post = fitting(workload, miss=0)
    with pytest.raises(RuleError, match="requirement 5 does not exist"):
        requirement_proof(workload, header, DIFFICULTY, workload.initial, post, BITS)
    with pytest.raises(RuleError, match="committed to"):
        requirement_proof(workload, header, DIFFICULTY, post, workload.initial, 0)
    with pytest.raises(RuleError, match="committed to"):
        other = replace(header, pre_root=ZERO)
        requirement_proof(workload, other, DIFFICULTY, workload.initial, post, 0)
