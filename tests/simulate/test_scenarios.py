"""Every scenario runs and tells what it promises; `pol simulate` prints it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pol_oracle.cli.app import app
from pol_oracle.cli.lab.simulate import NAMES
from pol_oracle.simulate.scenarios import catalogue as scenarios
from pol_oracle.simulate.scenarios.catalogue import SCENARIOS

QUICK = [name for name in SCENARIOS if name not in ("ten-thousand", "timestamps")]


def pol(*words: object) -> Any:
    return CliRunner().invoke(app, ["simulate", *map(str, words)])


def test_the_help_names_every_scenario() -> None:
    assert NAMES.split(", ") == list(SCENARIOS)


@pytest.mark.parametrize("name", QUICK)
def test_a_scenario_has_three_panels_and_figures_named_after_it(name: str) -> None:
    reached: list[int] = []

    told = SCENARIOS[name](200, 1, reached.append)

    assert len(told.panels) == 3
    assert all(len(curve.x) == len(curve.y) > 0 for panel in told.panels for curve in panel.curves)
    assert all(reading.name.startswith(f"{name}.") for reading in told.readings)
    assert reached == sorted(reached)
    assert max(reached) <= 200


def test_it_prints_rows_and_draws(tmp_path: Path) -> None:
    said = pol("--scenario", "steady", "--blocks", 200, "--out", tmp_path / "new")

    assert said.exit_code == 0
    assert "steady.orphans" in said.stdout
    assert (tmp_path / "new" / "steady.png").read_bytes().startswith(b"\x89PNG")


def test_json_has_rows_and_curves_and_follows_from_the_seed() -> None:
    first, again, other = (
        pol("--scenario", "steady", "--blocks", 200, "--seed", n, "--json").stdout for n in (1, 1, 2)
    )

    assert first == again != other
    values = json.loads(first)["data"]
    assert values["ok"] is True
    assert {row["name"] for row in values["rows"]} >= {"steady.interval", "steady.orphans"}
    assert values["scenarios"][0]["panels"][0]["curves"][0]["x"]


def test_a_missed_bar_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenarios, "BLOCKS_TO_RECOVER", 1)

    said = pol("--scenario", "tenfold-up", "--blocks", 200)

    assert said.exit_code == 1
    assert "NO" in said.stdout


def test_an_unknown_scenario_is_one_sentence() -> None:
    said = pol("--scenario", "nonsense")

    assert said.exit_code == 1
    assert "there is no scenario 'nonsense'; choose from: steady" in said.stderr


def test_an_interrupt_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(SCENARIOS, "steady", interrupted)

    said = pol("--scenario", "steady")

    assert said.exit_code == 130
    assert "Traceback" not in said.output
