"""Actions become calls of our contracts. The sender keeps a key from being sent twice, and tries again what failed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from eth_account.signers.local import LocalAccount

from pol_oracle.chain.sender import Call
from pol_oracle.evidence import commitment
from pol_oracle.protocol.lifecycle import EvidenceKind

from .actions import (
    Action,
    Attest,
    ClaimHead,
    Commit,
    Finalize,
    ForfeitBond,
    OpenDispute,
    Orphan,
    Propose,
    ProveRequirement,
    SettleAttestation,
    SettleDispute,
    Vote,
)
from .verdicts import Challenge

if TYPE_CHECKING:
    from pol_oracle.evidence import RequirementEvidence

_SALT = b"pol-salt"


class Outbox(Protocol):
    """What the responder needs of the sender."""

    def submit(self, call: Call) -> Any:
        """Takes a call over; one with a known key changes nothing."""


class Sealer:
    """An account's commitments to challenges. The salt follows from the private key, so a restart can reveal.

    Args:
        account: the challenger's.
    """

    def __init__(self, account: LocalAccount) -> None:
        self._address = account.address
        self._secret = bytes(account.key)

    def __call__(self, block_id: bytes, kind: EvidenceKind, evidence: RequirementEvidence | None) -> Challenge:
        """Returns the commitment to a challenge, the same each time."""
        salt = hmac.digest(self._secret, _SALT + block_id + bytes([kind]), hashlib.sha256)
        return Challenge(commitment(self._address, block_id, kind, evidence, salt), salt)


def respond(actions: Iterable[Action], outbox: Outbox) -> None:
    """Hands every action to the sender."""
    for action in actions:
        outbox.submit(call_of(action))


def call_of(action: Action) -> Call:
    """Returns the contract call an action stands for."""
    contract, function, arguments = _target(action)
    return Call(action.key, contract, function, arguments)


def _target(action: Action) -> tuple[str, str, tuple[Any, ...]]:
    match action:
        case Propose():
            return "PoLRegistry", "propose", (action.header.astuple(),)
        case Attest():
            return "PoLRegistry", "attest", (action.block_id,)
        case Finalize():
            return "PoLRegistry", "finalize", (action.block_id,)
        case Orphan():
            return "PoLRegistry", "orphan", (action.block_id,)
        case ClaimHead():
            return "PoLRegistry", "claimHead", (action.block_id,)
        case SettleAttestation():
            return "PoLRegistry", "settleAttestation", (action.block_id, action.verifier)
        case ForfeitBond():
            return "PoLRegistry", "forfeitBond", (action.block_id,)
        case Commit():
            return "Court", "commit", (action.commitment,)
        case ProveRequirement():
            return "Court", "proveRequirement", (action.header.astuple(), action.evidence.abi(), action.salt)
        case OpenDispute():
            return "Court", "openDispute", (action.block_id, int(action.kind), action.salt)
        case SettleDispute():
            return "Court", "settleDispute", (action.block_id, int(action.kind))
        case Vote():
            return "Committee", "vote", (action.dispute_id, action.guilty)
