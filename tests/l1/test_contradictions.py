"""Answers that contradict themselves, the question or what was shown before are no answers: nothing rests on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.monitor import Monitor, Update
from pol_oracle.protocol.errors import NodeTrouble, WrongChain
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.soak.network.lies import Lie, Question, Reply, honestly, nothing, result
from pol_oracle.soak.network.proxy import LyingProxy
from tests.transactions import sent

Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture
def behind(proxy: LyingProxy, deployment: Deployment) -> Client:
    return Client.connect(proxy.url, deployment)


@pytest.fixture
def first(behind: Client, accounts: list[LocalAccount]) -> int:
    """Two deposits in the L1 blocks from this one on, and three blocks above them."""
    for amount in (1, 2):
        sent(behind, accounts[5].address, behind.request_for("BondVault", "deposit", (Role.MINER,), amount))
    behind.rpc.request("anvil_mine", hex(3))
    return behind.latest().number - 4


def logs(change: Change) -> Lie:
    """Tells of other logs than there are."""

    def changed(asked: Question) -> Reply:
        return result(change(asked.pass_on(asked.method, asked.params)["result"]))

    return changed


def test_logs_in_another_order_and_twice_are_the_same_logs(proxy: LyingProxy, behind: Client, first: int) -> None:
    """Nodes that merge what several of them say tell some logs twice."""
    honest = behind.logs(first, first + 1)
    assert honest is not None and len(honest) == 2
    block = behind.block(first)
    assert block is not None
    alone = behind.logs_of(block)
    proxy.lie(logs(lambda found: [*reversed(found), *found]), "eth_getLogs")
    assert behind.logs(first, first + 1) == honest
    assert behind.logs_of(block) == alone


@pytest.mark.parametrize(
    "change",
    [
        lambda found: [found[0] | {"removed": True}, *found[1:]],
        lambda found: [*found, found[0] | {"data": "0x" + "11" * 64}],
        lambda found: [found[0] | {"address": "0x" + "11" * 20}, *found[1:]],
        lambda found: [*found, found[0] | {"logIndex": "0x9", "blockHash": "0x" + "11" * 32}],
        lambda found: [found[0] | {"blockNumber": "0x1"}, *found[1:]],
        lambda found: [found[0] | {"topics": None}],
        lambda found: [None],
        lambda found: {"0": found[0]},
    ],
    ids=["removed", "two in one place", "stranger's", "two chains", "elsewhere", "no topics", "null", "object"],
)
@pytest.mark.parametrize("by_hash", [False, True], ids=["by number", "by hash"])
def test_pitfall_26_logs_that_cannot_be_are_no_answer(
    proxy: LyingProxy, behind: Client, first: int, change: Change, by_hash: bool
) -> None:
    block = behind.block(first)
    assert block is not None
    proxy.lie(logs(change), "eth_getLogs")
    with pytest.raises(NodeTrouble, match="cannot be read"):
        behind.logs_of(block) if by_hash else behind.logs(first, first + 1)


def test_pitfall_26_another_block_than_was_asked_for_is_no_answer(proxy: LyingProxy, behind: Client) -> None:
    proxy.lie(lambda asked: Reply(asked.pass_on(asked.method, ["0x1", False])), "eth_getBlockByNumber")
    with pytest.raises(NodeTrouble, match="another L1 block"):
        behind.block(2)


def about(number: int, lie: Lie) -> Lie:
    """A lie about one L1 block."""
    return lambda asked: lie(asked) if asked.params[0] == hex(number) else honestly(asked)


def read(monitor: Monitor) -> Update:
    update = monitor.poll()
    assert update.whole
    return update


def test_pitfall_26_a_block_that_is_not_shown_is_not_taken_for_reorganised(
    proxy: LyingProxy, behind: Client, deployment: Deployment, first: int
) -> None:
    """Behind one address a node that lags had everything above it forgotten, and read again, at each of its answers."""
    monitor = Monitor(behind, deployment.deployed_at)
    tip = read(monitor).l1_block
    with proxy.lying(about(tip, nothing), "eth_getBlockByNumber"), pytest.raises(NodeTrouble, match="does not show"):
        monitor.poll()
    assert read(monitor) == Update(None, (), tip, read(monitor).timestamp)


def test_pitfall_26_a_null_block_in_the_middle_loses_nothing(
    proxy: LyingProxy, behind: Client, deployment: Deployment, first: int
) -> None:
    monitor = Monitor(behind, deployment.deployed_at)
    with proxy.lying(about(first, nothing), "eth_getBlockByNumber"):
        part = monitor.poll()
        assert not part.whole
    rest = read(monitor)
    assert rest.rollback_to is None
    assert [e.at.l1_block for e in (*part.events, *rest.events) if e.at.l1_block >= first] == [first, first + 1]


def test_an_endpoint_that_turns_to_another_chain_is_told_and_left_alone(
    proxy: LyingProxy, behind: Client, deployment: Deployment, first: int
) -> None:
    monitor = Monitor(behind, deployment.deployed_at)
    tip = read(monitor).l1_block

    def another(asked: Question) -> Reply:
        body = asked.pass_on(asked.method, asked.params)
        body["result"]["hash"] = "0x" + "ab" * 32
        return Reply(body)

    proxy.lie(lambda asked: result("0x1"), "eth_chainId")
    proxy.lie(another, "eth_getBlockByNumber")
    with pytest.raises(WrongChain, match="is chain 1, but the deployment is on chain 31337"):
        monitor.poll()
    proxy.honest()
    assert read(monitor).l1_block == tip
