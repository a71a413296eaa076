"""The sender behind a node that lies; L1 makes blocks on command only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.node.rpc import Rpc
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.soak.network.proxy import LyingProxy
from tests.l1.sending.acts import Open


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
