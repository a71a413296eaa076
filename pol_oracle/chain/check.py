"""Whether the events that a node told add up to what the contracts say: a node that lost logs does not notice it."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from pol_oracle.chain.client import Client
from pol_oracle.chain.monitor import Monitor, Update
from pol_oracle.chain.records import Bond
from pol_oracle.protocol.errors import NodeTrouble
from pol_oracle.protocol.lifecycle import Role

EVERY = 16  # L1 blocks between two checks of an agent that is up to date
LONGEST_PAUSE = 64  # L1 blocks between two readings of the whole history

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Folded:
    """What an agent makes of the events so far.

    Attributes:
        head, finalized_tip: block ids.
        bond: the agent's own, in its role.
    """

    head: bytes
    finalized_tip: bytes
    bond: Bond


class Check:
    """Compares folded events with contracts: after a long reading, and every few L1 blocks.

    Args:
        client: connected to the deployment.
        monitor: read the events; is sent back to the start if they do not add up.
        account: address of the agent.
        role: what it is bonded as.
    """

    def __init__(self, client: Client, monitor: Monitor, account: str, role: Role) -> None:
        self._client = client
        self._monitor = monitor
        self._account = account
        self._role = role
        self._sound = True
        self._checked = -EVERY  # L1 block of the last check
        self._pause = 1  # L1 blocks until the history is read anew

    def sound(self, update: Update, folded: Folded) -> bool:
        """Says whether an agent may act on what it folded. If not, it is to go on polling: the events are read anew.

        Args:
            update: the last one.
            folded: what all events up to it come to.

        Raises:
            Unreachable: L1 does not answer.
        """
        read = update.l1_block - self._checked
        back = read < 0 or (self._sound and update.rollback_to is not None)
        if not update.whole or not (back or read >= (EVERY if self._sound else self._pause)):
            return self._sound
        before, self._checked = self._checked, update.l1_block
        said = self._said(update)
        if said is None:  # L1 reorganised meanwhile: the next poll tells
            self._checked = before
        elif differences := _differences(folded, said):
            self._doubt(update, differences)
        else:
            self._sound, self._pause = True, 1
        return self._sound

    def _said(self, update: Update) -> Folded | None:
        """What the contracts say after the L1 block of an update; None if it is not on the chain any more."""
        at = update.l1_block
        bond = Bond(*self._client.call("BondVault", "bondOf", self._account, self._role, at=at))
        head, tip = (bytes(self._client.call("PoLRegistry", name, at=at)) for name in ("head", "finalizedTip"))
        block = self._client.block(at)
        if block is None:
            raise NodeTrouble(f"L1 at {self._client.rpc.place} does not show its block {at}, whose events it told")
        return Folded(head, tip, bond) if block.hash == update.l1_hash else None

    def _doubt(self, update: Update, differences: str) -> None:
        self._sound = False
        log.error(
            "events are missing",
            node=self._client.rpc.place,
            l1_block=update.l1_block,
            differences=differences,
            advice="its logs do not add up to what its contracts say: reading them again; if this stays, give the "
            "RPC address of another node",
        )
        self._monitor.reread()
        self._pause = min(2 * self._pause, LONGEST_PAUSE)


def _differences(folded: Folded, said: Folded) -> str:
    """What the contracts say and what events come to, where they differ."""
    pairs = {
        "head": (said.head.hex(), folded.head.hex()),
        "finalized tip": (said.finalized_tip.hex(), folded.finalized_tip.hex()),
        "own bond": (f"{said.bond.free} + {said.bond.locked}", f"{folded.bond.free} + {folded.bond.locked}"),
    }
    return "; ".join(f"{what} {there}, by events {here}" for what, (there, here) in pairs.items() if there != here)
