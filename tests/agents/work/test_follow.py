"""States follow from headers and the data set, whoever serves what, and however often the way is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from pol_oracle.agents.storage.checkpoints import Budget
from pol_oracle.agents.work import follow
from pol_oracle.agents.work.follow import Follower, FollowStage
from pol_oracle.agents.work.worker import Cancelled
from pol_oracle.canonical.evaluate import Bits, Bytes, Evaluator
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError, NotFinite, StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.store import StateStore, file_name
from tests.agents.chains import GENESIS, chain, child, lineage
from tests.task.workloads import STEPS, small_workload

WORKLOAD = small_workload()
BLOCKS = chain(5)
TIP = BLOCKS[-1]


def never() -> bool:
    return False


class Watched(Follower):
    """A follower, and how far it went."""

    def __init__(self, *places: Path) -> None:
        self.stages: list[FollowStage] = []
        super().__init__(WORKLOAD, GENESIS, StateStore(list(places)), self.stages.append)

    @property
    def walked(self) -> list[int]:
        """Heights of the blocks after which it trained."""
        return sorted({stage.height for stage in self.stages})


class Counted(Evaluator):
    """An evaluator that tells how many samples it was given each time; one slice is not finite."""

    def __init__(self, inner: Evaluator, broken: int | None = None) -> None:
        self._inner, self._broken, self.sizes = inner, broken, list[int]()

    def correct(
        self, state: State, images: Bytes, labels: Bytes, progress: Callable[[int], None] | None = None
    ) -> Bits:
        self.sizes.append(len(images))
        if len(self.sizes) - 1 == self._broken:
            raise NotFinite(7)
        return self._inner.correct(state, images, labels, progress)


def put(folder: Path, *states: State) -> None:
    for state in states:
        StateStore([folder]).put(state.root, state.to_bytes())


def test_without_any_state_the_way_begins_at_genesis(tmp_path: Path) -> None:
    follower = Watched(tmp_path)
    assert follower.post(lineage(BLOCKS), never) == TIP.post
    assert follower.walked == [0, 1, 2, 3, 4]
    assert follower.stages[0] == FollowStage(0, 5, 1, STEPS)
    assert (tmp_path / file_name(TIP.post.root)).exists()
    assert follower.post((), never) == WORKLOAD.initial


def test_a_late_joiner_begins_at_the_newest_state_that_is_served(tmp_path: Path) -> None:
    put(tmp_path / "served", BLOCKS[0].post, BLOCKS[2].post)
    follower = Watched(tmp_path / "own", tmp_path / "served")
    assert follower.post(lineage(BLOCKS), never) == TIP.post
    assert follower.walked == [3, 4]


def test_pitfall_03_a_state_is_taken_for_its_root_and_not_for_its_name(tmp_path: Path) -> None:
    StateStore([tmp_path / "served"]).put(TIP.post.root, WORKLOAD.initial.to_bytes())
    StateStore([tmp_path / "served"]).put(BLOCKS[3].post.root, b"nonsense")
    put(tmp_path / "served", BLOCKS[1].post)
    follower = Watched(tmp_path / "own", tmp_path / "served")
    assert follower.post(lineage(BLOCKS), never) == TIP.post
    assert follower.walked == [2, 3, 4]


def test_old_states_are_looked_for_on_this_machine_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others serve the newest; who asked for every block of a long chain would be at it for long."""
    monkeypatch.setattr(follow, "_SERVED", 2)
    put(tmp_path / "served", BLOCKS[2].post)
    put(tmp_path / "own", BLOCKS[0].post)
    follower = Watched(tmp_path / "own", tmp_path / "served")
    assert follower.post(lineage(BLOCKS), never) == TIP.post
    assert follower.walked == [1, 2, 3, 4]


@pytest.mark.parametrize(("interruption", "left"), [(Cancelled, [3, 4]), (KeyboardInterrupt, [2, 3, 4])])
def test_an_interrupted_way_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException], left: list[int]
) -> None:
    """Who is asked to stop loses the segment under way; who is killed, what was done since the last state written."""
    monkeypatch.setattr(follow, "_WRITTEN", 2)
    first = Watched(tmp_path)

    def interrupted() -> bool:
        if len(first.stages) > 3 * STEPS:
            raise interruption
        return False

    with pytest.raises(interruption):
        first.post(lineage(BLOCKS), interrupted)

    second = Watched(tmp_path)
    assert second.post(lineage(BLOCKS), never) == TIP.post
    assert second.walked == left


