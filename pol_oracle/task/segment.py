"""Training segments: the N steps that lead from a block's W' to the W of its children, the same for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.derivation import batch, segment_seed

from .workload import Workload


class Shelf(Protocol):
    """Keeps some of the states inside segments, so that a step can be shown without all those before it.

    Attributes:
        every: so many steps lie between two states that it takes; it is offered the last one too.
    """

    every: int

    def keep(self, block_id: bytes, step: int, state: State) -> None:
        """Takes the state after so many steps of the segment after a block."""

    def newest(self, block_id: bytes, step: int) -> tuple[int, State] | None:
        """Returns a kept state at or before a step, the newest, and after how many steps it is."""


@dataclass(frozen=True, eq=False)
class Segment:
    """The training after one block.

    Attributes:
        block_id: the block, or genesis.
        start: its W', or the task's initial state.
        entries: of the N steps.
        end: W of the block's children.
        finite: False if a NaN or an infinity appeared anywhere: no child of the block can be valid.
        shelf: where states inside it may be.
    """

    block_id: bytes
    start: State
    entries: tuple[SegmentEntry, ...]
    end: State
    finite: bool
    shelf: Shelf | None = None

    @cached_property
    def list(self) -> SegmentList:
        """The hashes of its steps."""
        return SegmentList.of(self.entries)

    @property
    def root(self) -> bytes:
        """The segmentRoot of the block's children."""
        return self.list.root

    def state_before(self, workload: Workload, step: int) -> State:
        """Returns the state that a step starts from, or with ``step`` N its end, from the nearest one at hand."""
        if step == len(self.entries):
            return self.end
        known = self.shelf.newest(self.block_id, step) if self.shelf is not None else None
        at, state = known or (0, self.start)
        for earlier in range(at, step):
            state = segment_step(workload, self.block_id, earlier, state).post
        return state


class Training:
    """A segment under way. What :meth:`run` has done stays done when it is interrupted.

    Args:
        workload: the task; with hardened rules.
        block_id: of the block, or of genesis.
        start: its W'.
        shelf: takes states on the way.
    """

    def __init__(self, workload: Workload, block_id: bytes, start: State, shelf: Shelf | None = None) -> None:
        self._workload, self._block_id, self._start, self._shelf = workload, block_id, start, shelf
        self._entries: list[SegmentEntry] = []
        self._state, self._finite = start, True

    def run(self, on_progress: Callable[[int], None] = lambda step: None) -> Segment:
        """Does the steps that are left.

        Args:
            on_progress: told the number of steps done, after each; it may raise to stop.
        """
        for step in range(len(self._entries), self._workload.task.training_steps):
            result = segment_step(self._workload, self._block_id, step, self._state)
            roots = result.trace.roots
            self._entries.append(SegmentEntry(roots.batch_root, roots.inner_root, result.post.root))
            self._state, self._finite = result.post, self._finite and result.finite
            done = step + 1
            last = done == self._workload.task.training_steps
            if self._shelf is not None and (last or done % self._shelf.every == 0):
                self._shelf.keep(self._block_id, done, self._state)
            on_progress(done)
        return Segment(self._block_id, self._start, tuple(self._entries), self._state, self._finite, self._shelf)


def train_segment(
    workload: Workload,
    block_id: bytes,
    start: State,
    on_progress: Callable[[int], None] = lambda step: None,
) -> Segment:
    """Computes the segment after a block at one go; see :class:`Training`."""
    return Training(workload, block_id, start).run(on_progress)


def state_before(
    workload: Workload,
    block_id: bytes,
    start: State,
    step: int,
    on_progress: Callable[[int], None] = lambda step: None,
) -> State:
    """Returns the state that a step of a segment starts from, or with ``step`` N its end, without hashing the steps.

    Args:
        workload: the task.
        block_id: the block that the segment follows.
        start: its W'.
        step: 0 .. N.
        on_progress: told the number of steps done, after each; it may raise to stop.
    """
    state = start
    for earlier in range(step):
        state = segment_step(workload, block_id, earlier, state).post
        on_progress(earlier + 1)
    return state


def segment_step(workload: Workload, block_id: bytes, step: int, state: State) -> StepResult:
    """Computes one step of a segment from the state before."""
    chosen, train = list(segment_batch(workload, block_id, step)), workload.train
    return workload.stepper.run(state, train.images[chosen], train.labels[chosen])


def segment_batch(workload: Workload, block_id: bytes, step: int) -> tuple[int, ...]:
    """Returns which training samples a step of a segment takes."""
    task = workload.task
    return batch(segment_seed(task.id, block_id, step), task.batch_size, task.train_count)
