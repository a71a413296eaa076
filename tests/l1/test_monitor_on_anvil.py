"""The monitor before a real node: reorganised, killed, and without its state."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.deploy import deploy
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.l1.events.typed import Deposited
from pol_oracle.l1.monitor import Monitor
from pol_oracle.protocol.errors import Unreachable, WrongChain
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.parameters import Parameters
from pol_oracle.protocol.task import Task
from tests.l1.folded import Folded
from tests.transactions import sent


def deposit(client: Client, account: LocalAccount, amount: int) -> None:
    assert sent(client, account.address, client.request_for("BondVault", "deposit", (Role.MINER,), amount)).ok


def amounts(folded: Folded) -> list[int]:
    return [e.amount for e in folded.events if isinstance(e, Deposited)]


@pytest.fixture
def own_deployment(tmp_path: Path, task: Task, parameters: Parameters) -> tuple[Devnet, Deployment]:
    """A devnet that a test may kill."""
    net = Devnet.start(tmp_path / "net", port=0, block_time_s=None, save_interval_s=1, bound=True)
    return net, deploy(Client.connect(net.rpc), dev_account(0), task, parameters)


def test_anvil_reorg_of_depth_5(client: Client, deployment: Deployment, accounts: list[LocalAccount]) -> None:
    monitor, folded = Monitor(client, deployment.deployed_at, 1), Folded()
    for amount in range(1, 9):
        deposit(client, accounts[2], amount)
        folded.take(monitor.poll())
    assert amounts(folded) == [1, 2, 3, 4, 5, 6, 7]
    before = client.latest().number
    client.rpc.request("anvil_reorg", 5, [])
    update = folded.take(monitor.poll())
    assert update.rollback_to == before - 5
    assert amounts(folded) == [1, 2, 3]
    deposit(client, accounts[2], 99)
    client.rpc.request("anvil_mine", "0x1")
    folded.take(monitor.poll())
    assert amounts(folded) == [1, 2, 3, 99]


def test_anvil_killed_and_started_again_from_older_state(own_deployment: tuple[Devnet, Deployment]) -> None:
    net, deployment = own_deployment
    port = net.status().port
    assert port is not None
    account = dev_account(2)
    client = Client.connect(net.rpc, deployment)
    for amount in (1, 2):
        deposit(client, account, amount)
    net.stop()
    net = Devnet.start(net.folder, port=port, block_time_s=None, save_interval_s=3600, bound=True)
    monitor, folded = Monitor(client, deployment.deployed_at, 0), Folded()
    folded.take(monitor.poll())
    deposit(client, account, 3)
    folded.take(monitor.poll())
    assert amounts(folded) == [1, 2, 3]
    pid = net.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unreachable):
        monitor.poll()
    net.stop()
    net = Devnet.start(net.folder, port=port, block_time_s=None, bound=True)
    update = folded.take(monitor.poll())
    assert update.rollback_to is not None
    assert amounts(folded) == [1, 2]
    deposit(client, account, 4)
    folded.take(monitor.poll())
    assert amounts(folded) == [1, 2, 4]
    net.stop()


def test_a_devnet_that_lost_its_state_is_another_chain(
    own_deployment: tuple[Devnet, Deployment], tmp_path: Path
) -> None:
    net, deployment = own_deployment
    port = net.status().port
    assert port is not None
    client = Client.connect(net.rpc, deployment)
    monitor = Monitor(client, deployment.deployed_at, 0)
    monitor.poll()
    net.stop()
    net = Devnet.start(tmp_path / "new", port=port, block_time_s=None, bound=True)
    with pytest.raises(WrongChain, match="has the devnet lost its state"):
        monitor.poll()
    net.stop()
