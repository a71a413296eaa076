"""Calls that anybody may make: due when L1 would accept them, and one agent at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

import pytest

from pol_oracle.agents.rules.actions import (
    Action,
    CatchUp,
    ClaimHead,
    Contest,
    Dismiss,
    Expire,
    Finalize,
    ForfeitBond,
    Orphan,
    Release,
    SettleAttestation,
    SettleDemand,
)
from pol_oracle.agents.rules.housekeeping import housekeeping
from pol_oracle.l1.events import typed as ev
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind, Role
from pol_oracle.protocol.positions import Item, Position
from tests.agents.scene import (
    BITS,
    CHEAT,
    EXPLAINED_LEAVES,
    EXPLANATION,
    GENESIS,
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

WINDOW, ANSWER, TURN = PARAMETERS.challenge_window, PARAMETERS.answer_window, POLICY.turn(PARAMETERS)


def due(scene: Scene, me: str, right: Collection[bytes] | None = None) -> list[Action]:
    """What an agent does that found these blocks right; all of them, if nothing else is said."""
    known = scene.view.blocks if right is None else right
    return list(housekeeping(scene.view, me, known, PARAMETERS, POLICY))


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
    assert due(scene, MINER) == [Finalize(block, block)]


def test_finalizes_only_what_it_found_right_or_mined() -> None:
    """An audit found: verifiers finalized blocks they had never seen, or held a proof against."""
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    scene.wait(WINDOW + 10 * TURN)

    assert due(scene, V1, right=()) == due(scene, CHEAT, right=()) == []
    assert due(scene, V1, right=(block,)) == [Finalize(block, block)]
    assert due(scene, MINER, right=()) == [Finalize(block, block)]


def test_pitfall_22_garbage_buys_no_finality() -> None:
    """An audit found: a pile of garbage on an inferior block orphaned thirty honest blocks."""
    scene = Scene()
    honest = scene.chain(3)
    inferior = scene.propose(miner=CHEAT, nonce=1)
    scene.attest(inferior, V1, V2)
    garbage = inferior
    for nonce in range(4):
        garbage = scene.propose(garbage, miner=CHEAT, nonce=nonce)
    assert scene.view.head == garbage
    assert scene.view.rivals == {honest[-1]}
    scene.demand(scene.view.blocks[garbage].parent, ROOTS, V1, window=10 * WINDOW)  # what is not right is not judged
    scene.wait(WINDOW)
    assert not any(isinstance(a, Finalize) for a in due(scene, CHEAT))


def test_finalizes_with_the_lowest_witness_that_is_better_than_what_contends() -> None:
    """A truly heavier branch wins once it is judged."""
    scene = Scene()
    rivals = scene.chain(2)
    first = scene.propose(nonce=1)
    branch = [first, *scene.chain(3, first)]
    scene.attest(first, V1, V2)
    assert scene.view.rivals == {rivals[-1]}
    scene.wait(scene.view.blocks[branch[2]].proposed_at + WINDOW - 1 - scene.now)
    assert due(scene, MINER) == []

    scene.wait()
    assert due(scene, MINER) == [Finalize(first, branch[2])]


def test_a_branch_that_was_slashed_contends_with_what_is_left_of_it() -> None:
    scene = Scene()
    kept = scene.propose(miner=CHEAT)
    bad = scene.propose(kept, miner=CHEAT)
    first = scene.propose(nonce=1)
    second = scene.propose(first)
    scene.propose(second)
    scene.attest(first, V1, V2)
    scene.wait(WINDOW)
    assert scene.view.rivals == {bad}
    scene.slash(bad)

    assert due(scene, MINER)[0] == Finalize(first, second)  # kept came before first


def test_pitfall_22_a_branch_found_right_contests_a_head_that_was_not() -> None:
    """It may have grown beside garbage from its first second, and never have been the head."""
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    scene.chain(3, bad, CHEAT)
    first = scene.propose(nonce=1)
    second = scene.propose(first)
    right = (first, second)
    assert due(scene, MINER, right) == []  # the head's branch may be replayed yet

    scene.wait(WINDOW // 2)
    assert due(scene, MINER, right) == [Contest(second, scene.view.head)]
    scene.emit(ev.HeadContested, block_id=second)
    assert due(scene, MINER, right) == []


def test_rivals_that_have_fallen_are_dismissed_one_by_one_while_they_are_many() -> None:
    """Else garbage that displaces garbage would fill a list that L1 walks whenever a block becomes final."""
    scene = Scene()
    bad, lived = scene.propose(miner=CHEAT), scene.propose(nonce=2)
    for rival in (lived, *scene.chain(9, bad, CHEAT)):
        scene.emit(ev.HeadContested, block_id=rival)
    scene.slash(bad)
    scene.wait(10 * TURN)
    dismissed, keys = 0, set[str]()
    while dismissals := [a for a in due(scene, MINER) if isinstance(a, Dismiss)]:
        (action,) = dismissals
        order = sorted((scene.view.blocks[r] for r in scene.view.rivals), key=lambda b: (b.total_work, -b.sequence))
        assert order[action.place].id == action.block_id != lived
        fallen = [block.id not in scene.view.live for block in order]
        assert not any(fallen[action.place + 1 :])  # L1 moves what comes after it
        scene.wait(ANSWER)
        (again,) = (a for a in due(scene, MINER) if isinstance(a, Dismiss))
        assert again.block_id == action.block_id and again.key != action.key  # the first call may not have got through
        keys |= {action.key, again.key}
        scene.emit(ev.RivalDismissed, block_id=action.block_id)
        dismissed += 1
    assert (dismissed, len(keys)) == (2, 4)
    assert lived in scene.view.rivals


def test_a_miner_has_its_best_block_beside_the_head_caught_up_with_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a child of it would have to pay for all of them at once, and might not fit into a transaction."""
    monkeypatch.setattr("pol_oracle.agents.rules.housekeeping.ENTRIES", 10)
    scene = Scene()
    mine = scene.propose(nonce=1)
    for number in range(21):
        scene.slash(scene.propose(miner=CHEAT, nonce=number + 2))
    assert [a for a in due(scene, MINER) if isinstance(a, CatchUp)] == []  # it is the head

    scene.chain(2, miner=CHEAT)
    calls = [a for a in due(scene, MINER) if isinstance(a, CatchUp)]
    assert calls == [CatchUp(mine, 0), CatchUp(mine, 1)]
    assert len({call.key for call in calls}) == 2
    assert not any(isinstance(a, CatchUp) for a in due(scene, V1))


