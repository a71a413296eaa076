"""Miners that do not keep to the rules. Each sees L1 at once and checks nothing, but has to train as all others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from .chain import Block


class AttackerMoves(Protocol):
    """What an attacker can do."""

    def publish(self, parent: Block) -> Block:
        """Proposes a block on ``parent`` in the next L1 block."""

    def wake(self, at: float) -> None:
        """Calls ``woke`` at a later time."""


class Attacker:
    """One miner, outside of the honest ones; this base publishes what it finds.

    Attributes:
        share: its part of all power.
        tip: the public block below what it keeps to itself.
        hidden: how many blocks on top of it L1 does not know.
    """

    front_running = 0.0  # how often it gets a block of its own in before an honest one in the same L1 block

    def __init__(self, share: float) -> None:
        self.share = share
        self.tip: Block
        self.hidden = 0

    def start(self, genesis: Block) -> None:
        """Begins on a new chain."""
        self.tip, self.hidden = genesis, 0

    @property
    def end(self) -> Block:
        """The last block of its chain that L1 knows."""
        return self.tip

    def mines(self, difficulty: int) -> bool:
        """Whether it works at all at this difficulty, in 1/1024 bit."""
        return difficulty >= 0

    def found(self, world: AttackerMoves, now: float) -> None:
        """It found a block on top of its own chain."""
        self.tip = world.publish(self.tip)

    def saw(self, block: Block, world: AttackerMoves, now: float) -> None:
        """Somebody else's block is on L1."""
        if block.total_work > self.tip.total_work:
            self.tip = block

    def foresees(self, height: int, world: AttackerMoves) -> None:
        """Somebody else's block will be in the next L1 block, and there is time to be in it first."""

    def woke(self, world: AttackerMoves, now: float) -> None:
        """The time that it asked for has come."""


class Hopper(Attacker):
    """Mines here only while the difficulty is low, and elsewhere otherwise."""

    def __init__(self, share: float, below: int) -> None:
        """Args: its share, and the difficulty in 1/1024 bit up to which it mines."""
        super().__init__(share)
        self._below = below

    def mines(self, difficulty: int) -> bool:
        """Whether the difficulty is low enough."""
        return difficulty <= self._below


class Withholder(Attacker):
    """Keeps its blocks to itself for a time it chooses, or until a rival threatens them.

    With endless delays this is selfish mining (Eyal and Sirer, "Majority is not enough", 2014), state for state. With
    finite ones it is a timestamp game: L1 stamps a block when it is proposed, so the only lie is to be late.
    """

    def __init__(
        self, share: float, delays: Sequence[float] = (math.inf,), burst: int = 1 << 30, front_running: float = 0.0
    ) -> None:
        """Makes one.

        Args:
            share: its part of all power.
            delays: seconds for which it keeps its first, second, ... block; then from the beginning.
            burst: as soon as it has kept that many, it publishes all of them.
            front_running: the gamma of selfish mining: how often its block goes first when both are published at once.
        """
        super().__init__(share)
        self._delays, self._burst, self.front_running = tuple(delays), burst, front_running

    def start(self, genesis: Block) -> None:
        """Begins on a new chain."""
        super().start(genesis)
        self._kept: list[float] = []  # when to let each go
        self._turn = 0
        self._racing = False  # all it has is public, and as long as a rival

    def found(self, world: AttackerMoves, now: float) -> None:
        """Keeps a block, or publishes everything if that decides a race."""
        delay = self._delays[self._turn % len(self._delays)]
        self._turn += 1
        self._keep(world, now + delay)
        if self._racing or len(self._kept) >= self._burst:
            self._let_go(world, len(self._kept))
        else:
            self.woke(world, now)
            if self._kept and delay < math.inf:
                world.wake(now + delay)

    def woke(self, world: AttackerMoves, now: float) -> None:
        """Lets go what is due, and what lies below it."""
        due = [i for i, until in enumerate(self._kept) if until <= now]
        if due:
            self._let_go(world, due[-1] + 1)

    def saw(self, block: Block, world: AttackerMoves, now: float) -> None:
        """Matches a rival, overtakes it, or gives up."""
        lead = self.tip.height + len(self._kept) - block.height
        if lead < 0 or not self._kept:
            if block.total_work > self.tip.total_work:
                self._give_up(block)
        elif block.height > self.tip.height:
            self._let_go(world, len(self._kept) if lead <= 1 else len(self._kept) - lead)
            self._racing = lead == 0

    def foresees(self, height: int, world: AttackerMoves) -> None:
        """Gets its only answer to a rival in before the rival."""
        if self._kept and self.tip.height + len(self._kept) == height:
            self._let_go(world, len(self._kept))
            self._racing = True

    def _give_up(self, block: Block) -> None:
        self.tip, self._racing = block, False
        self._kept.clear()
        self.hidden = 0

    def _keep(self, world: AttackerMoves, until: float) -> None:
        self._kept.append(until)
        self.hidden = len(self._kept)

    def _let_go(self, world: AttackerMoves, count: int) -> None:
        self._racing = False
        for _ in range(count):
            self.tip = world.publish(self.tip)
        del self._kept[:count]
        self.hidden = len(self._kept)
