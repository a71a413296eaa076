"""An agent's events: every one since the deployment if the node has them, else those since a final block."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace

import structlog

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.events.logs import decode
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.l1.records import BlockRecord, L1Block
from pol_oracle.protocol.errors import (
    ChainError,
    InputError,
    NodeTrouble,
    Pruned,
    StoreError,
    Unreachable,
    WrongChain,
)
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.types import Address, BlockId
from pol_oracle.store.headers import HeaderStore

from .ancestors import Ancestor, Ancestors
from .from_final import FromFinal, Start
from .places import l1_blocks_of

EARLIER = 2  # challenge windows before the tip's proposal, to begin in
ALL = -1  # rolls back everything: no L1 block has a lower number

log = structlog.get_logger(__name__)


class Joining:
    """A source of events that decides at its start, and again when they are to be read anew, where to begin.

    Args:
        client: connected to a deployment.
        depth: how many L1 blocks must follow one before its events count.
        account: whose bonds are known in any case; None: nobody's.
        open_headers: opens the store of headers, which most agents do not need.
    """

    def __init__(
        self, client: Client, depth: int, account: Address | None, open_headers: Callable[[], HeaderStore]
    ) -> None:
        if client.deployment is None:
            raise InputError("events are read of a deployment")
        self._client, self._depth, self._account = client, depth, account
        self._deployment: Deployment = client.deployment
        self._genesis = bytes.fromhex(self._deployment.genesis_id.removeprefix("0x"))
        self._open_headers = open_headers
        self._source: Monitor | FromFinal | None = None
        self._anew = self._warned = False
        self._headers: dict[BlockId, Header] = {}
        self._ancestors: dict[BlockId, Ancestor] = {}

    def reread(self) -> None:
        """Lets the next :meth:`poll` decide anew where to begin, and roll back everything: something was missing."""
        self._source, self._anew = None, True
        self._ancestors.clear()  # headers cannot change

    def poll(self) -> Update | None:
        """Returns what is new since the last poll; None while it is on its way there.

        Raises:
            Pruned: the node lacks old logs, and no store serves headers. The next poll looks again.
            ChainError: see :meth:`Monitor.poll`.
        """
        if self._source is None:
            self._source = self._open()
        try:
            update = self._source.poll()
        except (StoreError, Pruned) as error:
            self._source = None
            raise self._lost(str(error)) from error
        if update is not None and self._anew:
            update, self._anew = replace(update, rollback_to=ALL), False
        return update

    def _open(self) -> Monitor | FromFinal:
        client, deployment = self._client, self._deployment
        everything = Monitor(client, deployment.deployed_at, self._depth)
        if client.finalized_tip() == self._genesis:
            return everything
        final = self._block(client.latest().number - self._depth)
        tip_id = client.finalized_tip(final.number)
        if tip_id == self._genesis or (why := self._pruned(final)) is None:
            return everything
        start = self._start(tip_id, final)
        self._warn(why, start)
        monitor = Monitor(client, start.l1_blocks[0], self._depth)
        attester = self._account if self._has_attested() else None
        ancestors = Ancestors(client, self._fetcher(), self._genesis, start.record, attester, self._ancestors)
        window = deployment.parameters.challenge_window
        return FromFinal(client, start, ancestors, monitor, window, self._account, self.reread)

    def _start(self, tip_id: BlockId, final: L1Block) -> Start:
        """The oldest final block of the last two windows before the tip's proposal whose logs are there; else the tip.

        What lost with the tip, or shortly before, may be pending yet, and be answered for.
        """
        record = self._client.block_record(tip_id)
        blocks, height = [(tip_id, record)], record.height
        since = record.proposed_at - EARLIER * self._deployment.parameters.challenge_window
        while record.proposed_at > since and len(blocks) < height:
            block_id = record.parent
            record = self._client.block_record(block_id)
            blocks.insert(0, (block_id, record))
        shown = bisect_left(blocks[:-1], True, key=lambda block: self._shows(self._placed(block, final)))
        start = self._placed(blocks[shown], final)
        if not start.l1_blocks:
            raise self._lost("it does not show the L1 block that holds the finalized tip")
        return start

    def _placed(self, block: tuple[BlockId, BlockRecord], final: L1Block) -> Start:
        block_id, record = block
        places = l1_blocks_of(self._client, record.proposed_at, self._deployment.deployed_at, final.number)
        return Start(block_id, final, places, record)

    def _shows(self, start: Start) -> bool:
        """Whether the node has the log of a block's proposal."""
        if not start.l1_blocks:
            return False
        try:
            logs = self._client.logs(start.l1_blocks[0], start.l1_blocks[-1]) or []
        except (Unreachable, WrongChain):
            raise
        except ChainError:
            return False
        return any(isinstance(e, ev.BlockProposed) and e.block_id == start.id for e in map(decode, logs))

    def _pruned(self, newest: L1Block) -> str | None:
        """Why the log of the registry's constructor cannot be had; None if it can: then all others can, too."""
        client, first = self._client, self._deployment.deployed_at
        planted = client.block_record(self._genesis).proposed_at
        blocks = l1_blocks_of(client, planted, first, newest.number)
        if not blocks:
            return "it does not show the L1 block of the deployment"
        try:
            logs = client.logs(blocks[0], blocks[-1])
        except (Unreachable, WrongChain):
            raise
        except ChainError as error:
            self._require_logs_of(newest)
            return str(error)
        if logs is None:
            raise NodeTrouble(f"L1 at {client.rpc.place} was reorganised at the deployment; check the RPC address")
        events = map(decode, logs)
        heads = (event.block_id for event in events if isinstance(event, ev.HeadChanged))
        return None if self._genesis in heads else f"it shows no log of the deployment, of L1 block {blocks[-1]}"

    def _require_logs_of(self, newest: L1Block) -> None:
        """One that refuses the newest logs as well has not pruned the old ones: a quota is used up, say."""
        try:
            self._client.logs_of(newest)
        except (Unreachable, WrongChain):
            raise
        except ChainError as error:
            raise NodeTrouble(f"L1 at {self._client.rpc.place} refuses its newest logs as well: {error}") from error

    def _warn(self, why: str, start: Start) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "old logs are pruned",
                node=self._client.rpc.place,
                why=why,
                instead=f"beginning from final block {start.id.hex()}, by headers that a store serves",
                unknown="blocks that had lost before it, your own too",
            )

    def _fetcher(self) -> Callable[[BlockId], Header]:
        """What returns a header, from memory or from the store."""
        try:
            store = self._open_headers()
        except (InputError, StoreError) as error:
            raise self._lost(str(error)) from error

        def fetch(block_id: BlockId) -> Header:
            if block_id not in self._headers:
                self._headers[block_id] = store.get(block_id)
            return self._headers[block_id]

        return fetch

    def _has_attested(self) -> bool:
        """Whether the account may have attestations to settle."""
        return self._account is not None and self._client.bond(self._account, Role.VERIFIER).locked > 0

    def _block(self, number: int) -> L1Block:
        block = self._client.block(number)
        if block is None:
            raise NodeTrouble(f"L1 at {self._client.rpc.place} does not show its block {number}")
        return block

    def _lost(self, why: str) -> Pruned:
        return Pruned(
            f"L1 at {self._client.rpc.place} has no logs of the deployment any more, and what would do in their place "
            f"is not there ({why}): give the RPC address of a node that keeps them with --rpc, or a store that serves "
            "the headers of final blocks with --store"
        )
