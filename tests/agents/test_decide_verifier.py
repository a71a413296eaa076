"""What a verifier does, as tables of situations. The view is made of events only; the clock is L1's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pol_oracle.agents.actions import Action, Attest, Commit, OpenDispute, ProveRequirement, Vote
from pol_oracle.agents.decide import Verifier, decide_verifier
from pol_oracle.agents.verdicts import Unserved, Verdict
from pol_oracle.canonical.trees import StateOpening
from pol_oracle.chain import events as ev
from pol_oracle.evidence import RequirementEvidence
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome, Role
from tests.agents.scene import CHEAT, ETH, PARAMETERS, POLICY, V1, V2, V3, Scene, seal, verifier

STEP, ACCURACY, WITHHELD, REQUIREMENT = (
    EvidenceKind.STEP,
    EvidenceKind.ACCURACY,
    EvidenceKind.WITHHELD,
    EvidenceKind.REQUIREMENT,
)
OPENING = StateOpening(1, 1, bytes(256), (), ())
EVIDENCE = RequirementEvidence(0, (bytes(32),), OPENING, OPENING)


def decide(scene: Scene, own: Verifier) -> tuple[Action, ...]:
    return decide_verifier(scene.view, own, PARAMETERS, POLICY)


def wrong(block: bytes, kind: EvidenceKind = STEP) -> Verdict:
    return Verdict(block, kind, "wrong", EVIDENCE if kind is REQUIREMENT else None)


def missing(block: bytes, failures: int = 3, last: int = 10**9) -> dict[bytes, Unserved]:
    return {block: Unserved(failures, last, "not there")}


# --- attesting ---


def test_attests_to_what_it_found_right_once() -> None:
    scene = Scene()
    block = scene.propose()
    assert decide(scene, verifier(V1, Verdict(block))) == (Attest(block),)

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

    assert Attest(child) not in decide(scene, verifier(V1, Verdict(child)))


def test_does_not_attest_while_a_dispute_runs() -> None:
    scene = Scene()
    block = scene.propose()
    scene.dispute(block, challenger=V3)

    assert Attest(block) not in decide(scene, verifier(V1, Verdict(block)))


def test_keeps_a_challenge_bond_in_reserve_and_attests_on_the_heads_branch_first() -> None:
    scene = Scene()
    rival = scene.propose(nonce=5)
    first = scene.propose()
    second = scene.propose(first)
    spare = PARAMETERS.challenge_bond + 2 * PARAMETERS.attest_bond
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - spare)

    assert decide(scene, verifier(V1, *map(Verdict, (rival, first, second)))) == (Attest(first), Attest(second))


# --- challenging ---


@pytest.mark.parametrize("kind", [REQUIREMENT, STEP, ACCURACY])
def test_commits_first_and_reveals_in_a_later_l1_block(kind: EvidenceKind) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    own = verifier(V1, wrong(block, kind))
    challenge = seal(block, kind, None)
    assert decide(scene, own) == (Commit(block, kind, challenge.commitment),)

    scene.commit(V1, challenge.commitment)
    assert decide(scene, own) == ()  # same L1 block

    scene.wait()
    header = scene.view.blocks[block].header
    assert header is not None
    if kind is REQUIREMENT:
        assert decide(scene, own) == (ProveRequirement(block, header, EVIDENCE, challenge.salt),)
    else:
        assert decide(scene, own) == (OpenDispute(block, kind, challenge.salt),)


def test_commitment_of_another_does_not_count_as_its_own() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.commit(V2, seal(block, STEP, None).commitment)
    scene.wait()

    assert isinstance(decide(scene, verifier(V1, wrong(block)))[0], Commit)


def test_does_not_repeat_a_dispute_that_somebody_opened_but_votes() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    dispute = scene.dispute(block, STEP, V2)

    assert decide(scene, verifier(V1, wrong(block))) == (Vote(dispute, block, STEP, True),)


def test_dispute_about_another_claim_stands_in_unless_it_is_about_withheld_data() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.dispute(block, WITHHELD, V2)  # perhaps by the cheat itself, to run out the window
    assert Commit(block, STEP, seal(block, STEP, None).commitment) in decide(scene, verifier(V1, wrong(block)))

    scene.dispute(block, ACCURACY, V3)
    actions = decide(scene, verifier(V1, wrong(block)))
    assert not any(isinstance(a, (Commit, OpenDispute)) for a in actions)


def test_opens_no_dispute_after_the_window_but_still_proves_requirements() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.wait(PARAMETERS.challenge_window)

    assert decide(scene, verifier(V1, wrong(block))) == ()
    assert isinstance(decide(scene, verifier(V1, wrong(block, REQUIREMENT)))[0], Commit)


def test_opens_no_dispute_it_cannot_pay_for() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.emit(ev.Unbonded, account=V1, role=Role.VERIFIER, amount=3 * ETH - PARAMETERS.challenge_bond + 1)

    assert decide(scene, verifier(V1, wrong(block))) == ()


def test_pitfall_02_earlier_commitment_takes_the_bounty_from_a_later_prover() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    challenge = seal(block, REQUIREMENT, None)
    scene.commit(V1, challenge.commitment, order=0)
    scene.slash(block, winner=V2)  # V2's commitment has order 1
    scene.wait()
    own = verifier(V1, wrong(block, REQUIREMENT))
    header = scene.view.blocks[block].header
    assert header is not None

    assert ProveRequirement(block, header, EVIDENCE, challenge.salt) in decide(scene, own)

    scene.wait(PARAMETERS.reveal_window)
    assert not any(isinstance(a, ProveRequirement) for a in decide(scene, own))


def test_later_commitment_is_not_shown_after_the_slash() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.commit(V1, seal(block, REQUIREMENT, None).commitment, order=2)
    scene.slash(block, winner=V2)
    scene.wait()

    assert decide(scene, verifier(V1, wrong(block, REQUIREMENT))) == ()


# --- withheld data ---


def test_pitfall_03_unserved_block_is_challenged_only_after_grace_and_repeated_failures() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    commit = (Commit(block, WITHHELD, seal(block, WITHHELD, None).commitment),)

    assert decide(scene, verifier(unserved=missing(block))) == ()  # too early
    scene.wait(POLICY.grace)
    assert decide(scene, verifier(unserved=missing(block, failures=2))) == ()  # too few
    assert decide(scene, verifier(unserved=missing(block))) == commit


def test_pitfall_03_block_served_late_is_not_challenged() -> None:
    scene = Scene()
    block = scene.propose()
    scene.wait(POLICY.grace)

    assert decide(scene, verifier(V1, Verdict(block), unserved=missing(block))) == (Attest(block),)


VOTES = [
    # kind, own verdict (None: no replay), failures after the opening, vote
    (STEP, "right", 0, False),
    (STEP, "wrong", 0, True),
    (STEP, None, 9, None),
    (ACCURACY, "right", 0, False),
    (ACCURACY, "wrong", 0, True),  # wrong in whatever way
    (ACCURACY, None, 9, None),
    (WITHHELD, "right", 0, False),
    (WITHHELD, "wrong", 0, False),  # bad, but served
    (WITHHELD, None, 3, True),
    (WITHHELD, None, 2, None),
    (WITHHELD, None, 0, None),
]


@pytest.mark.parametrize(("kind", "verdict", "failures", "vote"), VOTES)
def test_pitfall_03_votes_by_its_own_replay(
    kind: EvidenceKind, verdict: str | None, failures: int, vote: bool | None
) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    dispute = scene.dispute(block, kind, V3)
    found = {"right": Verdict(block), "wrong": wrong(block)}
    verdicts = [found[verdict]] if verdict else []
    unserved = missing(block, failures, scene.now) if failures else None

    votes = [a for a in decide(scene, verifier(V1, *verdicts, unserved=unserved)) if isinstance(a, Vote)]

    assert votes == ([] if vote is None else [Vote(dispute, block, kind, vote)])


def test_pitfall_03_old_failures_do_not_vote() -> None:
    """What was missing before the dispute may be served by now: it must have been looked for since."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.dispute(block, WITHHELD, V3)

    assert decide(scene, verifier(unserved=missing(block, last=scene.now - 1))) == ()


