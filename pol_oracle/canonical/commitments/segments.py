"""The list of a segment's steps, which a header commits to: roots of each one's batch, inner tensors and new state.

The trace root of a step follows from its entry and the state before, which is the last entry's, so that a list cannot
contradict itself. Mirror of ``SegmentStep`` in ``ICourt.sol``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pol_oracle.protocol.hashing import Tag, keccak

from .trees import counted, merkle_siblings, merkle_top, rows


@dataclass(frozen=True)
class SegmentEntry:
    """One step of a segment; mirror of ``SegmentEntry`` in ``ICourt.sol``.

    Attributes:
        batch_root: of images and labels, 32 bytes.
        inner_root: of everything between inputs and the new state.
        state_root: of the state after the step.
    """

    batch_root: bytes
    inner_root: bytes
    state_root: bytes

    @property
    def hash(self) -> bytes:
        """The entry's leaf in the list's tree, 32 bytes."""
        return keccak(Tag.SEGMENT_LEAF + self.batch_root + self.inner_root + self.state_root)

    def abi(self) -> tuple[bytes, bytes, bytes]:
        """The entry as the ABI takes it."""
        return self.batch_root, self.inner_root, self.state_root


@dataclass(frozen=True)
class SegmentList:
    """The hashes of a segment's entries, in order, at least one.

    Attributes:
        hashes: 32 bytes each.
    """

    hashes: tuple[bytes, ...]

    @staticmethod
    def of(entries: Sequence[SegmentEntry]) -> SegmentList:
        """Takes the entries of a segment."""
        return SegmentList(tuple(entry.hash for entry in entries))

    @cached_property
    def root(self) -> bytes:
        """The segmentRoot of a header: ``keccak(SEGMENT_ROOT ‖ uint64 steps ‖ top)``."""
        return counted(Tag.SEGMENT_ROOT, len(self.hashes), merkle_top(self.hashes, Tag.SEGMENT_NODE))

    def path(self, step: int) -> tuple[bytes, ...]:
        """Returns what leads to the root from the entries of a step and of the one before, if there is one."""
        return merkle_siblings(rows(self.hashes), range(max(step - 1, 0), step + 1), Tag.SEGMENT_NODE)
