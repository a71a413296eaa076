"""What evidence becomes: a call of the Court, or a call that answers a demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree


@dataclass(frozen=True)
class TraceId:
    """Which trace of a block; mirror of ``TraceId`` in ``ICourt.sol``. The sample is 0 for the step."""

    tree: Tree
    sample: int = 0

    @property
    def kind(self) -> EvidenceKind:
        """What a block is slashed for if this trace is wrong."""
        return EvidenceKind.STEP if self.tree is Tree.STEP else EvidenceKind.EVALUATION

    def abi(self) -> tuple[Any, ...]:
        """The id as the ABI takes it."""
        return int(self.tree), self.sample


@dataclass(frozen=True)
class FraudProof:
    """A Court call that convicts, without its last argument, the salt.

    Attributes:
        kind: what the block will be slashed for.
        function: of the Court.
        arguments: as the ABI takes them; the header first.
    """

    kind: EvidenceKind
    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """A call of ``Demands`` that answers a demand.

    Attributes:
        function: one of ``reveal*``.
        arguments: as the ABI takes them, without the first three: header, demander, position.
    """

    function: str
    arguments: tuple[Any, ...]


def proof_about(trace: TraceId, function: str, header: Header, evidence: tuple[Any, ...]) -> FraudProof:
    """Returns the Court call with evidence about one trace."""
    return FraudProof(trace.kind, function, (header.astuple(), trace.abi(), evidence))