@pytest.mark.parametrize("why", ["voted", "closed", "decided", "too new"])
def test_casts_no_vote_that_does_not_count(why: str) -> None:
    scene = Scene(verifiers=(V2, V3) if why == "too new" else (V1, V2, V3))
    block = scene.propose(miner=CHEAT)
    dispute = scene.dispute(block, STEP, V3)
    if why == "voted":
        scene.vote(dispute, True, V1)
    elif why == "closed":
        scene.wait(PARAMETERS.vote_window)
    elif why == "decided":
        scene.vote(dispute, True, V2, V3)
    else:
        scene.emit(ev.Deposited, account=V1, role=Role.VERIFIER, amount=3 * ETH)

    assert not any(isinstance(a, Vote) for a in decide(scene, verifier(V1, wrong(block))))


def test_challenges_come_before_attestations() -> None:
    scene = Scene()
    good = scene.propose()
    bad = scene.propose(miner=CHEAT)

    kinds = [type(a) for a in decide(scene, verifier(V1, Verdict(good), wrong(bad)))]

    assert kinds == [Commit, Attest]


def test_pitfall_12_after_a_reorg_nothing_is_said_about_what_is_gone() -> None:
    scene = Scene()
    to = scene.l1_block
    scene.wait()
    gone = scene.propose(miner=CHEAT)
    own = verifier(V1, wrong(gone))
    scene.reorg(to)
    other = scene.propose()  # same height, another block

    assert decide(scene, own) == ()
    assert decide(scene, replace(own, verdicts={gone: wrong(gone), other: Verdict(other)})) == (Attest(other),)


def test_lost_dispute_is_not_opened_again() -> None:
    scene = Scene()
    block = scene.propose()
    scene.dispute(block, STEP, V1)
    scene.settle_dispute(block, STEP, Outcome.NOT_GUILTY)

    assert decide(scene, verifier(V1, wrong(block))) == ()
