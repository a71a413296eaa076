"""Transactions that leave exactly once, whatever happens in between.

A call is known by a key that says what it means. It goes through these steps, each on disk before the next begins:

    submit -> QUEUED -> simulated -> signed, written down (SENT) -> broadcast -> mined, confirmed -> DONE
                |           |                ^        |                                  |
                |           +-> FAILED       |        +-- fees raised: same nonce        +-> FAILED (reverted)
                |                            +----------- dropped by a reorg: same transaction again
                +<------------------------------ nonce taken by another process: a new one

Killed anywhere, the next start finds what was signed and broadcasts the *same* transaction, so nothing happens twice.
There is no clock here: patience is counted in L1 blocks.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from eth_account.signers.local import LocalAccount

from pol_oracle.chain.client import Client
from pol_oracle.chain.fees import FeePolicy
from pol_oracle.chain.journal import Attempt, CallStatus, Intent, Journal
from pol_oracle.chain.outbox import GAP, Outbox, request_of
from pol_oracle.chain.records import L1Block, Receipt
from pol_oracle.protocol.errors import ChainError, NotMined, Reverted, Unreachable

LONGEST_PAUSE = 64  # L1 blocks before a failed call may be tried again

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Call:
    """A call of one of our contracts that is to be made once.

    Attributes:
        key: what it means, e.g. "attest:0xab…"; the same key is never sent twice.
        contract: name, e.g. "PoLRegistry".
        function: name.
        args: as the ABI takes them; structs as tuples.
        value: wei to send along.
    """

    key: str
    contract: str
    function: str
    args: tuple[Any, ...]
    value: int = 0


@dataclass(frozen=True)
class Result:
    """What became of a call.

    Attributes:
        key: of the call.
        ok: it was mined, confirmed, and did not revert.
        error: why not.
        gas_used: 0 if it was not mined.
        tx_hash: of the mined transaction, 32 bytes, or None.
    """

    key: str
    ok: bool
    error: Reverted | None
    gas_used: int
    tx_hash: bytes | None


class Sender:
    """Sends one account's calls; for one thread, and the only one for its journal.

    A later :class:`Result` of the same key replaces an earlier one: L1 may reorganise after both.

    Args:
        client: connected to L1, and to the deployment whose contracts are called.
        account: signs. Its key is neither logged nor stored.
        journal_path: SQLite file. Its folder holds the locks, so that in one folder an account has one process.
        confirmations: L1 blocks that must follow a transaction before it is settled; default: the deployment's, or 1.
        patience: L1 blocks after which a transaction counts as stuck.
        fees: how much to offer.

    Raises:
        InputError: another process sends for this account, or uses the journal.
        StoreError: the journal is damaged.
        Unreachable: L1 does not answer.
    """

    def __init__(
        self,
        client: Client,
        account: LocalAccount,
        journal_path: Path,
        *,
        confirmations: int | None = None,
        patience: int = 5,
        fees: FeePolicy | None = None,
    ) -> None:
        if confirmations is None:
            confirmations = client.deployment.confirmations if client.deployment is not None else 1
        self._client = client
        self.address = str(account.address)
        self._confirmations = confirmations
        self._journal = Journal(journal_path, account.address, client.identity())
        self._outbox = Outbox(client, account, self._journal, patience, fees or FeePolicy())
        self._anchor: L1Block | None = None  # newest L1 block at the last tick
        self._results: list[Result] = []

    def submit(self, call: Call) -> CallStatus:
        """Takes a call; the next ticks carry it out. A key that is under way or done is left as it is.

        A failed call is taken again, after 1, 2, 4, ... 64 L1 blocks as it fails again and again.

        Returns:
            The call's status now.

        Raises:
            InputError: there is no such function, or the arguments do not fit.
        """
        known = self._journal.get(call.key)
        if known is not None and not (known.status is CallStatus.FAILED and self._rested(known)):
            return known.status
        request = self._client.request_for(call.contract, call.function, call.args, call.value)
        self._journal.queue(call.key, f"{call.contract}.{call.function}", request.target, request.data, request.value)
        return CallStatus.QUEUED

    def status_of(self, key: str) -> CallStatus | None:
        """Returns how far a call is, or None if it was never submitted."""
        intent = self._journal.get(key)
        return intent.status if intent else None

    def in_flight(self, key: str) -> bool:
        """Says whether a call is submitted and not settled."""
        return self.status_of(key) in (CallStatus.QUEUED, CallStatus.SENT)

    def tick(self) -> list[Result]:
        """Does what can be done now, and returns what was settled since the last call. Call it every L1 block or so.

        Raises:
            Unreachable: L1 went away. Nothing is lost; results so far come with the next tick.
        """
        self._work()
        results, self._results = self._results, []
        return results

    def wait(self, key: str, timeout_s: float = 60.0, poll_s: float = 0.2) -> Result:
        """Ticks until a call is settled. For commands that send one call; results of others stay for ``tick``.

        Raises:
            NotMined: it was not settled in time, or L1 is away. It stays in the journal.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            away = ""
            try:
                self._work()
            except Unreachable as error:
                away = f" ({error})"
            for result in reversed(self._results):
                if result.key == key:
                    self._results = [r for r in self._results if r.key != key]
                    return result
            intent = self._journal.get(key)
            if intent is not None and intent.status in (CallStatus.DONE, CallStatus.FAILED):
                return _result(intent)
            if time.monotonic() > deadline:
                raise NotMined(
                    f"{key} was not confirmed within {timeout_s:g} s{away}; do not repeat it: the next command "
                    "with this key carries it out"
                )
            time.sleep(poll_s)

    def close(self) -> None:
        """Lets another process send for this account."""
        self._journal.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- one tick ---

    def _work(self) -> None:
        latest = self._client.latest()
        if self._reorganised(latest):
            self._recheck()
        self._anchor = latest
        unmined = self._settle(latest)
        self._outbox.nudge(latest, unmined)
        self._dispatch(latest, unmined)

    def _reorganised(self, latest: L1Block) -> bool:
        """Whether what was settled may be gone; always True at the first tick."""
        anchor = self._anchor
        if anchor is None or latest.number < anchor.number:
            return True
        if latest.number == anchor.number:
            return latest.hash != anchor.hash
        block = self._client.block(anchor.number)
        return block is None or block.hash != anchor.hash

    def _recheck(self) -> None:
        """Takes back every settled call that L1 dropped. Newest first: where one stands, all older ones do. Its L1
        block says so, and not its receipt: nodes forget old receipts, and what is taken back is sent again."""
        self._outbox.repeat_all()
        while intent := self._journal.newest_mined():
            block = None if intent.l1_block is None else self._client.block(intent.l1_block)
            if block is not None and block.hash == intent.l1_hash:
                return
            log.warning("l1 dropped a transaction", key=intent.key, call=intent.name)
            self._journal.unsettle(intent.key)

    def _settle(self, latest: L1Block) -> list[Intent]:
        """Settles what is confirmed, and returns what is signed and not mined, by nonce."""
        sent = self._journal.sent()
        count = self._client.nonce(self.address) if sent else 0
        unmined: list[Intent] = []
        for intent in sent:
            receipt = self._receipt(intent, count)
            if receipt is None and self._nonce_taken(intent, count, latest):
                log.warning("nonce taken by another process", key=intent.key, nonce=intent.nonce)
                self._journal.unsign(intent.key)
            elif receipt is None:
                unmined.append(intent)
            elif receipt.l1_block <= latest.number - self._confirmations:
                self._conclude(intent, receipt)
        return unmined

    def _receipt(self, intent: Intent, count: int) -> Receipt | None:
        """Of whichever of the intent's transactions was mined; ``count`` is the account's nonce on L1."""
        for attempt in self._journal.attempts(intent.key):
            if attempt.nonce < count and (receipt := self._client.receipt(attempt.tx_hash)):
                return receipt
        return None

    def _nonce_taken(self, intent: Intent, count: int, latest: L1Block) -> bool:
        """Whether somebody else's transaction surely has the nonce: a confirmed one, and then again none of ours."""
        if intent.nonce is None or intent.nonce >= count:
            return False
        try:
            confirmed = self._client.nonce(self.address, max(latest.number - max(self._confirmations, 1), 0))
        except Unreachable:
            raise
        except ChainError:  # nodes may not keep older state; then a later block decides
            return False
        return intent.nonce < confirmed and self._receipt(intent, count) is None

    def _conclude(self, intent: Intent, receipt: Receipt) -> None:
        attempt = next(a for a in self._journal.attempts(intent.key) if a.tx_hash == receipt.tx_hash)
        error = None if receipt.ok else self._reason(intent, attempt, receipt)
        self._journal.settle(intent.key, attempt.nonce, receipt, error)
        self._report(Result(intent.key, receipt.ok, error, receipt.gas_used, receipt.tx_hash))

    def _reason(self, intent: Intent, attempt: Attempt, receipt: Receipt) -> Reverted:
        """Why a mined transaction reverted: a receipt does not say it, so it is run again on the state it met."""
        if receipt.gas_used == attempt.gas:
            return Reverted(f"{intent.name} used up its gas limit of {attempt.gas}")
        try:
            self._client.simulate(request_of(intent), self.address, receipt.l1_block)
        except Reverted as error:
            return error
        except Unreachable:
            raise
        except ChainError as error:
            return Reverted(f"{intent.name} reverted on L1, and why cannot be found out: {error}")
        return Reverted(f"{intent.name} reverted on L1 because of what came before it in the same L1 block")

    # --- what is queued ---

    def _dispatch(self, latest: L1Block, unmined: list[Intent]) -> None:
        queued = self._journal.queued()
        fees = self._outbox.offer() if queued else None
        if fees is None:
            return
        first_open = min(intent.seq for intent in [*unmined, queued[0]])
        funds = self._client.balance(self.address) - sum(self._outbox.committed(intent) for intent in unmined)
        for intent in queued:
            request = request_of(intent)
            try:
                gas = self._outbox.gas_for(request, fees, funds)
            except Reverted as error:
                if intent.seq == first_open:  # else an earlier call may be what it waits for
                    self._fail(intent, error, latest)
                continue
            funds -= request.value + gas * fees.max_fee
            self._outbox.send(intent.key, request, self._outbox.next_nonce(), gas, fees, latest)

    def _fail(self, intent: Intent, error: Reverted, latest: L1Block) -> None:
        self._journal.fail(intent.key, error, latest.number)
        self._report(Result(intent.key, False, error, 0, None))

    def _report(self, result: Result) -> None:
        if not result.key.startswith(GAP):
            log.info("call settled", key=result.key, ok=result.ok, error=str(result.error) if result.error else None)
            self._results.append(result)

    def _rested(self, intent: Intent) -> bool:
        """Whether a failed call may be tried again. At the first tick nobody knows how long it was: yes. An account
        that could not pay may have been filled meanwhile, which costs nothing to see."""
        if self._anchor is None:
            return True
        broke = intent.error_name == "InsufficientFunds"
        pause = 1 if broke else min(2 ** max(intent.failures - 1, 0), LONGEST_PAUSE)
        return not intent.since <= self._anchor.number < intent.since + pause


def _result(intent: Intent) -> Result:
    """What the journal knows of a settled call."""
    ok = intent.status is CallStatus.DONE
    error = None if ok else Reverted(intent.error or "", intent.error_name or "")
    return Result(intent.key, ok, error, intent.gas_used, intent.tx_hash)
