"""Writes protocol.json and court.json: the vectors that the Python and the Solidity tests both check.

    python -m tests.golden.generate

The trees are built here a second time, in the plainest way, so that the vectors are not the production code's own
opinion of itself. A change of any vector is a change of the protocol: it needs a decision (docs/decisions).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.golden.court_vectors import build_court
from tests.golden.protocol_vectors import build

TARGET = Path(__file__).with_name("protocol.json")
COURT_TARGET = Path(__file__).with_name("court.json")


def hexed(value: Any) -> Any:
    """Bytes as 0x-hex, everything else as JSON has it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {k: hexed(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [hexed(v) for v in value]
    return value


if __name__ == "__main__":
    COURT_TARGET.write_text(json.dumps(hexed(build_court()), indent=1) + "\n")
    TARGET.write_text(json.dumps(hexed(build()), indent=1) + "\n")
