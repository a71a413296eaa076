"""A real agent in a process of its own: ``agent_process.py ROLE DEPLOYMENT ACCOUNT FOLDER CACHE``."""

from __future__ import annotations

import sys
from pathlib import Path

from pol_oracle.agents.config import AgentConfig
from pol_oracle.agents.miner import run_miner
from pol_oracle.agents.verifier import run_verifier
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import dev_account


def main(role: str, deployment: str, account: str, folder: str, cache: str) -> None:
    """Runs until it is stopped or killed."""
    config = AgentConfig(
        Deployment.load(Path(deployment)),
        dev_account(int(account)),
        f"{role}-{account}",
        Path(folder),
        Path(cache),
        poll_s=0.2,
    )
    (run_miner if role == "miner" else run_verifier)(config)


if __name__ == "__main__":
    main(*sys.argv[1:])
