"""When a block is replayed again: once more was shown of it, or what it was judged by has changed."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

from pol_oracle.agents.rules.verdicts import Invalid, Valid, Verdict
from pol_oracle.agents.work.worker import Cancelled
from pol_oracle.evidence import Shown
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.positions import Position
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage
from tests.agents.scene import CHEAT, EXPLANATION, NODES, ROOTS, V1, V2, Scene, lacks, proof_of, refutation
from tests.agents.work.review import Cancel, Review, finding, right, until_idle


def test_replay_that_succeeds_in_the_end_forgets_the_failures(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose()
    served = False

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        if not served:
            raise StoreError("not there")
        return Valid(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    served = True
    review.turns(scene, 2)

    assert review.queue.unserved == {}
    assert review.memory.found_right() == {block: scene.view.blocks[block].difficulty}


def test_pitfall_12_block_whose_difficulty_a_reorg_changed_is_replayed_anew(tmp_path: Path) -> None:
    """Its id knows nothing of its difficulty, so it may need one requirement more than when it was found right."""
    scene = Scene()
    block = scene.propose()
    seen: list[int] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        seen.append(block.difficulty)
        return Valid(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    born = scene.view.blocks[block].difficulty
    scene.view.blocks[block].difficulty = born + BIT
    review.turns(scene, 1)
    assert review.queue.valid == set()

    review.turns(scene, 3)
    assert seen == [born, born + BIT]
    assert review.queue.valid == {block}
    assert review.memory.found_right() == {block: born + BIT}


def test_replay_goes_on_once_what_it_lacked_was_shown(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    handed: list[dict[Position, bytes]] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        handed.append(dict(shown))
        if ROOTS not in shown:
            return lacks(block.id, ROOTS)
        return Invalid(block.id, "wrong", proof_of(block.id))

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    scene.answer(scene.demand(block, NODES, V1), CHEAT, b"nodes")
    review.turns(scene, 3)
    assert handed == [{}]  # that is something else

    scene.answer(scene.demand(block, ROOTS, V2), CHEAT, b"roots")  # whoever demanded it
    review.turns(scene, 5)
    assert handed == [{}, {NODES: b"nodes", ROOTS: b"roots"}]
    assert review.queue.verdicts[block] == Invalid(block, "wrong", proof_of(block))


def test_what_a_replay_found_and_saw_is_dropped_with_its_block_and_found_again_if_l1_takes_that_back(
    tmp_path: Path,
) -> None:
    """A proof is long, and so are answers; of what is right only that stays."""
    scene, seen, size, rounds = Scene(), list[bytes](), 1 << 16, 20

    def judge(block: BlockView) -> Verdict:
        proof = replace(proof_of(block.id), arguments=(bytearray(size),))
        false = Invalid(block.id, "false", replace(proof, refutes=EXPLANATION))
        right = block.header is not None and block.header.nonce % 2
        return Valid(block.id, false_explanation=false) if right else Invalid(block.id, "wrong", proof)

    review = Review(tmp_path, finding(judge, seen))
    tracemalloc.start()
    try:
        for nonce in range(rounds):
            block = scene.propose(scene.view.finalized_tip, CHEAT, nonce)
            scene.show(block, ROOTS, data=bytes(size))
            review.turns(scene, 2)
            if nonce % 2:
                scene.finalize(block)
            else:
                judged_from = scene.l1_block
                scene.wait()
                scene.slash(block)
            scene.wait()
            review.turns(scene, 1)
        held = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
    finally:
        tracemalloc.stop()
    shown = rounds * size  # the stage keeps that
    assert sum(trace.size for trace in held.traces) < shown + 2 * size
    assert len(seen) == rounds
    assert review.queue.valid == {b.id for b in scene.view.blocks.values() if b.header and b.header.nonce % 2}

    scene.reorg(judged_from)
    (block,) = (block.id for block in scene.view.pending)
    review.turns(scene, 2)
    assert seen[rounds:] == [block]
    assert isinstance(review.queue.verdicts[block], Invalid)


def test_replay_that_makes_no_use_of_an_answer_is_not_repeated_for_ever(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose(miner=CHEAT)
    count = 0

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        nonlocal count
        count += 1
        return lacks(block.id, ROOTS)

    review = Review(tmp_path, replay)
    review.turns(scene, 2)
    scene.answer(scene.demand(block, ROOTS, V1), CHEAT)
    review.turns(scene, 6)

    assert count == 2


def test_a_replay_that_gave_way_is_none_that_an_answer_was_used_in(tmp_path: Path) -> None:
    """What was shown on L1 would else never be looked at."""
    scene = Scene()
    explained = scene.propose()
    handed: list[tuple[bytes, int]] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        handed.append((block.id, len(shown)))
        while shown and len(handed) < 3 and not cancelled():
            time.sleep(0.001)
        if cancelled():
            raise Cancelled
        return Valid(block.id)

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    scene.answer(scene.demand(explained, EXPLANATION, V1), V2)
    until_idle(review, scene)
    live = scene.propose(explained)
    until_idle(review, scene)
    review.turns(scene, 3)
    assert handed == [(explained, 0), (explained, 1), (live, 0), (explained, 1)]


def test_pitfall_02_slashed_block_is_replayed_after_a_restart_if_its_bounty_may_be_ones_own(tmp_path: Path) -> None:
    scene = Scene()
    mine, not_mine = scene.propose(miner=CHEAT), scene.propose(miner=CHEAT, nonce=1)
    scene.slash(not_mine, V2, order=1)
    scene.commit(V1, bytes(32), order=2)
    scene.slash(mine, V2, order=3)
    seen: list[bytes] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        seen.append(block.id)
        return Invalid(block.id, "wrong", proof_of(block.id))

    Review(tmp_path, replay).turns(scene, 4)

    assert seen == [mine]


def test_explanations_of_a_right_block_are_looked_at_each_once(tmp_path: Path) -> None:
    """Also the same one, if it is given again after it was refuted."""
    scene = Scene()
    block = scene.propose()
    handed: list[bool] = []

    def replay(block: BlockView, lineage: Lineage, shown: Shown, cancelled: Cancel) -> Verdict:
        handed.append(EXPLANATION in shown)
        false = Invalid(block.id, "", refutation()) if EXPLANATION in shown else None
        return Valid(block.id, false_explanation=false)

    review = Review(tmp_path, replay)
    review.turns(scene, 3)
    about = scene.demand(block, EXPLANATION, V1)
    for _ in range(2):
        scene.answer(about, V2)
        review.turns(scene, 3)
        scene.refute(about)
        review.turns(scene, 3)

    assert handed == [False, True, False, True, False]


def test_a_miner_does_not_rest_for_explanations_of_what_it_found_right(tmp_path: Path) -> None:
    scene = Scene()
    block = scene.propose()
    review = Review(tmp_path, finding(right, []))
    assert review.queue.unjudged(scene.view) == [scene.view.blocks[block]]
    review.turns(scene, 3)
    scene.answer(scene.demand(block, EXPLANATION, V1), V2)
    assert review.queue.unjudged(scene.view) == []
