"""Calls that L1 holds: only pages about disputes need them, so they are fetched when one is looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from pol_oracle.l1.client import Client
from pol_oracle.l1.records import Receipt, SentCall
from pol_oracle.protocol.errors import ChainError

_KEPT = 64


class CallLookup:
    """Fetches mined transactions and what became of them. Safe to share between threads.

    Args:
        connect: reaches L1.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, tuple[SentCall, Receipt]] = OrderedDict()

    def call(self, tx: bytes) -> tuple[SentCall, Receipt] | None:
        """Returns a mined call and its receipt; None while L1 does not show it."""
        with self._lock:
            if tx in self._kept:
                return self._kept[tx]
            try:
                client = self._client = self._client or self._connect()
                sent, receipt = client.sent_call(tx), client.receipt(tx)
            except ChainError:
                return None
            if sent is None or receipt is None:
                return None
            self._kept[tx] = sent, receipt
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return sent, receipt