def test_pitfall_27_a_replay_that_gave_way_loses_one_step_of_a_segment(tmp_path: Path) -> None:
    follower = Watched(tmp_path)
    with pytest.raises(Cancelled):
        follower.segment(GENESIS, (), lambda: len(follower.stages) == 3)
    follower.segment(BLOCKS[0].id, lineage(BLOCKS[:1]), never)  # what it gave way to
    follower.stages.clear()

    assert follower.segment(GENESIS, (), never).root == BLOCKS[0].header.segment_root
    assert [stage.step for stage in follower.stages] == [4]


def test_pitfall_27_a_replay_that_gave_way_loses_one_slice_of_a_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_SLICE", 100)
    follower, slices = Watched(tmp_path), Counted(WORKLOAD.evaluator)
    monkeypatch.setattr(follower, "workload", replace(WORKLOAD, evaluator=slices))
    with pytest.raises(Cancelled):
        follower.count(TIP.post, lambda: len(slices.sizes) == 2)
    bits = follower.count(TIP.post, never)

    assert slices.sizes == [100, 100, 100, 56]  # the second was begun twice
    test = WORKLOAD.test
    assert bits.tolist() == WORKLOAD.evaluator.correct(TIP.post, test.images, test.labels).tolist()


def test_a_sample_whose_evaluation_is_not_finite_keeps_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_SLICE", 100)
    follower, slices = Watched(tmp_path), Counted(WORKLOAD.evaluator, broken=2)
    monkeypatch.setattr(follower, "workload", replace(WORKLOAD, evaluator=slices))
    with pytest.raises(NotFinite, match="sample 207"):
        follower.count(TIP.post, never)


def test_counts_outlast_a_restart(tmp_path: Path) -> None:
    """To count anew takes minutes for a large model, and whoever is asked for its bits has to show them in time."""
    places = StateStore([tmp_path])
    counted = Follower(WORKLOAD, GENESIS, places, home=tmp_path).count(TIP.post, never)
    again = Follower(WORKLOAD, GENESIS, places, home=tmp_path).count(TIP.post, lambda: True)  # nothing left to do
    assert again.tolist() == counted.tolist()


def test_a_state_inside_a_segment_is_at_hand(tmp_path: Path) -> None:
    made = Follower(WORKLOAD, GENESIS, StateStore([tmp_path]), home=tmp_path).segment(GENESIS, (), never)
    assert made.shelf is not None
    found = made.shelf.newest(GENESIS, STEPS - 1)
    assert found is not None and found[0] == 2
    assert found[1].root == made.entries[1].state_root


@pytest.mark.parametrize("height", [0, 1])
def test_a_segment_of_a_large_model_comes_back_from_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    """Six were remembered in memory and the others computed anew, while two dozen blocks may be pending."""
    monkeypatch.setattr(follow, "_segments_for", lambda state_bytes: 1)
    stages: list[FollowStage] = []
    store, size = StateStore([tmp_path]), 1 << 30
    follower = Follower(WORKLOAD, GENESIS, store, stages.append, tmp_path, Budget(memory=0, disk=size))
    first, others = (
        (BLOCKS[0].id, lineage(BLOCKS[:1])),
        [(b.id, lineage(BLOCKS[: n + 2])) for n, b in enumerate(BLOCKS[1:3])],
    )
    made = follower.segment(*first, never)
    for other in others:
        follower.segment(*other, never)
    stages.clear()

    found = follower.segment(*first, lambda: True)
    assert stages == []
    assert found is not made
    assert (found.entries, found.start, found.end, found.finite) == (made.entries, made.start, made.end, True)

    for path in (tmp_path / "segments").iterdir():
        path.unlink()
    for other in others:
        follower.segment(*other, never)
    assert follower.segment(*first, never).end == made.end  # and is computed where something is lost
    assert len(stages) > 0


def test_a_damaged_state_of_one_s_own_is_written_anew(tmp_path: Path) -> None:
    """It was there, by its name, and so was computed anew each time."""
    StateStore([tmp_path]).put(TIP.post.root, b"nonsense")
    assert Watched(tmp_path).post(lineage(BLOCKS), never) == TIP.post
    second = Watched(tmp_path)
    assert second.post(lineage(BLOCKS), never) == TIP.post
    assert second.walked == []


def test_children_of_one_parent_share_its_segment_and_its_count(tmp_path: Path) -> None:
    follower = Watched(tmp_path)
    sibling = child(WORKLOAD, BLOCKS[3], nonce=1)
    mine, other = (follower.grounds(block.header, lineage(BLOCKS[:4]), never) for block in (TIP, sibling))
    assert mine.segment is other.segment
    assert mine.parent == BLOCKS[3].header
    assert mine.pre.root == TIP.header.pre_root == sibling.header.pre_root
    trained = len(follower.stages)
    assert follower.count(mine.pre, never) is follower.count(other.pre, never)

    assert follower.post(lineage(BLOCKS), never) == TIP.post  # the segment is at hand: one step
    assert len(follower.stages) == trained


