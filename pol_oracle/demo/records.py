"""What the cheats' own records say: the proposals that the registry refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .cast import Party
from .verdict import Rejection

PROPOSAL = "propose:"


def rejections(folder: Path, cast: Sequence[Party]) -> tuple[Rejection, ...]:
    """Reads the status files of the cheats.

    Args:
        folder: the agents' folder; a party that has not written yet has no file.
        cast: who takes part.
    """
    found: list[Rejection] = []
    for party in cast:
        path = folder / f"{party.name}.json"
        if party.part.cheats and path.exists():
            refused = json.loads(path.read_text())["refused"]
            found += [Rejection(party.name, r["name"], r["message"]) for r in refused if r["key"].startswith(PROPOSAL)]
    return tuple(found)
