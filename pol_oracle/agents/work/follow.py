"""W along the chain, by replay: what is needed to judge a block, or to mine one, follows from headers and the data set.

A state is computed once and kept by its root, so that children of one parent share their segment and its count. Whoever
joins late begins with the newest state on the branch that a store serves, and goes on from there; its root is the
header's, so nobody has to be trusted for it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import structlog

from pol_oracle.advice import pol
from pol_oracle.canonical.commitments.accuracy import Bits
from pol_oracle.canonical.commitments.segments import SegmentEntry
from pol_oracle.canonical.state import State
from pol_oracle.evidence import Grounds
from pol_oracle.protocol.errors import InputError, NotFinite, StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.types import BlockId, Root
from pol_oracle.store import StateStore
from pol_oracle.task import Segment, Training, Workload, fetch_state, state_before
from pol_oracle.view.lineage import Lineage

from ..storage.checkpoints import Budget, Checkpoints
from ..storage.counts import Counts
from .worker import Cancelled

log = structlog.get_logger(__name__)

Ask = Callable[[], bool]
"""Asks "cancelled?"."""


@dataclass(frozen=True)
class FollowStage:
    """Where a follower stands.

    Attributes:
        height: of the block whose segment it computes.
        target: height that it goes to.
        step: steps of that segment done.
        steps: N.
    """

    height: int
    target: int
    step: int
    steps: int


Watch = Callable[[FollowStage], None]
"""Told after each step of a segment."""

# segments remembered, with the states at both ends: what is demanded of any pending block must be answered in time
_SEGMENT_BYTES = 1 << 29
_LEAST_SEGMENTS, _MOST_SEGMENTS = 6, 256
_LISTS = 64  # segments whose steps are remembered after their states have gone to disk
_BEGUN = 2  # segments, and counts, that were interrupted and are gone on with
_SLICE = 128  # test samples between two of a count's resting places
_SERVED = 32  # newest blocks of a branch whose states are looked for in every place; older ones on this machine only
_TOLD = 100  # blocks between two log entries of a long way
_WRITTEN = 64  # blocks between two states that are kept on a long way, so that an interrupted one goes on from there

Value = TypeVar("Value")


class _Recent(OrderedDict[bytes, Value], Generic[Value]):
    """The last few values by key."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size, self._lock = size, threading.Lock()

    def put(self, key: bytes, value: Value) -> None:
        with self._lock:
            self[key] = value
            self.move_to_end(key)
            while len(self) > self._size:
                self.popitem(last=False)


