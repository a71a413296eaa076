"""Replays pending blocks one after the other in the background, and remembers what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pol_oracle.protocol.errors import PolError, StoreError

from .blocks import BlockView
from .memory import Memory
from .verdicts import Unserved, Verdict
from .view import View
from .worker import Worker

Replay = Callable[[BlockView, Callable[[], bool]], Verdict]
"""Checks one block; raises StoreError when it cannot be replayed. Its second argument asks "cancelled?"."""

_LONGEST = 8  # times the pause between fetches of a block that is not served, which doubles from fetch to fetch


class Reviewer:
    """Replays one block at a time: disputed ones first, then live ones, then the rest, in L1 order.

    Args:
        replay: checks one block.
        memory: keeps verdicts across restarts.
        me: the agent's address; its own blocks need no replay.
        log: structured logger.
        retry_s: seconds until a block that was not served is tried a second time.

    Attributes:
        verdicts: block id -> what came out.
        unserved: block id -> why it could not be replayed yet.
    """

    def __init__(self, replay: Replay, memory: Memory, me: str, log: Any, retry_s: float) -> None:
        self.verdicts: dict[bytes, Verdict] = memory.verdicts()
        self.unserved: dict[bytes, Unserved] = {}
        self._replay = replay
        self._memory = memory
        self._me = me
        self._log = log
        self._retry_s = retry_s
        self._worker: Worker[Verdict] = Worker("replay")
        self._not_before: dict[bytes, float] = {}

    def turn(self, view: View) -> None:
        """Takes what was finished and starts the next replay."""
        key = self._worker.key
        if key is not None and not self._wanted(view, key):
            self._worker.cancel()
        done = self._worker.take()
        if done is not None:
            self._took(done.key, done.value, view.now)
        if self._worker.key is None and (block := self._next(view)) is not None:
            self._log.debug("replaying", block=block.id.hex(), height=block.height)
            self._worker.start(block.id, lambda cancelled: self._replay(block, cancelled))

    @property
    def valid(self) -> set[bytes]:
        """Ids of the blocks found right."""
        return {block_id for block_id, verdict in self.verdicts.items() if verdict.valid}

    def close(self, patience: float) -> None:
        """Ends the background thread."""
        self._worker.close(patience)

    def _wanted(self, view: View, block_id: bytes) -> bool:
        return any(block.id == block_id for block in view.pending)

    def _next(self, view: View) -> BlockView | None:
        waiting = [
            block
            for block in view.pending
            if block.id not in self.verdicts and block.miner != self._me and self._rested(block)
        ]
        return min(waiting, key=lambda b: self._urgency(b, view), default=None)

    def _rested(self, block: BlockView) -> bool:
        """Says whether a block may be tried (again): after a pause, or at once if it is disputed since."""
        missing = self.unserved.get(block.id)
        if missing is None or any(d.opened_at > missing.last for d in block.open_disputes):
            return True
        return self._not_before.get(block.id, 0) <= time.monotonic()

    def _urgency(self, block: BlockView, view: View) -> tuple[bool, int, bool, int]:
        """Lower goes first. Blocks that were not served wait behind those never tried, so that no miner can keep a
        verifier busy with nothing."""
        missing = self.unserved.get(block.id)
        failures = missing.failures if missing else 0
        return not block.open_disputes, failures, block.id not in view.live, block.sequence

    def _took(self, block_id: bytes, value: Verdict | PolError, now: int) -> None:
        if isinstance(value, StoreError):
            before = self.unserved.get(block_id)
            failures = before.failures + 1 if before else 1
            self.unserved[block_id] = Unserved(failures, now, str(value))
            self._not_before[block_id] = time.monotonic() + self._retry_s * min(2 ** (failures - 1), _LONGEST)
            self._log.warning("cannot replay", block=block_id.hex(), failures=failures, reason=str(value))
            return
        if isinstance(value, PolError):
            raise value
        self._memory.remember(value)
        self.verdicts[block_id] = value
        self.unserved.pop(block_id, None)
        kind = None if value.kind is None else value.kind.name.lower()
        self._log.info("replayed", block=block_id.hex(), valid=value.valid, kind=kind, reason=value.reason)
