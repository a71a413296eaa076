"""Demands that nobody answered expire at their deadline, and end with the explanation that they are about."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.agents.rules.actions import Expire, SettleAttestation, SettleDemand
from pol_oracle.agents.rules.housekeeping import housekeeping
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import Role
from tests.agents.rules.housekeeper import ANSWER, TURN, due
from tests.agents.scene import (
    BITS,
    CHEAT,
    EXPLAINED_LEAVES,
    EXPLANATION,
    FEE,
    MINER,
    NODES,
    PARAMETERS,
    POLICY,
    ROOTS,
    V1,
    V2,
    V3,
    Scene,
)


def test_unanswered_demand_expires_at_its_deadline_by_the_demander_first() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.demand(block, ROOTS, V1)
    scene.wait(ANSWER - 1)
    assert due(scene, V1) == []

    scene.wait(1)
    opened_at = scene.now - ANSWER
    assert due(scene, V1) == [Expire(block, ROOTS, opened_at)]
    assert due(scene, V2) == due(scene, MINER) == []
    scene.wait(4 * TURN)
    assert Expire(block, ROOTS, opened_at) in due(scene, V2)


def test_one_expiry_slashes_a_block_so_no_more_are_sent() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.demand(block, NODES, V2, order=1)
    scene.demand(block, ROOTS, V1, order=2)
    scene.demand(block, BITS, V1, order=3)
    scene.wait(ANSWER)

    assert due(scene, V1) == [Expire(block, ROOTS, scene.now - ANSWER)]  # the earliest of its own
    assert due(scene, V2) == [Expire(block, NODES, scene.now - ANSWER)]


def test_answered_demand_does_not_expire() -> None:
    scene = Scene()
    block = scene.propose()
    scene.answer(scene.demand(block, ROOTS, V1))
    scene.wait(ANSWER)

    assert not any(isinstance(a, Expire) for a in due(scene, V1))


def test_pitfall_02_earlier_demand_takes_the_bounty_of_a_slashed_block() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.demand(block, ROOTS, V1, order=1)
    scene.demand(block, BITS, V2, order=2)
    scene.wait(ANSWER - 1)
    scene.slash(block, winner=V3, order=2)
    assert not any(isinstance(a, Expire) for a in due(scene, V1))

    scene.wait(1)
    assert due(scene, V1) == [Expire(block, ROOTS, scene.now - ANSWER)]
    assert due(scene, V2) == []
    scene.wait(PARAMETERS.reveal_window)
    assert not any(isinstance(a, Expire) for a in due(scene, V1))


def test_pitfall_15_turns_of_idle_agents_fit_into_short_windows() -> None:
    """Turns of 6 s were longer than a devnet's windows: with five idle verifiers before it an agent came too late."""
    for window, turn in ((1, 1), (10, 1), (48, 3), (600, 6)):
        parameters = replace(PARAMETERS, answer_window=window)
        assert POLICY.turn(parameters) == turn
    scene = Scene(verifiers=(V1, *(f"0x{number:040x}" for number in range(1, 30))), parameters=PARAMETERS)
    demand = scene.demand(scene.propose(), ROOTS, V2)
    made = scene.view.demands[demand]
    short = replace(PARAMETERS, answer_window=10)
    while not list(housekeeping(scene.view, V1, (), short, POLICY)):
        scene.wait()
    assert scene.now < made.deadline + short.answer_window


def test_a_block_that_nobody_explains_falls_at_the_deadline() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.wait(ANSWER)
    assert due(scene, V1) == [Expire(block, EXPLANATION, scene.now - ANSWER)]

    scene.expire(about)
    assert due(scene, V1) == [SettleDemand(block, EXPLANATION)]


def test_a_refuted_explanation_restarts_the_clock() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.answer(about, V3)
    scene.wait(ANSWER)
    assert not any(isinstance(a, Expire) for a in due(scene, V1))

    scene.refute(about)
    scene.wait(ANSWER - 1)
    assert not any(isinstance(a, Expire) for a in due(scene, V1))
    scene.wait()
    assert any(isinstance(a, Expire) for a in due(scene, V1))


