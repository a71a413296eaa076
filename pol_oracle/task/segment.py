"""Training segments: the N steps that lead from a block's W' to the W of its children, the same for everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pol_oracle.canonical.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.derivation import batch, segment_seed

from .workload import Workload


@dataclass(frozen=True, eq=False)
class Segment:
    """The training after one block.

    Attributes:
        block_id: the block, or genesis.
        start: its W', or the task's initial state.
        entries: of the N steps.
        end: W of the block's children.
        finite: False if a NaN or an infinity appeared anywhere: no child of the block can be valid.
    """

    block_id: bytes
    start: State
    entries: tuple[SegmentEntry, ...]
    end: State
    finite: bool

    @cached_property
    def list(self) -> SegmentList:
        """The hashes of its steps."""
        return SegmentList.of(self.entries)

    @property
    def root(self) -> bytes:
        """The segmentRoot of the block's children."""
        return self.list.root


def train_segment(
    workload: Workload,
    block_id: bytes,
    start: State,
    on_progress: Callable[[int], None] = lambda step: None,
) -> Segment:
    """Computes the segment after a block.

    Args:
        workload: the task; with hardened rules.
        block_id: of the block, or of genesis.
        start: its W'.
        on_progress: told the number of steps done, after each; it may raise to stop.
    """
    state, finite, entries = start, True, list[SegmentEntry]()
    for step in range(workload.task.training_steps):
        result = segment_step(workload, block_id, step, state)
        roots = result.trace.roots
        entries.append(SegmentEntry(roots.batch_root, roots.inner_root, result.post.root))
        state, finite = result.post, finite and result.finite
        on_progress(step + 1)
    return Segment(block_id, start, tuple(entries), state, finite)


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
