"""Commit–reveal: a challenge is committed to before it is shown."""

from __future__ import annotations

from eth_abi.abi import encode

from pol_oracle.protocol.hashing import ZERO, keccak, keccak_abi
from pol_oracle.protocol.lifecycle import EvidenceKind

from .requirements import EVIDENCE_TYPE, RequirementEvidence


def commitment(
    challenger: str, block_id: bytes, kind: EvidenceKind, evidence: RequirementEvidence | None, salt: bytes
) -> bytes:
    """Returns ``keccak256(abi.encode(challenger, blockId, kind, keccak256(abi.encode(evidence)), salt))``.

    Args:
        challenger: address that will reveal; in the hash, so that a copy under another address is worth nothing.
        block_id: the challenged block, 32 bytes.
        kind: what is claimed.
        evidence: what will be shown; None for disputes, whose evidence hash is zero.
        salt: 32 random bytes, which keep the commitment from being guessed.
    """
    digest = keccak(encode([EVIDENCE_TYPE], [evidence.abi()])) if evidence is not None else ZERO
    types = ["address", "bytes32", "uint8", "bytes32", "bytes32"]
    return keccak_abi(types, [challenger, block_id, int(kind), digest, salt])
