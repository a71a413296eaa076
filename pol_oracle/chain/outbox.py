"""Signed transactions on their way: written down before they leave, repeated, and made dearer when they are stuck."""

from __future__ import annotations

import structlog
from eth_account.signers.local import LocalAccount
from eth_typing import HexStr

from pol_oracle.chain.client import Client, Request
from pol_oracle.chain.fees import FeePolicy, Fees, replace, suggest
from pol_oracle.chain.journal import Attempt, Intent, Journal
from pol_oracle.chain.records import L1Block
from pol_oracle.protocol.errors import ChainError, Reverted, Unreachable

GAS_LIMIT = 2**24  # per transaction (EIP-7825)
GAP = "gap:"  # begins the keys of our own fillers
GAP_GAS = 21_000
_FOREIGN_PATIENCE = 8  # times the patience after which a stuck transaction of somebody else is replaced

log = structlog.get_logger(__name__)


class Outbox:
    """Signs and broadcasts for the sender, which decides what and when.

    Args:
        client: connected to L1.
        account: signs.
        journal: remembers.
        patience: L1 blocks after which a transaction counts as stuck.
        policy: how much to offer.
    """

    def __init__(
        self, client: Client, account: LocalAccount, journal: Journal, patience: int, policy: FeePolicy
    ) -> None:
        self._client = client
        self._account = account
        self._address = str(account.address)
        self._journal = journal
        self._patience = patience
        self._policy = policy
        self._told: dict[str, int] = {}  # key -> L1 block in which its transaction was last broadcast
        self._short: set[str] = set()  # keys whose transaction L1 refused last because the account cannot pay
        self._nudged = -1  # L1 block in which stuck ones were last looked at

    def offer(self) -> Fees | None:
        """Returns what to pay now, or None while L1 is dearer than the cap."""
        fees = suggest(self._client, self._policy)
        if fees is None:
            log.warning("l1 is dearer than the fee cap; waiting", cap=self._policy.cap)
        return fees

    def repeat_all(self) -> None:
        """Lets the next :meth:`nudge` broadcast everything again: L1 may have dropped it."""
        self._told.clear()
        self._nudged = -1

    def nudge(self, latest: L1Block, unmined: list[Intent]) -> None:
        """Broadcasts again what is signed and not mined, once per L1 block, and helps the first one if it is stuck.

        Args:
            latest: the newest L1 block.
            unmined: by nonce.
        """
        for intent in unmined:
            if self._told.get(intent.key) != latest.number:
                self._broadcast(intent.key, latest)
        if not unmined or self._nudged == latest.number:
            return
        first = unmined[0]
        count = self._client.nonce(self._address)
        if first.since > latest.number:  # L1 went backwards
            self._journal.touch(first.key, latest.number)
        stuck = latest.number - first.since >= self._patience
        if first.nonce == count:
            attempt = self._journal.attempts(first.key)[0]
            if first.key in self._short:
                log.warning("the account cannot pay for what is signed; send it ETH", key=first.key)
            elif stuck or attempt.max_fee < latest.base_fee:
                self._raise_fees(first, attempt, latest)
        elif stuck and first.nonce is not None and first.nonce > count:
            waited = latest.number - first.since >= _FOREIGN_PATIENCE * self._patience
            if waited or count == self._client.nonce(self._address, "pending"):
                self._close_gap(count, latest)
        self._nudged = latest.number

    def gas_for(self, request: Request, fees: Fees, funds: int) -> int:
        """The gas limit of a call that would succeed in the next L1 block, with a margin for what changes until then.

        Raises:
            Reverted: it would not, or the account cannot pay for it.
        """
        if funds >= request.value:
            gas = self._tried(request)
            if funds >= request.value + gas * fees.max_fee:
                return gas
        raise Reverted(
            f"account {self._address} cannot pay: it has {funds / 10**18:.6g} ETH to spend, and the call needs "
            f"{request.value / 10**18:.6g} ETH and gas; send it more ETH",
            "InsufficientFunds",
            {"account": self._address, "funds": funds, "value": request.value},
        )

    def _tried(self, request: Request) -> int:
        try:
            self._client.simulate(request, self._address, "pending")
            needed = self._client.estimate_gas(request, self._address, "pending")
        except (Unreachable, Reverted):
            raise
        except ChainError as error:  # this call alone is at fault; those behind it must not wait for it
            raise Reverted(str(error)) from error
        return min(needed * 5 // 4 + 10_000, GAS_LIMIT)

    def committed(self, intent: Intent) -> int:
        """The most that a signed transaction can cost, in wei."""
        return intent.value + max(a.gas * a.max_fee for a in self._journal.attempts(intent.key))

    def next_nonce(self) -> int:
        """Returns the nonce of the next new transaction."""
        return max(self._client.nonce(self._address, "pending"), self._journal.highest_nonce() + 1)

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
        self._broadcast(key, latest)

    def _broadcast(self, key: str, latest: L1Block) -> None:
        """Hands L1 the newest transaction of an intent that it takes; that it has it already is as good."""
        self._short.discard(key)
        for attempt in self._journal.attempts(key):
            refusal = self._client.broadcast(attempt.raw)
            if refusal is None or "already" in refusal.message.lower():
                break
            if "insufficient funds" in refusal.message.lower():
                self._short.add(key)
            log.info("transaction not taken", key=key, nonce=attempt.nonce, reason=refusal.message)
        self._told[key] = latest.number

    def _raise_fees(self, intent: Intent, last: Attempt, latest: L1Block) -> None:
        fees = replace(Fees(last.max_fee, last.priority), suggest(self._client, self._policy), self._policy)
        if fees is None:
            log.warning("stuck, and the fee cap forbids a higher offer", key=intent.key, max_fee=last.max_fee)
            self._journal.touch(intent.key, latest.number)
            return
        log.info("raising fees", key=intent.key, nonce=last.nonce, max_fee=fees.max_fee)
        self.send(intent.key, request_of(intent), last.nonce, last.gas, fees, latest)

    def _close_gap(self, nonce: int, latest: L1Block) -> None:
        """Sends nothing to ourselves at a nonce, because ours behind it wait for it: nobody uses it any more, or
        another journal's or wallet's transaction has been stuck there for long, which is replaced."""
        fees = self.offer()
        if fees is None:
            return
        key = f"{GAP}{nonce}:{latest.number}"
        log.warning("closing a gap", nonce=nonce)
        self._journal.queue(key, "gap", self._address, b"", 0)
        self.send(key, Request(self._address, b""), nonce, GAP_GAS, fees, latest)


def request_of(intent: Intent) -> Request:
    """Returns the transaction that an intent asks for."""
    return Request(intent.target, intent.data, intent.value)
