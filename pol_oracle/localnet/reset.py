"""What a network leaves behind: cleared with its chain, or set aside for the next deployment."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from pol_oracle.agents.config import KEPT
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.devnet.accounts import CHAIN_ID
from pol_oracle.l1.devnet.anvil import Devnet
from pol_oracle.protocol.errors import InputError
from pol_oracle.watch.agents import read_agents

from .network import alone

# in the home folder; keys, data sets, the store and logs of commands stay
_INDEX = tuple(f"explorer.sqlite{part}" for part in ("", "-wal", "-shm"))
_GONE = ("deployment.json", "deploying", "agents", "bonds", "output", "states", "explorer-states", *_INDEX)


def reset(home: Path) -> list[str]:
    """Clears a devnet's chain and all that agents remember of it, never keys. The devnet must not run.

    Args:
        home: folder of the network.

    Returns:
        Names of what was removed.

    Raises:
        InputError: there is no network, agents or the devnet run, or the deployment is on another chain.
    """
    with alone(home):
        _refuse(home)
        removed = Devnet(home / "devnet").clear()
        for path in (home / name for name in _GONE):
            if path.is_dir():
                shutil.rmtree(path)
            elif path.exists():
                path.unlink()
            else:
                continue
            removed.append(path.name)
    return removed


def _refuse(home: Path) -> None:
    if not (home / "deployment.json").exists() and not (home / "devnet").is_dir():
        raise InputError(f"there is no network in {home}, so what is there is left alone: name its folder by --home")
    if alive := [agent.name for agent in read_agents(home / "agents") if agent.alive]:
        raise InputError(f"{', '.join(alive)} still run: stop them first")
    path = home / "deployment.json"
    if path.exists() and (chain := Deployment.load(path).chain_id) != CHAIN_ID:
        raise InputError(
            f"the deployment in {home} is on chain {chain}, and its agents' memory is worth money: nothing is removed"
        )


def set_aside(agents: Path) -> Path | None:
    """Moves what agents remember of an earlier deployment into a folder of its own, so that they begin anew.

    Args:
        agents: the agents' folder.

    Returns:
        The new folder in it, or None if there was nothing to move, or agents still run on the earlier deployment.
    """
    if any(agent.alive for agent in read_agents(agents)):
        return None
    patterns = ("*-memory.sqlite*", f"*{KEPT}", "*.json")  # journals stay: they keep deployments apart themselves
    stale = [path for pattern in patterns for path in sorted(agents.glob(pattern))]
    if not stale:
        return None
    folder = agents / time.strftime("before-%Y%m%d-%H%M%S")
    folder.mkdir(exist_ok=True)
    for path in stale:
        path.replace(folder / path.name)
    return folder
