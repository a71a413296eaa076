"""Accuracy and interval come from the finalized chain alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.protocol.errors import InputError
from pol_oracle.report.figure import draw
from pol_oracle.report.history import finalized_chain
from tests.report.chronicle import Chronicle

MINER = "0x" + "11" * 20


def test_chain_lists_finalized_blocks_with_accuracy_and_interval() -> None:
    story = Chronicle()
    first = story.propose(MINER, correct=40, wait=7)
    story.propose(MINER, first, correct=99)  # never finalized
    second = story.propose(MINER, first, correct=60, wait=4)
    story.finalize(first, MINER)
    story.finalize(second, MINER)

    chain = finalized_chain(story.events)

    assert [(b.height, b.correct_after, b.interval_s) for b in chain] == [(1, 40, 7), (2, 60, 9)]


def test_figure_is_a_png(tmp_path: Path) -> None:
    story = Chronicle()
    block = story.propose(MINER)
    story.finalize(block, MINER)
    path = tmp_path / "figure1.png"

    draw(finalized_chain(story.events), 100, path)

    assert path.read_bytes().startswith(b"\x89PNG")


def test_empty_chain_has_no_figure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing to plot"):
        draw((), 100, tmp_path / "figure1.png")
