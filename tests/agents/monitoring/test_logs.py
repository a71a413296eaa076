"""Agents' logs: JSON lines in a file, and the same for whoever watches."""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.typing import EventDict

from pol_oracle.agents.monitoring.logs import LogFile, as_json, as_text, log_to
from pol_oracle.cli.logs import configure


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


HOSTILE = "\x1b[2J\x9b31m\u202egood"


def test_pitfall_26_words_of_strangers_steer_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    log_to(tmp_path / "a.log", lambda entry: told.append(as_text(entry)))
    structlog.get_logger().warning("cannot replay", reason=HOSTILE, **{HOSTILE: 1})
    assert told[0].isprintable() and (tmp_path / "a.log").read_text().strip().isprintable()

    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        configure("warning")
        try:
            raise ValueError(HOSTILE)
        except ValueError:
            structlog.get_logger().exception("the explorer failed", reason=HOSTILE, said=(HOSTILE,))
    structlog.reset_defaults()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().err)  # of the renderer's own colours
    assert all(line.isprintable() for line in shown.splitlines())
    assert "[2J" in shown


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_full_disk_costs_entries_of_the_log_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.symlink_to("/dev/full")
    log_to(path)
    for nonce in range(3):
        structlog.get_logger().info("found", nonce=nonce)
    path.unlink()
    structlog.get_logger().info("found", nonce=3)

    lost, found = lines_of(path)
    assert (lost["event"], lost["entries"], found["nonce"]) == ("entries were lost", 3, 3)


def test_log_holds_no_half_lines(tmp_path: Path, file_size_limit: Callable[[int], None]) -> None:
    path = tmp_path / "a.log"
    file = LogFile(path)
    file.write("whole\n")
    file_size_limit(20)
    file.write("a line that does not fit on the disk\n")
    assert path.read_text() == "whole\n"
    file_size_limit(resource.RLIM_INFINITY)
    file.write("again\n")
    first, lost, last = path.read_text().splitlines()
    assert (first, json.loads(lost)["entries"], last) == ("whole", 1, "again")


def test_log_is_of_two_parts_at_most(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a.log", limit=100)
    for number in range(100):
        file.write(f"line {number}\n")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1"]
    kept = (tmp_path / "a.log.1").read_text() + (tmp_path / "a.log").read_text()
    assert 100 <= len(kept) <= 200
    assert kept.splitlines() == [f"line {n}" for n in range(100 - len(kept.splitlines()), 100)]


@pytest.mark.parametrize("error", [BrokenPipeError("gone"), OSError(5, "EIO"), ValueError("closed file")])
def test_watcher_that_goes_away_is_told_later_what_it_missed(tmp_path: Path, error: Exception) -> None:
    told: list[dict[str, Any]] = []
    away = True

    def tell(entry: EventDict) -> None:
        if away:
            raise error
        told.append(dict(entry))

    log_to(tmp_path / "a.log", tell)
    structlog.get_logger().info("one")
    structlog.get_logger().info("two")
    away = False
    structlog.get_logger().info("three")

    assert [(entry["event"], entry.get("entries")) for entry in told] == [("entries were lost", 2), ("three", None)]
    assert [entry["event"] for entry in lines_of(tmp_path / "a.log")] == ["one", "two", "three"]
