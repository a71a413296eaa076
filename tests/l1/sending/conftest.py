"""Senders of one account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.sending.sender import Sender
from tests.l1.sending.acts import ME, Open


@pytest.fixture
def me(accounts: list[LocalAccount]) -> LocalAccount:
    return accounts[ME]


@pytest.fixture
def manual(client: Client) -> None:
    """L1 makes blocks on command only."""
    client.rpc.request("evm_setAutomine", False)


@pytest.fixture
def sender(client: Client, me: LocalAccount, tmp_path: Path) -> Iterator[Sender]:
    """Settles what is mined; L1 makes a block per transaction unless a test switches that off."""
    with Sender(client, me, tmp_path / "sender.sqlite", confirmations=0) as opened:
        yield opened


@pytest.fixture
def open_sender(client: Client, me: LocalAccount, tmp_path: Path) -> Iterator[Open]:
    """Opens senders of one account: each name has its own folder, as on another machine."""
    opened: list[Sender] = []

    def run(name: str = "a", **options: object) -> Sender:
        settings: dict[str, object] = {"confirmations": 0, "patience": 3} | options
        opened.append(Sender(client, me, tmp_path / name / "sender.sqlite", **settings))  # type: ignore[arg-type]
        return opened[-1]

    yield run
    for sender in opened:
        sender.close()
