"""Actions become calls of our contracts. The sender keeps a key from being sent twice, and tries again what failed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.contracts.abi import encode_call
from pol_oracle.l1.sending.sender import Call
from pol_oracle.protocol.hashing import keccak, keccak_abi
from pol_oracle.protocol.positions import Position

from .rules.actions import (
    ENTRIES,
    Action,
    Attest,
    CatchUp,
    ClaimHead,
    Commit,
    Contest,
    Demand,
    Dismiss,
    Expire,
    Explain,
    Finalize,
    ForfeitBond,
    Hasten,
    Orphan,
    Propose,
    Prove,
    Release,
    Reopen,
    Reveal,
    SettleAttestation,
    SettleDemand,
)
from .rules.verdicts import Challenge

if TYPE_CHECKING:
    from pol_oracle.evidence import FraudProof

_SALT = b"pol-salt"


class CallQueue(Protocol):
    """What the responder needs of the sender."""

    def submit(self, call: Call) -> Any:
        """Takes a call over; one with a known key changes nothing."""


class Committer:
    """An account's commitments to proofs. The salt follows from the private key, so a restart can reveal.

    Args:
        account: the challenger's.
    """

    def __init__(self, account: LocalAccount) -> None:
        self._address = account.address
        self._secret = bytes(account.key)
        self._sealed: dict[bytes, tuple[FraudProof, Challenge]] = {}  # evidence is long, and asked for at every turn

    def __call__(self, block_id: bytes, proof: FraudProof) -> Challenge:
        """Returns the commitment to a proof, the same each time."""
        known = self._sealed.get(block_id)
        if known is not None and known[0] == proof:
            return known[1]
        about = b"" if proof.refutes is None else proof.refutes.explanation
        salt = hmac.digest(self._secret, _SALT + block_id + about + proof.function.encode(), hashlib.sha256)
        data = encode_call("Court", proof.function, (*proof.arguments, salt))
        challenge = Challenge(keccak_abi(["address", "bytes32"], [self._address, keccak(data)]), salt, data)
        self._sealed[block_id] = proof, challenge
        return challenge


def respond(actions: Iterable[Action], outbox: CallQueue) -> None:
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
            return "PoLRegistry", "propose", (action.header.astuple(), action.searched_at)
        case Attest():
            return "PoLRegistry", "attest", (action.block_id, action.difficulty)
        case Finalize():
            return "PoLRegistry", "finalize", (action.block_id, action.witness)
        case Orphan():
            return "PoLRegistry", "orphan", (action.block_id,)
        case ClaimHead():
            return "PoLRegistry", "claimHead", (action.block_id,)
        case Contest():
            return "PoLRegistry", "contest", (action.block_id,)
        case Dismiss():
            return "PoLRegistry", "dismiss", (action.place, action.block_id, ENTRIES)
        case CatchUp():
            return "PoLRegistry", "catchUp", (action.block_id, ENTRIES)
        case SettleAttestation():
            return "PoLRegistry", "settleAttestation", (action.block_id, action.verifier)
        case ForfeitBond():
            return "PoLRegistry", "forfeitBond", (action.block_id,)
        case Commit():
            return "Bounties", "commit", (action.commitment,)
        case Prove():
            return "Court", action.proof.function, (*action.proof.arguments, action.salt)
        case Demand():
            return _demand(action)
        case Explain():
            about = action.header.astuple(), int(action.position.tree), action.position.index
            return "Explanations", action.answer.function, (*about, *action.answer.arguments, int(action.role))
        case Reveal():
            asked = action.header.astuple(), action.position.abi()
            return "Reveals", action.answer.function, (*asked, *action.answer.arguments)
        case Reopen():
            return "Explanations", "reopen", (action.block_id, int(action.position.tree), action.position.index)
        case Release():
            return "Explanations", "release", (action.block_id, action.author)
        case Hasten():
            return _about("hasten", action.block_id, action.position)
        case Expire():
            return _about("expire", action.block_id, action.position)
        case SettleDemand():
            return _about("settle", action.block_id, action.position)


def _demand(action: Demand) -> tuple[str, str, tuple[Any, ...]]:
    position, opening = action.lacking.position, action.lacking.opening
    if position.explains:
        asked = action.header.astuple(), int(position.tree), position.index
        return "Explanations", "demand", (*asked, *opening)
    return "Demands", "demand", (action.block_id, position.abi(), *opening)


def _about(function: str, block_id: bytes, position: Position) -> tuple[str, str, tuple[Any, ...]]:
    """A call about a demand: L1 keeps explanations in a contract of their own."""
    if position.explains:
        return "Explanations", function, (block_id, int(position.tree), position.index)
    return "Demands", function, (block_id, position.abi())