class Follower:
    """Computes states along the chain. Safe to share between threads; one computes at a time.

    Args:
        workload: the task.
        genesis_id: 32 bytes.
        store: where states are kept (the first place) and found.
        watch: told how it goes, by the thread that computes.
        home: folder for what else is worth keeping: counts, and states inside segments; None: in memory alone.
        budget: of the latter.
    """

    def __init__(
        self,
        workload: Workload,
        genesis_id: BlockId,
        store: StateStore,
        watch: Watch = lambda stage: None,
        home: Path | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.workload = workload
        self._genesis_id, self._store, self._watch = genesis_id, store, watch
        self._lock, self._refused = threading.RLock(), False
        self._segments: _Recent[Segment] = _Recent(_segments_for(workload.model.state_bytes))
        self._entries: _Recent[tuple[bytes, tuple[SegmentEntry, ...], bool]] = _Recent(_LISTS)
        self._begun: _Recent[Training] = _Recent(_BEGUN)
        self._counting: _Recent[tuple[Bits, ...]] = _Recent(_BEGUN)
        self._counts = Counts(workload.task.id, len(workload.test), home / "counts" if home else None)
        self._shelf: Checkpoints | None = None
        if workload.rules.derived_state:
            folder, steps = home / "segments" if home else None, workload.task.training_steps
            self._shelf = Checkpoints(workload.model, steps, folder, budget)

    def grounds(self, header: Header, lineage: Lineage, cancelled: Ask) -> Grounds:
        """Returns what a block stands on.

        Args:
            header: the block.
            lineage: of its parent.
            cancelled: asked now and then; True ends the work with :class:`Cancelled`.

        Raises:
            StoreError: the paper's rules, under which W is the miner's, and it is not served.
            InputError: some block below does not follow from its parent.
            Cancelled: as asked.
        """
        parent = lineage[-1] if lineage else None
        if not self.workload.rules.derived_state:
            return Grounds(self._served(header.pre_root), None, parent)
        segment = self.segment(header.parent, lineage, cancelled)
        return Grounds(segment.end, segment, parent)

    def segment(self, block_id: BlockId, lineage: Lineage, cancelled: Ask) -> Segment:
        """Returns the segment after a block.

        Args:
            block_id: the block.
            lineage: of it.
            cancelled: as in :meth:`grounds`.

        Raises:
            InputError: some block below does not follow from its parent.
            Cancelled: as asked.
        """
        known = self._segments.get(block_id) or self._restored(block_id)
        if known is not None:  # whoever has to answer in time waits for nobody
            return known
        with self._lock:
            if (known := self._segments.get(block_id)) is not None:
                return known
            begun, height = self._begun.get(block_id), len(lineage)
            if begun is None:
                begun = Training(self.workload, block_id, self._post(lineage, cancelled), self._shelf)
                self._begun.put(block_id, begun)
            made = begun.run(self._progress(height, height, cancelled))
            self._segments.put(block_id, made)
            self._entries.put(block_id, (made.start.root, made.entries, made.finite))
            self._begun.pop(block_id, None)
            return made

    def _restored(self, block_id: BlockId) -> Segment | None:
        """A segment that went out of memory, if all of it is still on disk."""
        if self._shelf is None or (known := self._entries.get(block_id)) is None:
            return None
        start_root, entries, finite = known
        with suppress(StoreError):
            end = self._shelf.newest(block_id, len(entries))
            if end is not None and end[0] == len(entries):
                start = self._served(start_root)
                made = Segment(block_id, start, entries, end[1], finite, self._shelf)
                self._segments.put(block_id, made)
                return made
        return None

    def end(self, block_id: BlockId, lineage: Lineage, cancelled: Ask) -> State:
        """Returns W of a block's children alone, without hashing what leads to it.

        Takes and raises what :meth:`segment` does.
        """
        with self._lock:
            if (known := self._segments.get(block_id)) is not None:
                return known.end
            start, height = self._post(lineage, cancelled), len(lineage)
            return self._trained(block_id, start, self._progress(height, height, cancelled))

    def post(self, lineage: Lineage, cancelled: Ask) -> State:
        """Returns W' of the last block of a lineage; of genesis, the initial state. Raises as :meth:`segment`."""
        with self._lock:
            return self._post(lineage, cancelled)

    def count(self, state: State, cancelled: Ask, claimed: Bits | None = None) -> Bits:
        """Returns which test samples a state classifies correctly. A count that was stopped goes on where it was.

        Args:
            state: the state.
            cancelled: as in :meth:`grounds`.
            claimed: what somebody says of that. The first samples that are not so end the count: what comes after them
                is returned as claimed.

        Raises:
            NotFinite: an evaluation gives a value that is not finite.
            Cancelled: as asked.
        """
        if (known := self._counts.get(state.root)) is not None:
            return known
        test, done = self.workload.test, self._counting.get(state.root, ())
        for at in range(len(done) * _SLICE, len(test), _SLICE):
            images, labels = test.images[at : at + _SLICE], test.labels[at : at + _SLICE]
            try:
                bits = self.workload.evaluator.correct(state, images, labels, lambda _: _ask(cancelled))
            except NotFinite as error:
                raise NotFinite(at + error.sample) from error
            done = (*done, bits)
            self._counting.put(state.root, done)
            if claimed is not None and (bits != claimed[at : at + _SLICE]).any():
                return np.concatenate([*done, claimed[at + _SLICE :]])
        bits = np.concatenate(done)
        self.counted(state.root, bits)
        self._counting.pop(state.root, None)
        return bits

    def counted(self, root: Root, bits: Bits) -> None:
        """Remembers which test samples a state classifies correctly."""
        self._counts.put(root, bits)

    def keep(self, state: State) -> None:
        """Keeps a state that may be built on, in place of whatever has its name.

        A full disk costs time later, and nothing else.
        """
        try:
            self._store.put(state.root, state.to_bytes())
        except StoreError as error:
            if not self._refused:
                log.warning("cannot keep states, so they are computed again", reason=str(error))
            self._refused = True
        else:
            self._refused = False

    def _post(self, lineage: Lineage, cancelled: Ask) -> State:
        if not self.workload.rules.derived_state:
            return self._served(lineage[-1].post_root) if lineage else self.workload.initial
        state, ahead = self._newest(lineage, cancelled)
        height = len(lineage) - len(ahead)
        for at, header in enumerate(reversed(ahead), height):
            try:
                state = self._step(header, state, self._progress(at, len(lineage), cancelled))
            except Cancelled:
                if at > height:
                    self.keep(state)
                raise
            done = at + 1
            if done == len(lineage) or done % _WRITTEN == 0:
                self.keep(state)
            if done % _TOLD == 0:
                log.info("following the chain", height=done, of=len(lineage))
        return state

    def _served(self, root: Root) -> State:
        initial = self.workload.initial
        return initial if root == initial.root else fetch_state(self._store, self.workload.model, root)

    def _newest(self, lineage: Lineage, cancelled: Ask) -> tuple[State, list[Header]]:
        """The newest state of a branch that is at hand, and the headers of the blocks above it, the last one first."""
        ahead: list[Header] = []
        for header in reversed(lineage):
            _ask(cancelled)  # places may be slow
            if len(ahead) < _SERVED or self._store.has(header.post_root):
                with suppress(StoreError):  # then the next below
                    return fetch_state(self._store, self.workload.model, header.post_root), ahead
            ahead.append(header)
        return self.workload.initial, ahead

    def _progress(self, height: int, target: int, cancelled: Ask) -> Callable[[int], None]:
        """What is told after each step of the segment after a block."""
        steps = self.workload.task.training_steps

        def tell(step: int) -> None:
            self._watch(FollowStage(height, target, step, steps))
            _ask(cancelled)

        return tell

    def _step(self, header: Header, state: State, progress: Callable[[int], None]) -> State:
        """W' of a block, from its parent's."""
        workload, known = self.workload, self._segments.get(header.parent)
        pre = known.end if known else self._trained(header.parent, state, progress)
        chosen = list(header.indices)
        post = workload.stepper.run(pre, workload.train.images[chosen], workload.train.labels[chosen]).post
        if post.root != header.post_root:
            raise InputError(
                f"a block on {header.parent.hex()} does not follow from it: nobody can compute what lies above. If it "
                f"is final, this network has ended; {pol('deploy --from-state')} begins another from the last good "
                "state"
            )
        return post

    def _trained(self, block_id: BlockId, start: State, progress: Callable[[int], None]) -> State:
        return state_before(self.workload, block_id, start, self.workload.task.training_steps, progress)


def _segments_for(state_bytes: int) -> int:
    return max(_LEAST_SEGMENTS, min(_MOST_SEGMENTS, _SEGMENT_BYTES // (2 * state_bytes)))


def _ask(cancelled: Ask) -> None:
    if cancelled():
        raise Cancelled
