"""What came of a simulation: the final chain, and who got what for how much work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .chain import BlockTree
from .network import Seconds

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """One chain. Every block on the branch of the head is worth the same reward; the others are orphans.

    Attributes:
        at: timestamps of the chain's blocks, genesis first, seconds.
        miner: who found each, without genesis; the attacker has the last number.
        difficulty: of each, in 1/1024 bit, without genesis.
        proposed: heights of all blocks that L1 saw, on the chain or not.
        proposals: by miner, how many blocks L1 saw of it.
        tries: by miner.
        seconds: until the end.
    """

    at: Counts
    miner: Counts
    difficulty: Counts
    proposed: Counts
    proposals: Counts
    tries: Seconds
    seconds: float

    @classmethod
    def of(cls, tree: BlockTree, tries: Seconds, seconds: float) -> Outcome:
        """Reads off a tree what became of it."""
        chain = list(tree.branch(tree.head))[::-1]
        return cls(
            at=np.array([0, *(block.at for block in chain)]),
            miner=np.array([block.miner for block in chain]),
            difficulty=np.array([block.difficulty for block in chain]),
            proposed=np.array([block.height for block in tree.blocks[1:]]),
            proposals=np.bincount([block.miner for block in tree.blocks[1:]], minlength=len(tries)),
            tries=tries.copy(),
            seconds=seconds,
        )

    @property
    def intervals(self) -> Counts:
        """Seconds of L1 between one block of the chain and the next."""
        return np.diff(self.at)

    @property
    def interval(self) -> float:
        """Their mean."""
        return float(self.intervals.mean())

    @property
    def orphan_rate(self) -> float:
        """Share of the proposed blocks that are not on the chain."""
        return 1 - len(self.miner) / len(self.proposed)

    def rewards(self) -> Seconds:
        """Returns each miner's share of the rewards."""
        won = np.bincount(self.miner, minlength=len(self.tries))
        return won / float(len(self.miner))

    def powers(self) -> Seconds:
        """Returns each miner's share of all tries."""
        return self.tries / float(self.tries.sum())

    @property
    def honest_share(self) -> float:
        """What all honest miners got, as a share of the rewards."""
        return float(self.rewards()[:-1].sum())

    def worth(self, group: npt.NDArray[np.bool_]) -> float:
        """Returns a group's share of the rewards over its share of the tries: 1 is fair."""
        return float(self.rewards()[group].sum() / self.powers()[group].sum())

    @property
    def attackers_worth(self) -> float:
        """The same for the attacker."""
        return float(self.rewards()[-1] / self.powers()[-1])

    def smallest_half(self) -> npt.NDArray[np.bool_]:
        """Returns which honest miners have the least power and half of all power together."""
        order = np.argsort(self.tries[:-1], kind="stable")
        small = np.zeros(len(self.tries), dtype=bool)
        small[order[np.cumsum(self.tries[order]) <= self.tries[:-1].sum() / 2]] = True
        return small
