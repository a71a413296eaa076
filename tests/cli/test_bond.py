"""``pol bond`` on an L1 that takes its time: waits scale with it, and a repeated command pays nothing twice."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from pol_oracle.cli.network import bond
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.node import pace
from pol_oracle.l1.node.node import Node
from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import NodeTrouble
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.soak.network.lies import lag
from pol_oracle.soak.network.proxy import LyingProxy
from tests.cli.conftest import Pol

ETH = 10**18
DEV = 8
MINER = ("--role", "miner", "--dev", DEV)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands give up at once."""
    monkeypatch.setattr(pace, "LEAST_WAIT_S", 0.0)
    monkeypatch.setattr(pace, "LONGEST_INTERVAL_S", 0.0)


@pytest.fixture
def slow(client: Client, deployed: Deployment, home: Path) -> Deployment:
    """Six confirmations, and L1 makes blocks on command only."""
    client.rpc.request("evm_setAutomine", False)
    known = deployed.model_copy(update={"confirmations": 6})
    known.save(home / "deployment.json")
    return known


def bonded(client: Client) -> int:
    return client.bond(dev_account(DEV).address, Role.MINER).free


@pytest.mark.usefixtures("impatient", "slow")
def test_finding_e_a_repeated_deposit_joins_the_earlier_one(
    pol: Pol, client: Client, mine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It paid twice."""
    first = pol("bond", "deposit", "1", *MINER)
    assert first.code == 1
    assert first.sentence.startswith(
        "pol: deposit was not confirmed within 0 s: it is sent, and not mined yet; it stays"
    )
    mine(3)
    second = pol("bond", "deposit", "1", *MINER)
    assert second.code == 1
    assert "it is mined, waiting for confirmations (4 to come)" in second.sentence
    assert "deposit: an earlier command has sent the same, and it is not confirmed yet" in second.err
    mine(5)
    assert pol("bond", "deposit", "1", *MINER).code == 0
    assert bonded(client) == ETH
    pol("bond", "deposit", "1", *MINER)
    mine(8)
    pol("bond", "deposit", "1", *MINER)
    assert bonded(client) == 2 * ETH, "what is given again after that is meant again"


@pytest.mark.parametrize("trouble", [NodeTrouble("HTTP 503"), OSError(errno.ENOSPC, "full"), BrokenPipeError()])
def test_finding_e_a_deposit_that_could_not_be_reported_is_not_made_again(
    pol: Pol, client: Client, deployed: Deployment, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    """It was confirmed, and then its node was away, or nobody read what it prints."""

    def fails(*_: object) -> None:
        raise trouble

    with monkeypatch.context() as patched:
        patched.setattr(bond, "_show", fails)
        assert pol("bond", "deposit", "1", *MINER).code != 0
        assert pol("bond", "deposit", "1", *MINER).code != 0
    assert bonded(client) == ETH

    said = pol("bond", "deposit", "1", *MINER)
    assert said.code == 0, said.err
    assert "an earlier command has sent the same, and did not get to report it: it is not sent again" in said.err
    assert bonded(client) == ETH

    assert "earlier" not in pol("bond", "deposit", "1", *MINER).err
    assert bonded(client) == 2 * ETH, "what is given again after that is meant again"


@pytest.mark.usefixtures("impatient", "slow")
def test_finding_e_another_deposit_does_not_join(pol: Pol, client: Client, mine: Callable[..., None]) -> None:
    pol("bond", "deposit", "1", *MINER)
    said = pol("bond", "deposit", "2", *MINER)
    assert "earlier command" not in said.err
    mine(1)
    assert bonded(client) == 3 * ETH


@pytest.mark.usefixtures("impatient", "slow")
def test_finding_e_a_repeated_withdrawal_joins_the_earlier_one(
    pol: Pol, client: Client, mine: Callable[..., None]
) -> None:
    """`withdraw 1` took 2."""
    for _ in range(2):
        pol("bond", "deposit", "3", *MINER)
        mine(8)
    for _ in range(3):
        pol("bond", "withdraw", "1", *MINER)
        mine(1)
    assert bonded(client) == 2 * ETH


def test_finding_a_receipts_behind_their_blocks_deposit_once(
    pol: Pol, client: Client, anvil: str, slow: Deployment, mine: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`bond deposit 1` bonded 2 ETH."""
    work = Sender._work

    def working(sender: Sender) -> None:
        work(sender)
        mine(1)

    monkeypatch.setattr(Sender, "_work", working)
    with LyingProxy(anvil) as proxy:
        proxy.lie(lag(2), "eth_getTransactionReceipt")
        said = pol("--rpc", proxy.url, "bond", "deposit", "1", *MINER)
    assert said.code == 0, said.err
    assert "deposit: mined, waiting for confirmations" in said.err
    assert bonded(client) == ETH


@pytest.mark.parametrize(("seconds", "confirmations"), [(1, 1), (12, 6)])
def test_finding_e_a_wait_is_as_long_as_l1_takes_twice_and_a_minute(
    client: Client, anvil: str, mine: Callable[..., None], seconds: int, confirmations: int
) -> None:
    client.rpc.request("evm_setAutomine", False)
    for _ in range(pace.SAMPLE + 1):
        mine(1, seconds)
    node = Node(Rpc(anvil))
    assert pace.block_interval_s(node) == pytest.approx(seconds, abs=1)
    assert pace.patience_s(node, confirmations) >= 60 + 2 * seconds * confirmations


def test_a_pace_that_l1_does_not_tell_is_a_minutes_patience() -> None:
    assert pace.patience_s(Node(Rpc("http://127.0.0.1:1")), 6) == pace.LEAST_WAIT_S


def test_a_devnet_that_mines_on_demand_confirms_at_once(
    pol: Pol, client: Client, home: Path, deployed: Deployment
) -> None:
    """It hung for a minute, though mined."""
    deployed.model_copy(update={"confirmations": 6}).save(home / "deployment.json")

    said = pol("bond", "deposit", "1", *MINER)

    assert said.code == 0, said.err
    assert bonded(client) == ETH


@pytest.mark.usefixtures("impatient", "slow")
def test_the_operator_caps_fees(pol: Pol, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POL_FEE_CAPS", "bond=0.0000001")
    said = pol("bond", "deposit", "1", *MINER)
    assert "it is not sent yet (L1 is dearer than the cap on fees)" in said.sentence
    monkeypatch.setenv("POL_FEE_CAPS", "bonds=1")
    assert "is no cap on fees" in pol("bond", "deposit", "1", *MINER).sentence
    assert bonded(client) == 0


def test_somebody_else_deposits_while_an_agent_sends_for_the_account(
    pol: Pol, client: Client, home: Path, deployed: Deployment
) -> None:
    agent = dev_account(8)
    with Sender(client, agent, home / "agents" / "dev-8.sqlite"):
        refused = pol("bond", "deposit", "1", "--role", "verifier", "--dev", 8)
        said = pol("bond", "deposit", "1.5", "--role", "verifier", "--dev", 7, "--for", agent.address)

    assert refused.code == 1 and "in use by another process" in refused.sentence
    assert said.code == 0, said.err
    assert client.bond(agent.address, Role.VERIFIER).free == 15 * 10**17
    assert client.bond(dev_account(7).address, Role.VERIFIER).free == 0
    assert "is no address" in pol("bond", "deposit", "1", "--role", "miner", "--dev", 7, "--for", "bob").sentence
