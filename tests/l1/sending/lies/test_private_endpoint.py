"""A private endpoint for proposals: they go there alone, and it stops nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.node.node import Node
from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.l1.sending.calls import Call
from pol_oracle.soak.network.lies import TROUBLES, Question, Reply, result, swallow
from pol_oracle.soak.network.proxy import LyingProxy
from tests.l1.sending.acts import Open, commit, go_on


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
