"""What a verifier has, L1 block by L1 block: a dispute may cost it gas, and nothing else at any time."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.protocol.lifecycle import Role


class Books:
    """Follows one verifier's money.

    Args:
        client: of L1.
        account: the verifier.

    Attributes:
        gas: that its transactions used.
        paid: for that gas, in wei.
        most_locked: of its bond at a time, in wei: for fees and attestations.
    """

    def __init__(self, client: Client, account: LocalAccount) -> None:
        self._client, self._address = client, str(account.address)
        self._start, self._seen = self._wealth(), client.latest().number
        self.gas = self.paid = self.most_locked = 0

    def turn(self) -> None:
        """Takes in the newest L1 blocks."""
        newest = self._client.latest().number
        for number in range(self._seen + 1, newest + 1):
            self._spend(number)
        self._seen = newest
        self.most_locked = max(self.most_locked, self._client.bond(self._address, Role.VERIFIER).locked)
        assert self._wealth() >= self._start - self.paid

    def _spend(self, number: int) -> None:
        for transaction in self._client.transactions(number):
            if transaction.sender != self._address:
                continue
            receipt = self._client.receipt(transaction.hash)
            assert receipt is not None
            self.gas += receipt.gas_used
            self.paid += receipt.gas_used * receipt.gas_price

    def _wealth(self) -> int:
        """Balance, bond and credit, in wei."""
        bond = self._client.bond(self._address, Role.VERIFIER)
        return self._client.balance(self._address) + bond.free + bond.locked + self._client.credit(self._address)
