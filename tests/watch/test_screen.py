"""What a network's screen is for programs: values, each once."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from pol_oracle.watch.screen import JsonScreen
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
