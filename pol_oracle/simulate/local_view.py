"""Which block each miner builds on: the fork choice among those that it has checked, once it has trained after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pol_oracle.protocol.lifecycle import choose_head

from .chain import Block
from .network import Seconds

BEHIND = 100  # blocks; a miner further behind starts anew from what the others build on


@dataclass
class _Known:
    """A block that still matters.

    Attributes:
        block: the block.
        checked: per miner, when it knows that the block is right; infinite as long as it has not begun to look.
        taken: whether the miners have begun.
    """

    block: Block
    checked: Seconds
    taken: bool = False


class LocalView:
    """The last blocks, as the honest miners see them.

    A miner checks one block at a time, parents first, and only what would become its head: a block that loses is left
    alone until a child makes it win. Its own block it need not check. Until it knows of a better block it searches on
    the old one; then it trains, and does not search.

    Args:
        genesis: the first block.
        check: per miner, the seconds that checking a block takes.
        segment: seconds of training after a block.
    """

    def __init__(self, genesis: Block, check: Seconds, segment: float) -> None:
        self._check, self._segment = check, segment
        self._busy = np.zeros(len(check))  # until when each is at work on earlier blocks
        first = _Known(genesis, np.full(len(check), -segment), taken=True)
        self._known = {genesis.number: first}
        self._best = first

    def options(self) -> Iterator[tuple[Block, int | None]]:
        """Yields every block that may have children, with its miner if only that one knows it to be right."""
        for known in self._known.values():
            yield known.block, None if known.taken else known.block.miner

    def found(self, block: Block, now: float) -> None:
        """Takes in a new block, which only its miner has."""
        checked = np.full(len(self._busy), np.inf)
        if block.miner < len(checked):
            checked[block.miner] = now
        self._known[block.number] = _Known(block, checked)

    def show(self, block: Block, now: float) -> None:
        """L1 shows a block: the miners check it if it would become the head. Parents are always shown first."""
        known = self._known.get(block.number)
        if known is not None and choose_head((self._best.block.candidate, block.candidate)) is block.candidate:
            self._take(known, now)

    def head(self, miner: int, now: float) -> Block | None:
        """Returns what a miner searches on, or None while it trains."""
        seen = {known.block.number: known for known in self._known.values() if known.checked[miner] <= now}
        if not seen:
            return next(iter(self._known.values())).block
        head = seen[choose_head(known.block.candidate for known in seen.values()).sequence]
        return head.block if head.checked[miner] + self._segment <= now else None

    def join(self, first: int, last: int, now: float) -> None:
        """Miners ``first .. last - 1`` begin, with all that others have begun to check, and trained."""
        self._busy[first:last] = now
        for known in self._known.values():
            if known.taken:
                known.checked[first:last] = now - self._segment

    def forget(self, active: int, now: float) -> None:
        """Drops what no miner builds on any more, given that the first ``active`` mine."""
        settled = (k.block.total_work for k in self._known.values() if k.taken and k.checked[:active].max() <= now)
        least, oldest = max(settled, default=0), self._best.block.height - BEHIND
        stays = {n: k for n, k in self._known.items() if k.block.total_work >= least and k.block.height >= oldest}
        self._known = stays

    def _take(self, known: _Known, now: float) -> None:
        """Lets all miners check a block, its parent before it."""
        if known.taken:
            return
        begun = np.maximum(self._busy, now)
        parent = self._known.get(known.block.parent)
        if parent is not None:
            self._take(parent, now)
            begun = np.maximum(np.maximum(self._busy, now), parent.checked)
        others = np.isinf(known.checked)
        known.checked[others] = self._busy[others] = (begun + self._check)[others]
        known.taken = True
        self._best = known
