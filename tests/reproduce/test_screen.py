"""What a run shows: lines anywhere, and one that moves on a terminal."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from pol_oracle.reproduce.folder import BlockEntry
from pol_oracle.reproduce.mining import Standing
from pol_oracle.reproduce.screen import open_screen
from tests.task.workloads import small_workload


def block(height: int) -> BlockEntry:
    root = "ab" * 32
    return BlockEntry(height, root, 90, 3, 30.0, 12.0, 199, 210, 1000, 0.21, "1 2 3 4", root, root, root, root)


def shown(terminal: bool) -> str:
    page = StringIO()
    with open_screen(Console(file=page, force_terminal=terminal, width=200), 5) as screen:
        screen.begin([block(1)])
        screen.step(Standing(small_workload().initial, 17, 2, 8.0, 7.0), evaluating=False)
        screen.block(block(2))
    return page.getvalue()


def test_a_file_gets_a_line_per_block() -> None:
    went_on, found = shown(terminal=False).splitlines()
    assert went_on == "going on after block 1, accuracy 21.0%"
    assert found == "block   2 of 5  abababab  accuracy  21.0% (199 -> 210)  90 steps, 3 met R, 30 s"


def test_a_terminal_also_sees_where_the_search_is() -> None:
    text = shown(terminal=True)
    assert "block 2 of 5 · accuracy 21.0% · 17 steps, 2 met R, 8 s · training · some 2 min left" in text
    assert "block   2 of 5  abababab" in text
