"""The bench `chain`: its bars, and gas that only moves on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pol_oracle.bench import chain
from pol_oracle.bench.format import Row, compare
from pol_oracle.bench.gas import BARS, gas
from pol_oracle.bench.recorded import read

RECORDED = Path(__file__).with_name("gas.json")
TOLERANCE = 0.01


@pytest.fixture(scope="module")
def gas_rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return list(gas(tmp_path_factory.mktemp("gas")))


def test_gas_stays_under_its_bars(gas_rows: list[Row]) -> None:
    with_bar = {row.name.removeprefix("gas."): row.ok for row in gas_rows if row.bar is not None}

    assert with_bar == dict.fromkeys(BARS, True)


def test_gas_is_what_was_recorded(gas_rows: list[Row]) -> None:
    moved = compare(gas_rows, read(RECORDED), TOLERANCE)

    assert not moved, f"{moved}; if that is meant: pol bench chain --only gas --record {RECORDED}"
    assert set(json.loads(RECORDED.read_text())) == {row.name for row in gas_rows}


def test_late_agent_catches_up_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "CATCH_UP_L1_BLOCKS", 200)  # the row is scaled to 1,000

    seconds, _ = chain.catch_up(tmp_path)

    assert seconds.name == "catch-up.1000_l1_blocks"
    assert seconds.ok


def test_throughput_has_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "THROUGHPUT_BLOCKS", 3)

    (row,) = list(chain.throughput(tmp_path))

    assert row.unit == "1/min"
    assert row.value > 0


def test_command_checks_recorded_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from pol_oracle.bench import registry
    from pol_oracle.cli.app import app

    def part(_: Path) -> list[Row]:
        return [Row("gas.propose", 1000, "gas", bar=2000)]

    def load(_: str) -> Callable[[Path], list[Row]]:
        return part

    monkeypatch.setattr(registry, "load_part", load)
    recorded = tmp_path / "gas.json"
    bench = ["bench", "chain", "--only", "gas"]

    assert CliRunner().invoke(app, [*bench, "--record", str(recorded)]).exit_code == 0
    assert CliRunner().invoke(app, [*bench, "--check", str(recorded)]).exit_code == 0
    recorded.write_text('{"gas.propose": 900}')
    moved = CliRunner().invoke(app, [*bench, "--check", str(recorded), "--json"])

    assert moved.exit_code == 1
    assert "recorded was 900" in moved.stderr
    (row,) = json.loads(moved.stdout)["data"]["rows"]
    assert (row["baseline"], round(row["ratio"], 2), row["ok"]) == (900, 1.11, False)
