"""Heads are claimed and contested, what lost is orphaned, and what has fallen is cleared away."""

from __future__ import annotations

import pytest

from pol_oracle.agents.rules.actions import CatchUp, ClaimHead, Contest, Dismiss, Orphan
from pol_oracle.l1.events import typed as ev
from tests.agents.rules.housekeeper import ANSWER, TURN, WINDOW, due
from tests.agents.scene import CHEAT, GENESIS, MINER, V1, V3, Scene


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
