"""What L1 itself says, asked directly and not through anything that lies."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events.typed import Event
from pol_oracle.l1.monitor import Monitor
from pol_oracle.l1.sending.fees import FeePolicy, kind_of
from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.view import History

from .audit import Audit, Payment
from .verdict import Purse

SWITCHES = 3  # windows in a row that finality may wait
SLACK = 90  # L1 blocks for a machine that is busy


@dataclass(frozen=True)
class Sums:
    """What the vault has and owes, in wei."""

    vault: int
    owed: int


class Witness:
    """Follows L1.

    Args:
        client: asks L1 directly.
        deployment: on it.
        accounts: name -> address of those who must lose nothing.
        depth: L1 blocks that may still be dropped.

    Attributes:
        client, deployment, accounts: as given.
        history: what is settled.
    """

    def __init__(self, client: Client, deployment: Deployment, accounts: Mapping[str, str], depth: int) -> None:
        self.client = client
        self.deployment = deployment
        self.accounts = dict(accounts)
        self._starts = {name: client.balance(address) for name, address in accounts.items()}
        self._follow(depth)
        self._audit = Audit(client, deployment.deployed_at, set(accounts.values()))

    @property
    def payments(self) -> tuple[Payment, ...]:
        """What those accounts paid so far."""
        return tuple(self._audit.payments)

    def look(self) -> tuple[Event, ...]:
        """Returns what is new; nothing while L1 is away."""
        try:
            update = self._monitor.poll()
        except ChainError:
            return ()
        self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        with suppress(ChainError):  # the next look, or the end, reads on
            self._audit.read(update.l1_block)
        return update.events

    def settle(self) -> None:
        """L1 drops nothing any more: takes in all there is.

        Raises:
            ChainError: L1 is away.
        """
        self._follow(0)
        end = self.client.latest().number
        while self.history.view.l1_block < end:
            update = self._monitor.poll()
            self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        self._audit.read(self.history.view.l1_block)

    def purses(self) -> dict[str, Purse]:
        """What those accounts have."""
        return {
            name: Purse(self._starts[name], self.client.balance(a), self._bonds(a), self.client.credit(a))
            for name, a in self.accounts.items()
        }

    def sums(self) -> Sums:
        """What the vault has and owes."""
        everybody = {account for account, _ in self.history.view.bonds} | set(self.history.view.credits)
        owed = sum(self._bonds(account) + self.client.credit(account) for account in everybody)
        return Sums(self.client.balance(self.client.address_of("BondVault")), owed)

    def _bonds(self, account: str) -> int:
        return sum(bond.free + bond.locked for bond in (self.client.bond(account, role) for role in Role))

    def _follow(self, depth: int) -> None:
        self.history = History(bytes.fromhex(self.deployment.genesis_id.removeprefix("0x")))
        self._monitor = Monitor(self.client, self.deployment.deployed_at, depth)


def patience(parameters: Parameters) -> int:
    """Returns how many L1 blocks (a second each) may pass between two final blocks."""
    slowest = parameters.challenge_window + 5 * parameters.answer_window + parameters.reveal_window
    return SWITCHES * slowest + SLACK


def cap(payment: Payment, parameters: Parameters) -> int:
    """Returns the most that a payment of anybody may have offered, in wei per gas."""
    policy = FeePolicy().answering_for(parameters.miner_bond)
    return policy.ceiling(kind_of(payment.call or "gap"), payment.gas)
