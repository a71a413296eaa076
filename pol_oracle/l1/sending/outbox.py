"""Signed transactions on their way: written down before they leave, repeated, and made dearer when they are stuck."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from eth_account.signers.local import LocalAccount
from eth_typing import HexStr

from pol_oracle.protocol.errors import ChainError, Reverted, Unreachable
from pol_oracle.protocol.types import Wei

from ..client import Client, Request
from ..node.node import Node
from ..records import L1Block
from .fees import CallKind, FeePolicy, Fees, Market, kind_of, market_of, offer, replace
from .journal import Attempt, Intent, Journal

GAS_LIMIT = 2**24  # per transaction (EIP-7825)
GAP = "gap:"  # begins the keys of our own fillers
GAP_GAS = 21_000
_FOREIGN_PATIENCE = 8  # times the patience after which a stuck transaction of somebody else is replaced
_MOST_FOREIGN = 16  # transactions of somebody else that a node may tell of at most, after ours

log = structlog.get_logger(__name__)


class Outbox:
    """Signs and broadcasts for the sender, which decides what and when.

    Args:
        client: connected to L1.
        account: signs.
        journal: remembers.
        patience: L1 blocks after which a transaction counts as stuck.
        policy: how much to offer.
        proposals: where proposals go first, unless they are stuck there; None: where everything goes.
    """

    def __init__(
        self,
        client: Client,
        account: LocalAccount,
        journal: Journal,
        patience: int,
        policy: FeePolicy,
        proposals: Node | None = None,
    ) -> None:
        self._client = client
        self._account = account
        self._address = str(account.address)
        self._journal = journal
        self._patience = patience
        self._policy = policy
        self._proposals = proposals
        self._told: dict[str, int] = {}  # key -> L1 block in which its transaction was last broadcast
        self._nudged = -1  # L1 block in which stuck ones were last looked at

    @property
    def policy(self) -> FeePolicy:
        """How much is offered."""
        return self._policy

    def market(self, latest: L1Block) -> Market:
        """Returns what L1 asks now; from its newest block alone if the node tells no more."""
        try:
            return market_of(self._client, self._policy, latest)
        except ChainError as error:
            self._client.excuse(error)
            log.info("no history of fees", reason=str(error))
            return Market(latest.base_fee * 9 // 8, self._policy.least_priority)

    def repeat_all(self) -> None:
        """Lets the next :meth:`nudge` broadcast everything again: L1 may have dropped it."""
        self._told.clear()
        self._nudged = -1

    def nudge(self, latest: L1Block, unmined: Sequence[Intent], waiting: bool) -> None:
        """Broadcasts again what is signed and not mined, once per L1 block, and helps the first one if it is stuck.

        Args:
            latest: the newest L1 block.
            unmined: by nonce.
            waiting: something urgent is about to come behind them.
        """
        hurried = waiting or any(kind_of(intent.name).urgent for intent in unmined)
        for intent in unmined:
            if self._told.get(intent.key) != latest.number:
                self._broadcast(intent, latest, public=hurried)
        if not unmined or self._nudged == latest.number:
            return
        count = self._client.nonce(self._address)
        ahead = [intent for intent in unmined if intent.nonce is not None and intent.nonce >= count]
        if ahead:  # of two with one nonce, the dearer is what nodes keep
            first = min(ahead, key=lambda i: (i.nonce or 0, -self._newest(i).max_fee))
            try:
                self._help(first, hurried, count, latest)
            except Unreachable as error:
                self._client.excuse(error)
                log.info("no help for a stuck transaction", key=first.key, reason=str(error))
        self._nudged = latest.number

    def priced(self, request: Request, kind: CallKind, market: Market, funds: Wei) -> tuple[int, Fees] | None:
        """The gas limit of a call that would succeed in the next L1 block, and what to offer.

        The limit has a margin for what changes until then; None while L1 is dearer than the cap for such calls.

        Raises:
            Reverted: it would not, or the account cannot pay for it.
            ChainError: the node does not say.
        """
        if funds >= request.value:
            self._client.simulate(request, self._address, "pending")
            needed = self._client.estimate_gas(request, self._address, "pending")
            gas = min(needed * 5 // 4 + 10_000, GAS_LIMIT)
            fees = offer(market, self._policy, kind, gas)
            if fees is None or funds >= request.value + gas * fees.max_fee:
                return None if fees is None else (gas, fees)
        raise Reverted(
            f"account {self._address} cannot pay: it has {funds / 10**18:.6g} ETH to spend, and the call needs "
            f"{request.value / 10**18:.6g} ETH and gas; send it more ETH",
            "InsufficientFunds",
            {"account": self._address, "funds": funds, "value": request.value},
        )

    def committed(self, intent: Intent) -> int:
        """The most that a signed transaction can cost, in wei."""
        return intent.value + max(a.gas * a.max_fee for a in self._journal.attempts(intent.key))

    def next_nonce(self) -> int:
        """Returns the nonce of the next new transaction."""
        ours = max(self._client.nonce(self._address), self._journal.highest_nonce() + 1)
        return min(max(self._client.nonce(self._address, "pending"), ours), ours + _MOST_FOREIGN)

    def send(self, key: str, request: Request, nonce: int, gas: int, fees: Fees, latest: L1Block) -> None:
        """Signs, writes down, and only then broadcasts."""
        signed = self._account.sign_transaction(
            {
                "type": 2,
                "chainId": self._client.chain_id,
                "nonce": nonce,
                "to": HexStr(request.target),
                "data": request.data,
                "value": request.value,
                "gas": gas,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.priority,
            }
        )
        attempt = Attempt(
            bytes(signed.hash), key, nonce, bytes(signed.raw_transaction), fees.max_fee, fees.priority, gas
        )
        self._journal.sign(attempt, latest.number)
        intent = self._journal.get(key)
        if intent is not None:
            self._broadcast(intent, latest)

    def _newest(self, intent: Intent) -> Attempt:
        return self._journal.attempts(intent.key)[0]

    def _broadcast(self, intent: Intent, latest: L1Block, public: bool = False) -> None:
        """Hands L1 the newest transaction of an intent that it takes; that it has it already is as good."""
        node: Node = self._client
        fresh = latest.number - intent.since < self._patience and len(self._journal.attempts(intent.key)) == 1
        if self._proposals is not None and kind_of(intent.name) is CallKind.PROPOSE and fresh and not public:
            node = self._proposals
        for attempt in self._journal.attempts(intent.key):
            try:
                refusal = node.broadcast(attempt.raw)
            except ChainError as error:
                if node is self._client:
                    node.excuse(error)
                log.info("transaction not taken", key=intent.key, nonce=attempt.nonce, reason=str(error))
                return
            if refusal is None or "already" in refusal.message.lower():
                break
            log.info("transaction not taken", key=intent.key, nonce=attempt.nonce, reason=refusal.message)
        self._told[intent.key] = latest.number

    def _help(self, first: Intent, hurried: bool, count: int, latest: L1Block) -> None:
        """Makes the first transaction that is not mined dearer if it is stuck, or fills the gap below it."""
        if first.since > latest.number:  # L1 went backwards
            self._journal.touch(first.key, latest.number)
        waited = latest.number - first.since
        stuck = waited >= self._patience
        attempt = self._newest(first)
        if first.nonce == count and (stuck or attempt.max_fee < latest.base_fee):
            if self._client.balance(self._address) < first.value + attempt.gas * attempt.max_fee:
                log.warning("the account cannot pay for what is signed; send it ETH", key=first.key)
            elif not self._raise_fees(first, attempt, latest) and hurried and not kind_of(first.name).urgent:
                self._fill(count, latest, above=attempt)
        elif stuck and first.nonce is not None and first.nonce > count:
            foreign = self._client.nonce(self._address, "pending") > count
            if not foreign or waited >= _FOREIGN_PATIENCE * self._patience:
                self._fill(count, latest)

    def _raise_fees(self, intent: Intent, last: Attempt, latest: L1Block) -> bool:
        """Signs a dearer transaction with the same nonce; says whether it could."""
        fees = replace(
            Fees(last.max_fee, last.priority), self.market(latest), self._policy, kind_of(intent.name), last.gas
        )
        if fees is None or self._client.balance(self._address) < intent.value + last.gas * fees.max_fee:
            log.warning("stuck, and a higher offer is beyond bounds", key=intent.key, max_fee=last.max_fee)
            self._journal.touch(intent.key, latest.number)
            return False
        log.info("raising fees", key=intent.key, nonce=last.nonce, max_fee=fees.max_fee)
        self.send(intent.key, request_of(intent), last.nonce, last.gas, fees, latest)
        return True

    def _fill(self, nonce: int, latest: L1Block, above: Attempt | None = None) -> None:
        """Sends nothing to ourselves at a nonce, because ours behind it wait for it.

        Nobody uses it any more, or another journal's or wallet's transaction has been stuck there for long, or one of
        ours that may not cost what L1 asks now; that one is sent anew later.
        """
        fees = offer(self.market(latest), self._policy, CallKind.FILLER, GAP_GAS)
        if above is not None:
            last = Fees(above.max_fee, above.priority)
            fees = replace(last, self.market(latest), self._policy, CallKind.FILLER, GAP_GAS)
        if fees is None:
            return
        key = f"{GAP}{nonce}:{latest.number}"
        log.warning("closing a gap", nonce=nonce)
        self._journal.queue(key, "gap", self._address, b"", 0)
        self.send(key, Request(self._address, b""), nonce, GAP_GAS, fees, latest)


def request_of(intent: Intent) -> Request:
    """Returns the transaction that an intent asks for."""
    return Request(intent.target, intent.data, intent.value)
