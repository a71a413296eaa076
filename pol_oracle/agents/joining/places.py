"""Where on L1 something happened, by its time: contracts keep that, and a node keeps more blocks than logs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from pol_oracle.l1.client import Client
from pol_oracle.l1.records import L1Block
from pol_oracle.protocol.errors import ChainError, Unreachable, WrongChain
from pol_oracle.protocol.types import Seconds


def l1_blocks_of(client: Client, timestamp: Seconds, first: int, last: int) -> range:
    """Returns the numbers of the L1 blocks with a timestamp, as far as the node shows them: devnets make several.

    Args:
        client: of L1.
        timestamp: in seconds.
        first: number of the oldest L1 block that may be one.
        last: of the newest.

    Raises:
        Unreachable: L1 does not answer.
    """

    def time_of(number: int) -> Seconds:
        block = _shown(client, number)
        return -1 if block is None else block.timestamp  # what is not shown is older than what is

    numbers = range(first, last + 1)
    begin = bisect_left(numbers, timestamp, key=time_of)
    return numbers[begin : bisect_right(numbers, timestamp, begin, key=time_of)]


def _shown(client: Client, number: int) -> L1Block | None:
    """An L1 block, if the node still has it: some refuse those that they have pruned."""
    try:
        return client.block(number)
    except (Unreachable, WrongChain):
        raise
    except ChainError:
        return None
