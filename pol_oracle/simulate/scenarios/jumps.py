"""How the difficulty follows power that changes at once: by a factor of ten, or for the length of one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pol_oracle.protocol.difficulty import BIT

from ..chain import ChainRules
from ..engine import PowerChange, Progress, Simulation
from ..network import Network, Seconds, alike

BEFORE, AFTER = 30, 90  # blocks of each chain before and after the jump
FEW, MANY = 20, 200
UP = (PowerChange(0, FEW), PowerChange(BEFORE, MANY))
DOWN = (PowerChange(0, MANY), PowerChange(BEFORE, FEW))
OUTAGE = (
    PowerChange(0, MANY),
    PowerChange(BEFORE, MANY // 50),
    PowerChange(BEFORE + 1, MANY),
)  # one block takes fifty times as long
WITHIN = 0.25
PATIENCE = 100_000  # without a bound a single long interval makes hundreds of orphans; the chain recovers
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


@dataclass(frozen=True)
class Unbounded(ChainRules):
    """ASERT as it is, where one interval may move the difficulty without limit."""

    def after(self, difficulty: int, elapsed: int) -> int:
        """Returns the difficulty of the children of a block that came ``elapsed`` seconds after its parent."""
        moved = difficulty + (self.target_interval - elapsed) * BIT // self.half_life
        return min(max(moved, self.minimum), self.maximum)


def jump(
    shifts: Sequence[PowerChange],
    rules: ChainRules,
    network: Network,
    chains: int,
    seed: int,
    progress: Progress | None = None,
) -> Jump:
    """Lets many chains live through a jump.

    Args:
        shifts: ``UP``, ``DOWN`` or ``OUTAGE``.
        rules: of the deployment.
        network: what all miners share.
        chains: how many to take the mean over; 400 give it to within 3 %.
        seed: of all chance.
        progress: is told the blocks so far.
    """
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
