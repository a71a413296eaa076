"""What is urgent goes first, and housekeeping holds nothing up."""

from __future__ import annotations

from collections.abc import Callable

from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.fees import FeePolicy, kind_of
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import MOST_HOUSEKEEPING
from tests.l1.sending.acts import Open, commit, deposit, go_on, tidy


def test_pitfall_23_urgent_calls_leave_before_all_others(
    client: Client, me: LocalAccount, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    for number in range(40):
        sender.submit(tidy(number))
    sender.submit(deposit(1))
    sender.submit(commit())
    sender.tick()
    first, second = (sender._journal.get(key) for key in ("commit:1", "deposit:1"))
    assert first is not None
    assert second is not None
    assert (first.nonce, second.nonce) == (client.nonce(me.address), client.nonce(me.address) + 1)


def test_pitfall_23_housekeeping_has_few_transactions_in_flight(
    client: Client, me: LocalAccount, open_sender: Open, mine: Callable[..., None]
) -> None:
    """67 were, and a challenge queued behind them."""
    sender = open_sender()
    for number in range(40):
        sender.submit(tidy(number))
    for _ in range(3):
        sender.tick()
        assert len(sender._journal.sent()) == MOST_HOUSEKEEPING
    sender.submit(commit())
    sender.tick()
    nonce = getattr(sender._journal.get("commit:1"), "nonce", None)
    assert nonce == client.nonce(me.address) + MOST_HOUSEKEEPING
    results = go_on(sender, mine, 20)
    assert len(results) == 41, "and all of it gets done"


def test_pitfall_23_housekeeping_that_is_refused_takes_nobodys_place(
    open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    for number in range(8):
        refused = Call(f"orphan:{number}", "PoLRegistry", "orphan", (number.to_bytes(32, "big"),))
        sender.submit(refused)
    for number in range(3):
        sender.submit(tidy(number))
    done = {r.key for r in go_on(sender, mine, 5) if r.ok}
    assert done == {"tidy:0", "tidy:1", "tidy:2"}


def test_pitfall_23_housekeeping_stuck_below_its_cap_does_not_delay_a_challenge(
    client: Client, me: LocalAccount, open_sender: Open, mine: Callable[..., None]
) -> None:
    """L1 becomes dearer than housekeeping may cost; its nonce is filled, and it is sent anew when it can be paid."""
    gwei = 10**9
    sender = open_sender(fees=FeePolicy.of("housekeeping=0.0003"))
    sender.submit(tidy(1))
    sender.tick()
    price = sender._journal.attempts("tidy:1")[0].max_fee
    dear = hex(price + 5 * gwei)
    for _ in range(8):
        client.rpc.request("anvil_setNextBlockBaseFeePerGas", dear)
        mine(1)
        sender.submit(commit())
        sender.tick()
    assert sender.status_of("commit:1") is CallStatus.DONE
    cap = FeePolicy.of("housekeeping=0.0003").caps[kind_of("LearnToken.approve")]
    assert all(a.max_fee * a.gas <= cap for a in sender._journal.attempts("tidy:1"))
    client.rpc.request("anvil_setNextBlockBaseFeePerGas", hex(gwei))
    go_on(sender, mine, 8)
    assert sender.status_of("tidy:1") is CallStatus.DONE
    keys = [f"{k}" for k in ("commit:1", "tidy:1") if sender.status_of(k) is not CallStatus.DONE]
    assert keys == []