def test_nobody_contests_a_head_that_it_found_right() -> None:
    scene = Scene()
    lost = scene.propose()
    first = scene.propose(miner=CHEAT, nonce=1)
    second = scene.propose(first, miner=CHEAT)
    scene.wait(WINDOW // 2)

    assert due(scene, MINER, (lost, first, second)) == []
    assert due(scene, MINER, (lost, first)) == []  # as much is right there, and it may go on


def test_does_not_finalize_inside_the_window() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)

    assert due(scene, MINER) == []


def test_pitfall_09_a_block_is_not_judged_while_a_demand_is_open_or_an_answer_is_fresh() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    scene.wait(WINDOW)
    made = scene.demand(block, demander=V3)
    assert Finalize(block, block) not in due(scene, MINER)

    scene.answer(made)
    scene.wait(ANSWER - 1)
    assert Finalize(block, block) not in due(scene, MINER)

    scene.wait(1)
    assert due(scene, MINER) == [Finalize(block, block)]


def test_loser_of_a_race_is_not_orphaned_while_a_demand_is_open_or_an_answer_is_fresh() -> None:
    scene = Scene()
    winner, rival = scene.propose(), scene.propose(miner=CHEAT, nonce=1)
    scene.finalize(winner)
    scene.wait(WINDOW)
    made = scene.demand(rival, demander=V3)
    assert Orphan(rival) not in due(scene, CHEAT)

    scene.answer(made, CHEAT)
    assert Orphan(rival) not in due(scene, CHEAT)
    scene.wait(ANSWER)
    assert Orphan(rival) in due(scene, CHEAT)


