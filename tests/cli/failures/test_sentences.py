"""Every failure is one line on stderr, and what nobody expected leaves a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.cli import session
from pol_oracle.cli.failures import unexpected
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.protocol.errors import PolError
from tests.cli.conftest import Pol


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


def test_every_sentence_is_one_line(pol: Pol, deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise PolError("two\nlines")

    monkeypatch.setattr(session, "history", explode)

    assert pol("status").sentence == "pol: two lines"
