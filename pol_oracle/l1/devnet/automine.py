"""A devnet that makes an L1 block per transaction makes none while everybody waits for confirmations."""

from __future__ import annotations

import time
from collections.abc import Callable

from pol_oracle.protocol.errors import ChainError

from ..client import Client
from .accounts import CHAIN_ID

_PAUSE_S = 1.5  # without a block, after which L1 may be one that mines on demand
_LONGEST_PAUSE_S = 60.0  # between two questions to one that does not


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


class Pulse:
    """Lets a devnet that mines on demand make a block now and then, so that its clock goes on and logs get confirmed.

    Args:
        client: connected to L1.
        clock: seconds.
    """

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._clock = client, clock
        self._seen = (-1, clock())  # the newest L1 block, and since when
        self._pause = _PAUSE_S

    def beat(self, l1_block: int) -> None:
        """Makes a block, if none was made for a while; the newest that was seen is ``l1_block``."""
        now = self._clock()
        if l1_block != self._seen[0]:
            self._seen, self._pause = (l1_block, now), _PAUSE_S
        elif now - self._seen[1] >= self._pause:
            mined = mine_on_demand(self._client, 1)
            self._seen = l1_block, now
            self._pause = _PAUSE_S if mined else min(2 * self._pause, _LONGEST_PAUSE_S)
