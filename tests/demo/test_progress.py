"""What the demo shows comes from events and from the own records of cheats and colluders."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from pol_oracle.demo.progress import snapshot
from pol_oracle.demo.records import rejections
from pol_oracle.demo.verdict import Scene
from pol_oracle.watch.screen import LiveScreen, open_screen
from tests.watch.test_events import CAST, story


def test_snapshot_names_parties_and_blocks() -> None:
    told, view = story()

    shown = snapshot(Scene(CAST, tuple(told.events), ()), view, 12, 100)

    assert shown.title.startswith("1 of 12 honest blocks finalized")
    assert {row.name: row.learn for row in shown.parties}["miner-1"] == "10"
    assert [(row.miner, row.accuracy, row.status) for row in shown.blocks] == [
        ("one-ulp", "50.0 %", "slashed for step"),
        ("miner-1", "80.0 %", "finalized"),
    ]
    assert shown.blocks[0].attesters == "lazy"


def test_terminal_gets_a_live_display_and_a_pipe_gets_lines() -> None:
    told, view = story()
    shown = snapshot(Scene(CAST, tuple(told.events), ()), view, 12, 100)
    for terminal in (True, False):
        output = io.StringIO()
        console = Console(file=output, force_terminal=terminal, width=160, height=60)
        with open_screen(console) as screen:
            screen.say("hello")
            screen.show(shown)
            assert isinstance(screen, LiveScreen) is terminal
        assert "hello" in output.getvalue()
        assert ("newest blocks" in output.getvalue()) is terminal


def test_refused_calls_are_read_from_the_records_of_cheats_and_colluders(tmp_path: Path) -> None:
    refused = [
        {"key": "propose:aa", "name": "IndexMismatch", "message": "no"},
        {"key": "orphan:aa", "name": "StillLive", "message": "no"},
    ]
    accused = [{"key": "prove:aa", "name": "SumsHold", "message": "no"}]
    (tmp_path / "thief.json").write_text(json.dumps({"refused": refused}))
    (tmp_path / "miner-1.json").write_text(json.dumps({"refused": refused}))
    (tmp_path / "colluder-1.json").write_text(json.dumps({"refused": accused}))

    found = [(r.party, r.error) for r in rejections(tmp_path, CAST)]
    assert found == [("thief", "IndexMismatch"), ("colluder-1", "SumsHold")]
