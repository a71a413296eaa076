"""Bonds of slashed blocks, attestations and fees are settled, first by whom they pay."""

from __future__ import annotations

from pol_oracle.agents.rules.actions import ForfeitBond, SettleAttestation, SettleDemand
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Item, Position
from tests.agents.rules.housekeeper import ANSWER, TURN, WINDOW, due, first_turn
from tests.agents.scene import (
    BITS,
    CHEAT,
    EXPLAINED_LEAVES,
    EXPLANATION,
    MINER,
    PARAMETERS,
    POLICY,
    ROOTS,
    V1,
    V2,
    V3,
    Scene,
)


def test_own_attestations_are_settled_at_once() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    scene.finalize(block)
    assert due(scene, V1) == [SettleAttestation(block, V1)]
    assert due(scene, V3) == []

    scene.settle(block, V1)
    assert due(scene, V1) == []


def test_winner_collects_from_a_slashed_block_after_the_reveal_window() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.attest(block, V3)
    scene.slash(block, winner=V1)
    assert due(scene, V1) == []

    scene.wait(PARAMETERS.reveal_window)
    assert due(scene, V1) == [ForfeitBond(block), SettleAttestation(block, V3)]
    assert due(scene, V3) == due(scene, V2) == []


def test_earlier_committer_and_prover_are_the_first_to_collect() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.slash(block, winner=V2, order=5)
    scene.emit(ev.BountyAssigned, block_id=block, challenger=V1, kind=EvidenceKind.STEP, order=2)
    scene.wait(PARAMETERS.reveal_window)

    assert first_turn(scene, (V1, V2, V3)) == {V1: 0, V2: TURN, V3: 2 * TURN}


def test_what_attesters_of_a_block_that_fell_by_silence_lose_is_burned_by_whoever_has_nothing_else_to_do() -> None:
    """Nobody gains by it, so it is one of the few calls for others."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.attest(block, V2, V3)
    scene.slash(block, winner=V1, kind=EvidenceKind.UNEXPLAINED)
    scene.wait(PARAMETERS.reveal_window)
    assert due(scene, V1)[0] == ForfeitBond(block)

    scene.wait(10 * TURN)
    assert due(scene, V1) == [ForfeitBond(block), SettleAttestation(block, V2), SettleAttestation(block, V3)]


def test_an_earlier_proof_of_a_block_that_fell_by_silence_makes_its_attesters_pay_the_winners() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.attest(block, V3)
    scene.slash(block, winner=V2, kind=EvidenceKind.WITHHELD, order=2)
    scene.emit(ev.BountyAssigned, block_id=block, challenger=V1, kind=EvidenceKind.STEP, order=1)
    scene.wait(PARAMETERS.reveal_window)

    assert due(scene, V1) == [ForfeitBond(block), SettleAttestation(block, V3)]


def test_fee_of_an_answer_is_claimed_by_whoever_gave_it() -> None:
    scene = Scene()
    block = scene.propose()
    made = scene.demand(block, ROOTS, V1)
    scene.answer(made, MINER)
    assert due(scene, MINER) == []
    scene.finalize(block)

    assert first_turn(scene, (MINER, V1)) == {MINER: 0, V1: first_rank(scene, made, V1) * TURN}
    scene.settle_demand(made)
    assert due(scene, MINER) == due(scene, V1) == []
    assert not scene.view.unsettled


def first_rank(scene: Scene, what: bytes, who: str) -> int:
    """Turn of a verifier after the one to whom something matters."""
    order = sorted(scene.view.verifiers(1), key=lambda v: keccak(what + bytes.fromhex(v[2:])))
    return 1 + order.index(who)


def test_fee_of_an_answer_about_a_slashed_block_goes_back() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    made = scene.demand(block, ROOTS, V1)
    scene.answer(made, CHEAT)
    scene.slash(block, winner=V2)

    assert due(scene, V1) == [SettleDemand(block, ROOTS)]
    assert due(scene, CHEAT) == []


def test_open_demand_about_a_slashed_block_settles_when_it_can_no_longer_take_the_bounty() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.demand(block, ROOTS, V1, order=3)
    scene.slash(block, winner=V2)
    assert due(scene, V1) == []

    scene.wait(PARAMETERS.reveal_window)
    assert due(scene, V1) == [SettleDemand(block, ROOTS)]


def test_pitfall_24_what_only_pays_strangers_is_settled_a_few_at_a_time_and_after_ones_own() -> None:
    """An audit found: agents paid to settle an attacker's 120 demands, and their own calls waited behind."""
    scene = Scene()
    crowded, own = scene.propose(miner=CHEAT), scene.propose(nonce=1)
    for number in range(120):
        scene.answer(scene.demand(crowded, Position(Item.LEAVES, tensor=number), V2), V3)
    scene.answer(scene.demand(own, ROOTS, V2), V1)
    scene.finalize(crowded)
    scene.wait(WINDOW)
    scene.orphan(own)
    scene.wait(10 * TURN)

    actions = due(scene, V1)

    assert actions[0] == SettleDemand(own, ROOTS)
    assert len(actions) == 1 + POLICY.strangers
    assert len(due(scene, V3)) == 120 + 1  # the fees are its own

    for number in range(POLICY.settled):
        scene.settle_demand(Position(Item.LEAVES, tensor=number).demand_id(crowded))
    assert due(scene, V1) == [SettleDemand(own, ROOTS)]  # the rest is up to those it pays


def test_answers_about_a_slashed_block_are_paid_unless_they_are_its_miners() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.answer(scene.demand(block, ROOTS, V1), V3)
    scene.answer(scene.demand(block, BITS, V1), CHEAT)
    scene.slash(block, winner=V2)

    assert due(scene, V1) == [SettleDemand(block, ROOTS), SettleDemand(block, BITS)]
    scene.wait(TURN)
    assert due(scene, V3)[0] == SettleDemand(block, ROOTS)


def test_the_fee_of_an_answer_goes_back_if_its_explanation_was_given_again_since() -> None:
    """L1 pays whoever answers for it now, and nobody who answered for its first author."""
    scene = Scene()
    block = scene.propose()
    about = scene.demand(block, EXPLANATION, V2)
    scene.answer(about, V3)
    made = scene.demand(block, EXPLAINED_LEAVES, V1)
    scene.answer(made, V3)
    scene.refute(about)
    scene.wait()
    scene.answer(about, V2)
    scene.finalize(block)

    assert SettleDemand(block, EXPLAINED_LEAVES) in due(scene, V1)
    assert not any(isinstance(a, SettleDemand) and a.position == EXPLAINED_LEAVES for a in due(scene, V3))


def test_expired_demand_settles_at_once() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    made = scene.demand(block, ROOTS, V1)
    scene.wait(ANSWER)
    scene.expire(made)

    assert due(scene, V1) == [SettleDemand(block, ROOTS)]
