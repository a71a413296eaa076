"""Transactions that leave exactly once, whatever happens in between.

A call is known by a key that says what it means. It goes through these steps, each on disk before the next begins:

    submit -> QUEUED -> simulated -> signed, written down (SENT) -> broadcast -> mined, confirmed -> DONE
                |           |                ^        |                                  |
                |           +-> FAILED       |        +-- fees raised: same nonce        +-> FAILED (reverted)
                |                            +----------- dropped by a reorg: same transaction again
                +<------------------------------ nonce shown to be another transaction's: a new one

Killed anywhere, the next start finds what was signed and broadcasts the *same* transaction, so nothing happens twice.
A node that does not answer, or not in a way that helps, changes nothing: only contracts refuse calls.
What a clock of L1 runs against goes first, and housekeeping has few transactions in flight.
There is no clock here: patience is counted in L1 blocks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from eth_account.signers.local import LocalAccount

from pol_oracle.protocol.errors import ChainError, NotMined, Reverted, Unreachable
from pol_oracle.protocol.types import Wei

from ..client import Client
from ..node.node import Node
from ..node.pace import patience_s
from ..records import L1Block
from .calls import Call, CallResult
from .fees import CallKind, FeePolicy, Market, kind_of
from .journal import CallStatus, Intent, Journal
from .outbox import GAP, Outbox, request_of
from .settling import Settler

LONGEST_PAUSE = 64  # L1 blocks before a call that a contract refused may be tried again
LONGEST_URGENT_PAUSE = 4  # the same, where a clock of L1 runs
MOST_HOUSEKEEPING = 4  # transactions in flight

log = structlog.get_logger(__name__)


class Sender:
    """Sends one account's calls; for one thread, and the only one for its journal.

    A later :class:`CallResult` of the same key replaces an earlier one: L1 may reorganise after both.

    Args:
        client: connected to L1, and to the deployment whose contracts are called.
        account: signs. Its key is neither logged nor stored.
        journal_path: SQLite file. Its folder holds the locks, so that in one folder an account has one process.
        confirmations: L1 blocks that must follow a transaction before it is settled; default: the deployment's, or 1.
        patience: L1 blocks after which a transaction counts as stuck.
        fees: how much to offer.
        proposals: a private endpoint that takes proposals first, so that rivals do not read them in the mempool; what
            it does not get mined in time, or holds up something urgent, goes to everybody.

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
        proposals: Node | None = None,
    ) -> None:
        if confirmations is None:
            confirmations = client.deployment.confirmations if client.deployment is not None else 1
        self._client = client
        self.address = str(account.address)
        self.confirmations = confirmations
        self._journal = Journal(journal_path, account.address, client.identity())
        self._outbox = Outbox(client, account, self._journal, patience, fees or FeePolicy(), proposals)
        self._settler = Settler(client, self.address, self._journal, confirmations)
        self._anchor: L1Block | None = None  # newest L1 block at the last tick
        self._unsure = True  # whether all that was settled still stands
        self._market: tuple[int, Market] | None = None  # what L1 asked, and in which L1 block
        self._put_off: dict[str, tuple[int, str]] = {}  # key -> how often a node did not say, and why
        self._results: list[CallResult] = []

    @property
    def gas_price(self) -> Wei:
        """What gas costs now, in wei, as far as this account would pay for any call; asks L1 before the first tick.

        Raises:
            ChainError: L1 does not say.
        """
        market = self._market[1] if self._market else self._outbox.market(self._client.latest())
        return min(market.base + market.priority, self._outbox.policy.max_price)

    def submit(self, call: Call) -> CallStatus:
        """Takes a call; the next ticks carry it out. A key that is under way or done is left as it is.

        A call that a contract refused is taken again, after 1, 2, 4, ... L1 blocks as it is refused again and again.

        Returns:
            The call's status now.

        Raises:
            InputError: there is no such function, or the arguments do not fit.
        """
        known = self._journal.get(call.key)
        if known is not None and not (known.status is CallStatus.FAILED and self._rested(known)):
            return known.status
        request = call.request(self._client)
        self._journal.queue(call.key, f"{call.contract}.{call.function}", request.target, request.data, request.value)
        return CallStatus.QUEUED

    def under_way(self, call: Call, prefix: str, or_done: bool = False) -> str | None:
        """Returns the key of an unsettled call that does the same, and whose key begins with ``prefix``, or None.

        Args:
            call: that is to be made.
            prefix: of keys.
            or_done: take one that is done as well.
        """
        request = call.request(self._client)
        found = self._journal.open_like(prefix, request.target, request.data, request.value, or_done)
        return found.key if found else None

    def rename(self, key: str, new: str) -> None:
        """Gives a call that was submitted another key, such as one that :meth:`under_way` is not asked for."""
        self._journal.rename(key, new)

    def status_of(self, key: str) -> CallStatus | None:
        """Returns how far a call is, or None if it was never submitted."""
        intent = self._journal.get(key)
        return intent.status if intent else None

    def in_flight(self, key: str) -> bool:
        """Says whether a call is submitted and not settled."""
        return self.status_of(key) in (CallStatus.QUEUED, CallStatus.SENT)

    def tick(self) -> list[CallResult]:
        """Does what can be done now, and returns what was settled since the last call. Call it every L1 block or so.

        Raises:
            Unreachable: L1 went away. Nothing is lost; results so far come with the next tick.
        """
        self._work()
        results, self._results = self._results, []
        return results

    def wait(
        self, key: str, timeout_s: float | None = None, poll_s: float = 0.2, tell: Callable[[str], None] | None = None
    ) -> CallResult:
        """Ticks until a call is settled. For commands that send one call; results of others stay for ``tick``.

        Args:
            key: of the call.
            timeout_s: how long; None: as long as L1 should take at its pace of now, and twice that.
            poll_s: seconds between ticks.
            tell: told how far it is, whenever that changes.

        Raises:
            NotMined: it was not settled in time, or L1 is away. It stays in the journal.
        """
        limit_s = patience_s(self._client, self.confirmations) if timeout_s is None else timeout_s
        deadline, told = time.monotonic() + limit_s, ""
        while True:
            away = ""
            try:
                self._work()
            except Unreachable as error:
                away = f" ({error})"
            if (result := self._result_of(key)) is not None:
                return result
            if tell is not None and (stage := self.stage(key)) != told:
                told = stage
                tell(stage)
            if time.monotonic() > deadline:
                raise NotMined(
                    f"{key} was not confirmed within {limit_s:g} s: it is {self.stage(key)}{away}; it stays under way, "
                    "and the same command goes on with it"
                )
            time.sleep(poll_s)

    def stage(self, key: str) -> str:
        """Says in words how far an unsettled call is."""
        if (mined := self._settler.mined.get(key)) is not None and self._anchor is not None:
            left = mined + self.confirmations - self._anchor.number
            return (
                f"mined, waiting for confirmations ({left} to come)" if left > 0 else "mined, waiting for its receipt"
            )
        if self.status_of(key) is CallStatus.SENT:
            return "sent, and not mined yet"
        return f"not sent yet ({self._put_off[key][1]})" if key in self._put_off else "not sent yet"

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
            self._outbox.repeat_all()
            self._unsure = True
        self._unsure = self._unsure and not self._settler.recheck(latest)
        self._anchor = latest
        settled, unmined = self._settler.settle(latest)
        for one in settled:
            ok = one.error is None
            self._report(CallResult(one.intent.key, ok, one.error, one.receipt.gas_used, one.receipt.tx_hash))
        if self._market is None or self._market[0] != latest.number:
            self._market = latest.number, self._outbox.market(latest)
        queued = sorted(self._journal.queued(), key=self._rank)
        self._outbox.nudge(latest, unmined, any(kind_of(intent.name).urgent for intent in queued))
        if queued:
            self._dispatch(latest, queued, unmined, self._market[1])

    def _reorganised(self, latest: L1Block) -> bool:
        """Whether what was settled may be gone; always True at the first tick."""
        anchor = self._anchor
        if anchor is None or latest.number < anchor.number:
            return True
        if latest.number == anchor.number:
            return latest.hash != anchor.hash
        block = self._client.block(anchor.number)
        return block is None or block.hash != anchor.hash

    # --- what is queued ---

    def _rank(self, intent: Intent) -> tuple[int, int, int]:
        """The order in which queued calls leave.

        First what cannot wait, then the others, then housekeeping; in each what a node had nothing to say about comes
        after the rest.
        """
        return kind_of(intent.name).rank, self._put_off.get(intent.key, (0, ""))[0], intent.seq

    def _dispatch(self, latest: L1Block, queued: Sequence[Intent], unmined: Sequence[Intent], market: Market) -> None:
        room = MOST_HOUSEKEEPING - sum(_tidies(intent) for intent in unmined)
        first_open = min(intent.seq for intent in [*unmined, *(i for i in queued if not _tidies(i)), queued[0]])
        funds = self._client.balance(self.address) - sum(self._outbox.committed(intent) for intent in unmined)
        for intent in queued:
            if _tidies(intent):
                if room <= 0:
                    break
                room -= 1
            request = request_of(intent)
            try:
                priced = self._outbox.priced(request, kind_of(intent.name), market, funds)
            except Reverted as error:
                if intent.seq <= first_open or _tidies(intent):  # else an earlier call may be what it waits for
                    self._fail(intent, error, latest)
                continue
            except ChainError as error:
                self._client.excuse(error)
                self._postpone(intent, str(error))
                continue
            if priced is None:
                self._postpone(intent, "L1 is dearer than the cap on fees")
                continue
            gas, fees = priced
            self._put_off.pop(intent.key, None)
            funds -= request.value + gas * fees.max_fee
            self._outbox.send(intent.key, request, self._outbox.next_nonce(), gas, fees, latest)

    def _postpone(self, intent: Intent, reason: str) -> None:
        """Leaves a call where it is: no contract refused it."""
        times = self._put_off.get(intent.key, (0, ""))[0] + 1
        self._put_off[intent.key] = times, reason
        if times & (times - 1) == 0:  # the 1st, 2nd, 4th ... time
            log.warning("a call has to wait", key=intent.key, times=times, reason=reason)

    def _fail(self, intent: Intent, error: Reverted, latest: L1Block) -> None:
        self._put_off.pop(intent.key, None)
        self._journal.fail(intent.key, error, latest.number)
        self._report(CallResult(intent.key, False, error, 0, None))

    def _report(self, result: CallResult) -> None:
        if not result.key.startswith(GAP):
            log.info("call settled", key=result.key, ok=result.ok, error=str(result.error) if result.error else None)
            self._results.append(result)

    def _rested(self, intent: Intent) -> bool:
        """Whether a refused call may be tried again.

        At the first tick nobody knows how long it was: yes. An account that could not pay may have been filled
        meanwhile, which costs nothing to see.
        """
        if self._anchor is None:
            return True
        longest = LONGEST_URGENT_PAUSE if kind_of(intent.name).urgent else LONGEST_PAUSE
        broke = intent.error_name == "InsufficientFunds"
        pause = 1 if broke else min(2 ** max(intent.failures - 1, 0), longest)
        return not intent.since <= self._anchor.number < intent.since + pause

    def _result_of(self, key: str) -> CallResult | None:
        """What became of a call, if it is settled."""
        for result in reversed(self._results):
            if result.key == key:
                self._results = [r for r in self._results if r.key != key]
                return result
        intent = self._journal.get(key)
        settled = intent is not None and intent.status in (CallStatus.DONE, CallStatus.FAILED)
        return _result(intent) if intent is not None and settled else None


def _tidies(intent: Intent) -> bool:
    return kind_of(intent.name) is CallKind.HOUSEKEEPING


def _result(intent: Intent) -> CallResult:
    """What the journal knows of a settled call."""
    ok = intent.status is CallStatus.DONE
    error = None if ok else Reverted(intent.error or "", intent.error_name or "")
    return CallResult(intent.key, ok, error, intent.gas_used, intent.tx_hash)
