"""States inside segments stay at hand, within a budget, in memory or on disk."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pol_oracle.agents.storage import checkpoints
from pol_oracle.agents.storage.checkpoints import Budget, Checkpoints
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.hashing import keccak

MODEL = build_model("cnn")
SIZE = MODEL.state_bytes
BLOCKS = [keccak(bytes([n])) for n in range(8)]
STATES = [State.initial(MODEL, n) for n in range(8)]


def filled(shelf: Checkpoints, blocks: int = 8) -> Checkpoints:
    """Two states for each block, after two and after four steps of nine; a state of its own for each."""
    for block in BLOCKS[:blocks]:
        for step in (2, 4):
            shelf.keep(block, step, STATES[step])
    return shelf


def disk(folder: Path, states: int = 12) -> Checkpoints:
    return Checkpoints(MODEL, 9, folder, Budget(memory=0, disk=states * SIZE))


@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_the_newest_at_or_before_a_step_is_given(tmp_path: Path, on_disk: bool) -> None:
    shelf = filled(disk(tmp_path) if on_disk else Checkpoints(MODEL, 9), 1)
    found = [shelf.newest(BLOCKS[0], step) for step in range(6)]
    assert found == [None, None, (2, STATES[2]), (2, STATES[2]), (4, STATES[4]), (4, STATES[4])]
    assert shelf.newest(BLOCKS[1], 5) is None
    assert len(list(tmp_path.iterdir())) == (2 if on_disk else 0)


@pytest.mark.parametrize(
    ("steps", "state_bytes", "budget", "every"),
    [
        (256, 98_280, Budget(), 16),  # the devnet's network: in memory
        (64, 44_764_968, Budget(), 10),  # ResNet-18: on disk, less close
        (64, 44_764_968, Budget(disk=1 << 34), 8),
        (64, 44_764_968, Budget(disk=24 * 4 * 44_764_968), 16),
        (64, 44_764_968, Budget(disk=0), 64),  # none fits
        (1, 100, Budget(), 1),
        (2, 100, Budget(), 2),
        (2048, 100, Budget(), 46),
    ],
)
def test_they_lie_as_close_as_the_budget_allows(
    tmp_path: Path, steps: int, state_bytes: int, budget: Budget, every: int
) -> None:
    model: Any = SimpleNamespace(state_bytes=state_bytes)
    assert Checkpoints(model, steps, tmp_path, budget).every == every


@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_those_of_the_oldest_segments_go_first(tmp_path: Path, on_disk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_SEGMENTS", 3)
    shelf = disk(tmp_path, 6) if on_disk else Checkpoints(MODEL, 9, budget=Budget(memory=6 * SIZE))
    for number, block in enumerate(BLOCKS[:5]):
        shelf.keep(block, 2, STATES[number])
        shelf.keep(block, 4, State.initial(MODEL, 100 + number))
    assert [block for block in BLOCKS if shelf.newest(block, 8) is not None] == BLOCKS[2:5]
    assert len(list(tmp_path.iterdir())) == (6 if on_disk else 0)


def test_the_end_of_a_segment_is_kept_on_disk_where_the_segment_itself_may_go_out_of_memory(tmp_path: Path) -> None:
    for shelf, found in ((Checkpoints(MODEL, 9), None), (disk(tmp_path), (9, STATES[0]))):
        shelf.keep(BLOCKS[0], 9, STATES[0])
        assert shelf.newest(BLOCKS[0], 9) == found


def test_what_an_earlier_run_left_behind_is_removed(tmp_path: Path) -> None:
    """Nothing leads to it any more, and each run would leave its own."""
    filled(disk(tmp_path), 1)
    (tmp_path / "other").write_text("not ours")
    disk(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_damaged_file_is_passed_over(tmp_path: Path) -> None:
    shelf = filled(disk(tmp_path), 1)
    damaged = next(path for path in tmp_path.iterdir() if STATES[4].root.hex() in path.name)
    damaged.write_bytes(STATES[2].to_bytes())
    assert shelf.newest(BLOCKS[0], 5) == (2, STATES[2])


def test_a_full_disk_costs_time_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> None:
        raise OSError(28, "no space left")

    shelf = disk(tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    assert filled(shelf, 1).newest(BLOCKS[0], 5) is None
