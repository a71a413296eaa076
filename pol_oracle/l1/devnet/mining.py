"""Anvil makes a block every few seconds, and does not wait for it with what else it is asked to do."""

from __future__ import annotations

from ..node.rpc import Rpc


def finish_blocks(rpc: Rpc) -> None:
    """Sees that no block is in the making, and that none is begun.

    Raises:
        ChainError: it does not answer, or is no Anvil.
    """
    rpc.request("evm_setIntervalMining", 0)
    rpc.request("evm_mine")  # one at a time: the one before it is finished then


def reorganise(rpc: Rpc, depth: int) -> None:
    """Replaces the newest L1 blocks by as many empty ones, and one more.

    A block that Anvil makes meanwhile would stand on what is replaced: its transactions would be on the chain twice,
    and another's number nowhere.

    Args:
        rpc: of an Anvil that makes a block every so many whole seconds: it could not be told of others again.
        depth: so many blocks.

    Raises:
        ChainError: it does not answer, is no Anvil, or has fewer blocks.
    """
    interval = rpc.request("anvil_getIntervalMining")
    finish_blocks(rpc)
    try:
        rpc.request("anvil_reorg", depth + 1, [])
    finally:
        rpc.request("evm_setIntervalMining", interval)
