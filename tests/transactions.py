"""Transactions of Anvil's own accounts, in an L1 block before anybody goes on."""

from __future__ import annotations

from typing import Any

from pol_oracle.l1.client import Client, Request
from pol_oracle.l1.records import Receipt


def sent(client: Client, account: str, request: Request, **fields: str) -> Receipt:
    """Sends a transaction and waits until it is mined: Anvil answers an ordinary one a moment before that.

    Args:
        client: of an Anvil that makes an L1 block per transaction.
        account: address of one of its accounts, which it signs for.
        request: what is called.
        fields: of the transaction besides, as JSON-RPC has them.
    """
    call: dict[str, Any] = {"from": account, "to": request.target, "value": hex(request.value)}
    answer = client.rpc.request("eth_sendTransactionSync", call | {"data": f"0x{request.data.hex()}"} | fields)
    receipt = client.receipt(bytes.fromhex(answer["transactionHash"][2:]))
    assert receipt is not None
    return receipt
