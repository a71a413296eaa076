"""What a verifier does against false explanations, as tables of situations."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.agents.rules.actions import Prove, Reopen
from pol_oracle.agents.rules.verdicts import Invalid, Valid
from pol_oracle.l1.sending.calls import Call
from tests.agents.rules.verifying import calls, decide
from tests.agents.scene import (
    BITS,
    CHEAT,
    EXPLAINED_LEAVES,
    EXPLANATION,
    PARAMETERS,
    TRACE_ROOT,
    V1,
    V2,
    V3,
    Scene,
    challenge,
    lacks,
    refutation,
    verifier,
)


def refute(scene: Scene, block: bytes) -> list[Call]:
    """What an agent does against a false explanation."""
    return calls(scene, verifier(V1, Invalid(block, "false", refutation())))


def test_a_false_explanation_is_committed_against_and_refuted_as_long_as_it_stands() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.answer(about, V2)
    given_at = scene.view.blocks[block].explained_at(EXPLAINED_LEAVES)
    towards_court = challenge(block, refutation(), given_at or 0)
    assert refute(scene, block) == [towards_court.commit]

    scene.commit(V1, towards_court.commitment)
    scene.wait()
    assert refute(scene, block) == [towards_court.prove]
    scene.refute(about)
    assert refute(scene, block) == []


def test_a_false_explanation_that_is_given_again_is_refuted_again() -> None:
    """By another call, though it is made of the same bytes."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.commit(V1, challenge(block, refutation()).commitment)
    keys = set()
    for _ in range(3):
        scene.wait()
        scene.answer(about, V2)
        scene.wait()
        (again,) = refute(scene, block)
        keys.add(again.key)
        scene.refute(about)
    assert len(keys) == 3


def test_a_false_explanation_for_which_nobody_answers_any_more_is_reopened_for_nothing() -> None:
    """One bond is for all that an author explains of a block: what is left of it was paid with the first refutation."""
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS)
    other = replace(EXPLANATION, index=10)
    for position in (EXPLANATION, other):
        scene.answer(scene.demand(block, position, V2), V3)
    scene.refute(other.demand_id(block))
    given_at = scene.view.blocks[block].explained_at(EXPLAINED_LEAVES) or 0

    false = Invalid(block, "false", refutation())
    assert decide(scene, verifier(V1, false))[0] == Reopen(
        block, replace(EXPLANATION, explanation=TRACE_ROOT), given_at
    )
    right = Valid(block, false_explanation=false)
    assert not any(isinstance(a, Reopen | Prove) for a in decide(scene, verifier(V1, right)))  # it harms nobody
    below = lacks(block, EXPLAINED_LEAVES)
    assert decide(scene, verifier(V1, below))[0] == Reopen(block, EXPLAINED_LEAVES, given_at)
    scene.reopen(EXPLANATION.demand_id(block))
    assert not any(isinstance(a, Reopen) for a in decide(scene, verifier(V1, false)))


def test_pitfall_24_explanations_of_a_fallen_author_are_ended_in_time_or_never() -> None:
    """L1 lets nobody reopen or refute them later: one fall holds a block up once."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.show(block, BITS)
    other = replace(EXPLANATION, index=10)
    for position in (EXPLANATION, other):
        scene.answer(scene.demand(block, position, V2), V3)
    scene.wait(PARAMETERS.challenge_window)
    scene.refute(other.demand_id(block))
    scene.wait(PARAMETERS.answer_window - 1)
    false = Invalid(block, "false", refutation())
    assert isinstance(decide(scene, verifier(V1, false))[0], Reopen)

    scene.wait()
    assert decide(scene, verifier(V1, false)) == ()
    assert decide(scene, verifier(V1, lacks(block, EXPLAINED_LEAVES))) == ()


def test_pitfall_24_a_walk_that_ended_with_its_authors_fall_reopens_what_it_was_about() -> None:
    """However late its author falls: nothing below it can be demanded any more by then."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.show(block, BITS)
    other = replace(EXPLANATION, index=10)
    for position in (EXPLANATION, other):
        scene.answer(scene.demand(block, position, V2), V3)
    given_at = scene.view.blocks[block].explained_at(EXPLAINED_LEAVES) or 0
    walk = scene.demand(block, EXPLAINED_LEAVES, V1)
    scene.wait(PARAMETERS.challenge_window + PARAMETERS.answer_window)
    scene.refute(other.demand_id(block))
    scene.expire(walk)

    assert decide(scene, verifier(V1, lacks(block, EXPLAINED_LEAVES)))[0] == Reopen(block, EXPLAINED_LEAVES, given_at)


def test_what_refutes_an_explanation_is_no_claim_to_the_bounty_of_its_block() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.answer(scene.demand(block, EXPLANATION, V1), V2)
    scene.commit(V1, challenge(block, refutation()).commitment, order=0)
    scene.slash(block, winner=V2, order=1)
    scene.wait()
    assert not any(call.contract == "Court" for call in refute(scene, block))
