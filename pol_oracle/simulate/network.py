"""Miners and what lies between them: L1's slots, checking what was proposed, and the training after it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
Draw = np.random.Generator


@dataclass(frozen=True)
class Network:
    """What all miners share.

    Attributes:
        slot: seconds between L1 blocks.
        confirmations: L1 blocks on top of a proposal before miners act on it.
        segment: seconds of training between a block and the search for its children, the same for everybody.
    """

    slot: int = 12
    confirmations: int = 1
    segment: float = 60.0

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
        check: seconds to replay a step and to count the accuracy.
    """

    power: Seconds
    check: Seconds

    def __len__(self) -> int:
        return len(self.power)


def alike(count: int, power: float = 100.0, check: float = 10.0) -> Miners:
    """Returns miners that differ in nothing."""
    return Miners(*(np.full(count, value) for value in (power, check)))


def mixed(count: int, draw: Draw, power: float = 100.0) -> Miners:
    """Returns miners as they are met.

    Power is after Pareto (the upper fifth has four fifths, nobody over a tenth), and 10 s to check a block in the
    median, spread log-normally.
    """
    shares = draw.pareto(1.16, count) + 1
    for _ in range(100):  # what is cut off goes to the others, who may pass the limit in turn
        shares = np.minimum(shares / shares.sum(), max(0.1, 2 / count))
    check = 10 * np.exp(0.7 * draw.standard_normal(count))
    return Miners(count * power * shares / shares.sum(), check)
