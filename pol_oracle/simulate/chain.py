"""The tree of blocks as L1 keeps it, under the protocol's own rules of difficulty and fork choice."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pol_oracle.protocol.difficulty import BIT, MAX_DIFFICULTY, retarget, work
from pol_oracle.protocol.lifecycle import Candidate, choose_head

ACCEPTED = 0.4  # share of the tries with all bits that also improve the accuracy
NOBODY = -1


@dataclass(frozen=True)
class ChainRules:
    """What a deployment fixes.

    Attributes:
        target_interval: T in seconds; 0 keeps the difficulty where it is.
        half_life: seconds of delay that make a block half as hard.
        minimum: the least difficulty, in 1/1024 bit.
        maximum: the greatest.
    """

    target_interval: int = 600
    half_life: int = 3600
    minimum: int = 0
    maximum: int = MAX_DIFFICULTY

    def after(self, difficulty: int, elapsed: int) -> int:
        """Returns the difficulty of the children of a block that came ``elapsed`` seconds after its parent."""
        return retarget(difficulty, elapsed, self.target_interval, self.half_life, self.minimum, self.maximum)


@dataclass(frozen=True)
class Block:
    """One proposed block.

    Attributes:
        number: order of its proposal on L1; genesis is 0.
        parent: number of its parent.
        miner: who found it.
        at: timestamp of its L1 block, seconds.
        height: blocks between genesis and it, itself included.
        difficulty: its own, in 1/1024 bit.
        next_difficulty: that of its children.
        candidate: what the fork choice knows of it.
    """

    number: int
    parent: int
    miner: int
    at: int
    height: int
    difficulty: int
    next_difficulty: int
    candidate: Candidate

    @property
    def total_work(self) -> int:
        """Expected tries behind it and its ancestors."""
        return self.candidate.total_work


class BlockTree:
    """All proposed blocks, in L1 order.

    Attributes:
        rules: of the deployment.
        blocks: by number, genesis first.
        head: the fork choice among all of them.
    """

    def __init__(self, rules: ChainRules, difficulty: int) -> None:
        self.rules = rules
        genesis = Block(0, 0, NOBODY, 0, 0, difficulty, difficulty, Candidate(_id(0), 0, 0))
        self.blocks = [genesis]
        self.head = genesis

    def propose(self, parent: Block, miner: int, at: int) -> Block:
        """Adds a block, as L1 does: it takes the time from its own clock and the difficulty from the parent."""
        number, difficulty = len(self.blocks), parent.next_difficulty
        block = Block(
            number=number,
            parent=parent.number,
            miner=miner,
            at=at,
            height=parent.height + 1,
            difficulty=difficulty,
            next_difficulty=self.rules.after(difficulty, at - parent.at),
            candidate=Candidate(_id(number), parent.total_work + work(difficulty), number),
        )
        self.blocks.append(block)
        self.head = self.blocks[choose_head((self.head.candidate, block.candidate)).sequence]
        return block

    def branch(self, tip: Block) -> Iterator[Block]:
        """Yields a block and its ancestors, without genesis."""
        while tip.number:
            yield tip
            tip = self.blocks[tip.parent]


@lru_cache(maxsize=1 << 16)
def tries_per_block(difficulty: int) -> float:
    """Returns the expected tries until a proof that also improves the accuracy."""
    return work(difficulty) / ACCEPTED


def fitting_difficulty(power: float, target_interval: float) -> int:
    """Returns the difficulty at which ``power`` tries a second find a block every ``target_interval`` seconds."""
    return round(BIT * math.log2(max(1.0, power * target_interval * ACCEPTED)))


def _id(number: int) -> bytes:
    return number.to_bytes(32, "big")
