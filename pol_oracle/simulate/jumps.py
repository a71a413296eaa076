"""How many blocks the difficulty takes to follow a tenfold jump in power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chain import Rules
from .engine import Progress, Shift, Simulation
from .network import Network, Seconds, alike

FEW, MANY = 20, 200
BEFORE, AFTER = 30, 90  # blocks of each chain before and after the jump
WITHIN = 0.25
PATIENCE = 100_000  # a single long interval makes hundreds of orphans; the chain recovers
WINDOW = 5  # blocks over which the mean over all chains is smoothed


@dataclass(frozen=True)
class Jump:
    """The mean over many chains.

    Attributes:
        intervals: means by number of the block after the jump, from ``-BEFORE`` on, seconds.
        orphans: by the same, orphans per block of the chain.
        blocks: how many blocks after the jump the interval is back within a quarter of the target, for good.
    """

    intervals: Seconds
    orphans: Seconds
    blocks: int


def jump(up: bool, rules: Rules, network: Network, chains: int, seed: int, progress: Progress | None = None) -> Jump:
    """Lets many chains live through a jump.

    Args:
        up: whether power is ten times or a tenth of what it was.
        rules: of the deployment.
        network: what all miners share.
        chains: how many to take the mean over; 400 give it to within 3 %.
        seed: of all chance.
        progress: is told the blocks so far.
    """
    before, after = (FEW, MANY) if up else (MANY, FEW)
    shifts = (Shift(0, before), Shift(BEFORE, after))
    intervals, proposals = np.zeros((chains, BEFORE + AFTER)), np.zeros(BEFORE + AFTER)
    for i in range(chains):
        outcome = Simulation(rules, network, alike(MANY), seed + i, shifts=shifts).run(
            BEFORE + AFTER + 1, patience=PATIENCE
        )
        intervals[i] = outcome.intervals[: BEFORE + AFTER]
        proposals += np.bincount(outcome.proposed - 1, minlength=BEFORE + AFTER)[: BEFORE + AFTER]
        if progress:
            progress((i + 1) * (BEFORE + AFTER))
    means = intervals.mean(axis=0)
    return Jump(means, proposals / chains - 1, recovered(means[BEFORE:], rules.target_interval))


def recovered(means: Seconds, target: float) -> int:
    """Returns after how many blocks the smoothed mean interval is within a quarter of the target and stays there."""
    smooth = np.convolve(means, np.ones(WINDOW) / WINDOW, mode="valid")
    far = np.flatnonzero(np.abs(smooth / target - 1) > WITHIN)
    return int(far[-1]) + 1 + WINDOW // 2 if len(far) else 0
