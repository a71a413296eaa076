"""What the harness itself does when the network it tests is away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pytest

from pol_oracle.soak.network.errands import Errands, Then
from pol_oracle.soak.network.l1 import TamperedL1
from pol_oracle.soak.network.world import TRIES, World
from pol_oracle.soak.schedule import L1, USER, Fault, FaultKind


class StoppableL1:
    """An L1 of which nothing is asked but its address."""

    rpc = "http://127.0.0.1:9"

    def start(self) -> None:
        """It need not do anything."""

    def stop(self) -> None:
        """It need not do anything."""


@pytest.fixture
def errands(monkeypatch: pytest.MonkeyPatch) -> list[Then]:
    """Who is told about the commands that were given, in their order; no command runs."""
    told: list[Then] = []

    def add(_: object, command: Sequence[str], then: Then) -> None:
        told.append(then)

    monkeypatch.setattr(Errands, "add", add)
    return told


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A network of nobody."""
    (tmp_path / "deployment.json").write_text("{}")
    (tmp_path / "data").mkdir()
    world = World(tmp_path, tmp_path / "data", cast(TamperedL1, StoppableL1()), 1, lambda words: None)
    yield world
    world.close()


def test_a_cheat_waits_for_an_absent_l1_and_then_gives_up_by_count(world: World, errands: list[Then]) -> None:
    away = Fault(FaultKind.DOWN, L1, 0.0, 9.0)
    world.begin(away)
    world.begin(Fault(FaultKind.CHEAT, USER, 0.0, 1.0))
    for tries in range(3 * TRIES):
        assert len(errands) == tries + 1
        errands[-1](1, "no answer from L1")
    assert world.trouble == []
    world.heal(away)
    errands[-1](1, "no answer from L1")  # it began before L1 was back
    world._over.clear()
    for _ in range(TRIES):
        errands[-1](1, "no bond for you")
    assert world.trouble == [f"{world.cheats[0].name} could not bond: no bond for you"]
