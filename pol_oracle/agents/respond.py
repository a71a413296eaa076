"""Actions become calls of our contracts. The sender keeps a key from being sent twice, and tries again what failed."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.sending.calls import Call, CallResult
from pol_oracle.protocol.hashing import keccak, keccak_abi
from pol_oracle.protocol.positions import Position
from pol_oracle.protocol.types import BlockId, Wei
from pol_oracle.view import View

from .rules.actions import (
    ENTRIES,
    Action,
    Attest,
    CatchUp,
    ClaimHead,
    Contest,
    Demand,
    Dismiss,
    Expire,
    Explain,
    Finalize,
    ForfeitBond,
    Hasten,
    OneCall,
    Orphan,
    Propose,
    Prove,
    Release,
    Reopen,
    Reveal,
    SettleAttestation,
    SettleDemand,
)

_SALT = b"pol-salt"


class CallQueue(Protocol):
    """What the responder needs of the sender."""

    def submit(self, call: Call) -> Any:
        """Takes a call over; one with a known key changes nothing."""


class CallSender(CallQueue, Protocol):
    """What the loop needs of the sender."""

    @property
    def gas_price(self) -> Wei:
        """What gas costs now, in wei."""

    def tick(self) -> list[CallResult]:
        """Sends what can be sent; returns what was settled."""

    def close(self) -> None:
        """Releases the account."""


@dataclass(frozen=True)
class Challenge:
    """A proof on its way to the Court.

    Attributes:
        commitment: to the call that shows it, 32 bytes.
        commit: goes first, so that nobody can steal the proof from the mempool.
        prove: may follow in a later L1 block.
    """

    commitment: bytes
    commit: Call
    prove: Call


class Committer:
    """An account's commitments to proofs. The salt follows from the private key, so a restart can reveal.

    Args:
        account: the challenger's.
    """

    def __init__(self, account: LocalAccount) -> None:
        self.address = str(account.address)
        self._secret = bytes(account.key)
        self._made: dict[bytes, tuple[Prove, Challenge]] = {}  # evidence is long, and asked for at every turn

    def forget_all_but(self, block_ids: Collection[BlockId]) -> None:
        """Drops what it made of proofs about other blocks; it makes the same again when it is asked."""
        self._made = {block_id: made for block_id, made in self._made.items() if block_id in block_ids}

    def __call__(self, action: Prove) -> Challenge:
        """Returns the calls that a proof takes, the same each time."""
        known = self._made.get(action.block_id)
        if known is not None and known[0] == action:
            return known[1]
        block_id, proof = action.block_id, action.proof
        about = b"" if proof.refutes is None else proof.refutes.explanation
        salt = hmac.digest(self._secret, _SALT + block_id + about + proof.function.encode(), hashlib.sha256)
        prove = Call(action.key, "Court", proof.function, (*proof.arguments, salt))
        commitment = keccak_abi(["address", "bytes32"], [self.address, keccak(prove.data)])
        commit = Call(f"commit:{block_id.hex()}:{commitment.hex()}", "Bounties", "commit", (commitment,))
        challenge = Challenge(commitment, commit, prove)
        self._made[block_id] = action, challenge
        return challenge


class Responder:
    """Hands the calls that actions stand for to the sender.

    Args:
        queue: takes the calls.
        committer: of the agent's account.
        depth: L1 blocks that follow a view's last one, at least: the agent's confirmation depth.
    """

    def __init__(self, queue: CallQueue, committer: Committer, depth: int) -> None:
        self._queue, self._committer, self._depth = queue, committer, depth

    def __call__(self, actions: Iterable[Action], view: View) -> None:
        """Hands over what can be done as L1 stands in the view."""
        actions = tuple(actions)
        self._committer.forget_all_but({action.block_id for action in actions if isinstance(action, Prove)})
        for action in actions:
            call = self._towards_court(action, view) if isinstance(action, Prove) else call_of(action)
            if call is not None:
                self._queue.submit(call)

    def _towards_court(self, action: Prove, view: View) -> Call | None:
        """The next call that a proof takes, if it is time for one."""
        challenge = self._committer(action)
        committed = view.commitments.get((self._committer.address, challenge.commitment))
        if action.before is not None and (committed is None or committed.order >= action.before):
            return None
        if committed is None:
            return challenge.commit
        return challenge.prove if view.l1_block + self._depth > committed.l1_block else None  # L1 is further


def call_of(action: OneCall) -> Call:
    """Returns the contract call an action stands for; a proof takes two, see :class:`Committer`."""
    contract, function, arguments = _target(action)
    return Call(action.key, contract, function, arguments)


def _target(action: OneCall) -> tuple[str, str, tuple[Any, ...]]:
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


def _about(function: str, block_id: BlockId, position: Position) -> tuple[str, str, tuple[Any, ...]]:
    """A call about a demand: L1 keeps explanations in a contract of their own."""
    if position.explains:
        return "Explanations", function, (block_id, int(position.tree), position.index)
    return "Demands", function, (block_id, position.abi())
