"""The sender behind a node that lags, loses, lies and refuses: nothing is paid twice, nothing waits in vain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.node.node import Node
from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.l1.sending.calls import Call, CallResult
from pol_oracle.l1.sending.fees import FeePolicy, kind_of
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import MOST_HOUSEKEEPING, Sender
from pol_oracle.protocol.errors import ChainError, NodeTrouble, NotMined
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.soak.network.lies import (
    TROUBLES,
    Question,
    Reply,
    count_off,
    lag,
    nothing,
    other_receipt,
    poor,
    refuse,
    result,
    swallow,
    with_status,
)
from pol_oracle.soak.network.proxy import LyingProxy

ETH = 10**18
Open = Callable[..., Sender]


@pytest.fixture
def me(accounts: list[LocalAccount]) -> LocalAccount:
    return accounts[5]


@pytest.fixture(autouse=True)
def by_command(anvil: str) -> None:
    """L1 makes blocks on command only."""
    Rpc(anvil).request("evm_setAutomine", False)


@pytest.fixture
def open_sender(proxy: LyingProxy, deployment: Deployment, me: LocalAccount, tmp_path: Path) -> Iterator[Open]:
    opened: list[Sender] = []

    def run(name: str = "a", node: LyingProxy = proxy, **options: object) -> Sender:
        client = Client.connect(node.url, deployment)
        settings: dict[str, object] = {"confirmations": 1, "patience": 3} | options
        opened.append(Sender(client, me, tmp_path / name / "sender.sqlite", **settings))  # type: ignore[arg-type]
        return opened[-1]

    yield run
    for sender in opened:
        sender.close()


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


def lose(sender: Sender, proxy: LyingProxy, call: Call) -> None:
    """Signs a call, and the node keeps it to itself."""
    sender.submit(call)
    with proxy.lying(swallow, "eth_sendRawTransaction"):
        sender.tick()


def take_nonce(client: Client, account: LocalAccount) -> None:
    """The same account sends a transaction in another way."""
    client.rpc.request("eth_sendTransaction", {"from": account.address, "to": account.address, "value": "0x1"})


def pruned(oldest: float) -> Callable[[Question], Reply]:
    """A node that keeps the state of L1 blocks from the oldest on."""

    def answer(asked: Question) -> Reply:
        at = asked.params[1]
        if at not in ("latest", "pending") and int(at, 16) < oldest:
            return refuse(-32000, "missing trie node")(asked)
        return Reply(asked.pass_on(asked.method, asked.params))

    return answer


# --- an absent answer is no fact ---


def test_pitfall_26_an_anvil_started_again_has_another_block_0_and_the_same_journal(
    proxy: LyingProxy, deployment: Deployment
) -> None:
    """A withdrawal that was killed under way was made again after a restart: the journal was taken for another's."""

    def another_genesis(asked: Question) -> Reply:
        answer = asked.pass_on(asked.method, asked.params)
        if asked.params[0] == "0x0":
            answer["result"]["hash"] = "0x" + "11" * 32
        return Reply(answer)

    client = Client.connect(proxy.url, deployment)
    before = client.identity()
    with proxy.lying(another_genesis, "eth_getBlockByNumber"):
        assert client.identity() == before
    with proxy.lying(nothing, "eth_getBlockByNumber"), pytest.raises(NodeTrouble, match="does not show its block"):
        client.identity()


def test_pitfall_26_without_receipts_nothing_is_paid_twice(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    """`bond deposit 1` bonded 19 ETH in a minute behind a node without receipts."""
    sender, before = open_sender(), client.nonce(me.address)
    with proxy.lying(nothing, "eth_getTransactionReceipt"):
        sender.submit(deposit(7))
        assert go_on(sender, mine, 12) == []
        assert sender.stage("deposit:7") == "mined, waiting for its receipt"
    assert [r.ok for r in go_on(sender, mine, 3)] == [True]
    assert bond(client, me) == 7
    assert client.nonce(me.address) == before + 1


@pytest.mark.parametrize("behind", [1, 2, 5])
def test_pitfall_26_receipts_that_come_late_repeat_nothing(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], behind: int
) -> None:
    """With receipts two blocks behind, `bond deposit 1` bonded 2 ETH, and `withdraw 1` took 2."""
    sender, before = open_sender(), client.nonce(me.address)
    proxy.lie(lag(behind), "eth_getTransactionReceipt")
    sender.submit(deposit(7))
    results = go_on(sender, mine, behind + 5)
    sender.submit(unbond(1))
    results += go_on(sender, mine, behind + 5)
    assert [r.ok for r in results] == [True, True]
    assert bond(client, me) == 6
    assert client.nonce(me.address) == before + 2


