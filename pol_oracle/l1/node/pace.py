"""How fast L1 makes blocks, and so how long things take there."""

from __future__ import annotations

from pol_oracle.protocol.errors import ChainError

from .node import Node

LEAST_WAIT_S = 60.0  # for a transaction to be mined and confirmed
SAMPLE = 32  # L1 blocks over which their interval is measured
LONGEST_INTERVAL_S = 60.0  # that is believed


def block_interval_s(node: Node) -> float:
    """Returns the seconds between two of the newest L1 blocks, in the mean; 0 if there are none to measure.

    Raises:
        ChainError: L1 does not say.
    """
    latest = node.latest()
    older = node.block(max(latest.number - SAMPLE, 0))
    if older is None or older.number >= latest.number:
        return 0.0
    interval = (latest.timestamp - older.timestamp) / (latest.number - older.number)
    return min(max(interval, 0.0), LONGEST_INTERVAL_S)


def patience_s(node: Node, confirmations: int) -> float:
    """Returns how long a transaction may take to be mined and confirmed.

    It is what it should take at L1's pace, twice, and a minute; the minute alone if L1 does not say what its pace is.

    Args:
        node: L1.
        confirmations: L1 blocks that must follow it.
    """
    try:
        return LEAST_WAIT_S + 2 * (confirmations + 2) * block_interval_s(node)
    except ChainError:
        return LEAST_WAIT_S
