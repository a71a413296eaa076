"""Which block is replayed next, and when a replay gives way to another."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pol_oracle.agents.rules.verdicts import Invalid, Replay, Valid, Verdict
from pol_oracle.agents.work.worker import Cancelled
from pol_oracle.evidence import Shown
from pol_oracle.protocol.errors import ArithmeticFault, InputError, StoreError
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.agents.scene import CHEAT, MINER, PARAMETERS, ROOTS, V1, V2, V3, Scene, join, lacks, proof_of
from tests.agents.work.review import Cancel, Review, finding, right, until_idle

VERIFIERS = (V1, V2, V3)[: PARAMETERS.quorum]


def test_live_blocks_are_replayed_before_those_without_a_future(tmp_path: Path) -> None:
    scene = Scene()
    first = scene.propose()
    loser, live = scene.propose(nonce=1), scene.propose(first)
    scene.attest(first, V1, V2)
    scene.finalize(first)
    seen: list[bytes] = []
    Review(tmp_path, finding(right, seen)).turns(scene, 5)

    assert seen == [live, loser]


def test_block_waits_until_its_parent_was_found_right(tmp_path: Path) -> None:
    """Nobody could say before what it stands on."""
    scene = Scene()
    blocks = scene.chain(3)
    seen: list[bytes] = []
    review = Review(tmp_path, finding(right, seen))
    review.turns(scene, 1)
    assert seen == blocks[:1]

    review.turns(scene, 4)
    assert seen == blocks
    assert review.queue.valid == set(blocks)


@pytest.mark.parametrize(
    "judge",
    [
        lambda block: Invalid(block.id, "wrong", proof_of(block.id)),
        lambda block: lacks(block.id, ROOTS),
    ],
    ids=["wrong", "not shown yet"],
)
def test_pitfall_15_what_stands_on_a_wrong_block_is_never_judged(
    tmp_path: Path, judge: Callable[[BlockView], Verdict]
) -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    scene.chain(3, bad, CHEAT)
    good = scene.propose(nonce=1)
    seen: list[bytes] = []
    review = Review(tmp_path, finding(lambda b: judge(b) if b.id == bad else right(b), seen))
    review.turns(scene, 6)

    assert seen == [bad, good]
    assert review.queue.valid == {good}


def test_what_stands_on_a_final_block_or_on_one_s_own_is_replayed_at_once(tmp_path: Path) -> None:
    scene = Scene()
    final = scene.propose(miner=CHEAT)
    scene.finalize(final)
    own = scene.propose(final, MINER)
    foreign = scene.propose(own, CHEAT)
    seen: list[bytes] = []
    Review(tmp_path, finding(right, seen), me=MINER).turns(scene, 3)

    assert seen == [foreign]


def test_dead_end_is_right_but_neither_attested_to_nor_built_on(tmp_path: Path) -> None:
    """Its children are judged all the same: each is wrong, and can be proven so."""
    scene = Scene()
    dead, child = scene.chain(2)
    seen: list[bytes] = []
    review = Review(tmp_path, finding(lambda block: Valid(block.id, dead_end=block.id == dead), seen))
    review.turns(scene, 4)

    assert seen == [dead, child]
    assert dead not in review.queue.valid
    assert isinstance(review.queue.verdicts[dead], Valid)
    assert dead not in review.memory.found_right()  # a restart looks again


def test_replay_is_given_what_lies_below_the_block(tmp_path: Path) -> None:
    scene = Scene()
    blocks = scene.chain(3)
    handed: list[Lineage] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        handed.append(lineage)
        return Valid(block.id)

    Review(tmp_path, replay).turns(scene, 4)

    headers = [scene.view.blocks[block].header for block in blocks]
    assert [tuple(lineage) for lineage in handed] == [(), tuple(headers[:1]), tuple(headers[:2])]


@pytest.mark.parametrize("error", [StoreError("not there"), InputError("does not follow from its parent")])
def test_pitfall_09_blocks_that_cannot_be_replayed_do_not_delay_others(tmp_path: Path, error: Exception) -> None:
    scene = Scene()
    hidden = [scene.propose(miner=CHEAT, nonce=nonce) for nonce in range(5)]
    good = scene.propose(nonce=9)
    seen: list[bytes] = []

    def judge(block: BlockView) -> Verdict:
        if block.miner == CHEAT:
            raise error
        return Valid(block.id)

    review = Review(tmp_path, finding(judge, seen))
    review.turns(scene, 9)

    assert seen[:6] == [*hidden, good]  # each once before any a second time
    assert review.queue.unserved[hidden[0]].failures >= 1
    assert review.queue.valid == {good}


def test_answered_blocks_are_replayed_first_because_a_clock_runs(tmp_path: Path) -> None:
    scene = Scene()
    answered = scene.propose(miner=CHEAT)
    seen: list[bytes] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        return lacks(block.id, ROOTS) if block.id == answered else Valid(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 2)
    others = [scene.propose(nonce=n) for n in (1, 2)]
    scene.answer(scene.demand(answered, ROOTS, V1), CHEAT)
    review.turns(scene, 4)

    assert seen == [answered, answered, *others]


def test_pitfall_27_the_block_that_matters_is_replayed_before_side_branches_and_dead_siblings(tmp_path: Path) -> None:
    """First in, first out replayed an attacker's 20 siblings first, while the window of the head's block ran out."""
    scene = Scene()
    siblings = [scene.propose(miner=CHEAT, nonce=nonce) for nonce in range(20)]
    first, second = scene.chain(2)
    seen: list[bytes] = []
    review = Review(tmp_path, finding(right, seen))
    review.turns(scene, 3)
    assert seen == [first, second, siblings[0]]

    scene.finalize(first)
    third = scene.propose(second)
    review.turns(scene, 1)
    assert seen[3:] == [third]  # what has become of the siblings matters to nobody


def waiting_replay(begun: list[bytes], done: Callable[[BlockView], bool]) -> Replay:
    """A replay that takes until it is cancelled, but for blocks that are done at once."""

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        begun.append(block.id)
        while not done(block):
            if cancelled():
                raise Cancelled
            time.sleep(0.001)
        return Valid(block.id)

    return replay


def test_pitfall_27_a_replay_of_a_block_without_a_future_gives_way_to_a_live_one(tmp_path: Path) -> None:
    scene = Scene()
    slow, winner = scene.propose(miner=CHEAT), scene.propose(nonce=1)
    begun: list[bytes] = []
    review = Review(tmp_path, waiting_replay(begun, lambda block: block.id != slow))
    until_idle(review, scene)
    assert begun == [slow]

    scene.finalize(winner)
    until_idle(review, scene)
    assert begun == [slow]  # nothing else is there to do

    live = scene.propose(winner)
    until_idle(review, scene)
    assert begun == [slow, live]
    join("replay")
    until_idle(review, scene)
    assert begun == [slow, live, slow]  # and is taken up again
    review.queue.close(5)


def test_a_replay_goes_on_while_nothing_far_more_urgent_waits(tmp_path: Path) -> None:
    scene = Scene()
    side = scene.propose(miner=CHEAT)
    begun: list[bytes] = []
    review = Review(tmp_path, waiting_replay(begun, lambda block: False))
    until_idle(review, scene)
    head = scene.chain(2)[0]
    until_idle(review, scene)
    assert begun == [side]  # the head's branch comes next

    scene.attest(head, *VERIFIERS)
    scene.wait(PARAMETERS.challenge_window)
    until_idle(review, scene)
    assert begun == [side, head]
    review.queue.close(5)


def test_pitfall_07_agent_whose_arithmetic_fails_stops(tmp_path: Path) -> None:
    scene = Scene()
    scene.propose()

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        raise ArithmeticFault("subnormals are flushed")

    review = Review(tmp_path, replay)
    review.turns(scene)
    with pytest.raises(ArithmeticFault):
        review.turns(scene)