@pytest.mark.parametrize("methods", [(), ("eth_getTransactionReceipt", "eth_getTransactionByHash")])
def test_pitfall_26_a_node_that_shows_nothing_of_ours_repeats_nothing(
    client: Client,
    me: LocalAccount,
    proxy: LyingProxy,
    open_sender: Open,
    mine: Callable[..., None],
    methods: tuple[str, ...],
) -> None:
    sender, before = open_sender(), client.nonce(me.address)
    sender.submit(deposit(7))
    sender.tick()
    proxy.lie(nothing, *methods or ("eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getBlockByNumber"))
    assert go_on(sender, mine, 10) == []
    proxy.honest()
    assert [r.ok for r in go_on(sender, mine, 3)] == [True]
    assert client.nonce(me.address) == before + 1
    assert bond(client, me) == 7


@pytest.mark.parametrize("shift", [-3, -1, 1, 2, 50])
def test_pitfall_26_a_wrong_count_of_transactions_repeats_nothing(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], shift: int
) -> None:
    sender = open_sender()
    sender.submit(deposit(7))
    sender.tick()
    with proxy.lying(count_off(shift), "eth_getTransactionCount"):
        go_on(sender, mine, 6)
    go_on(sender, mine, 6)
    assert sender.status_of("deposit:7") is CallStatus.DONE
    assert bond(client, me) == 7


