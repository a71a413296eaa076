"""Counts outlast a restart, if the file is whole and of this task; there are no more than may be asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pol_oracle.agents.storage import counts
from pol_oracle.agents.storage.counts import Counts
from pol_oracle.protocol.hashing import keccak

TASK, ROOTS = keccak(b"task"), [keccak(bytes([n])) for n in range(5)]
BITS = np.arange(300) % 3 == 0


def opened(folder: Path, task: bytes = TASK, samples: int = 300) -> Counts:
    return Counts(task, samples, folder / "kept" / "counts")


def test_they_outlast_a_restart(tmp_path: Path) -> None:
    known = opened(tmp_path)
    known.put(ROOTS[0], BITS)
    known.put(ROOTS[1], ~BITS)
    again = opened(tmp_path)
    for root, bits in zip(ROOTS, (BITS, ~BITS), strict=False):
        found = again.get(root)
        assert found is not None and found.dtype == bits.dtype
        assert found.tolist() == bits.tolist()
    assert again.get(ROOTS[2]) is None
    assert (tmp_path / "kept" / "counts").stat().st_size < 200  # a bit a sample


def test_only_the_last_few_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "MOST", 3)
    known = opened(tmp_path)
    for root in ROOTS:
        known.put(root, BITS)
    for counted in (known, opened(tmp_path)):
        assert [root for root in ROOTS if counted.get(root) is not None] == ROOTS[2:]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"\xff", lambda data: b""])
def test_a_damaged_file_is_none(tmp_path: Path, damage: object) -> None:
    """A flipped bit would have the agent vouch for a wrong count."""
    assert callable(damage)
    opened(tmp_path).put(ROOTS[0], BITS)
    path = tmp_path / "kept" / "counts"
    path.write_bytes(damage(path.read_bytes()))
    assert opened(tmp_path).get(ROOTS[0]) is None


def test_another_task_s_counts_are_none(tmp_path: Path) -> None:
    opened(tmp_path).put(ROOTS[0], BITS)
    assert opened(tmp_path, keccak(b"another")).get(ROOTS[0]) is None


def test_a_full_disk_costs_time_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("no folder")
    known = opened(tmp_path)
    known.put(ROOTS[0], BITS)
    assert known.get(ROOTS[0]) is BITS
