"""What the parties put at stake, and what they have at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

from pol_oracle.l1.client import Client
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.automine import mine_on_demand
from pol_oracle.l1.events.typed import Deposited, Event
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import NotMined
from pol_oracle.protocol.lifecycle import Role

from .cast import Party
from .verdict import Balance

HONEST_MINER_BONDS = 30  # blocks it can have pending at once
VERIFIER_ETH = 20
LIMIT_S = 60.0
POLL_S = 0.2


def deposit_missing(client: Client, cast: Sequence[Party], folder: Path) -> list[Party]:
    """Deposits what everybody's bond lacks, all at once: cheats have one block's worth, so that losing it ends them.

    Returns:
        Who had less than it needs.

    Raises:
        Reverted: the vault refused.
        NotMined: L1 did not include them in time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    poor: list[Party] = []
    with ExitStack() as stack:
        waiting: list[Sender] = []
        for party in cast:
            bond = client.bond(party.address, _role(party))
            missing = stake(client, party) - bond.free - bond.locked
            if missing <= 0:
                continue
            poor.append(party)
            sender = stack.enter_context(Sender(client, dev_account(party.dev), folder / f"{party.name}.sqlite"))
            call = Call(f"deposit:{uuid4().hex}", "BondVault", "deposit", (int(_role(party)),), missing)
            if sender.under_way(call, "deposit:") is None:  # what was cut short is on its way still
                sender.submit(call)
            waiting.append(sender)
        deadline = time.monotonic() + LIMIT_S
        while waiting:
            waiting = [sender for sender in waiting if not _settled(sender)]
            if time.monotonic() > deadline:
                raise NotMined(f"L1 has not included all deposits within {LIMIT_S:g} s: is the machine overloaded?")
            mine_on_demand(client, 1)
            time.sleep(POLL_S)
    return poor


def balance_of(client: Client, party: Party, events: Sequence[Event]) -> Balance:
    """Reads what a party has now, from the vault and the token."""
    bonds = [client.bond(party.address, role) for role in Role]
    deposited = sum(e.amount for e in events if isinstance(e, Deposited) and e.account == party.address)
    bond = sum(b.free + b.locked for b in bonds)
    return Balance(deposited, bond, client.credit(party.address), client.learn(party.address))


def _role(party: Party) -> Role:
    return Role.MINER if party.part.mines else Role.VERIFIER


def stake(client: Client, party: Party) -> int:
    """Returns what a party bonds, in wei."""
    deployment = client.deployment
    assert deployment is not None
    if not party.part.mines:
        return VERIFIER_ETH * 10**18
    return deployment.parameters.miner_bond * (HONEST_MINER_BONDS if party.part.honest else 1)


def _settled(sender: Sender) -> bool:
    for result in sender.tick():
        if result.error is not None:
            raise result.error
        return True
    return False
