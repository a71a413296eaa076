"""Replays pending blocks in the background, the most urgent first (urgency.py), and remembers what came out.

A replay may say what it lacks. Once that was shown on L1, the block is replayed again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pol_oracle.protocol.errors import InputError, PolError, StoreError
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.types import Address, BlockId
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView

from ..rules.urgency import Urgency, answered, claimable, urgencies
from ..rules.verdicts import Invalid, Replay, Unavailable, Unserved, Valid, Verdict, accusation, can_be_built_on
from ..storage.memory import AgentMemory
from .worker import Background, Worker

if TYPE_CHECKING:
    from pol_oracle.evidence import Shown


class ReplayQueue:
    """Replays one block at a time, and gives one up for another that is far more urgent.

    A block whose parent is wrong, or not looked at yet, has to wait: nobody could say what it stands on.

    Args:
        replay: checks one block.
        memory: keeps verdicts across restarts.
        me: the agent's address; its own blocks need no replay.
        parameters: of the deployment.
        log: structured logger.
        background: how replays are done.

    Attributes:
        verdicts: block id -> what came out.
        unserved: block id -> why it could not be replayed yet.
    """

    def __init__(
        self,
        replay: Replay,
        memory: AgentMemory,
        me: Address,
        parameters: Parameters,
        log: Any,
        background: Background,
    ) -> None:
        self._checked_at = memory.found_right()  # block id -> the difficulty that a verdict is about
        self.verdicts: dict[BlockId, Verdict] = {block_id: Valid(block_id) for block_id in self._checked_at}
        self.unserved: dict[BlockId, Unserved] = {}
        self._replay = replay
        self._memory = memory
        self._me, self._parameters = me, parameters
        self._log = log
        self._background = background
        self._used: dict[bytes, Shown] = {}  # what the last replay of a block saw
        self._started: tuple[Shown, int] = {}, 0  # what the replay under way goes by: answers, difficulty
        self._worker: Worker[Verdict] = Worker("replay", background.spawn)
        self._not_before: dict[bytes, float] = {}

    def turn(self, view: View) -> None:
        """Takes what was finished and starts the next replay.

        A reorg of L1 that moves a parent in time changes a block's difficulty, of which its id knows nothing: then it
        is replayed anew.
        """
        self._give_way(view)
        done = self._worker.take()
        if done is not None:
            self._took(done.key, done.value)
        candidates = self.candidates(view)
        self._forget_all_but({block.id for block in candidates})
        for block in candidates:
            if self._checked_at.get(block.id, block.difficulty) != block.difficulty:
                self.verdicts.pop(block.id, None)
        if self._worker.key is None and (first := next(iter(self._urgencies(view)), None)) is not None:
            self._start(view, view.blocks[first])

    @property
    def valid(self) -> set[bytes]:
        """Ids of the blocks found right."""
        return {block_id for block_id, verdict in self.verdicts.items() if can_be_built_on(verdict)}

    @property
    def replaying(self) -> bytes | None:
        """Id of the block whose replay is under way."""
        return self._worker.key

    def candidates(self, view: View) -> list[BlockView]:
        """Returns pending blocks, and slashed ones whose bounty may be the agent's: a restart forgets what is wrong."""
        return [*view.pending, *(block for block in view.unsettled if claimable(view, block, self._me))]

    def unjudged(self, view: View) -> list[BlockView]:
        """Returns the live blocks that it replays or could replay now.

        Left out are those whose replays failed, and those that it found right and of which somebody explains something.
        """
        urgent = self._urgencies(view)
        unknown = (i for i in urgent if not urgent[i].failures and not self._found_right(i))
        return [view.blocks[block_id] for block_id in unknown if block_id in view.live]

    def close(self, patience: float) -> None:
        """Ends the background thread."""
        self._worker.close(patience)

    def _start(self, view: View, block: BlockView) -> None:
        shown, lineage = block.shown, view.lineage(block.parent)
        self._started = shown, block.difficulty
        self._log.debug("replaying", block=block.id.hex(), height=block.height, answers=len(shown))
        self._worker.start(block.id, lambda cancelled: self._replay(block, lineage, shown, cancelled))

    def _give_way(self, view: View) -> None:
        """Stops a replay that nobody needs any more, or that keeps a far more urgent one waiting."""
        running = self._worker.key
        if running is None or self._worker.cancelled:
            return
        if all(block.id != running for block in self.candidates(view)):
            self._worker.cancel()
            return
        urgent = self._urgencies(view)
        first = next(iter(urgent), running)
        if running in urgent and urgent[first].far_above(urgent[running]):
            self._log.info("a replay gives way", block=running.hex(), to=first.hex())
            self._worker.cancel()

    def _urgencies(self, view: View) -> dict[BlockId, Urgency]:
        """Blocks that it replays or could replay now, the most urgent first."""
        waiting = [b for b in self.candidates(view) if b.miner != self._me and self._waits(b, view)]
        right = {block.id for block in waiting if self._found_right(block.id)}
        walks = {block.id for block in waiting if self._goes_on(block)} - right
        failures = {block_id: missing.failures for block_id, missing in self.unserved.items()}
        return urgencies(view, waiting, walks, right, failures, self._parameters)

    def _waits(self, block: BlockView, view: View) -> bool:
        """Says whether a block is to be replayed (again) now."""
        if block.id in self.verdicts:
            return self._goes_on(block)
        rested = self._not_before.get(block.id, 0) <= self._background.clock()
        return rested and self._stands(view.blocks[block.parent])

    def _found_right(self, block_id: BlockId) -> bool:
        return isinstance(self.verdicts.get(block_id), Valid)

    def _stands(self, parent: BlockView) -> bool:
        """Says whether a block is known to be right, or final."""
        return self._found_right(parent.id) or parent.status is Status.FINALIZED or parent.miner == self._me

    def _goes_on(self, block: BlockView) -> bool:
        """Says whether another replay could tell more, by what was shown since the last one."""
        verdict = self.verdicts.get(block.id)
        return verdict is not None and answered(block, verdict) and block.shown != self._used.get(block.id, {})

    def _forget_all_but(self, block_ids: set[BlockId]) -> None:
        """Drops what is long, and of no use any more: proofs, and what was shown of blocks. All of it can be remade."""
        for block_id in self._used.keys() - block_ids:
            del self._used[block_id]
            self.unserved.pop(block_id, None)
            self._not_before.pop(block_id, None)
            if isinstance(verdict := self.verdicts.get(block_id), Valid):
                self.verdicts[block_id] = replace(verdict, false_explanation=None)
            else:
                self.verdicts.pop(block_id, None)

    def _took(self, block_id: BlockId, value: Verdict | PolError) -> None:
        self._used[block_id], self._checked_at[block_id] = self._started
        if isinstance(value, StoreError | InputError):  # whatever a miner shows, it must not end an agent
            before = self.unserved.get(block_id)
            failures = before.failures + 1 if before else 1
            self.unserved[block_id] = Unserved(failures, str(value))
            self.verdicts.pop(block_id, None)  # of an earlier replay, which has been answered since
            self._not_before[block_id] = self._background.again_at(failures)
            self._log.warning("cannot replay", block=block_id.hex(), failures=failures, reason=str(value))
            return
        if isinstance(value, PolError):
            raise value
        self._memory.remember(value, self._checked_at[block_id])
        self.verdicts[block_id] = value
        self.unserved.pop(block_id, None)
        wrong = accusation(value)
        self._log.info(
            "replayed",
            block=block_id.hex(),
            valid=can_be_built_on(value),
            kind=value.kind.name.lower() if isinstance(value, Invalid) else None,
            reason="" if wrong is None else wrong.reason,
            lacks=str(wrong.lacks.position) if isinstance(wrong, Unavailable) else None,
        )
