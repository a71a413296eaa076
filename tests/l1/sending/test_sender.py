"""The sender: each call leaves exactly once, and every failure is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.node.rpc import Refusal
from pol_oracle.l1.records import Bond
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.fees import GWEI, FeePolicy
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import InputError, NotMined, Unreachable
from pol_oracle.protocol.lifecycle import Role
from tests.l1.patience import told
from tests.l1.sending.acts import bond, deposit, unbond

ETH = 10**18


def manual(client: Client) -> None:
    """L1 makes blocks on command only."""
    client.rpc.request("evm_setAutomine", False)


def test_a_call_is_sent_once_and_told_once(client: Client, me: LocalAccount, sender: Sender) -> None:
    assert sender.status_of("deposit:7") is None
    assert sender.submit(deposit(7)) is CallStatus.QUEUED
    assert sender.in_flight("deposit:7")
    sender.tick()
    assert sender.submit(deposit(7)) is CallStatus.SENT
    (result,) = told(sender)
    assert (result.key, result.ok, result.error) == ("deposit:7", True, None)
    assert result.tx_hash is not None
    receipt = client.receipt(result.tx_hash)
    assert receipt is not None
    assert receipt.gas_used == result.gas_used
    assert not sender.in_flight("deposit:7")
    assert sender.submit(deposit(7)) is CallStatus.DONE
    assert sender.tick() == []
    assert bond(client, me) == 7


def test_confirmations_are_waited_for(
    client: Client, me: LocalAccount, tmp_path: Path, mine: Callable[..., None]
) -> None:
    with Sender(client, me, tmp_path / "a.sqlite", confirmations=2) as sender:
        manual(client)
        sender.submit(deposit(1))
        sender.tick()
        for _ in range(2):
            mine(1)
            assert sender.tick() == []
        mine(1)
        assert [r.ok for r in sender.tick()] == [True]


def test_the_deployment_says_how_many_confirmations(
    client: Client, me: LocalAccount, tmp_path: Path, mine: Callable[..., None]
) -> None:
    assert client.deployment is not None
    assert client.deployment.confirmations == 1
    with Sender(client, me, tmp_path / "a.sqlite") as sender:
        manual(client)
        sender.submit(deposit(1))
        sender.tick()
        mine(1)
        assert sender.tick() == []
        mine(1)
        assert len(sender.tick()) == 1


def test_many_calls_in_one_l1_block_keep_their_order(
    client: Client, me: LocalAccount, sender: Sender, mine: Callable[..., None]
) -> None:
    manual(client)
    for amount in range(1, 11):
        sender.submit(deposit(amount))
    sender.submit(unbond(54))
    sender.tick()
    mine(1)
    sender.tick()  # the last one may have had to wait for those before it
    mine(1)
    sender.tick()
    assert sender.status_of("unbond:54") is CallStatus.DONE
    assert client.bond(me.address, Role.MINER) == Bond(1, 0)


def test_wait(client: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise Unreachable("gone")

    sender.submit(deposit(1))
    sender.submit(deposit(2))
    assert sender.wait("deposit:2", poll_s=0.01).ok
    assert [r.key for r in sender.tick()] == ["deposit:1"]
    assert sender.wait("deposit:2", poll_s=0.01).ok, "also when it was told already"
    manual(client)
    sender.submit(deposit(3))
    with pytest.raises(
        NotMined, match=r"deposit:3 was not confirmed within 0\.05 s: it is sent, and not mined yet; it stays"
    ):
        sender.wait("deposit:3", timeout_s=0.05, poll_s=0.01)
    monkeypatch.setattr(client.rpc, "ask", gone)
    with pytest.raises(NotMined, match=r"within 0 s: it is sent, and not mined yet \(gone\); it stays"):
        sender.wait("deposit:3", timeout_s=0, poll_s=0.01)


def test_a_revert_is_told_without_spending_gas(client: Client, me: LocalAccount, sender: Sender) -> None:
    balance = client.balance(me.address)
    sender.submit(unbond(9))
    (result,) = sender.tick()
    assert (result.ok, result.gas_used, result.tx_hash) == (False, 0, None)
    assert result.error is not None
    assert result.error.name == "InsufficientBond"
    assert result.error.arguments["needed"] == 9
    assert client.balance(me.address) == balance
    assert sender.status_of("unbond:9") is CallStatus.FAILED


def test_a_failed_call_may_be_tried_again_later_and_later(
    client: Client, sender: Sender, mine: Callable[..., None]
) -> None:
    def tries(blocks: int) -> int:
        count = 0
        for _ in range(blocks):
            sender.submit(unbond(9))
            count += len(sender.tick())
            mine(1)
        return count

    assert tries(1) == 1
    assert sender.submit(unbond(9)) is CallStatus.FAILED, "not twice in one L1 block"
    assert tries(16) == 3, "with longer and longer pauses"
    sender.submit(deposit(9))
    sender.tick()
    mine(16)
    sender.tick()
    sender.submit(unbond(9))
    assert told(sender)[0].ok


def test_a_call_that_reverts_on_l1_says_why(client: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:  # it would have been refused before, had L1 not changed since
        patch.setattr(Client, "simulate", lambda *_: b"")
        patch.setattr(Client, "estimate_gas", lambda *_: 100_000)
        sender.submit(unbond(9))
        sender.tick()
    (result,) = told(sender)
    assert not result.ok
    assert result.gas_used > 0
    assert result.tx_hash is not None
    assert result.error is not None
    assert result.error.name == "InsufficientBond"


def test_out_of_gas_says_so(client: Client, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "estimate_gas", lambda *_: 20_000)
    sender.submit(deposit(1))
    (result,) = told(sender)
    assert "BondVault.deposit used up its gas limit of 35000" in str(result.error)


def test_an_account_that_cannot_pay(client: Client, tmp_path: Path) -> None:
    poor = Account.create()
    with Sender(client, poor, tmp_path / "a.sqlite") as sender:
        sender.submit(deposit(ETH))
        sender.submit(Call("commit", "Bounties", "commit", (bytes(31) + b"\1",)))
        (first,) = sender.tick()
        (second,) = sender.tick()
    for result in (first, second):
        assert result.error is not None
        assert str(result.error).startswith(f"account {poor.address} cannot pay: it has 0 ETH")
        assert result.error.name == "InsufficientFunds"


def test_one_call_that_l1_refuses_does_not_hold_up_the_others(
    client: Client, me: LocalAccount, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = client.rpc.ask

    def picky(method: str, *params: object) -> object:
        if method == "eth_call" and params[0]["value"] == "0xd":  # type: ignore[index]
            return Refusal(-32000, "unlucky")
        return ask(method, *params)

    monkeypatch.setattr(client.rpc, "ask", picky)
    sender.submit(deposit(13))
    sender.submit(deposit(1))
    assert [r.key for r in told(sender)] == ["deposit:1"]
    assert sender.stage("deposit:13") == "not sent yet (L1 at " + client.rpc.place + " refused eth_call: unlucky)"
    assert bond(client, me) == 1


def test_wrong_arguments_are_refused_at_once(sender: Sender) -> None:
    with pytest.raises(InputError, match="do not fit"):
        sender.submit(Call("x", "BondVault", "deposit", ("miner",), 1))
    assert sender.status_of("x") is None


def test_dearer_than_the_cap_waits_until_l1_is_cheaper(
    client: Client, me: LocalAccount, tmp_path: Path, mine: Callable[..., None]
) -> None:
    with Sender(client, me, tmp_path / "a.sqlite", confirmations=0, fees=FeePolicy(max_price=40 * GWEI)) as sender:
        client.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(60 * GWEI))
        mine(1)
        sender.submit(deposit(1))
        assert sender.tick() == []
        assert sender.status_of("deposit:1") is CallStatus.QUEUED
        client.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(5 * GWEI))
        mine(1)
        assert told(sender)[0].ok


def test_l1_away_keeps_everything(
    client: Client, me: LocalAccount, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = client.rpc.ask
    left = 0

    def flaky(method: str, *params: object) -> object:
        nonlocal left
        left -= 1
        if left < 0:
            raise Unreachable("gone")
        return ask(method, *params)

    monkeypatch.setattr(client.rpc, "ask", flaky)
    results = []
    for amount in (1, 2):
        sender.submit(deposit(amount))
    for calls in range(60):  # it goes away at every single request in turn
        left = calls
        try:
            results += sender.tick()
        except Unreachable:
            continue
    left = 10**9
    results += told(sender, 2 - len(results))
    assert [r.key for r in results] == ["deposit:1", "deposit:2"]
    assert bond(client, me) == 3
