"""What a sender is given, how it and L1 go on, and what came of it."""

from __future__ import annotations

from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.sending.calls import Call, CallResult
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.lifecycle import Role
from tests.l1.patience import told

ME = 5
Open = Callable[..., Sender]


def deposit(amount: int) -> Call:
    return Call(f"deposit:{amount}", "BondVault", "deposit", (Role.MINER,), amount)


def unbond(amount: int) -> Call:
    return Call(f"unbond:{amount}", "BondVault", "unbond", (Role.MINER, amount))


def commit(number: int = 1) -> Call:
    return Call(f"commit:{number}", "Bounties", "commit", (number.to_bytes(32, "big"),))


def tidy(number: int) -> Call:
    """What anybody may call, and here succeeds as often as it is called."""
    return Call(f"tidy:{number}", "LearnToken", "approve", ("0x" + "11" * 20, number))


def bond(client: Client, account: LocalAccount) -> int:
    return client.bond(account.address, Role.MINER).free


def go_on(sender: Sender, mine: Callable[..., None], blocks: int) -> list[CallResult]:
    """So many L1 blocks with two ticks each."""
    results: list[CallResult] = []
    for _ in range(blocks):
        for _ in range(2):
            try:
                results += sender.tick()
            except ChainError:
                continue
        mine(1)
    return results


def transactions(client: Client, account: LocalAccount) -> int:
    return client.nonce(account.address)


def until_settled(sender: Sender, mine: Callable[..., None], keys: int = 1, blocks: int = 15) -> list[CallResult]:
    results: list[CallResult] = []
    for _ in range(blocks):
        results += sender.tick()
        if len({r.key for r in results}) == keys:
            return results
        mine(1)
    raise AssertionError(f"only {results} after {blocks} blocks")


def send(sender: Sender, *amounts: int) -> None:
    """One L1 block and one settled call each, where L1 makes a block per transaction."""
    for amount in amounts:
        sender.submit(deposit(amount))
        assert told(sender)[0].ok
