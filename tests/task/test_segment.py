"""Segments: the training between a block and its children, which everybody finds again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pol_oracle.canonical.commitments.segments import SegmentList
from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import batch, segment_seed
from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.task import Training, build_workload, segment, segment_batch, segment_step, state_before, train_segment
from tests.task.workloads import STEPS, small_spec, small_workload

WORKLOAD = small_workload()
BLOCK = keccak(b"block")
SEGMENT = train_segment(WORKLOAD, BLOCK, WORKLOAD.initial)


def test_it_leads_from_a_block_s_state_to_that_of_its_children() -> None:
    assert (SEGMENT.block_id, SEGMENT.start, SEGMENT.finite) == (BLOCK, WORKLOAD.initial, True)
    assert len(SEGMENT.entries) == STEPS
    assert SEGMENT.end.root == SEGMENT.entries[-1].state_root != SEGMENT.start.root
    assert SEGMENT.root == SegmentList.of(SEGMENT.entries).root


def test_pitfall_07_it_is_the_same_on_any_number_of_threads(tmp_path: Path) -> None:
    other = train_segment(build_workload(small_spec(), tmp_path, threads=3), BLOCK, WORKLOAD.initial)
    assert (other.root, other.end) == (SEGMENT.root, SEGMENT.end)


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_it_can_be_computed_up_to_a_step_and_gone_on_with(step: int) -> None:
    state = state_before(WORKLOAD, BLOCK, WORKLOAD.initial, step)
    assert state.root == (SEGMENT.entries[step - 1].state_root if step else WORKLOAD.initial.root)
    for later in range(step, STEPS):
        state = segment_step(WORKLOAD, BLOCK, later, state).post
    assert state == SEGMENT.end


def test_trace_roots_follow_from_neighbouring_entries() -> None:
    state = WORKLOAD.initial
    for step, entry in enumerate(SEGMENT.entries):
        result = segment_step(WORKLOAD, BLOCK, step, state)
        parts = state.root, entry.batch_root, entry.inner_root, entry.state_root
        assert result.trace.root == keccak(Tag.TRACE_ROOT + b"".join(parts))
        state = result.post


def test_its_batches_are_drawn_from_the_block_s_id() -> None:
    task = WORKLOAD.task
    drawn = [segment_batch(WORKLOAD, BLOCK, step) for step in range(STEPS)]
    assert drawn == [batch(segment_seed(task.id, BLOCK, step), 4, task.train_count) for step in range(STEPS)]
    assert len(set(drawn)) == STEPS
    assert segment_batch(WORKLOAD, keccak(b"another"), 0) not in drawn


def test_another_block_or_another_state_gives_another_segment() -> None:
    assert train_segment(WORKLOAD, keccak(b"another"), WORKLOAD.initial).root != SEGMENT.root
    assert train_segment(WORKLOAD, BLOCK, SEGMENT.end).root != SEGMENT.root


def test_progress_is_told_and_may_stop_it() -> None:
    told: list[int] = []
    train_segment(WORKLOAD, BLOCK, WORKLOAD.initial, told.append)
    state_before(WORKLOAD, BLOCK, WORKLOAD.initial, 2, told.append)
    assert told == [1, 2, 3, 4, 1, 2]

    def stop(step: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_segment(WORKLOAD, BLOCK, WORKLOAD.initial, stop)


class Shelf:
    """Takes every second state."""

    every = 2

    def __init__(self) -> None:
        self.states: dict[int, State] = {}

    def keep(self, block_id: bytes, step: int, state: State) -> None:
        self.states[step] = state

    def newest(self, block_id: bytes, step: int) -> tuple[int, State] | None:
        at = max((at for at in self.states if at <= step), default=None)
        return None if at is None else (at, self.states[at])


def test_a_segment_that_was_interrupted_is_gone_on_with() -> None:
    told: list[int] = []

    def interrupt(step: int) -> None:
        told.append(step)
        if step == 3:
            raise KeyboardInterrupt

    training = Training(WORKLOAD, BLOCK, WORKLOAD.initial)
    with pytest.raises(KeyboardInterrupt):
        training.run(interrupt)
    made = training.run(told.append)

    assert told == [1, 2, 3, 4]
    assert (made.entries, made.end, made.finite) == (SEGMENT.entries, SEGMENT.end, True)


@pytest.mark.parametrize("step", range(STEPS + 1))
def test_a_step_is_shown_from_the_nearest_state_that_was_kept(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer about the last step of a segment took all steps before it anew."""
    shelf, run = Shelf(), list[int]()
    made = Training(WORKLOAD, BLOCK, WORKLOAD.initial, shelf).run()
    expected = state_before(WORKLOAD, BLOCK, WORKLOAD.initial, step)

    def counted(*given: Any) -> Any:
        run.append(given[2])
        return segment_step(*given)

    monkeypatch.setattr(segment, "segment_step", counted)
    assert made.state_before(WORKLOAD, step) == expected
    assert run == ([] if step % 2 == 0 else [step - 1])
    assert SEGMENT.state_before(WORKLOAD, step) == expected  # and from the start, where none was


def test_pitfall_05_a_segment_that_is_not_finite_says_so() -> None:
    flat = WORKLOAD.initial.flat.copy()
    flat[:27] = np.float32(3e38)
    broken = train_segment(WORKLOAD, BLOCK, State(WORKLOAD.model, flat))
    assert not broken.finite
    assert len(broken.entries) == STEPS  # others can be told which steps it has all the same
