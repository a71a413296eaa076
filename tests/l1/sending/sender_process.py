"""Sends one deposit and is killed on the way, as a script: RPC, deployment file, journal, account, moment."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.l1.sending.calls import Call
from pol_oracle.l1.sending.journal import Journal
from pol_oracle.l1.sending.sender import Sender
from pol_oracle.protocol.lifecycle import Role

DEPOSIT = Call("deposit:once", "BondVault", "deposit", (Role.MINER,), 5)
MOMENTS = ("after submit", "in the journal's transaction", "after signing", "after broadcast", "after settling")


def main() -> None:
    """Runs until the moment comes."""
    rpc, deployment, journal, account, moment = sys.argv[1:]
    client = Client.connect(rpc, Deployment.load(Path(deployment)))
    if moment == "in the journal's transaction":
        _kill(Journal, "_update")
    elif moment == "after signing":
        _kill(Client, "broadcast")
    sender = Sender(client, dev_account(int(account)), Path(journal), confirmations=0)
    sender.submit(DEPOSIT)
    if moment != "after submit":
        sender.tick()
    if moment == "after settling":
        sender.tick()
    os.kill(os.getpid(), signal.SIGKILL)


def _kill(cls: type, name: str) -> None:
    """Makes a method deadly."""

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(cls, name, die)


if __name__ == "__main__":
    main()
