"""What a network's screen is for programs: values, each once; and for people: commands that can be pasted."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from typing import Any

import pytest
from rich.console import Console

from pol_oracle.watch.screen import JsonScreen, open_screen
from pol_oracle.watch.snapshot import Snapshot


def test_a_program_is_told_the_table_whenever_it_changes() -> None:
    told: list[dict[str, Any]] = []
    screen, table = JsonScreen(told.append), Snapshot("height 0", (), ())

    screen.say("verifier-1 attests")
    for shown in (table, table, replace(table, title="height 1"), table):
        screen.show(shown)

    assert [record["event"] for record in told] == ["said", *["network"] * 3]
    assert told[0]["text"] == "verifier-1 attests"
    assert [record["network"]["title"] for record in told[1:]] == ["height 0", "height 1", "height 0"]
    assert told[1]["network"] == asdict(table)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_command_that_is_said_can_be_pasted(terminal: bool) -> None:
    command = f"`pol --home /{'long/' * 12}home devnet status`"
    output = io.StringIO()

    with open_screen(Console(file=output, width=60, force_terminal=terminal)) as screen:
        screen.show(Snapshot("height 0", (), (), ("L1 away",)))
        screen.say(f"no answer from L1; check that it runs ({command})")

    assert f"s  no answer from L1; check that it runs ({command})\n" in output.getvalue()
