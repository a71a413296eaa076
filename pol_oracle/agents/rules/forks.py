"""Forks: what may be final beside what, and which branch to contest the head with. Pure.

A block is final only if the judged part of its branch is better than whatever survives of the branches beside it that
were the head's, or that somebody contested it with. Garbage is slashed before it is judged, so it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from pol_oracle.protocol.types import Address, BlockId
from pol_oracle.view import View
from pol_oracle.view.blocks import BlockView


def survivor(view: View, block_id: BlockId) -> BlockView | None:
    """Returns what slashes have left of a branch that ends in a block.

    It is the highest live block on it; None if that is the finalized tip, or it parts below that.
    """
    block = view.blocks[block_id]
    while block.id not in view.live and block.height >= len(view.finalized):
        block = view.blocks[block.parent]
    return block if block.id in view.live and block.id != view.finalized_tip else None


def witness(view: View, branch: Sequence[BlockView], counts: Callable[[BlockView], bool]) -> BlockView | None:
    """Returns the lowest block of a branch that is better than all that contends beside its first one.

    It and all below it must count; None if there is none.

    Args:
        view: the confirmed events.
        branch: live blocks from the one above the finalized tip up.
        counts: says whether a block is judged (nothing more can be demanded of it, and nothing is), and whether the
            agent knows it to be right.
    """
    survivors = [survivor(view, block) for block in view.rivals]
    beside = [s.id for s in survivors if s is not None and branch[0].id not in {b.id for b in view.branch(s.id)}]
    for block in branch:
        if not counts(block):
            return None
        if view.best([*beside, block.id]) == block.id:
            return block
    return None


def contender(view: View, right: Collection[BlockId], me: Address) -> tuple[BlockView, BlockView] | None:
    """Returns the best block that the agent found right, or mined, and the first one of the head's branch beside it.

    None if the head stands on it, or L1 knows of one on its branch that is better than all that is right beside it.

    Args:
        view: the confirmed events.
        right: ids of blocks that it found right itself.
        me: its address.
    """
    good = [b.id for b in view.live.values() if b.id in right or b.miner == me]
    head = list(view.branch(view.head))
    on_head = {view.finalized_tip, *(block.id for block in head)}
    best = view.blocks[view.best([view.finalized_tip, *good])]
    if best.id in on_head:
        return None
    first = next(block for block in view.branch(best.id) if block.parent in on_head)
    rival = next((block for block in head if block.parent == first.parent), None)
    ours = _above(view, first)
    least = view.best([view.finalized_tip, *(block for block in good if block not in ours)])
    survivors = (survivor(view, block) for block in view.rivals)
    known = any(s is not None and s.id in ours and view.best([s.id, least]) == s.id for s in survivors)
    return None if rival is None or known or view.best([best.id, least]) == least else (best, rival)


def fallen_rival(view: View) -> tuple[int, BlockView] | None:
    """Returns the best of L1's rivals that is none any more, and its place in L1's list, which begins with the worst.

    L1 moves all that come after it, so the last one is the cheapest.
    """
    order = sorted((view.blocks[rival] for rival in view.rivals), key=lambda b: (b.total_work, -b.sequence))
    on_head = {block.id for block in view.branch(view.head)}
    places = reversed(list(enumerate(order)))
    fallen = (place for place in places if place[1].id not in view.live or place[1].id in on_head)
    return next(fallen, None)


def _above(view: View, first: BlockView) -> set[bytes]:
    """A block, and all live ones that stand on it."""
    found = {first.id}
    for block in view.live.values():  # a parent always comes before its child
        if block.parent in found:
            found.add(block.id)
    return found
