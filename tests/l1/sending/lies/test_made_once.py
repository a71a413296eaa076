"""An absent answer is no fact: whatever a node shows or hides, no call is made twice."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.fees import FeePolicy, kind_of
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import NodeTrouble
from pol_oracle.soak.network.lies import Question, Reply, count_off, lag, nothing, other_receipt, refuse, swallow
from pol_oracle.soak.network.proxy import LyingProxy
from tests.l1.sending.acts import Open, bond, commit, deposit, go_on, unbond


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
