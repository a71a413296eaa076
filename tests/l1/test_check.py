"""A node that silently lost logs is noticed, named, and asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import structlog
from eth_account.signers.local import LocalAccount

from pol_oracle.fixtures.l1 import L1, MINER
from pol_oracle.l1.check import EVERY, Check, Folded
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.monitor import Monitor
from pol_oracle.l1.records import Bond
from pol_oracle.protocol.errors import Unreachable
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.soak.network.lies import Question, Reply, no_logs, refuse
from pol_oracle.soak.network.proxy import LyingProxy
from pol_oracle.view import History

ETH = 10**18


class Watcher:
    """What an agent does: poll, fold, check."""

    def __init__(self, client: Client, deployment: Deployment, account: str) -> None:
        self.monitor = Monitor(client, deployment.deployed_at, 0)
        self.history = History(bytes.fromhex(deployment.genesis_id[2:]))
        self.check = Check(client, self.monitor, account, Role.MINER)
        self.account = account
        self.rolled_back = 0

    def turn(self) -> bool:
        """One turn; says whether the agent may act."""
        update = self.monitor.poll()
        self.rolled_back += update.rollback_to is not None

        def fold() -> Folded:
            view = self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
            bond = view.bond(self.account, Role.MINER)
            return Folded(view.head, view.finalized_tip, Bond(bond.free, bond.locked))

        return self.check.sound(update, fold)


@pytest.fixture
def watcher(proxy: LyingProxy, deployment: Deployment, accounts: list[LocalAccount]) -> Watcher:
    return Watcher(Client.connect(proxy.url, deployment), deployment, accounts[MINER].address)


@pytest.fixture
def network(client: Client, deployment: Deployment) -> Iterator[L1]:
    """A block with a bond behind it, and another bond."""
    l1 = L1(client, deployment.task)
    l1.bond(10 * ETH)
    l1.propose(l1.header(client.finalized_tip(), 1))
    yield l1


def test_what_adds_up_may_be_acted_on(network: L1, watcher: Watcher, mine: Callable[..., None]) -> None:
    for _ in range(2 * EVERY):
        assert watcher.turn()
        mine(1)
    assert watcher.rolled_back == 0


def test_pitfall_26_logs_that_a_node_lost_are_noticed_named_and_read_again(
    network: L1, proxy: LyingProxy, watcher: Watcher, mine: Callable[..., None]
) -> None:
    """It showed height 70 as final where L1 said 72."""
    with structlog.testing.capture_logs() as logs, proxy.lying(no_logs, "eth_getLogs"):
        assert not watcher.turn()
        assert not watcher.turn()
    told, *_ = [entry for entry in logs if entry["event"] == "events are missing"]
    assert told["node"] == proxy.url
    assert "head " in told["differences"]
    assert "own bond" in told["differences"]
    for _ in range(4):
        mine(1)
        watcher.turn()
    assert watcher.turn()
    assert watcher.history.view.head == network.client.head()


@pytest.mark.parametrize("lost", range(4))
def test_pitfall_26_each_lost_log_that_matters_is_noticed(
    network: L1, proxy: LyingProxy, watcher: Watcher, lost: int
) -> None:
    """Deposits of others matter to them."""

    def forgetful(asked: Question) -> Reply:
        body = asked.pass_on(asked.method, asked.params)
        own = [log for log in body["result"] if watcher.account[2:].lower() in str(log).lower() or lost == 3]
        body["result"] = [log for log in body["result"] if log not in own[lost % max(len(own), 1) :][:1]]
        return Reply(body)

    proxy.lie(forgetful, "eth_getLogs")
    assert not watcher.turn()


def test_a_node_that_stays_wrong_is_read_again_more_and_more_seldom(
    network: L1, proxy: LyingProxy, watcher: Watcher, mine: Callable[..., None]
) -> None:
    proxy.lie(no_logs, "eth_getLogs")
    for _ in range(70):
        assert not watcher.turn()
        mine(1)
    assert 3 <= watcher.rolled_back <= 8


def test_a_check_that_l1_does_not_answer_is_none(network: L1, proxy: LyingProxy, watcher: Watcher) -> None:
    with proxy.lying(refuse(-32603, "Internal error"), "eth_call"), pytest.raises(Unreachable):
        watcher.turn()
    assert watcher.turn()


def test_a_reorganisation_in_between_is_no_contradiction(
    network: L1, watcher: Watcher, monkeypatch: pytest.MonkeyPatch, mine: Callable[..., None]
) -> None:
    poll = Monitor.poll

    def late(monitor: Monitor) -> object:
        update = poll(monitor)
        network.client.rpc.request("anvil_reorg", 2, [])
        monkeypatch.setattr(Monitor, "poll", poll)
        return update

    monkeypatch.setattr(Monitor, "poll", late)
    assert watcher.turn()
    mine(1)
    assert watcher.turn()
    assert watcher.history.view.head == network.client.head()
