"""What the cheats' and colluders' own records say: the proposals and accusations that the contracts refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from .cast import DemoRole, Party
from .verdict import Rejection

REFUSED = ("propose:", "prove:")


def rejections(folder: Path, cast: Sequence[Party]) -> tuple[Rejection, ...]:
    """Reads the status files of cheats and colluders.

    Args:
        folder: the agents' folder; a party that has not written yet has no file.
        cast: who takes part.
    """
    found: list[Rejection] = []
    for party in cast:
        path = folder / f"{party.name}.json"
        if (party.part.cheats or party.part is DemoRole.COLLUDER) and path.exists():
            refused = json.loads(path.read_text())["refused"]
            told = [r for r in refused if r["key"].startswith(REFUSED)]
            found += [Rejection(party.name, r["name"], r["message"]) for r in told]
    return tuple(found)
