"""The figure is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pol_oracle.report import figure
from pol_oracle.report.history import FinalBlock

CHAIN = [FinalBlock(1, bytes(32), "0x", 50, 10)]


def test_figure_is_a_png_and_nothing_else_is_left(tmp_path: Path) -> None:
    figure.draw(CHAIN, 100, tmp_path / "figure.png")

    (picture,) = tmp_path.iterdir()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    picture = tmp_path / "figure.png"
    picture.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space left") as caught:
        figure.draw(CHAIN, 100, picture)

    assert caught.value.filename == str(picture)
    assert [p.name for p in tmp_path.iterdir()] == ["figure.png"]
    assert picture.read_bytes() == b"old"
