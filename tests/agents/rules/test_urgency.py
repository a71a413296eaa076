"""What is replayed first: what could be final next, then what carries the head or may be built on, the dead last."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pol_oracle.agents.rules.urgency import Rank, Urgency, branch_works, urgencies
from tests.agents.scene import CHEAT, GENESIS, PARAMETERS, V1, V2, V3, Scene

WINDOW = PARAMETERS.challenge_window


def ranked(
    scene: Scene,
    blocks: Collection[bytes],
    walks: Collection[bytes] = (),
    right: Collection[bytes] = (),
    failures: Mapping[bytes, int] | None = None,
) -> dict[bytes, int]:
    """The blocks in order, with their ranks."""
    chosen = [scene.view.blocks[block] for block in blocks]
    found = urgencies(scene.view, chosen, walks, right, failures or {}, PARAMETERS)
    return {block: urgency.rank for block, urgency in found.items()}


def attested(scene: Scene, block: bytes) -> bytes:
    scene.attest(block, *(V1, V2, V3)[: PARAMETERS.quorum])
    return block


def test_the_head_s_branch_comes_before_others_though_they_were_first() -> None:
    """First in, first out let a miner's side branches delay the block that is finalized next."""
    scene = Scene()
    sides = [scene.propose(miner=CHEAT, nonce=nonce) for nonce in range(1, 4)]
    low, high = scene.chain(2)

    assert scene.view.head == high
    assert list(ranked(scene, [*sides, high, low]).items()) == [
        (low, Rank.HEAD),
        (high, Rank.HEAD),
        *((side, Rank.LIVE) for side in sides),
    ]


def test_what_carries_a_switch_of_the_head_comes_first() -> None:
    scene = Scene()
    old = scene.chain(2)
    rival = scene.chain(3, miner=CHEAT)
    assert list(ranked(scene, [*old, *rival])) == [*rival, *old]


def test_heavier_branches_come_before_lighter_ones() -> None:
    scene = Scene()
    head = scene.chain(4)
    light, heavy = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    scene.chain(2, heavy, CHEAT)

    assert list(ranked(scene, [light, heavy])) == [heavy, light]
    assert branch_works(scene.view)[GENESIS] == scene.view.blocks[head[-1]].total_work
    assert branch_works(scene.view)[heavy] == scene.view.blocks[heavy].total_work * 3


def test_a_block_with_a_quorum_whose_window_ends_soon_comes_before_the_rest_of_the_head_s_branch() -> None:
    scene = Scene()
    low, high = scene.chain(2)
    attested(scene, high)
    assert list(ranked(scene, [high, low])) == [low, high]

    scene.wait(WINDOW // 2)
    assert list(ranked(scene, [low, high]).items()) == [(high, Rank.CLOSING), (low, Rank.HEAD)]
    scene.wait(WINDOW)
    assert ranked(scene, [high]) == {high: Rank.CLOSING}  # most of all when it is over


def test_pitfall_09_a_quorum_beside_the_head_keeps_no_block_of_the_head_s_branch_waiting() -> None:
    """Right siblings with attesters of their miner's own cost nothing but capital for a while. While something can be
    demanded of them they come before others beside the head."""
    scene = Scene()
    head, side = scene.chain(2)[0], attested(scene, scene.propose(miner=CHEAT, nonce=1))
    heavy = scene.propose(nonce=2)
    scene.chain(1, heavy)
    assert list(ranked(scene, [side, heavy, head])) == [head, heavy, side]

    scene.wait(WINDOW // 2)
    assert list(ranked(scene, [side, heavy, head]).items()) == [
        (head, Rank.HEAD),
        (side, Rank.LIVE),
        (heavy, Rank.LIVE),
    ]
    scene.wait(WINDOW)
    assert list(ranked(scene, [side, heavy, head])) == [head, heavy, side]


def test_of_those_the_one_whose_window_ends_first_comes_first() -> None:
    scene = Scene()
    early = scene.propose(miner=CHEAT)
    scene.wait(5)
    late = scene.propose(miner=CHEAT, nonce=1)
    for block in (late, early):
        attested(scene, block)
    scene.wait(WINDOW)
    assert list(ranked(scene, [late, early])) == [early, late]


def test_blocks_without_a_future_come_last_unless_the_agent_s_money_hangs_on_them() -> None:
    scene = Scene()
    winner = scene.propose()
    loser, slashed = (scene.propose(miner=CHEAT, nonce=nonce) for nonce in range(1, 3))
    live = scene.propose(winner)
    scene.finalize(winner)
    scene.slash(slashed)

    order = ranked(scene, [loser, slashed, live])
    assert order == {live: Rank.HEAD, slashed: Rank.OWED, loser: Rank.DEAD}
    assert list(order) == [live, slashed, loser]


def test_pitfall_27_a_wrong_block_that_lost_its_race_does_not_get_away_while_it_is_walked_down() -> None:
    """Its miner answered everything, was orphaned before the last answer was looked at, and earned the fees."""
    scene = Scene()
    winner, wrong = scene.propose(), scene.propose(miner=CHEAT, nonce=1)
    live = scene.propose(winner)
    scene.finalize(winner)

    assert ranked(scene, [live, wrong], walks=[wrong]) == {wrong: Rank.CLOSING, live: Rank.HEAD}


def test_pitfall_09_explanations_of_right_blocks_keep_no_other_block_waiting() -> None:
    scene = Scene()
    first, second = scene.chain(2)
    assert list(ranked(scene, [first, second], walks=[], right=[first])) == [second, first]
    assert ranked(scene, [first], right=[first]) == {first: Rank.OWED}


def test_a_block_of_which_something_was_shown_comes_first_because_a_clock_runs() -> None:
    scene = Scene()
    shown, head = scene.propose(miner=CHEAT), scene.chain(2)[0]
    assert list(ranked(scene, [head, shown], walks=[shown])) == [shown, head]


def test_pitfall_09_each_failure_costs_a_rank() -> None:
    scene = Scene()
    head, side = scene.chain(2)[0], scene.propose(miner=CHEAT, nonce=1)
    assert list(ranked(scene, [head, side], failures={head: 1})) == [side, head]
    dead, failed = scene.propose(nonce=7), scene.propose(nonce=8)
    final = scene.view.blocks[head].id
    scene.finalize(final)
    assert list(ranked(scene, [dead, failed], failures={failed: 1})) == [dead, failed]


def test_only_what_is_far_more_urgent_interrupts() -> None:
    def at(rank: int) -> Urgency:
        return Urgency(rank, 0, 0, 0)

    far = {(first, running) for first in Rank for running in Rank if at(first).far_above(at(running))}
    assert far == {
        (Rank.CLOSING, Rank.LIVE),
        (Rank.CLOSING, Rank.OWED),
        (Rank.CLOSING, Rank.DEAD),
        (Rank.HEAD, Rank.OWED),
        (Rank.HEAD, Rank.DEAD),
        (Rank.LIVE, Rank.OWED),
        (Rank.LIVE, Rank.DEAD),
    }
