"""Where an explorer shows things: one that runs leaves its address in the home folder; a setting names another."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import hex0x
from .settings import Settings

if TYPE_CHECKING:
    from pol_oracle.l1.contracts.deployment import Deployment

RUNNING = "explorer.json"


class Notice:
    """The file that tells commands of a running explorer.

    Args:
        home: folder of the file.
        found: the deployment that is shown.
    """

    def __init__(self, home: Path, found: Deployment) -> None:
        self._path, self._genesis_id = home / RUNNING, found.genesis_id

    def put_up(self, url: str) -> None:
        """Writes it; where it cannot be written, links are missing, and nothing else."""
        content = {"url": url, "pid": os.getpid(), "genesis_id": self._genesis_id}
        with suppress(OSError):
            self._path.write_text(json.dumps(content) + "\n", encoding="utf-8")

    def take_down(self) -> None:
        """Removes it, unless another explorer has put its own there."""
        if _read(self._path).get("pid") == os.getpid():
            with suppress(OSError):
                self._path.unlink()


@contextmanager
def noticed(home: Path, found: Deployment) -> Iterator[Notice]:
    """Yields the notice of this process, and takes it down at the end."""
    notice = Notice(home, found)
    try:
        yield notice
    finally:
        notice.take_down()


def block_page(settings: Settings, found: Deployment, block_id: bytes) -> str | None:
    """Returns the address of a block's page; None if no explorer is known."""
    where = settings.explorer or _running(settings.home / RUNNING, found)
    return None if where is None else f"{where.rstrip('/')}/block/{hex0x(block_id)}"


def _running(path: Path, found: Deployment) -> str | None:
    """The address of an explorer of a deployment that runs on this machine."""
    from pol_oracle.l1.devnet.process import command_line

    told = _read(path)
    if told.get("genesis_id") != found.genesis_id or not isinstance(told.get("pid"), int):
        return None
    return str(told.get("url")) if "explorer" in command_line(told["pid"]) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is none, or it is just being written
        return {}
    return told if isinstance(told, dict) else {}
