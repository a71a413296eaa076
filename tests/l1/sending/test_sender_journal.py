"""One process per account, and a journal that keeps apart what is apart and says what is wrong with it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import structlog
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.journal import CallStatus, Journal
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.errors import InputError, Reverted, StoreError
from tests.l1.sending.acts import bond, deposit, unbond


def test_pitfall_18_a_second_process_for_the_same_key_is_refused(
    client: Client, me: LocalAccount, accounts: list[LocalAccount], sender: Sender, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"in use by another process \(pid \d+, lock .*\); stop that one first"):
        Sender(client, me, tmp_path / "sender.sqlite")
    with pytest.raises(InputError, match="in use by another process"):
        Sender(client, me, tmp_path / "other.sqlite")
    with pytest.raises(InputError, match="in use by another process"):
        Sender(client, accounts[6], tmp_path / "sender.sqlite")
    sender.close()
    Sender(client, me, tmp_path / "sender.sqlite").close()


def test_a_journal_keeps_deployments_apart(client: Client, me: LocalAccount, tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with Sender(client, me, path, confirmations=0) as sender:
        sender.submit(deposit(3))
        assert sender.wait("deposit:3").ok
    there = dict(client.deployment.addresses) if client.deployment else {}
    moved = client.deployment and client.deployment.model_copy(
        update={"addresses": there | {"PoLRegistry": there["Court"]}}
    )
    with Sender(Client(client.rpc, client.chain_id, moved), me, path, confirmations=0) as sender:
        assert sender.status_of("deposit:3") is None
        sender.submit(deposit(3))
        assert sender.wait("deposit:3").ok
    with Sender(client, me, path) as sender:
        assert sender.status_of("deposit:3") is CallStatus.DONE
    assert bond(client, me) == 6


@pytest.mark.parametrize("damage", [b"this is no database" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_journal(client: Client, me: LocalAccount, tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(damage)
    with pytest.raises(StoreError, match=r"a\.sqlite cannot be used .*move the file away and start again"):
        Sender(client, me, path)
    path.unlink()
    Sender(client, me, path).close()


def test_a_journal_that_is_damaged_inside(client: Client, me: LocalAccount, tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with Sender(client, me, path, confirmations=0) as sender:
        for amount in range(1, 60):
            sender.submit(deposit(amount))
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(StoreError, match="move the file away"):
        Sender(client, me, path)


def test_a_folder_that_cannot_be_written(client: Client, me: LocalAccount, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        Sender(client, me, tmp_path / "file" / "a.sqlite")


def test_a_full_disk_loses_nothing(client: Client, me: LocalAccount, tmp_path: Path) -> None:
    with Sender(client, me, tmp_path / "a.sqlite", confirmations=0) as sender:
        sender.submit(deposit(1))
        sender._journal._run("PRAGMA max_page_count = 1")  # it takes no more than it has taken
        with pytest.raises(StoreError, match="disk is full"):
            sender.submit(Call("large", "PoLRegistry", "propose", (_large_header(me.address), 0)))
    with Sender(client, me, tmp_path / "a.sqlite", confirmations=0) as sender:
        assert sender.status_of("large") is None
        assert sender.wait("deposit:1").ok


def _large_header(miner: str) -> tuple[object, ...]:
    return (bytes(32), miner, 0, [1] * 50_000, *[bytes(32)] * 5, 0, 1)


def test_no_key_in_journal_or_log(client: Client, me: LocalAccount, tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        with Sender(client, me, tmp_path / "a.sqlite", confirmations=0) as sender:
            sender.submit(deposit(1))
            sender.submit(unbond(9))
            sender.wait("deposit:1")
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert logs
    assert me.key.hex().removeprefix("0x") not in str(logs)
    assert bytes(me.key) not in written
    assert me.key.hex().removeprefix("0x").encode() not in written


def test_journal_survives_being_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.sqlite", "0xAb", "here")
    journal.queue("k", "BondVault.deposit", "0x12", b"\1", 2**200)
    intent = journal.get("k")
    assert intent is not None
    assert (intent.value, intent.status, intent.seq) == (2**200, CallStatus.QUEUED, 1)
    journal.fail("k", Reverted("no", "Name"), 3)
    failed = journal.get("k")
    assert failed == dataclasses.replace(
        intent, status=CallStatus.FAILED, failures=1, error_name="Name", error="no", since=3
    )
    journal.close()