def test_miner_finalizes_its_own_block_and_others_follow_one_by_one() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2, V3)
    scene.wait(WINDOW - 1)

    turns = first_turn(scene, (MINER, V1, V2, V3))

    assert sorted(turns.values()) == [0, TURN, 2 * TURN, 3 * TURN]
    assert turns[MINER] == 0


def test_finalizes_the_lowest_block_of_the_heads_branch_only() -> None:
    scene = Scene()
    first = scene.propose()
    second = scene.propose(first)
    scene.attest(first, V1, V2)
    scene.attest(second, V1, V2)
    scene.wait(WINDOW)
    assert due(scene, MINER) == [Finalize(first, first)]

    scene.finalize(first)
    assert due(scene, MINER) == [Finalize(second, second)]


def test_pitfall_15_blocks_wait_for_verifiers_and_are_finalized_when_they_come() -> None:
    scene = Scene(verifiers=())
    blocks = scene.chain(10)
    scene.wait(10 * WINDOW)
    assert due(scene, MINER) == []

    for block in blocks:
        scene.attest(block, V1, V2)
        assert due(scene, MINER) == [Finalize(block, block)]
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


def test_a_losers_child_is_orphaned_after_the_loser() -> None:
    """The registry says whether what lies below was slashed only when it is judged."""
    scene = Scene()
    winner, loser = scene.propose(), scene.propose(miner=CHEAT, nonce=1)
    child = scene.propose(loser, miner=CHEAT, nonce=2)
    above = scene.propose(winner, nonce=3)
    scene.wait(WINDOW)
    scene.finalize(winner)
    scene.finalize(above)
    assert Orphan(child) not in due(scene, CHEAT)

    scene.orphan(loser)
    assert Orphan(child) in due(scene, CHEAT)


def test_head_is_claimed_by_its_miner_first() -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    good = scene.propose(nonce=7)
    scene.slash(bad)

    assert due(scene, MINER) == [ClaimHead(good, GENESIS)]
    assert not any(isinstance(a, ClaimHead) for a in due(scene, V1))
    scene.wait(4 * TURN)
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


# --- demands ---


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


def test_answers_about_a_slashed_block_are_paid_unless_they_are_its_miners() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    scene.answer(scene.demand(block, ROOTS, V1), V3)
    scene.answer(scene.demand(block, BITS, V1), CHEAT)
    scene.slash(block, winner=V2)

    assert due(scene, V1) == [SettleDemand(block, ROOTS), SettleDemand(block, BITS)]
    scene.wait(TURN)
    assert due(scene, V3)[0] == SettleDemand(block, ROOTS)


# --- explanations ---


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


def test_a_block_is_not_final_while_it_lacks_an_explanation() -> None:
    scene = Scene()
    block = scene.propose()
    scene.attest(block, V1, V2)
    about = scene.demand(block, EXPLANATION, V3, window=2 * WINDOW)
    scene.wait(WINDOW)
    assert due(scene, MINER) == []

    scene.answer(about)
    scene.wait(ANSWER)
    assert due(scene, MINER) == [Finalize(block, block)]
    scene.finalize(block)
    assert due(scene, MINER) == [SettleDemand(block, EXPLANATION), Release(block, MINER)]
    scene.settle_demand(about)
    scene.emit(ev.SpeakerReleased, block_id=block, author=MINER)
    for attester in (V1, V2):
        scene.settle(block, attester)
    assert due(scene, MINER) == []
    assert not scene.view.unsettled


def test_expired_demand_settles_at_once() -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    made = scene.demand(block, ROOTS, V1)
    scene.wait(ANSWER)
    scene.expire(made)

    assert due(scene, V1) == [SettleDemand(block, ROOTS)]


def test_pitfall_15_idle_accounts_with_bonds_delay_nobody_for_long() -> None:
    """Bonds cost nothing that is not given back, so a thousand of them must not be worth a thousand turns."""
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    for number in range(1000):
        bond = 1 if number % 2 else PARAMETERS.attest_bond
        scene.emit(ev.Deposited, account="0x" + f"{number:040x}", role=Role.VERIFIER, amount=bond)
    scene.attest(block, V2, V3)
    scene.wait(PARAMETERS.challenge_window + 5 * TURN)

    assert Finalize(block, block) in due(scene, V1)
