"""One format for all benches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pol_oracle.bench.format import BenchReport, Row, against, compare, machine, text
from pol_oracle.bench.recorded import read
from pol_oracle.bench.registry import BENCHES, run
from pol_oracle.protocol.errors import InputError


def test_row_compares_with_baseline_and_bar() -> None:
    row = Row("gas.propose", 150, "gas", baseline=300, bar=200)

    assert row.as_dict() == {
        "name": "gas.propose",
        "value": 150,
        "unit": "gas",
        "baseline": 300,
        "ratio": 0.5,
        "bar": 200,
        "ok": True,
    }


@pytest.mark.parametrize(
    ("value", "higher", "ok"), [(9, False, True), (10, False, True), (11, False, False), (9, True, False)]
)
def test_bar_has_a_side(value: float, higher: bool, ok: bool) -> None:
    assert Row("x", value, "s", bar=10, higher_is_better=higher).ok is ok


def test_row_without_bar_is_neither_good_nor_bad() -> None:
    assert Row("x", 1, "s").ok is None
    assert BenchReport("b", {}, (Row("x", 1, "s"),)).ok


def test_missed_bar_shows() -> None:
    report = BenchReport("b", {"cores": 2}, (Row("slow", 12, "s", bar=10),))

    assert not report.ok
    assert "NO" in text(report)[2]


def test_json_names_the_machine() -> None:
    report = BenchReport("b", machine(), ()).as_dict()

    assert {"cpu", "cores", "memory_gib", "system", "python"} <= set(json.loads(json.dumps(report))["machine"])


def test_recorded_figures_may_move_by_the_tolerance() -> None:
    rows = [Row("a", 100, "gas"), Row("b", 102, "gas"), Row("c", 1, "gas")]

    moved = compare(rows, {"a": 100.5, "b": 100}, 0.01)

    assert moved == ["b is 102 gas, recorded was 100", "c has no recorded figure (now 1 gas)"]


def test_recorded_figures_show_in_the_rows() -> None:
    rows = [Row("a", 100, "gas"), Row("b", 102, "gas", bar=200), Row("c", 1, "gas"), Row("d", 300, "gas", bar=200)]

    shown = against(rows, {"a": 100.5, "b": 100, "d": 300}, 0.01)

    assert [(row.baseline, row.ok) for row in shown] == [(100.5, True), (100, False), (None, False), (300, False)]
    assert shown[1].ratio == 1.02


def test_recorded_file_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "gas.json"
    path.write_text("[1]")

    with pytest.raises(InputError, match="--record"):
        read(path)


def test_unknown_bench_and_part(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="choose from: attacks, canonical, chain"):
        run("nothing", None, tmp_path)
    with pytest.raises(InputError, match="choose from: gas"):
        run("chain", "nothing", tmp_path)


def test_registered_parts_exist() -> None:
    from pol_oracle.bench.registry import load_part

    for parts in BENCHES.values():
        for path in parts.values():
            assert callable(load_part(path))