def test_counting_does_not_wait_for_a_long_way(tmp_path: Path) -> None:
    """Whoever has to show its bits in time must not wait until another thread has followed the chain."""
    follower, counted = Watched(tmp_path), list[bool]()

    def meanwhile() -> bool:
        if not counted:
            worker = Thread(target=lambda: follower.count(WORKLOAD.initial, never), daemon=True)
            worker.start()
            worker.join(10)
            counted.append(not worker.is_alive())
        return False

    follower.post(lineage(BLOCKS[:1]), meanwhile)
    assert counted == [True]


def test_counts_of_all_blocks_that_may_be_pending_are_remembered(tmp_path: Path) -> None:
    """Counting anew takes minutes for a large model, and a flood of demands may ask for one block's bits after the
    other's."""
    follower, bits = Watched(tmp_path), np.ones(1, np.bool_)
    follower.counted(WORKLOAD.initial.root, bits)
    for number in range(100):
        follower.counted(keccak(number.to_bytes(4)), bits)
    assert follower.count(WORKLOAD.initial, never) is bits


def test_only_the_last_few_segments_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_segments_for", lambda state_bytes: 2)
    follower = Watched(tmp_path)
    for height in range(1, 5):
        follower.segment(BLOCKS[height - 1].id, lineage(BLOCKS[:height]), never)
    known = len(follower.stages)
    follower.segment(BLOCKS[3].id, lineage(BLOCKS[:4]), never)
    assert len(follower.stages) == known
    follower.segment(BLOCKS[0].id, lineage(BLOCKS[:1]), never)
    assert len(follower.stages) == known + STEPS


def test_above_a_block_that_does_not_follow_from_its_parent_nothing_can_be_computed(tmp_path: Path) -> None:
    wrong = replace(BLOCKS[1].header, post_root=keccak(b"another W'"))
    with pytest.raises(InputError, match="does not follow"):
        Watched(tmp_path).post((BLOCKS[0].header, wrong, BLOCKS[2].header), never)


def test_the_block_itself_may_be_as_wrong_as_it_likes(tmp_path: Path) -> None:
    """What it stands on is its parent's affair."""
    wrong = replace(TIP.header, pre_root=keccak(b"W"), post_root=keccak(b"W'"), segment_root=keccak(b"list"))
    grounds = Watched(tmp_path).grounds(wrong, lineage(BLOCKS[:4]), never)
    assert grounds.pre.root == TIP.header.pre_root


def test_whoever_asks_can_stop_it(tmp_path: Path) -> None:
    follower = Watched(tmp_path)
    with pytest.raises(Cancelled):
        follower.segment(GENESIS, (), lambda: bool(follower.stages))
    assert len(follower.stages) == 1
    with pytest.raises(Cancelled):
        follower.count(WORKLOAD.initial, lambda: True)


def test_whoever_asks_can_stop_it_while_places_are_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def slow(store: StateStore, model: object, root: bytes) -> State:
        asked.append(root)
        raise StoreError("no answer in time")

    monkeypatch.setattr(follow, "fetch_state", slow)
    with pytest.raises(Cancelled):
        Watched(tmp_path).post(lineage(BLOCKS), lambda: len(asked) == 2)
    assert len(asked) == 2


def test_a_full_disk_costs_time_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: StateStore, root: bytes, data: bytes) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(StateStore, "put", full)
    assert Watched(tmp_path).post(lineage(BLOCKS[:2]), never) == BLOCKS[1].post


def test_counts_may_be_told_by_who_has_them(tmp_path: Path) -> None:
    follower, bits = Watched(tmp_path), np.ones(len(WORKLOAD.test), np.bool_)
    follower.counted(TIP.post.root, bits)
    assert follower.count(TIP.post, never) is bits


def test_under_paper_rules_w_is_what_its_miner_serves(tmp_path: Path) -> None:
    paper = small_workload("paper")
    follower, served = Follower(paper, GENESIS, StateStore([tmp_path])), State.initial(paper.model, 77)
    header = replace(TIP.header, pre_root=served.root)
    with pytest.raises(StoreError):
        follower.grounds(header, (), never)
    put(tmp_path, served)
    grounds = follower.grounds(header, (), never)
    assert (grounds.pre, grounds.segment) == (served, None)


def test_memory_for_segments_is_bounded_for_large_models_too() -> None:
    """Two states each: some 200 kB for the devnet's network, 90 MB for ResNet-18."""
    assert follow._segments_for(100_000) == 256
    assert follow._segments_for(45_000_000) == 6
