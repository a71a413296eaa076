"""Final blocks below another: headers from a store, everything else from the registry's storage.

Made into events as far as rules look at them: that they were proposed, and are final. What they paid to whom is left
out, and with it all of their attestations but those that the agent still has to settle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog

from pol_oracle.l1.client import Client
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.records import BlockRecord, LogPosition
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.errors import NodeTrouble
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.types import Address, BlockId, Seconds

SLICE = 64  # blocks that are looked up before an agent's loop goes on
_OWED = (1, 3)  # attestations, early and late ones, that are not settled

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ancestor:
    """A final block.

    Attributes:
        id: 32 bytes.
        header: of it.
        record: what the registry keeps of it.
        owed: the agent attested to it, and has not settled that.
    """

    id: BlockId
    header: Header
    record: BlockRecord
    owed: bool


class Ancestors:
    """The way from a final block down to genesis.

    Args:
        client: connected to the deployment.
        fetch: returns the header of a block, checked.
        genesis: id of it.
        start: what the registry keeps of that block.
        attester: whose attestations are asked for; None: nobody's.
        known: blocks that were looked up before, by id; more are added.
    """

    def __init__(
        self,
        client: Client,
        fetch: Callable[[BlockId], Header],
        genesis: BlockId,
        start: BlockRecord,
        attester: Address | None,
        known: dict[BlockId, Ancestor],
    ) -> None:
        self._client, self._fetch, self._genesis, self._start = client, fetch, genesis, start
        self._attester, self._known = attester, known
        self._down: list[Ancestor] = []  # the newest first
        self._next = start.parent

    @property
    def ids(self) -> set[BlockId]:
        """Of all of them, genesis included."""
        return {self._genesis, *(ancestor.id for ancestor in self._down)}

    @property
    def owed(self) -> set[BlockId]:
        """Ids of those with an attestation that the agent has to settle."""
        return {ancestor.id for ancestor in self._down if ancestor.owed}

    def walk(self, most: int = SLICE) -> bool:
        """Looks up some more; returns whether genesis is reached.

        Raises:
            StoreError: the header of the next one is nowhere.
            NodeTrouble: what the registry says of it contradicts its header.
            Unreachable: L1 does not answer.
        """
        for _ in range(most):
            if self._next == self._genesis:
                return True
            ancestor = self._known[self._next] = self._known.get(self._next) or self._look_up(self._next)
            self._down.append(ancestor)
            self._next = ancestor.header.parent
        log.info("following headers down to genesis", done=len(self._down), of=self._start.height - 1)
        return self._next == self._genesis

    def events(self, l1_block: int, window: Seconds) -> Iterator[ev.Event]:
        """Yields what a view has to take in instead of all events before that block.

        Args:
            l1_block: number of the one before it was proposed; all of them are put there.
            window: challenge window. When a block became final nobody kept: not before that was over.

        Raises:
            NodeTrouble: the registry contradicts itself.
        """
        genesis = self._client.block_record(self._genesis)

        def event(kind: Callable[..., ev.Event], timestamp: Seconds, **fields: Any) -> ev.Event:
            return kind(**fields, at=LogPosition(l1_block, ZERO, 0, timestamp, ZERO))

        yield event(ev.HeadChanged, genesis.proposed_at, block_id=self._genesis, total_work=0)
        below = genesis
        for ancestor in reversed(self._down):
            block, record = ancestor.id, ancestor.record
            _check(below, record, block)
            since = record.proposed_at
            about = {"block_id": block, "miner": record.miner}
            placed = {"parent": record.parent, "height": record.height, "difficulty": record.difficulty}
            yield event(ev.BlockProposed, since, **about, **placed, header=ancestor.header)
            if ancestor.owed:
                yield event(ev.Attested, since, block_id=block, verifier=self._attester)
            yield event(ev.BlockFinalized, since + window, **about, reward=0)
            below = record
        _check(below, self._start, b"")
        yield event(ev.HeadChanged, below.proposed_at, block_id=self._start.parent, total_work=below.total_work)

    def _look_up(self, block_id: BlockId) -> Ancestor:
        header, record = self._fetch(block_id), self._client.block_record(block_id)
        said = record.status, record.parent, record.miner
        if said != (Status.FINALIZED, header.parent, header.miner):
            raise NodeTrouble(
                f"L1 at {self._client.rpc.place} says of final block {block_id.hex()} what is not so: "
                "check the RPC address"
            )
        attester = self._attester
        owed = attester is not None and self._client.attestation(block_id, attester) in _OWED
        return Ancestor(block_id, header, record, owed)


def _check(below: BlockRecord, above: BlockRecord, block_id: BlockId) -> None:
    """Heights and work follow from block to block."""
    if (above.height, above.total_work) != (below.height + 1, below.total_work + work(above.difficulty)):
        raise NodeTrouble(
            f"what L1 says of block {block_id.hex() or 'to begin from'} does not follow from the one below: "
            "check the RPC address"
        )
