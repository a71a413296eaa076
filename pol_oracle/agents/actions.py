"""What an agent can want to do. An action is a value; ``respond`` turns it into a transaction.

``key`` names the duty, not the attempt: the same duty always has the same key, also after a restart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer, FraudProof


@dataclass(frozen=True)
class Propose:
    """Propose a block whose states are already in the store, unless L1 makes it harder than it was searched at."""

    block_id: bytes
    header: Header
    searched_at: int

    @property
    def key(self) -> str:
        return f"propose:{self.block_id.hex()}"


@dataclass(frozen=True)
class Attest:
    """Say "I have the data and it is right", at the difficulty that the block was checked against."""

    block_id: bytes
    difficulty: int

    @property
    def key(self) -> str:
        return f"attest:{self.block_id.hex()}:{self.difficulty}"


@dataclass(frozen=True)
class Commit:
    """Commit to a proof before showing it, so that nobody can steal it from the mempool."""

    block_id: bytes
    commitment: bytes

    @property
    def key(self) -> str:
        return f"commit:{self.block_id.hex()}:{self.commitment.hex()}"


@dataclass(frozen=True)
class Prove:
    """Have the Court recompute what is wrong with a block."""

    block_id: bytes
    proof: FraudProof
    salt: bytes

    @property
    def key(self) -> str:
        return f"prove:{self.block_id.hex()}"


@dataclass(frozen=True)
class Demand:
    """Demand that a part of a block's trees be shown on L1.

    ``program`` opens the descriptor of the tensor, as the ABI takes it: it shows L1 that there is such a part.
    """

    block_id: bytes
    position: Position
    program: bytes

    @property
    def key(self) -> str:
        return f"demand:{self.block_id.hex()}:{_name(self.position)}"


@dataclass(frozen=True)
class Reveal:
    """Show what was demanded."""

    block_id: bytes
    header: Header
    demander: str
    position: Position
    answer: Answer

    @property
    def key(self) -> str:
        return f"reveal:{self.block_id.hex()}:{self.demander.lower()}:{_name(self.position)}"


@dataclass(frozen=True)
class Expire:
    """Have a block slashed because a demand was not answered in time."""

    block_id: bytes
    demander: str
    position: Position

    @property
    def key(self) -> str:
        return f"expire:{self.block_id.hex()}:{self.demander.lower()}:{_name(self.position)}"


@dataclass(frozen=True)
class SettleDemand:
    """Pay a demand's fee to whoever it belongs to, once the block is in a final state."""

    demand_id: bytes

    @property
    def key(self) -> str:
        return f"settle-demand:{self.demand_id.hex()}"


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
    | Prove
    | Demand
    | Reveal
    | Expire
    | SettleDemand
    | Finalize
    | Orphan
    | ClaimHead
    | SettleAttestation
    | ForfeitBond
)


def _name(position: Position) -> str:
    return "-".join(map(str, position.abi()))
