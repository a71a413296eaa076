"""Which block each miner builds on: the fork choice among those that it has fetched and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from pol_oracle.protocol.lifecycle import Candidate, choose_head

from .chain import Block
from .network import Seconds

BEHIND = 100  # blocks; a miner further behind starts anew from what the others build on
_LATE = 1 << 40  # more than there are blocks


@dataclass
class _Known:
    """A block that still matters.

    Attributes:
        block: the block.
        candidate: it as the fork choice compares it; if it was served late, as if proposed last.
        ready: per miner, when it may build on it; infinite as long as it has not begun to fetch it.
        served_at: when its weights can be fetched.
        digest: per miner, the seconds to fetch and check it; None before it is served.
        fetched: whether the miners have begun.
        waiting: children that were served before it.
    """

    block: Block
    ready: Seconds
    served_at: float = np.inf
    digest: Seconds | None = None
    fetched: bool = False
    waiting: list[_Known] = field(default_factory=list)
    candidate: Candidate = field(init=False)

    def __post_init__(self) -> None:
        self.candidate = self.block.candidate


class Sight:
    """The last blocks, as the honest miners see them.

    A miner fetches and checks one block at a time, parents first, and only what would become its head: a block that
    loses is left alone until a child makes it win. Its own block it has at once.
    """

    def __init__(self, genesis: Block, miners: int, grace: float) -> None:
        """Args: the first block, how many honest miners there are, and ``Network.grace``."""
        self._grace = grace
        self._busy = np.zeros(miners)  # until when each is at work on earlier blocks
        first = _Known(genesis, np.zeros(miners), 0.0, np.zeros(miners), fetched=True)
        self._known = {genesis.number: first}
        self._best = first

    def options(self) -> Iterator[tuple[Block, int | None]]:
        """Yields every block that may have children, with its miner if only that one has it."""
        for known in self._known.values():
            yield known.block, None if known.fetched else known.block.miner

    def found(self, block: Block, now: float) -> None:
        """Takes in a new block, which only its miner has."""
        ready = np.full(len(self._busy), np.inf)
        if block.miner < len(ready):
            ready[block.miner] = now
        self._known[block.number] = _Known(block, ready)

    def serve(self, block: Block, at: float, digest: Seconds) -> None:
        """From ``at`` on, a block's weights can be fetched."""
        known = self._known.get(block.number)
        if known is None or known.digest is not None:
            return
        known.served_at, known.digest = at, digest
        if at > block.at + self._grace:
            known.candidate = replace(block.candidate, sequence=block.number + _LATE)
        for each in (known, *known.waiting):
            self._consider(each)

    def head(self, miner: int, now: float) -> Block:
        """Returns what a miner builds on."""
        seen = [known for known in self._known.values() if known.ready[miner] <= now]
        if not seen:
            return next(iter(self._known.values())).block
        return self._known[choose_head(known.candidate for known in seen).sequence % _LATE].block

    def join(self, first: int, last: int, now: float) -> None:
        """Miners ``first .. last - 1`` begin, with all that others have begun to fetch."""
        self._busy[first:last] = now
        for known in self._known.values():
            if known.fetched:
                known.ready[first:last] = now

    def forget(self, active: int, now: float) -> None:
        """Drops what no miner builds on any more, given that the first ``active`` mine."""
        settled = (k.block.total_work for k in self._known.values() if k.fetched and k.ready[:active].max() <= now)
        least, oldest = max(settled, default=0), self._best.block.height - BEHIND
        stays = {n: k for n, k in self._known.items() if k.block.total_work >= least and k.block.height >= oldest}
        self._known = stays

    def _consider(self, known: _Known) -> None:
        """Fetches a block if it would become the head."""
        best, rival = self._best.candidate, known.candidate
        if choose_head((best, rival)) is rival:
            self._fetch(known)

    def _fetch(self, known: _Known) -> bool:
        """Lets all miners fetch a block, its parent before it; False if something is not served yet."""
        if known.fetched:
            return True
        parent = self._known.get(known.block.parent)
        if known.digest is None:
            return False
        if parent is not None and not self._fetch(parent):
            parent.waiting.append(known)
            return False
        begun = np.maximum(self._busy, known.served_at)
        if parent is not None:
            begun = np.maximum(begun, parent.ready)
        others = np.isinf(known.ready)
        known.ready[others] = self._busy[others] = (begun + known.digest)[others]
        known.fetched = True
        self._best = known
        for child in known.waiting:
            self._consider(child)
        return True
