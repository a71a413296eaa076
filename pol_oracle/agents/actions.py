"""What an agent can want to do. An action is a value; ``respond`` turns it into a transaction.

``key`` names the duty, not the attempt: the same duty always has the same key, also after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind

if TYPE_CHECKING:
    from pol_oracle.evidence import RequirementEvidence


@dataclass(frozen=True)
class Propose:
    """Propose a block whose states are already in the store."""

    block_id: bytes
    header: Header

    @property
    def key(self) -> str:
        return f"propose:{self.block_id.hex()}"


@dataclass(frozen=True)
class Attest:
    """Say "I have the data and it is right"."""

    block_id: bytes

    @property
    def key(self) -> str:
        return f"attest:{self.block_id.hex()}"


@dataclass(frozen=True)
class Commit:
    """Commit to a challenge before revealing it, so that nobody can steal it from the mempool."""

    block_id: bytes
    kind: EvidenceKind
    commitment: bytes

    @property
    def key(self) -> str:
        return f"commit:{self.block_id.hex()}:{self.kind.name.lower()}"


@dataclass(frozen=True)
class ProveRequirement:
    """Show the Court a required weight that did not move its way."""

    block_id: bytes
    header: Header
    evidence: RequirementEvidence
    salt: bytes

    @property
    def key(self) -> str:
        return f"prove:{self.block_id.hex()}"


@dataclass(frozen=True)
class OpenDispute:
    """Bring a step, accuracy or withheld challenge before the committee."""

    block_id: bytes
    kind: EvidenceKind
    salt: bytes

    @property
    def key(self) -> str:
        return f"dispute:{self.block_id.hex()}:{self.kind.name.lower()}"


@dataclass(frozen=True)
class Vote:
    """Vote on a dispute with the whole verifier stake."""

    dispute_id: bytes
    block_id: bytes
    kind: EvidenceKind
    guilty: bool

    @property
    def key(self) -> str:
        return f"vote:{self.block_id.hex()}:{self.kind.name.lower()}"


@dataclass(frozen=True)
class SettleDispute:
    """Have the committee's decision carried out."""

    block_id: bytes
    kind: EvidenceKind

    @property
    def key(self) -> str:
        return f"settle-dispute:{self.block_id.hex()}:{self.kind.name.lower()}"


@dataclass(frozen=True)
class Finalize:
    """Pending -> Finalized."""

    block_id: bytes

    @property
    def key(self) -> str:
        return f"finalize:{self.block_id.hex()}"


@dataclass(frozen=True)
class Orphan:
    """Pending -> Orphaned, which frees the bonds."""

    block_id: bytes

    @property
    def key(self) -> str:
        return f"orphan:{self.block_id.hex()}"


@dataclass(frozen=True)
class ClaimHead:
    """Make the best live block the head after the old head's branch was slashed."""

    block_id: bytes
    replaces: bytes  # the head of now; a block may have to be claimed again later

    @property
    def key(self) -> str:
        return f"claim-head:{self.block_id.hex()}:{self.replaces.hex()}"


@dataclass(frozen=True)
class SettleAttestation:
    """End an attestation of a block in a final state: reward, loss, or bond back."""

    block_id: bytes
    verifier: str

    @property
    def key(self) -> str:
        return f"settle-attestation:{self.block_id.hex()}:{self.verifier.lower()}"


@dataclass(frozen=True)
class ForfeitBond:
    """Take a slashed block's bond."""

    block_id: bytes

    @property
    def key(self) -> str:
        return f"forfeit:{self.block_id.hex()}"


Action = (
    Propose
    | Attest
    | Commit
    | ProveRequirement
    | OpenDispute
    | Vote
    | SettleDispute
    | Finalize
    | Orphan
    | ClaimHead
    | SettleAttestation
    | ForfeitBond
)
