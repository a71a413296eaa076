"""What an agent knows of a block beyond L1: its own replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.lifecycle import EvidenceKind

if TYPE_CHECKING:
    from pol_oracle.evidence import RequirementEvidence


@dataclass(frozen=True)
class Verdict:
    """The result of one replay. "Could not replay" is no verdict but a :class:`~pol_oracle.protocol.errors.StoreError`.

    Attributes:
        block_id: 32 bytes.
        kind: what is wrong with the block, None if nothing is.
        reason: one clause for people, "" if nothing is wrong.
        evidence: what the Court takes, for an unmet requirement.
    """

    block_id: bytes
    kind: EvidenceKind | None = None
    reason: str = ""
    evidence: RequirementEvidence | None = None

    @property
    def valid(self) -> bool:
        """Nothing is wrong."""
        return self.kind is None


@dataclass(frozen=True)
class Unserved:
    """Replays that failed because the states were not served.

    Attributes:
        failures: attempts so far.
        last: L1 time of the last one, in seconds.
        reason: what the store said.
    """

    failures: int
    last: int
    reason: str


@dataclass(frozen=True)
class Challenge:
    """A commitment (on L1 before the reveal) and the salt that opens it; both 32 bytes."""

    commitment: bytes
    salt: bytes