def test_what_is_not_shown_of_an_explanation_refutes_it_and_what_is_about_a_refuted_one_ends_at_once() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.answer(about, V3)
    opened_at = scene.now
    asked = scene.demand(block, EXPLAINED_LEAVES, V1)
    scene.demand(block, replace(EXPLAINED_LEAVES, group=1), V2)
    scene.wait(ANSWER)
    assert due(scene, V1) == [Expire(block, EXPLAINED_LEAVES, opened_at)]

    scene.expire(asked)
    assert due(scene, V1) == []
    assert due(scene, V2) == [Expire(block, replace(EXPLAINED_LEAVES, group=1), opened_at)]


def test_a_demand_about_the_same_explanation_as_it_was_given_before_ends_at_once() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.answer(about, V3)
    opened_at = scene.now
    scene.demand(block, EXPLAINED_LEAVES, V1)
    scene.refute(about)
    scene.wait(ANSWER - 1)
    scene.answer(about, V2)
    scene.wait()

    assert due(scene, V1) == [Expire(block, EXPLAINED_LEAVES, opened_at)]


def test_a_demand_about_what_a_fallen_author_explained_ends_at_once() -> None:
    """It could not be answered any more."""
    scene = Scene()
    block, other = scene.propose(miner=CHEAT), replace(EXPLANATION, index=10)
    scene.answer(scene.demand(block, EXPLANATION, V1), V3)
    scene.answer(scene.demand(block, other, V2), V3)
    opened_at = scene.now
    scene.demand(block, EXPLAINED_LEAVES, V1)
    scene.wait()
    assert due(scene, V1) == due(scene, V2) == []

    scene.refute(other.demand_id(block))
    assert due(scene, V1) == [Expire(block, EXPLAINED_LEAVES, opened_at)]
    assert due(scene, V2) == []
    scene.wait(4 * TURN)
    assert Expire(block, EXPLAINED_LEAVES, opened_at) in due(scene, V2)


def test_pitfall_24_fees_of_answers_below_an_explanation_that_fell_go_back_before_the_block_is_judged() -> None:
    """An audit found: the fees of walks down one false explanation after the other used a verifier's bond up."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    for lie in range(40):
        leaves = replace(EXPLAINED_LEAVES, explanation=keccak(bytes([lie])))
        author = f"0x{lie + 1:040x}"
        scene.answer(about, author, trace_root=leaves.explanation)
        asked = scene.demand(block, leaves, V1)
        scene.answer(asked, author)
        assert due(scene, V1) == []  # it stands

        scene.refute(about)
        assert due(scene, V1) == [SettleDemand(block, leaves)]
        assert due(scene, V2) == []
        scene.settle_demand(asked)
        assert due(scene, V1) == []
        assert scene.view.bond(V1, Role.VERIFIER).locked == FEE
        scene.wait()

    scene.attest(block, V3)
    scene.wait(ANSWER)
    scene.expire(about)
    assert due(scene, V1) == [SettleDemand(block, EXPLANATION)]
    assert len(scene.view.blocks[block].shown) == 40  # what was shown stays shown
    scene.wait(10 * TURN)
    assert SettleAttestation(block, V3) in due(scene, V1)  # none of it was settled for others


def test_fees_of_answers_below_what_a_fallen_author_explained_go_back_before_it_is_reopened() -> None:
    scene = Scene()
    block, other = scene.propose(miner=CHEAT), replace(EXPLANATION, index=10)
    scene.answer(scene.demand(block, EXPLANATION, V1), V3)
    scene.answer(scene.demand(block, EXPLAINED_LEAVES, V1), V3)
    scene.answer(scene.demand(block, other, V2), V3)
    assert due(scene, V1) == []

    scene.refute(other.demand_id(block))
    assert due(scene, V1) == [SettleDemand(block, EXPLAINED_LEAVES)]
