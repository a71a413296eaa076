"""What became of signed transactions: confirmed, still on their way, dropped by L1, or their nonce taken by another.

That a node does not show something proves nothing: it may lag, prune, or lie. A call is sent anew only when another
transaction is shown to hold its nonce: the account's count in a settled L1 block has passed it, that block's body holds
a transaction of the account with this nonce, the node finds it there by its hash, and finds none of ours anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from pol_oracle.protocol.errors import ChainError, Reverted, Unreachable
from pol_oracle.protocol.types import Address

from ..client import Client
from ..records import L1Block, Receipt
from .journal import Attempt, Intent, Journal
from .outbox import GAP, request_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Settled:
    """A call whose transaction is confirmed, and why it reverted, if it did."""

    intent: Intent
    receipt: Receipt
    error: Reverted | None


class Settler:
    """Looks after signed transactions for the sender.

    Args:
        client: connected to L1.
        address: of the account.
        journal: remembers.
        confirmations: L1 blocks that must follow a transaction before it is settled.
    """

    def __init__(self, client: Client, address: Address, journal: Journal, confirmations: int) -> None:
        self._client = client
        self._address = address
        self._journal = journal
        self._confirmations = confirmations
        self._searched: dict[str, int] = {}  # key -> L1 block in which was looked for who holds its nonce
        self.mined: dict[str, int] = {}  # key of what is mined and not confirmed -> its L1 block

    def recheck(self, latest: L1Block) -> bool:
        """Takes back every settled call that L1 dropped.

        Newest first: where one stands, all older ones do. Its L1 block says so, and not its receipt: nodes forget old
        receipts.

        Returns:
            False if the node does not show an L1 block that it must have: it cannot be told yet.
        """
        while intent := self._journal.newest_mined():
            block = None if intent.l1_block is None else self._client.block(intent.l1_block)
            if block is not None and block.hash == intent.l1_hash:
                return True
            if block is None and intent.l1_block is not None and intent.l1_block <= latest.number:
                return False
            log.warning("l1 dropped a transaction", key=intent.key, call=intent.name)
            self._journal.unsettle(intent.key)
        return True

    def settle(self, latest: L1Block) -> tuple[list[Settled], list[Intent]]:
        """Settles what is confirmed; returns it, and what is signed and, as far as the node says, not mined."""
        sent = self._journal.sent()
        count = self._client.nonce(self._address) if sent else 0
        settled: list[Settled] = []
        unmined: list[Intent] = []
        self.mined = {}
        for intent in sent:
            try:
                settled += self._settled(intent, count, latest)
                shown = intent.key in self.mined or self._journal.get(intent.key) != intent
            except Unreachable as error:  # about this one, or so it seems; the others must not wait for it
                self._client.excuse(error)
                log.info("a node does not say what became of a call", key=intent.key, reason=str(error))
                shown = intent.key in self.mined
            if not shown:
                unmined.append(intent)
        return settled, unmined

    def _settled(self, intent: Intent, count: int, latest: L1Block) -> list[Settled]:
        """The intent, if it is confirmed; takes it back if its nonce is another's."""
        receipt = self._receipt(intent, count)
        if receipt is not None:
            self.mined[intent.key] = receipt.l1_block
            if receipt.l1_block <= latest.number - self._confirmations and self._client.holds(receipt):
                return [self._conclude(intent, receipt)]
        elif intent.nonce is not None and intent.nonce < count and self._taken(intent, intent.nonce, latest):
            self._give_up(intent, latest)
        return []

    def _receipt(self, intent: Intent, count: int) -> Receipt | None:
        """Of whichever of the intent's transactions was mined; ``count`` is the account's nonce on L1."""
        for attempt in self._journal.attempts(intent.key):
            if attempt.nonce < count and (receipt := self._client.receipt(attempt.tx_hash)):
                return receipt
        return None

    def _taken(self, intent: Intent, nonce: int, latest: L1Block) -> bool:
        """Whether somebody else's transaction is shown to hold the nonce; looked for once in an L1 block."""
        attempts = self._journal.attempts(intent.key)
        try:
            for attempt in attempts:
                if (l1_block := self._client.mined_in(attempt.tx_hash)) is not None:
                    self.mined[intent.key] = l1_block  # its receipt will come
                    return False
            if self._searched.get(intent.key) == latest.number:
                return False
            self._searched[intent.key] = latest.number
            holder = self._holder(nonce, latest.number - max(self._confirmations, 1))
        except Unreachable:
            raise
        except ChainError as error:
            log.info("a node does not show transactions", key=intent.key, reason=str(error))
            return False
        if holder is None:  # no proof, and no second call
            log.info("it is not shown who holds a nonce; an archive node could", key=intent.key, nonce=nonce)
        return holder is not None and holder not in {attempt.tx_hash for attempt in attempts}

    def _holder(self, nonce: int, settled: int) -> bytes | None:
        """The transaction that holds a nonce in a settled L1 block, or None if none is shown there."""
        if not self._passed(nonce, settled):
            return None
        low, high, step = settled - 1, settled, 1  # it is in the block `high`, or before
        while low >= 0 and self._passed(nonce, low):
            low, high, step = low - 2 * step, low, 2 * step
        low = max(low, -1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._passed(nonce, middle) else (middle, high)
        for transaction in self._client.transactions(high):
            if transaction.sender == self._address and transaction.nonce == nonce:
                return transaction.hash if self._client.mined_in(transaction.hash) == high else None
        return None

    def _passed(self, nonce: int, l1_block: int) -> bool:
        """Whether the account's count after an L1 block is shown to have passed a nonce.

        Nodes may not keep so old a state: then it is looked for in what they keep.
        """
        if l1_block < 0:
            return False
        try:
            return self._client.nonce(self._address, l1_block) > nonce
        except Unreachable:
            raise
        except ChainError:
            return False

    def _give_up(self, intent: Intent, latest: L1Block) -> None:
        """Another transaction has the nonce: a call is sent anew, and a filler is not needed any more."""
        self._searched.pop(intent.key, None)
        if intent.key.startswith(GAP):
            self._journal.fail(intent.key, Reverted("its nonce was filled"), latest.number)
            return
        log.warning("nonce taken by another transaction", key=intent.key, nonce=intent.nonce)
        self._journal.unsign(intent.key)

    def _conclude(self, intent: Intent, receipt: Receipt) -> Settled:
        attempt = next(a for a in self._journal.attempts(intent.key) if a.tx_hash == receipt.tx_hash)
        error = None if receipt.ok else self._reason(intent, attempt, receipt)
        self._journal.settle(intent.key, attempt.nonce, receipt, error)
        del self.mined[intent.key]
        self._searched.pop(intent.key, None)
        return Settled(intent, receipt, error)

    def _reason(self, intent: Intent, attempt: Attempt, receipt: Receipt) -> Reverted:
        """Why a mined transaction reverted: a receipt does not say it, so it is run again on the state it met."""
        if receipt.gas_used == attempt.gas:
            return Reverted(f"{intent.name} used up its gas limit of {attempt.gas}")
        try:
            self._client.simulate(request_of(intent), self._address, receipt.l1_block)
        except Reverted as error:
            return error
        except Unreachable:
            raise
        except ChainError as error:
            return Reverted(f"{intent.name} reverted on L1, and why cannot be found out: {error}")
        return Reverted(f"{intent.name} reverted on L1 because of what came before it in the same L1 block")
