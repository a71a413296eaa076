"""A block that has become final."""

from __future__ import annotations

from pol_oracle.fixtures.l1 import L1, MINER, VERIFIERS
from pol_oracle.protocol.difficulty import ANY_DIFFICULTY


def finalize_one(l1: L1) -> bytes:
    """Brings one block from proposal to finality."""
    l1.bond(10 * 10**18)
    block, _ = l1.propose(l1.header(l1.client.finalized_tip(), 1))
    for verifier in VERIFIERS:
        l1.send(verifier, "PoLRegistry", "attest", block, ANY_DIFFICULTY)
    l1.wait(20)
    l1.send(MINER, "PoLRegistry", "finalize", block, block)
    for verifier in VERIFIERS:
        l1.send(verifier, "PoLRegistry", "settleAttestation", block, l1.account(verifier).address)
    return block
