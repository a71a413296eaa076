"""Transactions that L1 does not take: made dearer within bounds, or given way to another of the same key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from eth_account.signers.local import LocalAccount
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.l1.client import Client
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.fees import GWEI, CallKind, FeePolicy, Fees, Market, replace
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import Sender
from tests.l1.sending.acts import bond, deposit, transactions, until_settled


@pytest.mark.usefixtures("manual")
def test_a_gas_price_jump_raises_the_fees_at_the_same_nonce(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    sender = open_sender()
    for amount in (1, 2):
        sender.submit(deposit(amount))
    sender.tick()
    before = transactions(client, me)
    client.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(90 * GWEI))
    mine(1)
    assert transactions(client, me) == before, "left out of the dear block"
    sender.tick()
    dearer, first = sender._journal.attempts("deposit:1")
    assert dearer.nonce == first.nonce
    assert dearer.max_fee >= 90 * GWEI
    assert dearer.priority * 8 >= first.priority * 9
    results = until_settled(sender, mine, keys=2)
    assert all(r.ok for r in results)
    assert bond(client, me) == 3
    assert transactions(client, me) == before + 2


@pytest.mark.usefixtures("manual")
def test_a_transaction_that_l1_ignores_is_made_dearer_after_a_while(
    client: Client,
    me: LocalAccount,
    open_sender: Callable[..., Sender],
    mine: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sender = open_sender(patience=3)
    sender.submit(deposit(1))
    broadcast = Client.broadcast
    with monkeypatch.context() as patch:
        patch.setattr(Client, "broadcast", lambda *_: None)  # taken, it seems, and never mined
        for _ in range(3):
            sender.tick()
            mine(1)
        assert len(sender._journal.attempts("deposit:1")) == 1
        sender.tick()
        dearer, first = sender._journal.attempts("deposit:1")
    assert dearer.max_fee * 8 >= first.max_fee * 9
    assert broadcast(client, first.raw) is None
    mine(1)
    (result,) = until_settled(sender, mine)
    assert result.tx_hash == first.tx_hash, "whichever is mined counts"
    assert bond(client, me) == 1


@pytest.mark.usefixtures("manual")
def test_the_fee_cap_is_kept(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    sender = open_sender(fees=FeePolicy(max_price=20 * GWEI))
    sender.submit(deposit(1))
    sender.tick()
    for _ in range(6):
        client.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(90 * GWEI))
        mine(1)
        sender.tick()
    assert all(a.max_fee <= 20 * GWEI for a in sender._journal.attempts("deposit:1"))
    assert sender.in_flight("deposit:1")
    client.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
    assert until_settled(sender, mine)[0].ok


fee = st.integers(1, 10**13)


@given(fee, fee, st.builds(Market, fee, fee), fee, st.sampled_from(CallKind), st.integers(21_000, 2**24))
def test_a_replacement_is_acceptable_and_within_bounds_or_none(
    max_fee: int, tip: int, market: Market, price: int, kind: CallKind, gas: int
) -> None:
    old, policy = Fees(max_fee, min(tip, max_fee)), FeePolicy(max_price=price)
    new = replace(old, market, policy, kind, gas)
    if new is not None:
        assert new.max_fee * 8 >= old.max_fee * 9
        assert new.priority * 8 >= old.priority * 9
        assert new.priority <= new.max_fee <= price
        assert new.max_fee * gas <= policy.caps[kind]
        assert new.max_fee <= policy.multiple * market.offer.max_fee
        assert new.priority <= policy.multiple * market.priority


@pytest.mark.usefixtures("manual")
def test_pitfall_18_the_same_key_run_twice_two_transactions_one_nonce(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    here, there = open_sender("a"), open_sender("b")
    before = transactions(client, me)
    here.submit(deposit(1))
    here.tick()
    (mine_first,) = here._journal.attempts("deposit:1")
    client.rpc.request("anvil_dropTransaction", f"0x{mine_first.tx_hash.hex()}")  # neither sees the other's
    there.submit(deposit(2))
    there.tick()
    (theirs,) = there._journal.attempts("deposit:2")
    assert theirs.nonce == mine_first.nonce == before
    mine(1)
    assert [r.ok for r in there.tick()] == [True]
    here.tick()
    assert here.in_flight("deposit:1"), "one block is not enough to be sure"
    assert len(here._journal.attempts("deposit:1")) == 1
    mine(1)
    assert until_settled(here, mine)[0].ok
    assert bond(client, me) == 3
    assert transactions(client, me) == before + 2


@pytest.mark.usefixtures("manual")
def test_pitfall_18_what_the_other_process_did_already_is_not_done_twice(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    commit = Call("commit", "Bounties", "commit", (b"\7" * 32,))
    here, there = open_sender("a"), open_sender("b")
    here.submit(commit)
    here.tick()
    (mine_first,) = here._journal.attempts("commit")
    client.rpc.request("anvil_dropTransaction", f"0x{mine_first.tx_hash.hex()}")
    there.submit(deposit(1))
    there.tick()  # else the commitment, which is urgent, would be the very same transaction
    there.submit(commit)
    until_settled(there, mine, keys=2)
    count = transactions(client, me)
    (result,) = until_settled(here, mine)
    assert result.error is not None
    assert result.error.name == "AlreadyCommitted"
    assert transactions(client, me) == count


@pytest.mark.usefixtures("manual")
def test_a_gap_that_a_foreign_transaction_left_is_closed(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    foreign = {"from": me.address, "to": me.address, "value": "0x1"}
    dropped = client.rpc.request("eth_sendTransaction", foreign)
    sender = open_sender(patience=3)
    sender.submit(deposit(1))
    sender.tick()
    client.rpc.request("anvil_dropTransaction", dropped)
    assert [r.key for r in until_settled(sender, mine)] == ["deposit:1"]
    assert bond(client, me) == 1


def test_fees_do_not_rise_while_the_account_cannot_pay(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None], manual: None
) -> None:
    sender = open_sender()
    sender.submit(Call("commit", "Bounties", "commit", (b"\7" * 32,)))
    sender.tick()
    (signed,) = sender._journal.attempts("commit")
    client.rpc.request("anvil_dropTransaction", f"0x{signed.tx_hash.hex()}")
    client.rpc.request("anvil_setBalance", me.address, "0x0")
    for _ in range(40):
        sender.tick()
        mine(1)
    assert len(sender._journal.attempts("commit")) == 1

    client.rpc.request("anvil_setBalance", me.address, hex(10**18))
    assert until_settled(sender, mine)[0].ok


def test_filled_account_sends_at_once(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None], manual: None
) -> None:
    """What an agent owes L1 has a deadline, so it must not rest as a call that reverts does."""
    sender, call = open_sender(), Call("commit", "Bounties", "commit", (b"\7" * 32,))
    client.rpc.request("anvil_setBalance", me.address, "0x0")
    for _ in range(20):
        sender.submit(call)
        sender.tick()
        mine(1)
    client.rpc.request("anvil_setBalance", me.address, hex(10**20))
    for _ in range(2):
        sender.submit(call)
        sender.tick()
        mine(1)

    assert sender.status_of("commit") in (CallStatus.SENT, CallStatus.DONE)
