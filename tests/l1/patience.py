"""Waiting for an anvil that makes its blocks a moment after it has answered."""

from __future__ import annotations

import time

from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.l1.sending.sender import Sender

LIMIT_S = 60.0


def told(sender: Sender, count: int = 1) -> list[CallResult]:
    """Ticks until so many results are told."""
    deadline = time.monotonic() + LIMIT_S
    results = sender.tick()
    while len(results) < count and time.monotonic() < deadline:
        time.sleep(0.005)
        results += sender.tick()
    assert len(results) == count, results
    return results
