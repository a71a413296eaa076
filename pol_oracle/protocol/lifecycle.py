"""Life of a block, and the fork choice; the mirror of ``BlockLifecycle.sol``.

                     +---------> Finalized   parent is the finalized tip, on the head's branch, window over,
                     |                       no open dispute, attestations >= quorum
    propose -> Pending ---------> Slashed    the Court saw proof
                     |
                     +---------> Orphaned    parent slashed or orphaned, or a rival was finalized at its height

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
    """What a challenge claims (``Types.sol``)."""

    REQUIREMENT = 0
    STEP = 1
    ACCURACY = 2
    WITHHELD = 3


class Outcome(IntEnum):
    """What became of a dispute (``Types.sol``)."""

    OPEN = 0
    GUILTY = 1
    NOT_GUILTY = 2
    UNDECIDED = 3


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
