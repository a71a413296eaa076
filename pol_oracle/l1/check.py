"""Whether the events that a node told add up to what the contracts say: a node that lost logs does not notice it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from pol_oracle.protocol.errors import ChainError, NodeTrouble, Unreachable, WrongChain
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.text import printable
from pol_oracle.protocol.types import Address, BlockId

from .client import Client
from .monitor import Update
from .records import Bond

NO_BOND = Bond(0, 0)
LOST = "its logs do not add up to what its contracts say"
EVERY = 16  # L1 blocks between two checks of an agent that is up to date
LONGEST_PAUSE = 64  # L1 blocks between two readings of the whole history

log = structlog.get_logger(__name__)


class Rereads(Protocol):
    """Whatever reads events, such as a monitor."""

    def reread(self) -> None:
        """Lets the next look begin from the start, and tell everything anew."""


@dataclass(frozen=True)
class Folded:
    """What an agent makes of the events so far.

    Attributes:
        head, finalized_tip: block ids.
        bond: the agent's own, in its role.
    """

    head: BlockId
    finalized_tip: BlockId
    bond: Bond = NO_BOND


def missing(client: Client, update: Update, fold: Callable[[], Folded], ask: bool) -> str | None:
    """Folds an update, and returns what shows that events up to its end are missing.

    Args:
        client: connected to the deployment.
        update: the last one.
        fold: takes it in.
        ask: the contracts, if the events do not contradict themselves.

    Returns:
        "" if nothing shows it: also where that L1 block is gone again, or the node keeps no state of it, and so cannot
        say. None where nobody was to be asked.

    Raises:
        Unreachable: L1 does not answer.
    """
    folded, broken = _taken(fold)
    if folded is None:
        return broken
    return _denied(client, update, folded) if ask else None


def _taken(fold: Callable[[], Folded]) -> tuple[Folded | None, str]:
    """What events come to; else what one of them rests on, which was never told."""
    try:
        return fold(), ""
    except (WrongChain, KeyError) as error:
        return None, printable(error)


def _denied(client: Client, update: Update, folded: Folded) -> str:
    """Where the contracts say something else, as far as the node can tell."""
    at = update.l1_block
    try:
        said = Folded(*_ends(client, at))
    except Unreachable:
        raise
    except ChainError:
        return ""
    differences = _differences(said, Folded(folded.head, folded.finalized_tip))
    block = client.block(at) if differences else None
    return differences if block is not None and block.hash == update.l1_hash else ""


class Check:
    """Compares folded events with contracts: after a long reading, and every few L1 blocks.

    Args:
        client: connected to the deployment.
        source: read the events; is sent back to the start if they do not add up.
        account: address of the agent.
        role: what it is bonded as.

    Attributes:
        role: the same.
    """

    def __init__(self, client: Client, source: Rereads, account: Address, role: Role) -> None:
        self._client = client
        self._source = source
        self._account = account
        self.role = role
        self._sound = True
        self._checked = -EVERY  # L1 block of the last check
        self._pause = 1  # L1 blocks until the history is read anew

    def sound(self, update: Update, fold: Callable[[], Folded]) -> bool:
        """Says whether an agent may act on what it knows. If not, it is to go on polling: the events are read anew.

        Args:
            update: the last one.
            fold: folds it, and says what all events up to it come to. An event that rests on one which was never told
                is a lost one too.

        Raises:
            Unreachable: L1 does not answer.
        """
        folded, broken = _taken(fold)
        read = update.l1_block - self._checked
        if not self._sound and update.rollback_to is None:  # not read anew yet
            if not 0 <= read < self._pause:
                self._reread(update)
            return False
        if folded is None:
            return self._judged(update, broken)
        due = update.rollback_to is not None or not 0 <= read < EVERY
        if not due or not update.whole or (said := self._said(update)) is None:
            return self._sound
        return self._judged(update, _differences(folded, said))

    def _judged(self, update: Update, differences: str) -> bool:
        """Takes note of what a comparison showed."""
        again, self._sound, self._checked = not self._sound, not differences, update.l1_block
        if not differences:
            self._pause = 1
            return True
        log.error(
            "events are missing",
            node=self._client.rpc.place,
            l1_block=update.l1_block,
            differences=differences,
            advice=f"{LOST}: reading them again; if this stays, give the RPC address of another node",
        )
        if again:  # not at once, then
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        else:
            self._reread(update)
        return False

    def _reread(self, update: Update) -> None:
        self._checked = update.l1_block
        self._source.reread()

    def _said(self, update: Update) -> Folded | None:
        """What the contracts say after the L1 block of an update; None if it is not on the chain any more."""
        at = update.l1_block
        bond = self._client.bond(self._account, self.role, at)
        head, tip = _ends(self._client, at)
        block = self._client.block(at)
        if block is None:
            raise NodeTrouble(f"L1 at {self._client.rpc.place} does not show its block {at}, whose events it told")
        return Folded(head, tip, bond) if block.hash == update.l1_hash else None


def _ends(client: Client, at: int) -> tuple[BlockId, BlockId]:
    """The head and the finalized tip after an L1 block."""
    return client.head(at), client.finalized_tip(at)


def _differences(folded: Folded, said: Folded) -> str:
    """What the contracts say and what events come to, where they differ."""
    pairs = {
        "head": (said.head.hex(), folded.head.hex()),
        "finalized tip": (said.finalized_tip.hex(), folded.finalized_tip.hex()),
        "own bond": (f"{said.bond.free} + {said.bond.locked}", f"{folded.bond.free} + {folded.bond.locked}"),
    }
    return "; ".join(f"{what} {there}, by events {here}" for what, (there, here) in pairs.items() if there != here)
