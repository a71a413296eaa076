"""What a verifier does, as tables of situations. The view is made of events only; the clock is L1's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pol_oracle.agents.rules.actions import Attest, Demand, Prove
from pol_oracle.agents.rules.verdicts import Invalid, Unavailable, Valid, Verdict, can_be_built_on
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from tests.agents.rules.verifying import calls, decide
from tests.agents.scene import (
    BITS,
    CHEAT,
    ETH,
    EXPLAINED_LEAVES,
    EXPLANATION,
    PARAMETERS,
    POLICY,
    ROOTS,
    V1,
    V2,
    Scene,
    challenge,
    lacks,
    proof_of,
    refutation,
    verifier,
)

STEP, ACCURACY, REQUIREMENT = EvidenceKind.STEP, EvidenceKind.ACCURACY, EvidenceKind.REQUIREMENT


def attest(scene: Scene, block: bytes) -> Attest:
    return Attest(block, scene.view.blocks[block].difficulty)


def wrong(block: bytes, kind: EvidenceKind = STEP) -> Verdict:
    return Invalid(block, "wrong", proof_of(block, kind))


def test_attests_to_what_it_found_right_once() -> None:
    scene = Scene()
    block = scene.propose()
    assert decide(scene, verifier(V1, Valid(block))) == (attest(scene, block),)

    scene.attest(block, V1)
    assert decide(scene, verifier(V1, Valid(block))) == ()


def test_attests_to_no_block_before_a_segment_that_is_not_finite() -> None:
    """It is right, but nothing valid can follow; a right block beside it is attested to."""
    scene = Scene()
    dead, good = scene.propose(), scene.propose(nonce=1)

    assert decide(scene, verifier(V1, Valid(dead, dead_end=True))) == ()
    assert decide(scene, verifier(V1, Valid(dead, dead_end=True), Valid(good))) == (attest(scene, good),)


def test_says_nothing_without_a_replay() -> None:
    scene = Scene()
    scene.propose()

    assert decide(scene, verifier()) == ()


def test_does_not_attest_to_its_own_block() -> None:
    scene = Scene(verifiers=(V1, V2, CHEAT))
    block = scene.propose(miner=CHEAT)

    assert decide(scene, verifier(CHEAT, Valid(block))) == ()


def test_does_not_attest_to_a_block_on_a_slashed_one() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    child = scene.propose(bad)
    scene.slash(bad, winner=V2)

    assert attest(scene, child) not in decide(scene, verifier(V1, Valid(child)))


@pytest.mark.parametrize("position", [ROOTS, EXPLANATION])
def test_pitfall_11_demands_of_others_do_not_keep_it_from_attesting(position: object) -> None:
    """Else a fee would buy a block's attesters out of their pay."""
    scene = Scene()
    block = scene.propose()
    scene.demand(block, position, V2)  # type: ignore[arg-type]

    assert decide(scene, verifier(V1, Valid(block))) == (attest(scene, block),)


def test_does_not_attest_while_something_is_missing() -> None:
    scene = Scene()
    block = scene.propose()

    assert not can_be_built_on(lacks(block, ROOTS))
    assert not any(isinstance(a, Attest) for a in decide(scene, verifier(V1, lacks(block, ROOTS))))


def test_attests_to_a_right_block_that_somebody_explains_falsely() -> None:
    """And sees to it that this costs whoever did."""
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS, EXPLANATION)
    false = Invalid(block, "false", refutation())
    actions = decide(scene, verifier(V1, Valid(block, false_explanation=false)))
    assert attest(scene, block) in actions
    assert [type(a) for a in actions] == [Prove, Attest]


def test_keeps_what_demands_and_explanations_may_take_in_reserve_and_attests_on_the_heads_branch_first() -> None:
    scene = Scene()
    rival = scene.propose(nonce=5)
    first = scene.propose()
    second = scene.propose(first)
    spare = POLICY.reserve(PARAMETERS) + 4 * PARAMETERS.attest_bond
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - spare)

    assert decide(scene, verifier(V1, *map(Valid, (rival, first, second)))) == (
        attest(scene, first),
        attest(scene, second),
    )
    scene.attest(first, V1)
    assert decide(scene, verifier(V1, *map(Valid, (rival, first, second)))) == (attest(scene, second),)


@pytest.mark.parametrize("kind", [REQUIREMENT, STEP, ACCURACY])
def test_commits_first_and_proves_in_a_later_l1_block(kind: EvidenceKind) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    own, towards_court = verifier(V1, wrong(block, kind)), challenge(block, proof_of(block, kind))
    assert decide(scene, own) == (Prove(block, proof_of(block, kind)),)
    assert calls(scene, own) == [towards_court.commit]

    scene.commit(V1, towards_court.commitment)
    assert calls(scene, own) == []  # same L1 block

    assert calls(scene, own, depth=1) == [towards_court.prove]  # L1 is a block further
    scene.wait()
    assert calls(scene, own) == [towards_court.prove]


