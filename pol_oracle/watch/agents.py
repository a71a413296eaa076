"""The status files of a home folder: what its agents say of themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pol_oracle.l1.devnet.process import command_line
from pol_oracle.protocol.lifecycle import Role


@dataclass(frozen=True)
class AgentStatus:
    """One agent of this machine.

    Attributes:
        name: of the agent.
        role: what it is bonded as.
        address: of its account.
        alive: its process runs.
        stopped: it ended in good order.
        facts: all that its file says.
    """

    name: str
    role: Role
    address: str
    alive: bool
    stopped: bool
    facts: Mapping[str, Any] = field(repr=False)


def read_agents(folder: Path) -> tuple[AgentStatus, ...]:
    """Reads the status files, the newest of each account and role.

    Args:
        folder: the agents' folder; it need not exist.
    """
    found: dict[tuple[str, Role], AgentStatus] = {}
    for path in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime):
        if (status := _read(path)) is not None:
            found[status.address, status.role] = status
    return tuple(found.values())


def _read(path: Path) -> AgentStatus | None:
    """A status file's content; None if it is some other file, or just being replaced."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        role, pid = Role[facts["role"].upper()], int(facts["pid"])
        name, address, running = str(facts["name"]), str(facts["address"]), bool(facts["running"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return AgentStatus(name, role, address, running and bool(command_line(pid)), not running, facts)
