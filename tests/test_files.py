"""A file is written whole or not at all, whoever else writes beside it."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from pol_oracle.files import replacing, write_whole


def clearing(monkeypatch: pytest.MonkeyPatch, folder: Path, times: int) -> None:
    """Another process finds the new file just before its writer holds it, as often as told."""
    hold, left = fcntl.flock, [times]

    def late(file: object, how: int) -> None:
        if left[0]:
            left[0] -= 1
            for path in folder.glob(".pol-new-*"):
                path.unlink()
        hold(file, how)  # type: ignore[arg-type]

    monkeypatch.setattr(fcntl, "flock", late)


def test_a_file_that_another_process_clears_away_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen once in an hour of four agents that write into one store."""
    clearing(monkeypatch, tmp_path, times=3)

    write_whole(tmp_path / "state", b"whole")

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"state": b"whole"}


def test_who_is_cleared_away_again_and_again_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state").write_bytes(b"before")
    clearing(monkeypatch, tmp_path, times=1000)

    with pytest.raises(OSError, match="try again") as error:
        write_whole(tmp_path / "state", b"after")

    assert error.value.errno == errno.EAGAIN
    assert (tmp_path / "state").read_bytes() == b"before"


def test_an_error_on_the_way_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"before")

    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "state") as file:
        file.write(b"half")
        raise ZeroDivisionError

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"state": b"before"}
