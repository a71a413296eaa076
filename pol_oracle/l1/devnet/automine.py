"""A devnet that makes an L1 block per transaction makes none while everybody waits for confirmations."""

from __future__ import annotations

from pol_oracle.protocol.errors import ChainError

from ..client import Client
from .anvil import CHAIN_ID


def mine_on_demand(client: Client, blocks: int) -> bool:
    """Lets L1 make so many blocks, if it is an Anvil that makes them for transactions alone; says whether it did.

    No other node is asked to: a chain id that is not the devnet's is enough to leave it alone.
    """
    if client.chain_id != CHAIN_ID:
        return False
    try:
        if client.rpc.request("anvil_getAutomine") is not True:
            return False
        client.rpc.request("anvil_mine", hex(blocks))
    except ChainError:  # no Anvil, or one that does not answer just now
        return False
    return True