def test_pitfall_26_a_node_that_lags_behind_repeats_nothing(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    mine(8)
    with proxy.lying(lag(5), rate=0.5):  # two nodes behind one address
        sender.submit(deposit(7))
        go_on(sender, mine, 20)
    go_on(sender, mine, 4)
    assert sender.status_of("deposit:7") is CallStatus.DONE
    assert bond(client, me) == 7


def test_pitfall_26_a_foreign_transaction_that_is_shown_to_hold_the_nonce_is_given_way_to(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    """However long ago it was: its block is found by the account's counts."""
    sender = open_sender()
    lose(sender, proxy, deposit(7))
    take_nonce(client, me)
    mine(37)
    assert [r.ok for r in go_on(sender, mine, 5)] == [True]
    assert len(sender._journal.attempts("deposit:7")) == 2
    assert bond(client, me) == 7


def test_pitfall_26_a_node_that_keeps_no_older_state_shows_what_it_has(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    mine(5)
    lose(sender, proxy, deposit(7))
    oldest = client.latest().number
    take_nonce(client, me)
    mine(13)

    proxy.lie(pruned(oldest), "eth_getTransactionCount")
    assert [r.ok for r in go_on(sender, mine, 5)] == [True]
    assert bond(client, me) == 7


def test_pitfall_26_a_node_that_prunes_all_state_proves_nothing(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    lose(sender, proxy, deposit(7))
    take_nonce(client, me)
    mine(5)

    with proxy.lying(pruned(math.inf), "eth_getTransactionCount"):
        sender.submit(commit())
        assert [r.key for r in go_on(sender, mine, 5)] == ["commit:1"], "what comes behind it does not wait"
    assert bond(client, me) == 0
    go_on(sender, mine, 5)
    assert bond(client, me) == 7


def test_receipts_that_contradict_themselves_or_the_chain_settle_nothing(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    with proxy.lying(other_receipt, "eth_getTransactionReceipt"):
        sender.submit(deposit(7))
        assert go_on(sender, mine, 12) == []
    assert [(r.ok, r.error) for r in go_on(sender, mine, 2)] == [(True, None)]
    assert bond(client, me) == 7


def test_settled_calls_stand_though_a_node_does_not_show_their_blocks(
    client: Client, me: LocalAccount, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    sender.submit(deposit(7))
    go_on(sender, mine, 4)
    sender.close()
    again = open_sender()

    def forgetful(asked: Question) -> Reply:
        return nothing(asked) if asked.params[0] != "latest" else Reply(asked.pass_on(asked.method, asked.params))

    with proxy.lying(forgetful, "eth_getBlockByNumber"):
        go_on(again, mine, 4)
        assert again.status_of("deposit:7") is CallStatus.DONE
    go_on(again, mine, 4)
    assert bond(client, me) == 7


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_node_does_no_call_is_made_twice_and_no_fee_exceeds_its_cap(
    client: Client,
    me: LocalAccount,
    anvil: str,
    open_sender: Open,
    mine: Callable[..., None],
    seed: int,
) -> None:
    before = client.nonce(me.address)
    calls = [call for number in range(1, 9) for call in (deposit(number), commit(number))]
    with LyingProxy(anvil, seed) as node:
        sender = open_sender(node=node)
        node.go_wild(rate=0.04)
        for last in range(2, len(calls) + 24, 2):
            for call in calls[:last]:
                sender.submit(call)
            go_on(sender, mine, 3)
        assert len(node.told) > 5, "it lied"
        node.honest()
        for _ in range(40):
            for call in calls:
                sender.submit(call)
            go_on(sender, mine, 2)
    assert {sender.status_of(call.key) for call in calls} == {CallStatus.DONE}
    assert bond(client, me) == sum(range(1, 9))
    assert 0 <= client.nonce(me.address) - before - len(calls) <= 4, "but for fillers"
    for call in calls:
        cap = FeePolicy().caps[kind_of(f"{call.contract}.{call.function}")]
        assert all(a.max_fee * a.gas <= cap for a in sender._journal.attempts(call.key))


# --- only reverts rest ---


@pytest.mark.parametrize("trouble", TROUBLES, ids=range(len(TROUBLES)))
def test_pitfall_26_trouble_of_a_node_is_not_punished_like_a_revert(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], trouble: Callable[[Question], Reply]
) -> None:
    """A call left 32 blocks after the node was well again."""
    sender = open_sender()
    with proxy.lying(trouble, "eth_call", "eth_estimateGas"):
        for _ in range(8):
            sender.submit(commit())
            go_on(sender, mine, 1)
    assert sender.status_of("commit:1") is CallStatus.QUEUED
    sender.tick()
    assert sender.status_of("commit:1") is CallStatus.SENT, "at once"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_pitfall_26_a_revert_does_not_hold_up_what_comes_behind_it(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None], status: int
) -> None:
    """A verifier behind a node that answers with HTTP 400 made no call in 90 s."""
    proxy.lie(with_status(status))
    sender = open_sender()
    sender.submit(unbond(9))
    sender.submit(commit())
    assert {r.key: r.ok for r in go_on(sender, mine, 4)} == {"unbond:9": False, "commit:1": True}


def test_pitfall_26_one_call_that_a_node_never_answers_holds_up_no_other(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()

    def picky(asked: Question) -> Reply:
        if asked.params[0].get("value") == hex(13):
            return refuse(-32603, "Internal error")(asked)
        return Reply(asked.pass_on(asked.method, asked.params))

    proxy.lie(picky, "eth_call", "eth_estimateGas")
    for call in (deposit(13), deposit(2), commit()):
        sender.submit(call)
    assert {r.key for r in go_on(sender, mine, 4)} == {"deposit:2", "commit:1"}


def test_pitfall_26_what_has_a_clock_rests_for_a_few_blocks_at_most(
    client: Client, proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    """Also where a contract refuses it: a rest of 64 blocks is longer than an answer window."""
    sender = open_sender()
    with proxy.lying(refuse(3, "execution reverted"), "eth_call"):
        for _ in range(40):
            sender.submit(commit())
            go_on(sender, mine, 1)
    for _ in range(5):
        sender.submit(commit())
        go_on(sender, mine, 1)
    assert sender.status_of("commit:1") in (CallStatus.SENT, CallStatus.DONE)


def test_no_history_of_fees_holds_nothing_up(proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]) -> None:
    proxy.lie(refuse(-32601, "the method eth_feeHistory does not exist"), "eth_feeHistory")
    sender = open_sender()
    sender.submit(commit())
    assert [r.ok for r in go_on(sender, mine, 3)] == [True]


def test_a_node_that_says_there_is_no_money_delays_only_for_as_long(
    proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]
) -> None:
    sender = open_sender()
    with proxy.lying(poor, "eth_getBalance"):
        for _ in range(5):
            sender.submit(commit())
            go_on(sender, mine, 1)
    for _ in range(2):
        sender.submit(commit())
        sender.tick()
    assert sender.status_of("commit:1") is CallStatus.SENT


# --- what is urgent goes first ---


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


# --- a private endpoint for proposals ---


@pytest.fixture
def builders(anvil: str) -> Iterator[LyingProxy]:
    """A private endpoint that keeps what it is given to itself."""
    with LyingProxy(anvil, seed=2) as opened:
        opened.lie(swallow, "eth_sendRawTransaction")
        yield opened


def propose(client: Client, me: LocalAccount) -> Call:
    """Something that the sender takes for a proposal; the contract is never asked."""
    return Call("propose:1", "PoLRegistry", "propose", (_header(me.address), 0))


def _header(miner: str) -> tuple[object, ...]:
    return (bytes(32), miner, 0, [1, 2, 3, 4], *[bytes(32)] * 5, 0, 1)


def allow_all(asked: Question) -> Reply:
    """A simulation that succeeds."""
    return result("0x" if asked.method == "eth_call" else hex(100_000))


def test_proposals_go_to_the_private_endpoint_alone_until_they_are_stuck(
    client: Client,
    me: LocalAccount,
    proxy: LyingProxy,
    builders: LyingProxy,
    open_sender: Open,
    mine: Callable[..., None],
) -> None:
    sender = open_sender(proposals=Node(Rpc(builders.url)), patience=3)
    proxy.lie(allow_all, "eth_call", "eth_estimateGas")
    sender.submit(propose(client, me))
    sender.tick()
    assert (len(builders.sent), len(proxy.sent)) == (1, 0)
    for _ in range(2):
        mine(1)
        sender.tick()
    assert proxy.sent == [], "rivals would read it in the mempool"
    for _ in range(3):
        mine(1)
        sender.tick()
    assert proxy.sent, "the builders had their chance"


def test_a_private_proposal_does_not_hold_up_what_is_urgent(
    client: Client,
    me: LocalAccount,
    proxy: LyingProxy,
    builders: LyingProxy,
    open_sender: Open,
    mine: Callable[..., None],
) -> None:
    sender = open_sender(proposals=Node(Rpc(builders.url)), patience=50)
    proxy.lie(allow_all, "eth_call", "eth_estimateGas")
    sender.submit(propose(client, me))
    sender.tick()
    sender.submit(commit())
    go_on(sender, mine, 3)
    assert client.rpc.request("eth_getTransactionCount", me.address, "latest") != "0x0"
    assert len(builders.sent) >= 1
    assert {*proxy.sent} >= {f"0x{a.raw.hex()}" for a in sender._journal.attempts("propose:1")}


@pytest.mark.parametrize("trouble", TROUBLES, ids=range(len(TROUBLES)))
def test_a_private_endpoint_that_is_away_stops_nothing_else(
    me: LocalAccount,
    client: Client,
    proxy: LyingProxy,
    builders: LyingProxy,
    open_sender: Open,
    mine: Callable[..., None],
    trouble: Callable[[Question], Reply],
) -> None:
    builders.honest()
    builders.lie(trouble)
    sender = open_sender(proposals=Node(Rpc(builders.url)))
    with proxy.lying(allow_all, "eth_call", "eth_estimateGas"):
        sender.submit(propose(client, me))
        sender.tick()
    sender.submit(commit())
    assert "commit:1" in [r.key for r in go_on(sender, mine, 5)]


# --- waiting ---


def test_a_wait_says_how_far_a_call_is(proxy: LyingProxy, open_sender: Open, mine: Callable[..., None]) -> None:
    sender = open_sender(confirmations=6)
    sender.submit(deposit(1))
    sender.tick()
    mine(3)
    said: list[str] = []
    with pytest.raises(NotMined, match=r"it is mined, waiting for confirmations \(4 to come\); it stays under way"):
        sender.wait("deposit:1", timeout_s=0.05, poll_s=0.01, tell=said.append)
    assert said == ["mined, waiting for confirmations (4 to come)"]
    mine(4)
    assert sender.wait("deposit:1").ok


def test_blocks_and_stages_are_told_in_order(open_sender: Open, mine: Callable[..., None]) -> None:
    sender = open_sender(confirmations=2)
    stages = [sender.stage("deposit:1")] if sender.submit(deposit(1)) else []
    for _ in range(4):
        sender.tick()
        stages.append(sender.stage("deposit:1"))
        mine(1)
    told = [new for old, new in pairwise(["", *stages]) if new != old]
    assert told[:4] == [
        "not sent yet",
        "sent, and not mined yet",
        "mined, waiting for confirmations (2 to come)",
        "mined, waiting for confirmations (1 to come)",
    ]
