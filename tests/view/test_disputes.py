"""What the view says of demands, explanations and bounties."""

from __future__ import annotations

import pytest

from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import SILENT, EvidenceKind, Role, Status
from pol_oracle.protocol.positions import Tree
from tests.agents.scene import (
    BITS,
    CHEAT,
    ETH,
    EXPLAINED_LEAVES,
    EXPLANATION,
    FEE,
    MINER,
    NODES,
    PARAMETERS,
    ROOTS,
    V1,
    V2,
    V3,
    Scene,
)


def test_demand_is_open_until_it_is_answered_and_holds_a_fee_until_it_is_settled() -> None:
    scene = Scene()
    block = scene.propose()
    made = scene.demand(block, ROOTS, V1, order=7)
    demand = scene.view.demands[made]
    assert scene.view.open_demands == scene.view.blocks[block].open_demands == [demand]
    assert (demand.order, demand.deadline - demand.opened_at) == (7, PARAMETERS.answer_window)
    assert scene.view.bond(V1, Role.VERIFIER).locked == FEE

    scene.answer(made, MINER, b"data")
    assert scene.view.open_demands == scene.view.blocks[block].open_demands == []
    assert (demand.responder, demand.answered_at) == (MINER, scene.now)

    scene.finalize(block)
    assert [b.id for b in scene.view.unsettled] == [block]
    scene.settle_demand(made)
    assert not scene.view.unsettled
    assert scene.view.bond(V1, Role.VERIFIER).total == 3 * ETH - FEE
    assert scene.view.credits == {MINER: FEE}


def test_whatever_was_shown_counts_for_all() -> None:
    scene = Scene()
    block, other = scene.propose(), scene.propose(nonce=1)
    scene.answer(scene.demand(block, ROOTS, V1), data=b"roots")
    scene.answer(scene.demand(block, NODES, V2), data=b"nodes")
    scene.demand(other, ROOTS, V1)

    assert scene.view.blocks[block].shown == {ROOTS: b"roots", NODES: b"nodes"}
    assert scene.view.blocks[other].shown == {}


def test_open_demands_end_with_their_block() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    first, second = scene.demand(block, ROOTS, V1, order=1), scene.demand(block, BITS, V2, order=2)
    scene.expire(first)

    assert scene.view.open_demands == []
    assert not scene.view.demands[first].open
    assert scene.view.demands[second].open  # it may still take the bounty, before it is settled
    assert scene.view.blocks[block].bounty == (V1, 1)


def test_bounty_moves_and_the_prover_stays() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.slash(block, V2, order=4)
    kind = scene.view.blocks[block].slashed_for
    scene.emit(ev.BountyAssigned, block_id=block, challenger=V1, kind=kind, order=2)

    assert (scene.view.blocks[block].bounty, scene.view.blocks[block].prover) == ((V1, 2), V2)


@pytest.mark.parametrize("kind", list(EvidenceKind))
def test_a_block_that_fell_by_silence_has_lapsed_until_a_proof_takes_over(kind: EvidenceKind) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.slash(block, V2, kind=kind, order=2)
    assert scene.view.blocks[block].lapsed == (kind in SILENT)

    scene.emit(ev.BountyAssigned, block_id=block, challenger=V3, kind=EvidenceKind.WITHHELD, order=1)
    assert scene.view.blocks[block].lapsed == (kind in SILENT)
    scene.emit(ev.BountyAssigned, block_id=block, challenger=V1, kind=EvidenceKind.STEP, order=0)
    assert not scene.view.blocks[block].lapsed


def test_an_explanation_stands_until_it_is_refuted_and_another_may_follow() -> None:
    scene = Scene()
    block = scene.propose()
    about = scene.demand(block, EXPLANATION, V1, order=7)
    found = scene.view.blocks[block]
    assert found.open_demands == scene.view.open_demands == [scene.view.demands[about]]

    scene.answer(about, V2, b"roots")
    assert found.shown == {EXPLANATION: b"roots"}
    assert found.stands(EXPLAINED_LEAVES)
    assert scene.view.open_demands == []

    answered_at = scene.now
    scene.wait(3)
    scene.refute(about)
    refuted = scene.view.demands[about]
    assert found.shown == {}
    assert not found.stands(EXPLAINED_LEAVES)
    assert found.answered_at == answered_at
    assert (refuted.open, refuted.deadline, refuted.order) == (True, scene.now + PARAMETERS.answer_window, 7)
    assert scene.view.open_demands == [refuted]

    scene.emit(ev.ExplanationMoved, block_id=block, tree=Tree.AFTER, sample=9, deadline=scene.now + 1)
    assert refuted.deadline == scene.now + 1
    scene.answer(about, V3, b"others", keccak(b"other root"))
    assert found.shown == {EXPLANATION: b"others"}
    assert not found.stands(EXPLAINED_LEAVES)
    assert scene.view.open_demands == []


def test_a_demand_about_an_explanation_ends_with_it_and_can_be_made_anew() -> None:
    scene = Scene()
    block = scene.propose()
    about = scene.demand(block, EXPLANATION, V1)
    scene.answer(about, V2)
    asked = scene.demand(block, EXPLAINED_LEAVES, V1)
    scene.expire(asked)
    assert scene.view.demands[asked].settled
    assert scene.view.open_demands == [scene.view.demands[about]]
    assert scene.view.blocks[block].status is Status.PENDING

    scene.answer(about, V2)
    assert scene.demand(block, EXPLAINED_LEAVES, V3) == asked
    assert scene.view.blocks[block].demands[EXPLAINED_LEAVES].demander == V3
    assert scene.view.open_demands == [scene.view.demands[asked]]
