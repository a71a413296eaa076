"""An agent's events: every one since the deployment if the node has them, else those since the finalized tip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import structlog

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events import typed as ev
from pol_oracle.l1.events.logs import decode
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.l1.records import L1Block
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
from .from_tip import FromTip, Start
from .places import l1_blocks_of

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
        self._source: Monitor | FromTip | None = None
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

    def _open(self) -> Monitor | FromTip:
        client, deployment = self._client, self._deployment
        everything = Monitor(client, deployment.deployed_at, self._depth)
        if client.finalized_tip() == self._genesis:
            return everything
        final = self._block(client.latest().number - self._depth)
        tip_id = bytes(client.call("PoLRegistry", "finalizedTip", at=final.number))
        if tip_id == self._genesis or (why := self._pruned(final)) is None:
            return everything
        self._warn(why)
        record = client.block_record(tip_id)
        proposed = l1_blocks_of(client, record.proposed_at, deployment.deployed_at, final.number)
        if not proposed:
            raise self._lost("it does not show the L1 block that holds the finalized tip")
        monitor = Monitor(client, proposed[0], self._depth)
        attester = self._account if self._has_attested() else None
        ancestors = Ancestors(client, self._fetcher(), self._genesis, record, attester, self._ancestors)
        window = deployment.parameters.challenge_window
        tip = Start(tip_id, final, proposed[0], record.proposed_at)
        return FromTip(client, tip, ancestors, monitor, window, self._account, self.reread)

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

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            log.warning(
                "old logs are pruned",
                node=self._client.rpc.place,
                why=why,
                instead="beginning from the finalized tip, by headers that a store serves",
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
