"""What evidence becomes: a call of the Court, or one that answers a demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pol_oracle.canonical.commitments.segments import SegmentEntry
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Item, Position, Tree


@dataclass(frozen=True)
class TraceId:
    """Which trace of a block; mirror of ``TraceId`` in ``ICourt.sol``.

    Attributes:
        tree: the block's own step, an evaluation, or a step of its segment.
        index: sample of the test set, or step of the segment; else 0.
    """

    tree: Tree
    index: int = 0

    @property
    def position(self) -> Position:
        """Its roots, which are demanded first."""
        return Position(Item.ROOTS, self.tree, self.index)

    def abi(self) -> tuple[Any, ...]:
        """The id as the ABI takes it."""
        return int(self.tree), self.index


@dataclass(frozen=True)
class SegmentStep:
    """What a step of a segment starts and ends with; mirror of ``SegmentStep`` in ``ICourt.sol``.

    Attributes:
        parent: header of the block that the segment follows: for the first step, unless that block is genesis.
        entries: of the step before, if there is one, and of the step.
        path: what leads from them to the segment's root.
    """

    parent: Header | None = None
    entries: tuple[SegmentEntry, ...] = ()
    path: tuple[bytes, ...] = ()

    def abi(self) -> tuple[Any, ...]:
        """The step as the ABI takes it."""
        parents = [] if self.parent is None else [self.parent.astuple()]
        return parents, [entry.abi() for entry in self.entries], list(self.path)


NO_SEGMENT = SegmentStep()
"""For traces that are not a segment's."""


@dataclass(frozen=True)
class FraudProof:
    """A Court call that convicts a block, or refutes an explanation; without its last argument, the salt.

    Attributes:
        kind: what the block will be slashed for; None if the proof refutes an explanation.
        function: of the Court.
        arguments: as the ABI takes them; the header first.
        refutes: which explanation: of what, and its trace root.
    """

    kind: EvidenceKind | None
    function: str
    arguments: tuple[Any, ...]
    refutes: Position | None = None


@dataclass(frozen=True)
class Answer:
    """A call that answers a demand.

    Attributes:
        function: one of ``reveal*`` of Reveals, or ``explain`` of Explanations.
        arguments: as the ABI takes them: after header and position, or after header, tree and sample without the role.
    """

    function: str
    arguments: tuple[Any, ...]
