"""What a verifier does, as tables of situations. The view is made of events only; the clock is L1's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pol_oracle.agents.rules.actions import Action, Attest, Commit, Demand, Prove, Reopen
from pol_oracle.agents.rules.decide import decide_verifier
from pol_oracle.agents.rules.knowledge import Verifier
from pol_oracle.agents.rules.verdicts import Verdict
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from tests.agents.scene import (
    BITS,
    CHEAT,
    ETH,
    EXPLAINED_LEAVES,
    EXPLANATION,
    PARAMETERS,
    POLICY,
    ROOTS,
    TRACE_ROOT,
    V1,
    V2,
    V3,
    Scene,
    lacks,
    proof_of,
    refutation,
    seal,
    verifier,
)

STEP, ACCURACY, WITHHELD, REQUIREMENT = (
    EvidenceKind.STEP,
    EvidenceKind.ACCURACY,
    EvidenceKind.WITHHELD,
    EvidenceKind.REQUIREMENT,
)


def attest(scene: Scene, block: bytes) -> Attest:
    return Attest(block, scene.view.blocks[block].difficulty)


def decide(scene: Scene, own: Verifier) -> tuple[Action, ...]:
    return decide_verifier(scene.view, own, PARAMETERS, POLICY)


def wrong(block: bytes, kind: EvidenceKind = STEP) -> Verdict:
    return Verdict(block, kind, "wrong", proof_of(block, kind))


def commitment(block: bytes) -> bytes:
    return seal(block, proof_of(block)).commitment


def proven(block: bytes, kind: EvidenceKind = STEP) -> Prove:
    return Prove(block, proof_of(block, kind), seal(block, proof_of(block)).salt)


# --- attesting ---


def test_attests_to_what_it_found_right_once() -> None:
    scene = Scene()
    block = scene.propose()
    assert decide(scene, verifier(V1, Verdict(block))) == (attest(scene, block),)

    scene.attest(block, V1)
    assert decide(scene, verifier(V1, Verdict(block))) == ()


def test_says_nothing_without_a_replay() -> None:
    scene = Scene()
    scene.propose()

    assert decide(scene, verifier()) == ()


def test_does_not_attest_to_its_own_block() -> None:
    scene = Scene(verifiers=(V1, V2, CHEAT))
    block = scene.propose(miner=CHEAT)

    assert decide(scene, verifier(CHEAT, Verdict(block))) == ()


def test_does_not_attest_to_a_block_on_a_slashed_one() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    child = scene.propose(bad)
    scene.slash(bad, winner=V2)

    assert attest(scene, child) not in decide(scene, verifier(V1, Verdict(child)))


@pytest.mark.parametrize("position", [ROOTS, EXPLANATION])
def test_pitfall_11_demands_of_others_do_not_keep_it_from_attesting(position: object) -> None:
    """Else a fee would buy a block's attesters out of their pay."""
    scene = Scene()
    block = scene.propose()
    scene.demand(block, position, V2)  # type: ignore[arg-type]

    assert decide(scene, verifier(V1, Verdict(block))) == (attest(scene, block),)


def test_does_not_attest_while_something_is_missing() -> None:
    scene = Scene()
    block = scene.propose()

    assert not lacks(block, ROOTS).valid
    assert not any(isinstance(a, Attest) for a in decide(scene, verifier(V1, lacks(block, ROOTS))))


def test_attests_to_a_right_block_that_somebody_explains_falsely() -> None:
    """And sees to it that this costs whoever did."""
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS, EXPLANATION)
    for verdict in (Verdict(block, None, "false", refutation()), lacks(block, EXPLAINED_LEAVES, None)):
        actions = decide(scene, verifier(V1, verdict))
        assert attest(scene, block) in actions
        assert [type(a) for a in actions] == [Commit if verdict.proof else Demand, Attest]


