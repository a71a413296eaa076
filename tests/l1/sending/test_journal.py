"""The sender's journal: on a disk that fills up, over a long life, and of other versions."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from pol_oracle.l1.records import Receipt
from pol_oracle.l1.sending import journal as journal_module
from pol_oracle.l1.sending.journal import Attempt, Journal
from pol_oracle.protocol.errors import InputError

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


def test_old_settled_calls_are_forgotten_and_open_ones_never(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MOST_SETTLED", 5)
    journal = Journal(tmp_path / "j.sqlite", ACCOUNT, "here")
    for number in range(20):
        make_call(journal, number)
        if number % 4:
            receipt = Receipt(number.to_bytes(32, "big"), number, bytes(32), True, 21000, 1, None)
            journal.settle(f"attest:{number}", number, receipt, None)

    assert [intent.nonce for intent in journal.sent()] == [0, 4, 8, 12, 16]
    known = [number for number in range(20) if journal.get(f"attest:{number}")]
    assert known == [0, 4, 8, 12, *range(15, 20)]
    assert [number for number in range(20) if journal.attempts(f"attest:{number}")] == known
    assert journal.highest_nonce() == 19


def test_a_journal_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    Journal(path, ACCOUNT, "here").close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        database.execute("PRAGMA user_version = 99")

    for _ in range(2):  # and it is let go of
        with pytest.raises(InputError, match=r"is of version 99, and this pol-oracle reads version 1: go on .* L1"):
            Journal(path, ACCOUNT, "here")


def test_a_journal_from_before_there_were_versions_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "j.sqlite"
    journal = Journal(path, ACCOUNT, "here")
    make_call(journal, 0)
    journal.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 0")

    assert len(Journal(path, ACCOUNT, "here").sent()) == 1
