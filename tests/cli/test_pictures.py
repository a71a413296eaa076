"""Pictures fit the terminal, keep ids whole, and have colour only where it is wanted."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from pol_oracle.cli import output
from pol_oracle.fixtures.l1 import L1, MINER
from tests.cli.conftest import Pol
from tests.cli.finality import finalize_one

PICTURES = (("status",), ("blocks", "list"), ("blocks", "show", "final"))
SHORT_ID = re.compile(r"0x[0-9a-f]+")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_pictures_fit_the_terminal_and_keep_ids_whole(
    pol: Pol, l1: L1, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    block = finalize_one(l1)
    l1.propose(l1.header(block, 2))

    for words in PICTURES:
        shown = io.StringIO()
        console = Console(file=shown, width=width, force_terminal=True, color_system="standard", highlight=False)
        monkeypatch.setattr(output, "console", lambda console=console: console)
        assert pol(*words).code == 0
        text = re.sub(r"\x1b\[[0-9;]*m", "", shown.getvalue())
        assert text != shown.getvalue(), "no colour"
        assert max(map(len, text.splitlines())) <= width
        assert output.short(block) in text
        assert "dev-1" in text


def test_pipes_get_no_colour_and_nothing_is_cut(pol: Pol, l1: L1) -> None:
    block = finalize_one(l1)

    text = pol("status").out

    assert "\x1b" not in text and "…" not in text
    assert f"mined block 1 (0x{block.hex()[:10]})" in text
    assert l1.account(MINER).address not in text, "it has a name"
