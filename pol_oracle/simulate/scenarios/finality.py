"""The tree with slashes and finality: the mirror of ``contracts/lib/BlockTree.sol``, and the rule that was first."""

from __future__ import annotations

import copy
from collections.abc import Callable

from ..chain import Block, BlockTree, ChainRules


class JudgedTree(BlockTree):
    """All proposed blocks, of which some turn out to be wrong.

    Attributes:
        outweighs: what is final needs: a judged block on it that is better than every live rival beside it. Else, as at
            first, it is enough that the head stands on it.
        tip: the last final block.
        slashed: numbers of the blocks proven wrong.
        rivals: of the head: what it displaced, and what somebody contested it with.
    """

    def __init__(self, rules: ChainRules, difficulty: int, outweighs: bool) -> None:
        super().__init__(rules, difficulty)
        self.outweighs = outweighs
        self.tip = self.head
        self.slashed: set[int] = set()
        self.rivals: list[Block] = []

    def copy(self) -> JudgedTree:
        """Returns one that goes on by itself."""
        other = copy.copy(self)
        other.blocks, other.slashed, other.rivals = self.blocks.copy(), self.slashed.copy(), self.rivals.copy()
        return other

    def propose(self, parent: Block, miner: int, at: int) -> Block:
        """Adds a block; it becomes the head if it has most work."""
        before = self.head
        block = super().propose(parent, miner, at)
        if self.head is block:
            self._displace(before, block)
        return block

    def claim_head(self, block: Block) -> bool:
        """Makes a block the head if it is live and better; says whether it did."""
        if not self.is_live(block) or not _better(block, self.head):
            return False
        before, self.head = self.head, block
        self._displace(before, block)
        return True

    def contest(self, block: Block) -> bool:
        """Makes a live block a rival of the head; says whether it did."""
        fits = self.is_live(block) and not self.is_ancestor(block, self.head) and block not in self.rivals
        if fits:
            self.rivals.append(block)
        return fits

    def slash(self, block: Block) -> None:
        """A block was proven wrong: the head falls back below it, or to the best rival that is left."""
        self.slashed.add(block.number)
        if not self.is_ancestor(block, self.head):
            return
        self.head = self.blocks[block.parent]
        while self.outweighs and self.rivals:
            best = min(self.rivals, key=_order)
            if not _better(best, self.head):
                break
            self.rivals.remove(best)
            if not self.is_ancestor(self.tip, best):
                continue
            left = self._live_part(best)
            if left is best:
                before, self.head = self.head, best
                self._displace(before, best)
            elif left not in self.rivals and not self.is_ancestor(left, self.head):
                self.rivals.append(left)

    def can_finalize(self, block: Block, judged: Callable[[Block], bool]) -> bool:
        """Whether fork choice and finality allow it; attestations are another matter.

        Args:
            block: which is to become final.
            judged: whether a block's own window is over and nothing about it is open.
        """
        if block.parent != self.tip.number or not self.is_ancestor(block, self.head) or not judged(block):
            return False
        witness = self.witness(block, judged)
        left = (self._live_part(rival) for rival in self.rivals) if self.outweighs else ()
        return not any(self._is_beside(rival, block) and _better(rival, witness) for rival in left)

    def witness(self, block: Block, judged: Callable[[Block], bool]) -> Block:
        """Returns the highest block below the head up to which all are judged, from one that is on."""
        for above in reversed([b for b in self.branch(self.head) if b.height > block.height]):
            if not judged(above):
                break
            block = above
        return block

    def finalize(self, block: Block) -> None:
        """Moves the tip up to a block that may become final."""
        self.tip = block

    def is_ancestor(self, ancestor: Block, block: Block) -> bool:
        """Whether ``ancestor`` is the block or lies below it."""
        while block.height > ancestor.height:
            block = self.blocks[block.parent]
        return block is ancestor

    def is_live(self, block: Block) -> bool:
        """Whether a block descends from the final tip and from nothing slashed."""
        return self.is_ancestor(self.tip, block) and self._live_part(block) is block

    def _is_beside(self, rival: Block, block: Block) -> bool:
        return self.is_ancestor(self.tip, rival) and not self.is_ancestor(block, rival)

    def _live_part(self, block: Block) -> Block:
        """Returns the highest of a block and its ancestors that stands on nothing slashed."""
        live = block
        for below in self.branch(block):
            if below.height <= self.tip.height:
                break
            if below.number in self.slashed:
                live = self.blocks[below.parent]
        return live

    def _displace(self, before: Block, block: Block) -> None:
        if not self.is_ancestor(before, block) and before not in self.rivals:
            self.rivals.append(before)


def _order(block: Block) -> tuple[int, int]:
    return -block.total_work, block.number


def _better(block: Block, other: Block) -> bool:
    return _order(block) < _order(other)
