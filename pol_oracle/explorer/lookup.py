"""Calls that L1 holds: only pages about disputes need them, so they are fetched when one is looked at.

Pages never wait long for L1: one thread asks it, and whoever watches is told when it has answered.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from pol_oracle.l1.client import Client
from pol_oracle.l1.records import Receipt, SentCall
from pol_oracle.protocol.errors import ChainError

_KEPT = 64
_MOST_WAITING = 16  # to be fetched; beyond that nothing is begun
_AGAIN_S = 5.0  # after L1 did not show one
_MOMENT_S = 0.3  # that a page waits: L1 on this machine needs less
Call = tuple[SentCall, Receipt]


class CallLookup:
    """Fetches mined transactions and what became of them. Safe to share between threads.

    Args:
        connect: reaches L1.
        changed: called when one has come, by some thread.
    """

    def __init__(self, connect: Callable[[], Client], changed: Callable[[], None] = lambda: None) -> None:
        self._connect, self._changed = connect, changed
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._asked: OrderedDict[bytes, tuple[Future[Call | None], float]] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "explorer-calls")

    def call(self, tx: bytes) -> Call | None:
        """Returns a mined call and its receipt; None while L1 has not shown it."""
        with self._lock:
            known = self._asked.get(tx)
            if known is None or (_missed(known[0]) and time.monotonic() > known[1] + _AGAIN_S):
                if sum(not future.done() for future, _ in self._asked.values()) >= _MOST_WAITING:
                    return None
                known = self._asked[tx] = self._thread.submit(self._fetch, tx), time.monotonic()
            self._asked.move_to_end(tx)
            while len(self._asked) > _KEPT:
                self._asked.popitem(last=False)
        wait([known[0]], _MOMENT_S)
        return known[0].result() if known[0].done() else None

    def close(self) -> None:
        """Asks L1 for nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, tx: bytes) -> Call | None:
        try:
            client = self._client = self._client or self._connect()
            sent, receipt = client.sent_call(tx), client.receipt(tx)
        except ChainError:
            return None
        if sent is None or receipt is None:
            return None
        self._changed()
        return sent, receipt


def _missed(future: Future[Call | None]) -> bool:
    return future.done() and future.result() is None
