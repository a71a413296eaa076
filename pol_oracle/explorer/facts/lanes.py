"""Where blocks stand in the drawing of the tree: the main branch in lane 0, every fork in a lane beside it."""

from __future__ import annotations

from collections.abc import Sequence


def lanes(parents: Sequence[int], heights: Sequence[int], main: Sequence[bool]) -> list[int]:
    """Returns a lane per block, so that no two branches overlap, with as few lanes as a greedy choice gives.

    Args:
        parents: place of each block's parent in these lists, -1 for a child of genesis; it comes before the block.
        heights: of the blocks.
        main: whether a block is on the head's branch.
    """
    count = len(parents)
    branch_of, ends = list(range(count)), list(heights)  # a branch is named after its first block
    continued = [False] * count
    for place, parent in enumerate(parents):
        if main[place] or parent < 0 or main[parent] or continued[parent]:
            continue
        continued[parent] = True
        first = branch_of[place] = branch_of[parent]
        ends[first] = heights[place]
    used: list[int] = []  # height at which the last branch of each lane ends
    lane = [0] * count
    starts = [p for p in range(count) if not main[p] and branch_of[p] == p]
    for first in sorted(starts, key=lambda p: (heights[p], p)):
        begin = heights[first] - 1  # where it leaves its parent
        free = next((n for n, end in enumerate(used) if end < begin), len(used))
        if free == len(used):
            used.append(0)
        used[free] = ends[first]
        lane[first] = free + 1
    return [lane[branch_of[place]] for place in range(count)]
