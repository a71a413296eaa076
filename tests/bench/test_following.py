"""The bench of following has a row for each of its bars."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.bench import following


def test_a_block_is_replayed_and_a_late_joiner_begins_at_what_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "SIZES", (following.Size("cnn", 0.05, steps=4, test=256, threads=1, bar=600.0),))

    block, start = following.follow(tmp_path)

    assert (block.name, start.name) == ("follow.block.cnn", "follow.start.cnn")
    assert block.bar == 600.0
    assert min(block.value, start.value) > 0