def test_pitfall_02_commitment_of_another_does_not_count_as_its_own() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    towards_court = challenge(block, proof_of(block))
    scene.commit(V2, towards_court.commitment)
    scene.wait()

    assert calls(scene, verifier(V1, wrong(block))) == [towards_court.commit]


def test_another_proof_of_the_same_block_is_committed_to_anew() -> None:
    """After a restart a replay may find another fault: the old commitment does not open to it."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    old = challenge(block, proof_of(block))
    scene.commit(V1, old.commitment)
    scene.wait()
    (new,) = calls(scene, verifier(V1, Invalid(block, "wrong", proof_of(keccak(b"other evidence")))))

    assert new.function == "commit"
    assert new.key != old.commit.key


def test_proves_after_the_window_as_long_as_the_block_is_pending() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.wait(PARAMETERS.challenge_window)

    assert calls(scene, verifier(V1, wrong(block)))[0] == challenge(block, proof_of(block)).commit


def test_proving_takes_no_bond() -> None:
    scene = Scene(verifiers=(V2,))
    block = scene.propose(miner=CHEAT)

    assert calls(scene, verifier(V1, wrong(block))) == [challenge(block, proof_of(block)).commit]


def test_pitfall_02_earlier_commitment_takes_the_bounty_from_a_later_prover() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    towards_court = challenge(block, proof_of(block))
    scene.commit(V1, towards_court.commitment, order=0)
    scene.slash(block, winner=V2)  # V2's commitment has order 1
    scene.wait()
    own = verifier(V1, wrong(block))
    assert towards_court.prove in calls(scene, own)

    scene.wait(PARAMETERS.reveal_window)
    assert not any(isinstance(a, Prove) for a in decide(scene, own))


def test_later_commitment_is_not_shown_after_the_slash() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.commit(V1, challenge(block, proof_of(block)).commitment, order=2)
    scene.slash(block, winner=V2)
    scene.wait()

    assert calls(scene, verifier(V1, wrong(block))) == []


def test_nobody_commits_to_a_proof_of_what_is_slashed_already() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.slash(block, winner=V2)
    scene.wait()

    assert calls(scene, verifier(V1, wrong(block))) == []


@pytest.mark.parametrize("accusing", [Invalid, Unavailable])
def test_pitfall_03_there_is_no_verdict_without_proof_or_demands_and_without_one_nobody_is_accused(
    accusing: Any,
) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)

    with pytest.raises(TypeError):
        accusing(block, "not served")
    assert decide(scene, verifier(V1)) == ()


def test_challenges_come_before_demands_and_attestations() -> None:
    scene = Scene()
    good = scene.propose()
    hidden = scene.propose(miner=CHEAT, nonce=1)
    bad = scene.propose(miner=CHEAT)

    own = verifier(V1, Valid(good), lacks(hidden, ROOTS), wrong(bad))

    assert [type(a) for a in decide(scene, own)] == [Prove, Demand, Attest]


def test_pitfall_12_after_a_reorg_nothing_is_said_about_what_is_gone() -> None:
    scene = Scene()
    to = scene.l1_block
    scene.wait()
    gone = scene.propose(miner=CHEAT)
    own = verifier(V1, wrong(gone))
    scene.reorg(to)
    other = scene.propose()  # same height, another block

    assert decide(scene, own) == ()
    assert decide(scene, replace(own, verdicts={gone: wrong(gone), other: Valid(other)})) == (attest(scene, other),)


def test_pitfall_09_right_block_whose_miner_lets_a_demand_lapse_is_not_attested_to() -> None:
    """It may be sacrificed by its own miner, to take its attesters' bonds along."""
    scene = Scene()
    block = scene.propose()
    made = scene.demand(block, ROOTS, V2)
    assert attest(scene, block) in decide(scene, verifier(V1, Valid(block)))

    scene.wait(PARAMETERS.answer_window // 2 + 1)
    assert attest(scene, block) not in decide(scene, verifier(V1, Valid(block)))

    scene.answer(made)
    assert attest(scene, block) in decide(scene, verifier(V1, Valid(block)))

    scene.demand(block, EXPLANATION, V2)  # they could explain it, and would lose their bonds otherwise
    scene.wait(PARAMETERS.answer_window - 1)
    assert attest(scene, block) not in decide(scene, verifier(V1, Valid(block)))


def test_what_an_author_does_not_show_of_its_explanation_keeps_nobody_from_attesting() -> None:
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS, EXPLANATION)
    scene.demand(block, EXPLAINED_LEAVES, V2)
    scene.wait(PARAMETERS.answer_window - 1)

    assert attest(scene, block) in decide(scene, verifier(V1, Valid(block)))
