"""Waiting for an anvil that makes its blocks a moment after it has answered."""

from __future__ import annotations

import time

from pol_oracle.l1.client import Client, Request
from pol_oracle.l1.records import Receipt
from pol_oracle.l1.sending.calls import CallResult
from pol_oracle.l1.sending.sender import Sender

LIMIT_S = 20.0


def sent(client: Client, account: str, request: Request) -> Receipt:
    """Sends a transaction of one of anvil's own accounts, and waits until it is mined."""
    fields = {
        "from": account,
        "to": request.target,
        "data": f"0x{request.data.hex()}",
        "value": hex(request.value),
    }
    tx_hash = bytes.fromhex(client.rpc.request("eth_sendTransaction", fields)[2:])
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        if receipt := client.receipt(tx_hash):
            return receipt
        time.sleep(0.005)
    raise AssertionError("anvil did not mine a transaction")


def told(sender: Sender, count: int = 1) -> list[CallResult]:
    """Ticks until so many results are told."""
    deadline = time.monotonic() + LIMIT_S
    results = sender.tick()
    while len(results) < count and time.monotonic() < deadline:
        time.sleep(0.005)
        results += sender.tick()
    assert len(results) == count, results
    return results
