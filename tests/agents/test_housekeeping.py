"""Calls that anybody may make: due when L1 would accept them, and one agent at a time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pol_oracle.agents.actions import (
    Action,
    ClaimHead,
    Finalize,
    ForfeitBond,
    Orphan,
    SettleAttestation,
    SettleDispute,
)
from pol_oracle.agents.housekeeping import housekeeping
from pol_oracle.protocol.lifecycle import EvidenceKind, Outcome
from tests.agents.scene import CHEAT, GENESIS, MINER, PARAMETERS, POLICY, V1, V2, V3, Scene

STEP, WITHHELD = EvidenceKind.STEP, EvidenceKind.WITHHELD
WINDOW = PARAMETERS.challenge_window


def due(scene: Scene, me: str) -> list[Action]:
    return list(housekeeping(scene.view, me, PARAMETERS, POLICY.stagger))


def first_turn(scene: Scene, agents: Iterable[str], limit: int = 60) -> dict[str, int]:
    """Seconds until each agent would act, if nobody else did."""
    turns: dict[str, int] = {}
    for second in range(limit):
        turns |= {a: second for a in agents if a not in turns and due(scene, a)}
        scene.wait()
    return turns


def test_finalizes_after_window_and_quorum() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1)
    scene.wait(WINDOW)
    assert due(scene, MINER) == []  # one attestation is missing

    scene.attest(block, V2)
    assert due(scene, MINER) == [Finalize(block)]


def test_does_not_finalize_inside_the_window_or_during_a_dispute() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    assert due(scene, MINER) == []

    scene.dispute(block, challenger=V3)
    scene.wait(WINDOW)
    assert not any(isinstance(a, Finalize) for a in due(scene, MINER))


def test_miner_finalizes_its_own_block_and_others_follow_one_by_one() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2, V3)
    scene.wait(WINDOW - 1)

    turns = first_turn(scene, (MINER, V1, V2, V3))

    assert sorted(turns.values()) == [0, POLICY.stagger, 2 * POLICY.stagger, 3 * POLICY.stagger]
    assert turns[MINER] == 0


def test_finalizes_the_lowest_block_of_the_heads_branch_only() -> None:
    scene = Scene()
    first = scene.propose()
    second = scene.propose(first)
    scene.attest(first, V1, V2)
    scene.attest(second, V1, V2)
    scene.wait(WINDOW)
    assert due(scene, MINER) == [Finalize(first)]

    scene.finalize(first)
    assert due(scene, MINER) == [Finalize(second)]


def test_pitfall_15_blocks_wait_for_verifiers_and_are_finalized_when_they_come() -> None:
    scene = Scene(verifiers=())
    blocks = scene.chain(10)
    scene.wait(10 * WINDOW)
    assert due(scene, MINER) == []

    for block in blocks:
        scene.attest(block, V1, V2)
        assert due(scene, MINER) == [Finalize(block)]
        scene.finalize(block)


def test_pitfall_15_descendants_of_a_slashed_head_are_orphaned_one_by_one() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    blocks = scene.chain(10, bad)
    good = scene.propose(nonce=7)
    scene.slash(bad)
    assert ClaimHead(good, GENESIS) in due(scene, MINER)

    scene.wait(WINDOW)
    for block in blocks:
        orphans = [a for a in due(scene, MINER) if isinstance(a, Orphan)]
        assert orphans == [Orphan(block)]
        scene.orphan(block)
    assert not [a for a in due(scene, MINER) if isinstance(a, Orphan)]


def test_loser_of_a_race_is_orphaned_after_its_window() -> None:
    scene = Scene()
    winner = scene.propose()
    scene.wait(10)
    rival = scene.propose(miner=CHEAT, nonce=1)
    scene.wait(WINDOW - 5)
    scene.finalize(winner)
    assert due(scene, CHEAT) == []

    scene.wait(5)
    assert due(scene, CHEAT) == [Orphan(rival)]


def test_head_is_claimed_by_its_miner_first() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    good = scene.propose(nonce=7)
    scene.slash(bad)

    assert due(scene, MINER) == [ClaimHead(good, GENESIS)]
    assert not any(isinstance(a, ClaimHead) for a in due(scene, V1))
    scene.wait(4 * POLICY.stagger)
    assert any(isinstance(a, ClaimHead) for a in due(scene, V1))


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


DISPUTES = [
    # votes, seconds, who settles first
    ((True, V1, V2), 0, V1),  # guilty: the challenger
    ((False, V2, V3), 0, MINER),  # not guilty: the miner gets the challenger's bond
    ((True, V1), PARAMETERS.vote_window, V1),  # undecided: the challenger gets its bond back
]


@pytest.mark.parametrize(("votes", "wait", "first"), DISPUTES)
def test_decided_dispute_is_settled_by_whom_it_pays(votes: tuple[bool | str, ...], wait: int, first: str) -> None:
    scene = Scene()
    block = scene.propose()
    dispute = scene.dispute(block, challenger=V1)
    guilty, *voters = votes
    scene.vote(dispute, bool(guilty), *map(str, voters))
    scene.wait(wait)

    assert due(scene, first) == [SettleDispute(block, STEP)]
    others = {V1, V2, V3, MINER} - {first}
    assert all(due(scene, other) == [] for other in others)


def test_dispute_without_decision_is_left_alone() -> None:
    scene = Scene()
    block = scene.propose()
    scene.vote(scene.dispute(block), True, V1)

    assert due(scene, V1) == []


def test_second_dispute_of_a_slashed_block_is_settled_too() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.dispute(block, STEP, V1)
    scene.dispute(block, WITHHELD, V2)
    scene.settle_dispute(block, STEP, Outcome.GUILTY)
    scene.slash(block, winner=V1, kind=STEP)
    scene.wait(PARAMETERS.vote_window)

    assert SettleDispute(block, WITHHELD) in due(scene, V2)