def test_keeps_what_demands_and_explanations_may_take_in_reserve_and_attests_on_the_heads_branch_first() -> None:
    scene = Scene()
    rival = scene.propose(nonce=5)
    first = scene.propose()
    second = scene.propose(first)
    spare = POLICY.reserve(PARAMETERS) + 4 * PARAMETERS.attest_bond
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - spare)

    assert decide(scene, verifier(V1, *map(Verdict, (rival, first, second)))) == (
        attest(scene, first),
        attest(scene, second),
    )
    scene.attest(first, V1)
    assert decide(scene, verifier(V1, *map(Verdict, (rival, first, second)))) == (attest(scene, second),)


# --- challenging ---


@pytest.mark.parametrize("kind", [REQUIREMENT, STEP, ACCURACY])
def test_commits_first_and_proves_in_a_later_l1_block(kind: EvidenceKind) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    own = verifier(V1, wrong(block, kind))
    assert decide(scene, own) == (Commit(block, commitment(block)),)

    scene.commit(V1, commitment(block))
    assert decide(scene, own) == ()  # same L1 block

    assert decide(scene, replace(own, depth=1)) == (proven(block, kind),)  # L1 is a block further
    scene.wait()
    assert decide(scene, own) == (proven(block, kind),)


def test_pitfall_02_commitment_of_another_does_not_count_as_its_own() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.commit(V2, commitment(block))
    scene.wait()

    assert isinstance(decide(scene, verifier(V1, wrong(block)))[0], Commit)


def test_another_proof_of_the_same_block_is_committed_to_anew() -> None:
    """After a restart a replay may find another fault: the old commitment does not open to it."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    old = Commit(block, commitment(block))
    other = replace(proof_of(block), function="proveInput")
    (new,) = decide(scene, verifier(V1, Verdict(block, STEP, "wrong", other)))

    assert isinstance(new, Commit)
    assert new.key != old.key


def test_proves_after_the_window_as_long_as_the_block_is_pending() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.wait(PARAMETERS.challenge_window)

    assert isinstance(decide(scene, verifier(V1, wrong(block)))[0], Commit)


def test_proving_takes_no_bond() -> None:
    scene = Scene(verifiers=(V2,))
    block = scene.propose(miner=CHEAT)

    assert decide(scene, verifier(V1, wrong(block))) == (Commit(block, commitment(block)),)


def test_pitfall_02_earlier_commitment_takes_the_bounty_from_a_later_prover() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.commit(V1, commitment(block), order=0)
    scene.slash(block, winner=V2)  # V2's commitment has order 1
    scene.wait()
    own = verifier(V1, wrong(block))
    assert proven(block) in decide(scene, own)

    scene.wait(PARAMETERS.reveal_window)
    assert not any(isinstance(a, Prove) for a in decide(scene, own))


def test_later_commitment_is_not_shown_after_the_slash() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.commit(V1, commitment(block), order=2)
    scene.slash(block, winner=V2)
    scene.wait()

    assert decide(scene, verifier(V1, wrong(block))) == ()


def refute(scene: Scene, block: bytes) -> tuple[Action, ...]:
    """What an agent does against a false explanation."""
    return decide(scene, verifier(V1, Verdict(block, EvidenceKind.UNEXPLAINED, "false", refutation())))


def test_a_false_explanation_is_committed_against_and_refuted_as_long_as_it_stands() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.answer(about, V2)
    sealed = seal(block, refutation())
    assert refute(scene, block) == (Commit(block, sealed.commitment),)

    scene.commit(V1, sealed.commitment)
    scene.wait()
    given_at = scene.view.blocks[block].explained_at(EXPLAINED_LEAVES)
    assert refute(scene, block) == (Prove(block, refutation(), sealed.salt, given_at or 0),)
    scene.refute(about)
    assert refute(scene, block) == ()


def test_a_false_explanation_that_is_given_again_is_refuted_again() -> None:
    """By another call, though it is made of the same bytes."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    about = scene.demand(block, EXPLANATION, V1)
    scene.commit(V1, seal(block, refutation()).commitment)
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

    false = Verdict(block, EvidenceKind.UNEXPLAINED, "false", refutation())
    assert decide(scene, verifier(V1, false))[0] == Reopen(
        block, replace(EXPLANATION, explanation=TRACE_ROOT), given_at
    )
    right = Verdict(block, None, "false", refutation())
    assert not any(isinstance(a, Reopen | Commit) for a in decide(scene, verifier(V1, right)))  # it harms nobody
    below = lacks(block, EXPLAINED_LEAVES)
    assert decide(scene, verifier(V1, below))[0] == Reopen(block, EXPLAINED_LEAVES, given_at)
    scene.reopen(EXPLANATION.demand_id(block))
    assert not any(isinstance(a, Reopen) for a in decide(scene, verifier(V1, false)))


