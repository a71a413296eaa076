"""What a run of its own advises, a demo's or a soak's, acts on that run's network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from pol_oracle.advice import given
from pol_oracle.demo import run as demo
from pol_oracle.demo.pages import explorer
from pol_oracle.l1.client import Client
from pol_oracle.protocol.errors import PolError
from pol_oracle.soak import run as soak

NOWHERE = "http://127.0.0.1:9"


def perform(folder: Path) -> None:
    demo.run(demo.DemoConfig(folder, folder / "data", folder / "out", demo.TASK))


def last(folder: Path) -> None:
    soak.run(soak.SoakConfig(folder, folder / "data", 60, 1), Console())


def no_explorer(nothing: Path) -> None:
    with explorer(nothing):
        pass


def no_l1(nothing: Path) -> None:
    Client.connect(NOWHERE)


@pytest.mark.parametrize(
    ("module", "run", "fail", "wanted"),
    [
        (demo, perform, no_explorer, "explorer"),
        (demo, perform, no_l1, "devnet status"),
        (soak, last, no_l1, "devnet status"),
    ],
)
def test_a_run_advises_commands_that_act_on_its_own_network(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    run: Callable[[Path], None],
    fail: Callable[[Path], None],
    wanted: str,
) -> None:
    monkeypatch.setattr(module, "prepare", lambda *_: fail(tmp_path / "nothing"))

    with given({"--home": str(tmp_path), "--rpc": NOWHERE}), pytest.raises(PolError) as told:
        run(tmp_path / "runs")

    (home,) = (tmp_path / "runs").glob("run-*")
    assert f"`pol --home {home} {wanted}`" in str(told.value)
