"""What L1 says is read from L1: what was paid, who has what, and what a tampered L1 does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client, Request
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.events.typed import Deposited
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import ChainError
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.soak.judging.audit import Audit
from pol_oracle.soak.judging.verdict import Purse
from pol_oracle.soak.judging.witness import Sums, Witness
from pol_oracle.soak.network.l1 import TamperedL1
from tests.transactions import sent

ETH = 10**18
Mine = Callable[..., None]
DEPOSIT = Call("deposit", "BondVault", "deposit", (int(Role.MINER),), 2 * ETH)


def send(client: Client, account: LocalAccount, call: Call, folder: Path, mine: Mine) -> None:
    with Sender(client, account, folder / f"{account.address}.sqlite", confirmations=0) as sender:
        sender.submit(call)
        for _ in range(5):
            if sender.tick():
                return
            mine()
    raise AssertionError("it was not mined")


def test_audit_finds_what_an_account_paid_and_what_for(
    client: Client, accounts: list[LocalAccount], tmp_path: Path, mine: Mine
) -> None:
    me, other = accounts[1:3]
    audit = Audit(client, client.latest().number + 1, {str(me.address)})
    before = client.balance(str(me.address))
    send(client, me, DEPOSIT, tmp_path, mine)
    send(client, other, DEPOSIT, tmp_path, mine)

    audit.read(client.latest().number)
    audit.read(client.latest().number)  # once

    (paid,) = audit.payments
    assert (paid.account, paid.call, paid.value, paid.ok) == (me.address, "BondVault.deposit", 2 * ETH, True)
    assert client.balance(str(me.address)) == before - 2 * ETH - paid.fee
    assert 0 < paid.fee <= paid.gas * paid.price


def test_audit_names_no_call_of_strangers(client: Client, accounts: list[LocalAccount]) -> None:
    me = str(accounts[3].address)
    audit = Audit(client, client.latest().number + 1, {me})
    sent(client, me, Request(str(accounts[4].address), b"", 5))
    audit.read(client.latest().number)
    assert [(paid.call, paid.value) for paid in audit.payments] == [("", 5)]


def test_witness_tells_purses_and_the_vault(
    client: Client, deployment: Deployment, accounts: list[LocalAccount], tmp_path: Path, mine: Mine
) -> None:
    me = accounts[1]
    start = client.balance(str(me.address))
    witness = Witness(client, deployment, {"me": str(me.address)}, depth=1)
    send(client, me, DEPOSIT, tmp_path, mine)
    send(client, me, Call("unbond", "BondVault", "unbond", (int(Role.MINER), ETH // 2)), tmp_path, mine)

    witness.settle()

    purse, gas = witness.purses()["me"], sum(p.fee for p in witness.payments)
    assert purse == Purse(start, start - 2 * ETH - gas, 3 * ETH // 2, ETH // 2)
    assert witness.sums() == Sums(2 * ETH, 2 * ETH)
    assert [p.call for p in witness.payments] == ["BondVault.deposit", "BondVault.unbond"]


def test_witness_believes_what_is_deep_enough(
    client: Client, deployment: Deployment, accounts: list[LocalAccount], tmp_path: Path, mine: Mine
) -> None:
    witness = Witness(client, deployment, {"me": str(accounts[1].address)}, depth=4)
    send(client, accounts[1], DEPOSIT, tmp_path, mine)
    witness.look()
    assert witness.payments == ()
    mine(4)
    assert [type(event).__name__ for event in witness.look()][-1:] == ["Deposited"]
    assert len(witness.payments) == 1


def test_what_l1_does_not_show_for_a_moment_is_read_later(
    client: Client, accounts: list[LocalAccount], tmp_path: Path, mine: Mine
) -> None:
    me = str(accounts[1].address)
    audit = Audit(client, client.latest().number + 1, {me})
    with pytest.raises(ChainError, match="does not show what eth_getBlockByNumber 0x"):
        audit.read(client.latest().number + 1)
    send(client, accounts[1], DEPOSIT, tmp_path, mine)
    audit.read(client.latest().number)
    assert len(audit.payments) == 1


def test_what_happened_is_taken_in_though_payments_cannot_be_read_yet(
    client: Client,
    deployment: Deployment,
    accounts: list[LocalAccount],
    tmp_path: Path,
    mine: Mine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    witness = Witness(client, deployment, {"me": str(accounts[1].address)}, depth=0)
    send(client, accounts[1], DEPOSIT, tmp_path, mine)

    def away(_: Audit, __: int) -> None:
        raise ChainError("L1 is in the middle of a reorg")

    with monkeypatch.context() as patched:
        patched.setattr(Audit, "read", away)
        assert any(isinstance(event, Deposited) for event in witness.look())
    assert not witness.payments

    mine(1)
    witness.look()
    assert [p.call for p in witness.payments] == ["BondVault.deposit"]
    assert any(isinstance(event, Deposited) for event in witness.history.events)


@pytest.fixture
def l1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TamperedL1]:
    """It makes blocks when told to: of its own, one would come between a question and the next."""
    monkeypatch.setattr("pol_oracle.soak.network.l1.BLOCK_TIME_S", 3600.0)
    made = TamperedL1(tmp_path / "devnet", 4)
    yield made
    made.close()


def more(l1: TamperedL1, blocks: int) -> None:
    l1.client.rpc.request("anvil_mine", hex(blocks))


def test_l1_goes_on_where_it_was_stopped(l1: TamperedL1) -> None:
    more(l1, 2)
    block = l1.client.block(1)
    l1.stop()
    assert l1.pid is None
    for prevented in (l1.jump(3), l1.reorganise(1)):  # what a busy machine begins too late
        assert "no answer from L1" in prevented
    l1.start()
    assert l1.client.block(1) == block
    assert l1.reorganise(1) == "it was started just now"  # the states of older blocks are gone


def test_l1_reorganises_and_jumps(l1: TamperedL1) -> None:
    more(l1, 4)
    newest = l1.client.latest()
    assert l1.reorganise(2) == ""
    replaced = l1.client.block(newest.number)
    assert replaced is not None
    assert replaced.hash != newest.hash
    assert l1.client.block(1) is not None

    before = l1.client.latest()
    assert l1.jump(1000) == ""
    more(l1, 2)
    assert l1.client.latest().timestamp - before.timestamp > 900
