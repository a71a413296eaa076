"""Miners and what lies between them: L1's slots, the transfer of weights, and checking what arrived."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
Draw = np.random.Generator


class Delivery(StrEnum):
    """How the weights of a block come from its miner to all others."""

    STORE = "store"  # uploaded once; everybody fetches at its own speed
    SWARM = "swarm"  # receivers pass on what they have
    UPLINK = "uplink"  # the miner sends to one after another


@dataclass(frozen=True)
class Network:
    """What all miners share.

    Attributes:
        slot: seconds between L1 blocks.
        confirmations: L1 blocks on top of a proposal before miners act on it.
        megabytes: size of the weights of a block.
        delivery: how they travel.
        header_first: miners build on what L1 shows at once, and fetch and check it while they mine on it.
        grace: seconds after its proposal within which a block's weights must be there, or it loses every tie.
    """

    slot: int = 12
    confirmations: int = 1
    megabytes: float = 45.0
    delivery: Delivery = Delivery.STORE
    header_first: bool = False
    grace: float = math.inf

    def slot_after(self, now: float) -> int:
        """Returns the timestamp of the L1 block that includes what is sent now."""
        return (int(now // self.slot) + 1) * self.slot

    def shown(self, at: int) -> int:
        """Returns when miners act on a proposal in the L1 block of time ``at``."""
        return at + self.confirmations * self.slot


@dataclass(frozen=True)
class Miners:
    """Honest miners, one entry of each array per miner.

    Attributes:
        power: tries per second.
        up: Mbit/s to the others.
        down: Mbit/s from the others.
        check: seconds to replay a step and to count the accuracy.
    """

    power: Seconds
    up: Seconds
    down: Seconds
    check: Seconds

    def __len__(self) -> int:
        return len(self.power)

    def upload(self, author: int, network: Network) -> float:
        """Returns the seconds from finding a block until others can begin to fetch it."""
        if network.delivery is not Delivery.STORE:
            return 0.0
        return 8 * network.megabytes / float(self.up[author])

    def digest(self, author: int, network: Network, draw: Draw) -> Seconds:
        """Returns, per miner, the seconds it needs to fetch a block and to check it.

        Args:
            author: whose block it is; ``len(self)`` for an outsider, who serves as fast as anybody.
            network: how it travels.
            draw: the source of all chance.
        """
        if network.header_first:
            return np.zeros(len(self))
        megabits = 8 * network.megabytes
        up = float(self.up[author]) if author < len(self) else float(self.up.max())
        fetch: Seconds = megabits / self.down
        if network.delivery is Delivery.UPLINK:
            fetch = np.maximum(fetch, megabits / up * (1 + draw.permutation(len(self))))
        elif network.delivery is Delivery.SWARM:
            # Kumar and Ross, "Peer-assisted file distribution: the minimum distribution time" (2006)
            fetch = np.maximum(fetch, max(megabits / up, len(self) * megabits / (up + float(self.up.sum()))))
        return fetch + self.check


def alike(count: int, power: float = 100.0, mbit: float = 100.0, check: float = 10.0) -> Miners:
    """Returns miners that differ in nothing."""
    return Miners(*(np.full(count, value) for value in (power, mbit, mbit, check)))


def mixed(count: int, draw: Draw, power: float = 100.0) -> Miners:
    """Returns miners as they are met: power after Pareto (the upper fifth has four fifths, nobody over a tenth),
    connections of 100/30 Mbit/s and 10 s to check a block in the median, spread log-normally."""
    shares = draw.pareto(1.16, count) + 1
    for _ in range(100):  # what is cut off goes to the others, who may pass the limit in turn
        shares = np.minimum(shares / shares.sum(), max(0.1, 2 / count))
    up, down, check = (median * np.exp(0.7 * draw.standard_normal(count)) for median in (30, 100, 10))
    return Miners(count * power * shares / shares.sum(), up, down, check)
