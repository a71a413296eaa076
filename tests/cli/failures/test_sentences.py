"""Every failure is one line on stderr, and what nobody expected leaves a log."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from pol_oracle.cli import session
from pol_oracle.cli.failures import expected, unexpected
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import InputError, PolError
from tests.cli.conftest import Pol

HOSTILE = "\x1b[2J\x9b31m\u202egood"  # clears a terminal, in another colour, from right to left


def test_unexpected_error_leaves_a_log(
    pol: Pol, home: Path, deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(session, "history", explode)

    said = pol("status")

    assert said.code == 2
    assert "unexpected RuntimeError: boom" in said.sentence
    (log,) = (home / "logs").iterdir()
    assert str(log) in said.sentence
    assert "Traceback" in log.read_text()


def test_reports_of_unexpected_errors_do_not_pile_up(tmp_path: Path) -> None:
    for day in range(10, 40):
        (tmp_path / f"error-202601{day}-000000-1.log").write_text("old")
    unexpected(RuntimeError("boom"), tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert len(left) == 20
    assert left[0] == "error-20260121-000000-1.log"
    assert "boom" in (tmp_path / left[-1]).read_text()


@pytest.mark.parametrize(
    "error", [InputError(HOSTILE), OSError(errno.EIO, HOSTILE, HOSTILE), sqlite3.DatabaseError(HOSTILE)]
)
def test_pitfall_26_no_sentence_steers_a_terminal(error: Exception) -> None:
    assert str(expected(error)).isprintable()


def test_nor_does_what_is_kept_of_an_unexpected_error(tmp_path: Path) -> None:
    assert unexpected(RuntimeError(HOSTILE), tmp_path).isprintable()
    (log,) = tmp_path.iterdir()
    assert all(line.isprintable() for line in log.read_text().splitlines())


def test_every_sentence_is_one_line(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise PolError("two\nlines")

    monkeypatch.setattr(session, "history", explode)

    assert pol("status").sentence == "pol: two lines"
