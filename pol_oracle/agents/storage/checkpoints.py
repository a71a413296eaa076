"""States inside segments, so that a step of a segment can be shown without computing all those before it.

One every √N steps, or fewer where a budget of bytes wants it. Those of the newest segments stay: in memory while those
of as many as may be judged at a time fit there, else in a folder, and each segment's end with them. They are lost with
the process, as segments are.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import structlog

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.types import BlockId
from pol_oracle.store import StateStore, file_name
from pol_oracle.task import fetch_state

log = structlog.get_logger(__name__)

_SEGMENTS = 24  # whose states must fit at least: after blocks that are pending at a time


@dataclass(frozen=True)
class Budget:
    """Bytes that states inside segments may take.

    Attributes:
        memory: of the process.
        disk: of the folder.
    """

    memory: int = 1 << 27
    disk: int = 1 << 33


class Checkpoints:
    """A :class:`~pol_oracle.task.Shelf` within a budget. Safe to share between threads.

    Args:
        model: whose states these are.
        steps: N.
        folder: for states that do not fit in memory, emptied here; None: there are no others.
        budget: what they may take.

    Attributes:
        every: so many steps lie between two states.
    """

    def __init__(self, model: Model, steps: int, folder: Path | None = None, budget: Budget | None = None) -> None:
        budget = budget or Budget()
        self._model, self._lock = model, Lock()
        wanted = (steps - 1) // math.ceil(math.sqrt(steps))
        in_memory = folder is None or budget.memory >= _SEGMENTS * wanted * model.state_bytes
        self._folder = None if in_memory else folder
        self._most = (budget.memory if in_memory else budget.disk) // model.state_bytes
        affordable = self._most // _SEGMENTS - (self._folder is not None)  # there, the end is one of them
        self.every = math.ceil(steps / (min(wanted, max(affordable, 0)) + 1))
        self._steps, self._count = steps, 0
        self._kept: OrderedDict[bytes, dict[int, State | bytes]] = OrderedDict()  # a root where the state is on disk
        if self._folder is not None:
            self._empty(self._folder)

    def keep(self, block_id: BlockId, step: int, state: State) -> None:
        """See :class:`~pol_oracle.task.Shelf`. A full disk costs time later, and nothing else."""
        if step == self._steps and self._folder is None:
            return  # the segment has its end itself
        if self._folder is not None:
            try:
                (self._folder / file_name(state.root)).write_bytes(state.to_bytes())
            except OSError as error:
                log.warning("cannot keep a state inside a segment", step=step, reason=error.strerror)
                return
        with self._lock:
            known = self._kept.setdefault(block_id, {})
            self._kept.move_to_end(block_id)
            self._count += step not in known
            known[step] = state if self._folder is None else state.root
            while self._count > self._most and len(self._kept) > 1:
                self._forget(next(iter(self._kept)))

    def newest(self, block_id: BlockId, step: int) -> tuple[int, State] | None:
        """See :class:`~pol_oracle.task.Shelf`."""
        with self._lock:
            known = dict(self._kept.get(block_id, {}))
        for at in sorted((at for at in known if at <= step), reverse=True):
            kept = known[at]
            if isinstance(kept, State):
                return at, kept
            with suppress(StoreError):  # damaged, or forgotten meanwhile: then the one before
                return at, fetch_state(StateStore([str(self._folder)]), self._model, kept)
        return None

    def _forget(self, block_id: BlockId) -> None:
        for kept in (forgotten := self._kept.pop(block_id)).values():
            if self._folder is not None and isinstance(kept, bytes):
                (self._folder / file_name(kept)).unlink(missing_ok=True)
        self._count -= len(forgotten)

    def _empty(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob("*.f32"):
            path.unlink(missing_ok=True)
