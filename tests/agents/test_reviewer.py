"""Which block is replayed next, when it is brought to L1, and when a replay goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import structlog

from pol_oracle.agents.blocks import BlockView
from pol_oracle.agents.memory import Memory
from pol_oracle.agents.reviewer import Reviewer
from pol_oracle.agents.verdicts import Replay, Verdict
from pol_oracle.evidence import Shown
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import ArithmeticFault, StoreError
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Position
from tests.agents.scene import CHEAT, GENESIS, LEAVES, NODES, PARAMETERS, POLICY, ROOTS, V1, V2, Scene, join, proof_of

Cancel = Callable[[], bool]


class Review:
    """A reviewer over a replay that the test controls."""

    def __init__(self, path: Path, replay: Replay, *, insists: bool = True) -> None:
        self.memory = Memory(path / "m.sqlite", GENESIS, V1)
        policy = POLICY if insists else None
        window = PARAMETERS.challenge_window
        self.reviewer = Reviewer(replay, self.memory, V1, structlog.get_logger(), 0, window, policy)

    def turns(self, scene: Scene, count: int = 1) -> None:
        for _ in range(count):
            self.reviewer.turn(scene.view)
            join("replay")


def test_live_blocks_are_replayed_before_those_without_a_future(tmp_path: Path) -> None:
    scene = Scene()
    bad = scene.propose(miner=CHEAT)
    dead = scene.propose(bad)
    live = scene.propose(nonce=1)
    scene.slash(bad, winner=V2)
    seen: list[bytes] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        return Verdict(block.id)

    Review(tmp_path, replay).turns(scene, 5)

    assert seen == [live, dead]


def test_pitfall_09_blocks_that_are_not_served_do_not_delay_others(tmp_path: Path) -> None:
    scene = Scene()
    hidden = scene.chain(5, miner=CHEAT)
    good = scene.propose(nonce=1)
    seen: list[bytes] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        if block.miner == CHEAT:
            raise StoreError("not there")
        return Verdict(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 9)

    assert seen[:6] == [*hidden, good]  # each once before any a second time
    assert review.reviewer.unserved[hidden[0]].failures >= 1
    assert review.reviewer.valid == {good}


def test_replay_that_succeeds_in_the_end_forgets_the_failures(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose()
    served = False

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        if not served:
            raise StoreError("not there")
        return Verdict(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    served = True
    review.turns(scene, 2)

    assert review.reviewer.unserved == {}
    assert review.memory.found_right() == {block: scene.view.blocks[block].difficulty}


def insisting(asked: list[bool]) -> Replay:
    """A replay of a block that is served nowhere."""

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        asked.append(insist)
        if not insist:
            raise StoreError("not there")
        return Verdict(block.id, EvidenceKind.WITHHELD, "not served", demands=(LEAVES,))

    return replay


def test_pitfall_03_unserved_block_is_brought_to_l1_after_repeated_failures_and_grace(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    asked: list[bool] = []
    review = Review(tmp_path, insisting(asked))
    review.turns(scene, 6)
    assert asked == [False] * 6  # enough failures, too early

    scene.wait(POLICY.grace)
    review.turns(scene, 2)
    assert asked == [False] * 6 + [True]
    assert review.reviewer.verdicts[block].demands == (LEAVES,)


def test_pitfall_03_grace_alone_is_not_enough(tmp_path: Path) -> None:
    scene = Scene()
    scene.propose(miner=CHEAT)
    scene.wait(POLICY.grace)
    asked: list[bool] = []
    review = Review(tmp_path, insisting(asked))
    review.turns(scene, POLICY.attempts + 2)

    assert asked == [False] * POLICY.attempts + [True]


def test_pitfall_03_one_failure_is_enough_when_half_of_the_window_is_over(tmp_path: Path) -> None:
    """A server may let each look at it last for as long as it can."""
    scene = Scene()
    scene.propose(miner=CHEAT)
    asked: list[bool] = []
    review = Review(tmp_path, insisting(asked))
    review.turns(scene, 1)
    scene.wait(PARAMETERS.challenge_window // 2)
    review.turns(scene, 2)

    assert asked == [False, True]


def test_pitfall_12_block_whose_difficulty_a_reorg_changed_is_replayed_anew(tmp_path: Path) -> None:
    """Its id knows nothing of its difficulty, so it may need one requirement more than when it was found right."""
    scene = Scene()
    block = scene.propose()
    seen: list[int] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        seen.append(block.difficulty)
        return Verdict(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    born = scene.view.blocks[block].difficulty
    scene.view.blocks[block].difficulty = born + BIT
    review.turns(scene, 1)
    assert review.reviewer.valid == set()

    review.turns(scene, 3)
    assert seen == [born, born + BIT]
    assert review.reviewer.valid == {block}
    assert review.memory.found_right() == {block: born + BIT}


def test_agent_that_demands_nothing_never_insists(tmp_path: Path) -> None:
    scene = Scene()
    scene.propose(miner=CHEAT)
    scene.wait(POLICY.grace)
    asked: list[bool] = []
    Review(tmp_path, insisting(asked), insists=False).turns(scene, POLICY.attempts + 4)

    assert not any(asked)


def test_replay_goes_on_once_all_of_what_it_lacked_was_shown(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    handed: list[dict[Position, bytes]] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        handed.append(dict(shown))
        if ROOTS not in shown:
            return Verdict(block.id, EvidenceKind.STEP, "", demands=(ROOTS, NODES))
        return Verdict(block.id, EvidenceKind.STEP, "wrong", proof_of(block.id))

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    scene.answer(scene.demand(block, NODES, V1), CHEAT, b"nodes")
    review.turns(scene, 3)
    assert handed == [{}]  # a part is not enough

    scene.answer(scene.demand(block, ROOTS, V2), CHEAT, b"roots")  # whoever demanded it
    review.turns(scene, 5)
    assert handed == [{}, {NODES: b"nodes", ROOTS: b"roots"}]
    assert review.reviewer.verdicts[block].proof == proof_of(block)


def test_pitfall_03_miner_that_stops_serving_while_it_answers_gains_nothing(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    served = True
    asked: list[bool] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        asked.append(insist)
        if not served and not insist:
            raise StoreError("not there any more")
        return Verdict(block.id, EvidenceKind.WITHHELD, "", demands=(ROOTS,) if served else (ROOTS, LEAVES))

    review = Review(tmp_path, replay)
    review.turns(scene, 2)
    served = False
    scene.answer(scene.demand(block, ROOTS, V1), CHEAT)
    scene.wait(POLICY.grace)
    review.turns(scene, POLICY.attempts + 3)

    assert asked == [False] * (1 + POLICY.attempts) + [True]
    assert review.reviewer.verdicts[block].demands == (ROOTS, LEAVES)


def test_replay_that_makes_no_use_of_an_answer_is_not_repeated_for_ever(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    count = 0

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        nonlocal count
        count += 1
        return Verdict(block.id, EvidenceKind.STEP, "", demands=(ROOTS,))

    review = Review(tmp_path, replay)
    review.turns(scene, 2)
    scene.answer(scene.demand(block, ROOTS, V1), CHEAT)
    review.turns(scene, 6)

    assert count == 2


def test_answered_blocks_are_replayed_first_because_a_clock_runs(tmp_path: Path) -> None:
    scene = Scene()
    answered = scene.propose(miner=CHEAT)
    seen: list[bytes] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        return Verdict(block.id, demands=(ROOTS,)) if block.id == answered else Verdict(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 2)
    others = [scene.propose(nonce=n) for n in (1, 2)]
    scene.answer(scene.demand(answered, ROOTS, V1), CHEAT)
    review.turns(scene, 4)

    assert seen == [answered, answered, *others]


def test_pitfall_02_slashed_block_is_replayed_after_a_restart_if_its_bounty_may_be_ones_own(tmp_path: Path) -> None:
    scene = Scene()
    mine, not_mine = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    scene.slash(not_mine, V2, order=1)
    scene.commit(V1, bytes(32), order=2)
    scene.slash(mine, V2, order=3)
    seen: list[bytes] = []

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        return Verdict(block.id, EvidenceKind.STEP, "wrong", proof_of(block.id))

    Review(tmp_path, replay).turns(scene, 4)

    assert seen == [mine]


def test_pitfall_07_agent_whose_arithmetic_fails_stops(tmp_path: Path) -> None:
    scene = Scene()
    scene.propose()

    def replay(block: BlockView, shown: Shown, insist: bool, cancelled: Cancel) -> Verdict:
        raise ArithmeticFault("subnormals are flushed")

    review = Review(tmp_path, replay)
    review.turns(scene)
    with pytest.raises(ArithmeticFault):
        review.turns(scene)
