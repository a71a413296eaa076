"""Life of a block, and the fork choice; the mirror of ``BlockLifecycle.sol``.

                     +---------> Finalized   parent is the finalized tip, on the head's branch, window over,
                     |                       no open demand, not held, attestations >= quorum; and the judged part of
                     |                       its branch is better than what contends beside it
    propose -> Pending ---------> Slashed    proven wrong in the Court, or a demand unanswered
                     |
                     +---------> Orphaned    window over, no open demand, not held, and parent slashed or orphaned,
                                             or a rival finalized beside it, on its parent

An open demand keeps a block pending until it is answered, and the answer holds it for some time longer.

No block leaves a final state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """How a block's status is numbered on L1 (``Types.sol``)."""

    NONE = 0
    PENDING = 1
    FINALIZED = 2
    SLASHED = 3
    ORPHANED = 4


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.NONE: frozenset({Status.PENDING}),
    Status.PENDING: frozenset({Status.FINALIZED, Status.SLASHED, Status.ORPHANED}),
    Status.FINALIZED: frozenset(),
    Status.SLASHED: frozenset(),
    Status.ORPHANED: frozenset(),
}


class EvidenceKind(IntEnum):
    """What a block is slashed for (``Types.sol``)."""

    REQUIREMENT = 0  # a required weight did not move its way
    STEP = 1  # an element of the step's trace is not what its operation gives
    ACCURACY = 2  # a sum of the accuracy tree is wrong
    WITHHELD = 3  # a demanded part of a committed tree was not shown in time
    UNEXPLAINED = 4  # no explanation of a demanded evaluation stood when the clock ended


SILENT = frozenset({EvidenceKind.WITHHELD, EvidenceKind.UNEXPLAINED})
"""Kinds of blocks that fell by silence: what their attesters lose is burned whole, so that nobody gains by a lapse."""


class Role(IntEnum):
    """What a bond is for (``Types.sol``)."""

    MINER = 0
    VERIFIER = 1


@dataclass(frozen=True)
class Candidate:
    """What the fork choice needs to know of a block. ``sequence`` numbers proposals in L1 order."""

    id: bytes
    total_work: int
    sequence: int


def choose_head(live: Iterable[Candidate]) -> Candidate:
    """Returns the block with the most total work; the first seen wins a tie.

    Args:
        live: blocks that descend from the finalized tip (or are it) and have no slashed ancestor; never empty.
    """
    return max(live, key=lambda c: (c.total_work, -c.sequence))


def jump_height(height: int) -> int:
    """Height of the ancestor that a block at ``height`` points to, for ancestor look-ups in O(log height).

    Skew-binary jump pointers (Myers, "An applicative random-access stack", 1983): a block jumps over its parent's
    two last jumps when they are equally long, else to its parent. The jump's length is the last and smallest weight
    2**n - 1 when the height is written greedily as a sum of such weights.
    """
    rest, length = height, 0
    while rest:
        length = (1 << (rest + 1).bit_length() - 1) - 1
        rest -= length
    return height - length
