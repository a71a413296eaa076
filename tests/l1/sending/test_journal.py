"""The sender's journal on a disk that fills up."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

from pol_oracle.l1.sending.journal import Attempt, Journal

ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def make_call(journal: Journal, number: int) -> None:
    """Writes down what a call needs, as large as most are."""
    key = f"attest:{number}"
    journal.queue(key, "PoLRegistry.attest", ACCOUNT, bytes(500), 0)
    journal.sign(Attempt(number.to_bytes(32, "big"), key, number, bytes(700), 10, 1, 100_000), number)


def test_calls_are_made_on_a_disk_that_is_full(tmp_path: Path, file_size_limit: Callable[[int], None]) -> None:
    journal = Journal(tmp_path / "j.sqlite", ACCOUNT, "here")
    file_size_limit(max(path.stat().st_size for path in tmp_path.iterdir()))
    for number in range(200):
        make_call(journal, number)
    assert len(journal.sent()) == 200
    journal.close()

    file_size_limit(resource.RLIM_INFINITY)
    assert len(Journal(tmp_path / "j.sqlite", ACCOUNT, "here").sent()) == 200


def test_journal_opens_on_a_disk_that_is_full_already(tmp_path: Path, file_size_limit: Callable[[int], None]) -> None:
    journal = Journal(tmp_path / "j.sqlite", ACCOUNT, "here")
    make_call(journal, 0)
    journal.close()
    file_size_limit(200_000)
    assert len(Journal(tmp_path / "j.sqlite", ACCOUNT, "here").sent()) == 1


def test_what_is_taken_in_advance_does_not_grow(tmp_path: Path) -> None:
    sizes = []
    for _ in range(4):
        Journal(tmp_path / "j.sqlite", ACCOUNT, "here").close()
        sizes.append((tmp_path / "j.sqlite").stat().st_size)
    assert sizes[1:] == sizes[:1] * 3
