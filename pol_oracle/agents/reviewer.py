"""Replays pending blocks one after the other in the background, and remembers what came out.

A replay may say what it lacks. Once all of that was shown on L1, the block is replayed again.
"""

from __future__ import annotations

import time
from typing import Any

from pol_oracle.protocol.errors import InputError, PolError, StoreError

from .blocks import BlockView
from .challenges import claimable
from .demands import answered
from .memory import Memory
from .policy import Policy
from .verdicts import Replay, Unserved, Verdict
from .view import View
from .worker import Worker

_LONGEST = 8  # times the pause between fetches of a block that is not served, which doubles from fetch to fetch


class Reviewer:
    """Replays one block at a time: answered ones first, then live ones, then the rest, in L1 order.

    Args:
        replay: checks one block.
        memory: keeps verdicts across restarts.
        me: the agent's address; its own blocks need no replay.
        log: structured logger.
        retry_s: seconds until a block that was not served is tried a second time.
        window: seconds of L1 time after its proposal in which a block can be brought to L1.
        insist: when one that is not served is; None: never, as the agent demands nothing.

    Attributes:
        verdicts: block id -> what came out.
        unserved: block id -> why it could not be replayed yet.
    """

    def __init__(
        self,
        replay: Replay,
        memory: Memory,
        me: str,
        log: Any,
        retry_s: float,
        window: int = 0,
        insist: Policy | None = None,
    ) -> None:
        self._checked_at = memory.found_right()  # block id -> the difficulty that a verdict is about
        self.verdicts = {block_id: Verdict(block_id) for block_id in self._checked_at}
        self.unserved: dict[bytes, Unserved] = {}
        self._replay = replay
        self._memory = memory
        self._me = me
        self._log = log
        self._retry_s = retry_s
        self._window, self._policy = window, insist
        self._insisted: set[bytes] = set()
        self._used: dict[bytes, int] = {}  # how many answers the last replay of a block had
        self._worker: Worker[Verdict] = Worker("replay")
        self._not_before: dict[bytes, float] = {}

    def turn(self, view: View) -> None:
        """Takes what was finished and starts the next replay. A reorg of L1 that moves a parent in time changes a
        block's difficulty, of which its id knows nothing: then it is replayed anew."""
        key = self._worker.key
        if key is not None and not self._wanted(view, key):
            self._worker.cancel()
        done = self._worker.take()
        if done is not None:
            self._took(done.key, done.value, view.now)
        for block in self.candidates(view):
            if self._checked_at.get(block.id, block.difficulty) != block.difficulty:
                self.verdicts.pop(block.id, None)
        if self._worker.key is None and (chosen := self._next(view)) is not None:
            self._start(view, chosen)

    @property
    def valid(self) -> set[bytes]:
        """Ids of the blocks found right."""
        return {block_id for block_id, verdict in self.verdicts.items() if verdict.valid}

    def candidates(self, view: View) -> list[BlockView]:
        """Returns pending blocks, and slashed ones whose bounty may be the agent's: a restart forgets what is wrong."""
        return [*view.pending, *(block for block in view.unsettled if claimable(view, block, self._me))]

    def close(self, patience: float) -> None:
        """Ends the background thread."""
        self._worker.close(patience)

    def _start(self, view: View, block: BlockView) -> None:
        shown, insist = block.shown, self._insists(block, view.now)
        self._used[block.id], self._checked_at[block.id] = len(shown), block.difficulty
        if insist:
            self._insisted.add(block.id)
        self._log.debug("replaying", block=block.id.hex(), height=block.height, answers=len(shown), insist=insist)
        self._worker.start(block.id, lambda cancelled: self._replay(block, shown, insist, cancelled))

    def _wanted(self, view: View, block_id: bytes) -> bool:
        return any(block.id == block_id for block in self.candidates(view))

    def _next(self, view: View) -> BlockView | None:
        waiting = [b for b in self.candidates(view) if b.miner != self._me and self._waits(b, view.now)]
        return min(waiting, key=lambda b: self._urgency(b, view), default=None)

    def _waits(self, block: BlockView, now: int) -> bool:
        """Says whether a block is to be replayed (again) now."""
        verdict = self.verdicts.get(block.id)
        if verdict is not None:
            return self._goes_on(block)
        missing = self.unserved.get(block.id)
        if missing is None or (block.id not in self._insisted and self._insists(block, now)):
            return True
        return self._not_before.get(block.id, 0) <= time.monotonic()

    def _goes_on(self, block: BlockView) -> bool:
        """Says whether what the last replay lacked was shown since."""
        verdict = self.verdicts.get(block.id)
        fresh = len(block.shown) > self._used.get(block.id, 0)
        return verdict is not None and fresh and answered(block, verdict)

    def _insists(self, block: BlockView, now: int) -> bool:
        """Says whether a block counts as not served by now: always if a look into half of its window was in vain, since
        a server may make each look last."""
        missing, age = self.unserved.get(block.id), now - block.proposed_at
        if self._policy is None or missing is None:
            return block.id in self._insisted
        tried = missing.failures >= self._policy.attempts and age >= self._policy.grace
        return block.id in self._insisted or tried or 2 * age >= self._window

    def _urgency(self, block: BlockView, view: View) -> tuple[bool, int, bool, int]:
        """Lower goes first. Blocks that were not served wait behind those never tried, so that no miner can keep a
        verifier busy with nothing."""
        missing = self.unserved.get(block.id)
        failures = missing.failures if missing else 0
        return not self._goes_on(block), failures, block.id not in view.live, block.sequence

    def _took(self, block_id: bytes, value: Verdict | PolError, now: int) -> None:
        if isinstance(value, StoreError | InputError):  # whatever a miner shows, it must not end an agent
            before = self.unserved.get(block_id)
            failures = before.failures + 1 if before else 1
            self.unserved[block_id] = Unserved(failures, now, str(value))
            self.verdicts.pop(block_id, None)  # of an earlier replay, which has been answered since
            self._not_before[block_id] = time.monotonic() + self._retry_s * min(2 ** (failures - 1), _LONGEST)
            self._log.warning("cannot replay", block=block_id.hex(), failures=failures, reason=str(value))
            return
        if isinstance(value, PolError):
            raise value
        self._memory.remember(value, self._checked_at[block_id])
        self.verdicts[block_id] = value
        self.unserved.pop(block_id, None)
        kind = None if value.kind is None else value.kind.name.lower()
        facts = {"valid": value.valid, "kind": kind, "reason": value.reason, "lacks": len(value.demands)}
        self._log.info("replayed", block=block_id.hex(), **facts)
