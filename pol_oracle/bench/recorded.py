"""Figures recorded earlier, to compare with."""

from __future__ import annotations

import json
from pathlib import Path

from pol_oracle.protocol.errors import InputError


def read(path: Path) -> dict[str, float]:
    """Reads a JSON object of row name -> value.

    Raises:
        InputError: the file cannot be read or is something else.
    """
    try:
        values = json.loads(path.read_text())
        return {str(name): float(value) for name, value in values.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"cannot read recorded figures from {path}: {error}; write them with --record") from error
