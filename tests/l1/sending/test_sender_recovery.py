"""The sender when things go wrong: killed, reorganised, and behind nodes that forget."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.sending.journal import CallStatus
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import Unreachable
from tests.l1.sending.acts import ME, bond, deposit, send, transactions, until_settled
from tests.l1.sending.sender_process import DEPOSIT, MOMENTS


@pytest.mark.parametrize("moment", MOMENTS)
def test_sigkill_neither_doubles_nor_forgets(
    client: Client,
    deployment: Deployment,
    me: LocalAccount,
    tmp_path: Path,
    mine: Callable[..., None],
    moment: str,
) -> None:
    deployment.save(tmp_path / "deployment.json")
    journal = tmp_path / "sender.sqlite"
    before = transactions(client, me)
    program = [sys.executable, str(Path(__file__).with_name("sender_process.py"))]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    arguments = [client.rpc.url, str(tmp_path / "deployment.json"), str(journal), str(ME), moment]
    for _ in range(2 if moment == "after signing" else 1):  # killed again while it recovers
        done = subprocess.run([*program, *arguments], capture_output=True, timeout=60, env=environment)
        assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    with Sender(client, me, journal, confirmations=0) as sender:
        sender.submit(DEPOSIT)
        assert sender.status_of(DEPOSIT.key) is not CallStatus.FAILED
        result = sender.wait(DEPOSIT.key, timeout_s=5, poll_s=0.01)
        assert result.ok
    assert bond(client, me) == 5
    assert transactions(client, me) == before + 1


def test_killed_with_l1_away_sends_the_same_transaction_later(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        monkeypatch.setattr(Client, "latest", gone)
        raise Unreachable("gone")

    sender = open_sender()
    with monkeypatch.context() as patch:
        patch.setattr(Client, "broadcast", gone)
        sender.submit(deposit(1))
        with pytest.raises(Unreachable):
            sender.tick()
    monkeypatch.undo()
    (signed,) = sender._journal.attempts("deposit:1")
    sender.close()
    result = open_sender().wait("deposit:1", poll_s=0.01)
    assert result.tx_hash == signed.tx_hash
    assert bond(client, me) == 1


def test_transactions_dropped_by_a_reorg_are_broadcast_again(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    sender = open_sender()
    send(sender, *range(1, 8))
    hashes = {n: sender._journal.attempts(f"deposit:{n}")[0].tx_hash for n in range(1, 8)}
    client.rpc.request("anvil_reorg", 5, [])
    assert bond(client, me) == 3
    results = until_settled(sender, mine, keys=5)
    assert {r.key: r.tx_hash for r in results} == {f"deposit:{n}": hashes[n] for n in range(3, 8)}
    assert bond(client, me) == 28
    assert all(sender.submit(deposit(n)) is CallStatus.DONE for n in range(1, 8))


def test_a_reorg_while_the_agent_was_down(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    sender = open_sender()
    send(sender, 1, 2, 3)
    sender.close()
    client.rpc.request("anvil_reorg", 2, [])
    assert bond(client, me) == 1
    until_settled(open_sender(), mine, keys=2)
    assert bond(client, me) == 6


def test_a_chain_that_went_backwards(
    client: Client, me: LocalAccount, open_sender: Callable[..., Sender], mine: Callable[..., None]
) -> None:
    sender = open_sender()
    send(sender, 1)
    snapshot = client.rpc.request("evm_snapshot")
    send(sender, 2, 3)
    client.rpc.request("evm_revert", snapshot)
    assert bond(client, me) == 1
    until_settled(sender, mine, keys=2)
    assert bond(client, me) == 6
    send(sender, 4)
    assert bond(client, me) == 10


def test_settled_calls_stand_though_the_node_forgot_their_receipts(
    client: Client,
    me: LocalAccount,
    open_sender: Callable[..., Sender],
    mine: Callable[..., None],
    manual: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nodes that prune would have every old deposit made again."""
    first = open_sender()
    first.submit(deposit(7))
    assert until_settled(first, mine)[0].ok
    first.close()
    monkeypatch.setattr(Client, "receipt", lambda self, tx_hash: None)

    again = open_sender()
    for _ in range(6):
        again.tick()
        mine(1)

    assert bond(client, me) == 7