def test_pitfall_24_explanations_of_a_fallen_author_are_reopened_in_time_or_proven_false() -> None:
    """L1 lets nobody reopen them later: one fall holds a block up once."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.show(block, BITS)
    other = replace(EXPLANATION, index=10)
    for position in (EXPLANATION, other):
        scene.answer(scene.demand(block, position, V2), V3)
    scene.wait(PARAMETERS.challenge_window)
    scene.refute(other.demand_id(block))
    scene.wait(PARAMETERS.answer_window - 1)
    false = Verdict(block, EvidenceKind.UNEXPLAINED, "false", refutation())
    assert isinstance(decide(scene, verifier(V1, false))[0], Reopen)

    scene.wait()
    assert isinstance(decide(scene, verifier(V1, false))[0], Commit)
    assert decide(scene, verifier(V1, lacks(block, EXPLAINED_LEAVES))) == ()


def test_what_refutes_an_explanation_is_no_claim_to_the_bounty_of_its_block() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.answer(scene.demand(block, EXPLANATION, V1), V2)
    scene.commit(V1, seal(block, refutation()).commitment, order=0)
    scene.slash(block, winner=V2, order=1)
    scene.wait()
    assert not any(isinstance(a, Prove) for a in refute(scene, block))


def test_pitfall_03_a_verdict_without_proof_or_demands_accuses_nobody() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)

    assert decide(scene, verifier(V1, Verdict(block, WITHHELD, "not served"))) == ()


def test_challenges_come_before_demands_and_attestations() -> None:
    scene = Scene()
    good = scene.propose()
    hidden = scene.propose(miner=CHEAT, nonce=1)
    bad = scene.propose(miner=CHEAT)

    own = verifier(V1, Verdict(good), lacks(hidden, ROOTS), wrong(bad))

    assert [type(a) for a in decide(scene, own)] == [Commit, Demand, Attest]


def test_pitfall_12_after_a_reorg_nothing_is_said_about_what_is_gone() -> None:
    scene = Scene()
    to = scene.l1_block
    scene.wait()
    gone = scene.propose(miner=CHEAT)
    own = verifier(V1, wrong(gone))
    scene.reorg(to)
    other = scene.propose()  # same height, another block

    assert decide(scene, own) == ()
    assert decide(scene, replace(own, verdicts={gone: wrong(gone), other: Verdict(other)})) == (attest(scene, other),)


def test_pitfall_09_right_block_whose_miner_lets_a_demand_lapse_is_not_attested_to() -> None:
    """It may be sacrificed by its own miner, to take its attesters' bonds along."""
    scene = Scene()
    block = scene.propose()
    made = scene.demand(block, ROOTS, V2)
    assert attest(scene, block) in decide(scene, verifier(V1, Verdict(block)))

    scene.wait(PARAMETERS.answer_window // 2 + 1)
    assert attest(scene, block) not in decide(scene, verifier(V1, Verdict(block)))

    scene.answer(made)
    assert attest(scene, block) in decide(scene, verifier(V1, Verdict(block)))

    scene.demand(block, EXPLANATION, V2)  # they could explain it, and would lose their bonds otherwise
    scene.wait(PARAMETERS.answer_window - 1)
    assert attest(scene, block) not in decide(scene, verifier(V1, Verdict(block)))


def test_what_an_author_does_not_show_of_its_explanation_keeps_nobody_from_attesting() -> None:
    scene = Scene()
    block = scene.propose()
    scene.show(block, BITS, EXPLANATION)
    scene.demand(block, EXPLAINED_LEAVES, V2)
    scene.wait(PARAMETERS.answer_window - 1)

    assert attest(scene, block) in decide(scene, verifier(V1, Verdict(block)))
