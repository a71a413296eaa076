"""Agents' logs: JSON lines in a file, and the same for whoever watches."""

from __future__ import annotations

import json
from pathlib import Path

import structlog

from pol_oracle.agents.logs import as_json, as_text, log_to


def test_every_entry_is_in_the_file_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    path = tmp_path / "agents" / "a.log"
    log_to(path, lambda entry: told.append(as_json(entry)))
    structlog.get_logger().info("found", block="ab" * 32, nonce=7)
    structlog.get_logger().debug("noise")

    (line,) = path.read_text().splitlines()
    assert json.loads(line) == json.loads(told[0])
    assert json.loads(line)["block"] == "ab" * 32
    assert len(told) == 1


def test_text_is_short_enough_to_read() -> None:
    entry = {"event": "done", "level": "info", "agent": "me", "key": "attest:" + "cd" * 32, "gas": 65280}
    text = as_text(entry)

    assert text.endswith("key=attest:cdcdcdcd gas=65280")
    assert "agent" not in text and "info" not in text
