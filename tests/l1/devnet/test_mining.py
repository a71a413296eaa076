"""What is asked of an Anvil that makes blocks all the time."""

from __future__ import annotations

import itertools
from pathlib import Path

from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.accounts import DEV_ADDRESSES
from pol_oracle.l1.devnet.mining import reorganise
from tests.l1.devnet.devnets import start, wait_until

TRANSFER = {"from": DEV_ADDRESSES[0], "to": DEV_ADDRESSES[1], "value": "0x1"}


def test_a_reorganised_chain_hangs_together_and_goes_on(folder: Path) -> None:
    net = start(folder, block_time_s=1)
    rpc = Client.connect(net.rpc).rpc
    rpc.request("eth_sendTransaction", TRANSFER)
    wait_until(lambda: (net.status().block or 0) >= 2)
    for depth in (1, 2, 1):
        old = rpc.request("eth_getBlockByNumber", "latest", False)
        reorganise(rpc, depth)
        rpc.request("eth_sendTransaction", TRANSFER)
        assert rpc.request("eth_getBlockByNumber", old["number"], False)["hash"] != old["hash"]
        wait_until(lambda above=int(old["number"], 16) + 3: (net.status().block or 0) >= above)  # type: ignore[misc]
    blocks = [rpc.request("eth_getBlockByNumber", hex(n), False) for n in range(net.status().block or 0)]
    assert all(above["parentHash"] == below["hash"] for below, above in itertools.pairwise(blocks))
    mined = [transaction for block in blocks for transaction in block["transactions"]]
    assert len(set(mined)) == len(mined)
    assert rpc.request("anvil_getIntervalMining") == 1
