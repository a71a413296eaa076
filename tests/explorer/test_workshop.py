"""The process that works things out: it may end at any time, and what it is asked is bounded."""

from __future__ import annotations

import asyncio
import operator
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pol_oracle.explorer.lookup import CallLookup
from pol_oracle.explorer.workshop import tools
from pol_oracle.explorer.workshop.pool import Busy, Failed, Workshop, WorkshopConfig
from pol_oracle.explorer.workshop.shelf import StateShelf
from tests.explorer.stage import Story


@dataclass
class Bench:
    """A workshop under a clock of the test's own."""

    shop: Workshop
    now: list[float]
    told: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def until_told(self) -> None:
        assert self.told.acquire(timeout=90)


@pytest.fixture
def bench(story: Story, tmp_path: Path) -> Iterator[Bench]:
    now, told = [0.0], threading.Semaphore(0)
    config = WorkshopConfig(story.deployment, tmp_path / "nothing", tmp_path / "own", ())
    shop = Workshop(config, told.release, lambda: now[0])
    yield Bench(shop, now, told)
    shop.close()


# what the process can import: it is none of pytest's
GONE = Failed("the process that works it out failed; try again in a moment")
end, read = os._exit, Path.read_text


def test_a_process_that_ended_does_not_keep_others_from_their_answers(bench: Bench) -> None:
    assert bench.shop.answer(end, 1) is None
    bench.until_told()
    assert isinstance(bench.shop.answer(end, 1), Failed)
    assert bench.shop.answer(operator.mul, 2, 4) is None
    bench.until_told()
    assert bench.shop.answer(operator.mul, 2, 4) == 8


def test_what_failed_is_told_for_a_while_and_then_tried_again(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "late"
    assert bench.shop.answer(read, path) is None
    bench.until_told()
    path.write_text("found")
    assert bench.shop.answer(read, path) == GONE
    bench.now[0] += 60
    assert bench.shop.answer(read, path) is None
    bench.until_told()
    assert bench.shop.answer(read, path) == "found"


def test_what_waits_for_another_has_no_progress_of_its_own(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pol_oracle.explorer.workshop.pool._LONG", {"open"})
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert bench.shop.begin(("first",), open, fifo) is None  # ends when somebody writes
    assert bench.shop.begin(("second",), open, tmp_path / "nothing") is None
    assert bench.shop.progress(("first",), open) == 0.0
    assert bench.shop.progress(("second",), open) is None
    fifo.open("wb").close()
    bench.until_told()
    assert bench.shop.progress(("second",), open) == 0.0


def test_what_was_begun_and_failed_can_be_begun_again_at_once(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "late"
    assert bench.shop.begun(("it",), read) == (False, None)
    assert bench.shop.begin(("it",), read, path) is None
    bench.until_told()
    assert bench.shop.begun(("it",), read) == (True, GONE)
    path.write_text("found")
    assert bench.shop.begin(("it",), read, path) is None
    bench.until_told()
    assert bench.shop.begun(("it",), read) == (True, "found")


def test_only_so_many_questions_wait_and_the_same_one_waits_once(bench: Bench, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert bench.shop.answer(Path.read_bytes, pipe) is None
    answers = [bench.shop.answer(operator.mul, 2, number) for _ in range(2) for number in range(100)]
    busy = sum(isinstance(answer, Busy) for answer in answers)
    assert 0 < busy < 200
    assert busy % 2 == 0
    assert bench.shop.full(operator.mul)
    assert not bench.shop.full(read)  # others have a queue of their own
    pipe.write_bytes(b"")
    for _ in range(1 + 100 - busy // 2):
        bench.until_told()
    assert bench.shop.answer(operator.mul, 2, 1) == 2


def test_what_takes_long_keeps_nothing_else_waiting(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pol_oracle.explorer.workshop.pool._LONG", {"read_bytes"})
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert bench.shop.answer(Path.read_bytes, pipe) is None
    assert asyncio.run(bench.shop.wait(operator.mul, 2, 5)) == 10
    assert bench.shop.answer(Path.read_bytes, pipe) is None
    pipe.write_bytes(b"done")
    assert asyncio.run(bench.shop.wait(Path.read_bytes, pipe)) == b"done"


def test_somebody_who_waits_is_told_what_went_wrong(bench: Bench, tmp_path: Path) -> None:
    assert asyncio.run(bench.shop.wait(operator.mul, 2, 3)) == 6
    assert asyncio.run(bench.shop.wait(read, tmp_path / "no")) == GONE


def test_a_workshop_that_cannot_work_says_why(story: Story, tmp_path: Path) -> None:
    nowhere = tmp_path / "file"
    nowhere.write_text("no folder")
    shop = Workshop(WorkshopConfig(story.deployment, nowhere, tmp_path, ()))
    found = asyncio.run(shop.wait(tools.labels, "train"))
    assert isinstance(found, Failed)
    assert "data" in found.words
    shop.close()


def test_states_of_replays_are_forgotten_when_there_are_too_many(tmp_path: Path) -> None:
    own, states = tmp_path / "own", [(bytes([n]) * 32, bytes(100)) for n in range(5)]
    shelf = StateShelf(own, (), most_bytes=250)
    for age, (root, data) in enumerate(states):
        shelf.put(root, data)
        os.utime(own / f"{root.hex()}.f32", (age, age))
    assert shelf.roots() == {root for root, _ in states[-2:]}
    shelf.put(b"x" * 32, bytes(1000))  # a state that is larger than all room is still worth keeping
    assert shelf.roots() == {b"x" * 32}


def test_pages_do_not_wait_for_an_l1_that_is_slow() -> None:
    asked, answer, told = threading.Event(), threading.Event(), threading.Event()

    class Slow:
        def sent_call(self, tx: bytes) -> Any:
            asked.set()
            answer.wait(30)
            return "call"

        def receipt(self, tx: bytes) -> Any:
            return "receipt"

    lookup = CallLookup(lambda: Slow(), told.set)  # type: ignore[arg-type, return-value]
    assert lookup.call(b"t" * 32) is None
    assert asked.wait(30)
    assert [lookup.call(bytes([n]) * 32) for n in range(3)] == [None] * 3
    answer.set()
    assert told.wait(30)
    found: Any = lookup.call(b"t" * 32)
    assert found == ("call", "receipt")
    lookup.close()


def test_a_store_that_never_answers_is_not_asked_about_every_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each question took ten seconds, and pictures and evidence waited for 64 of them."""
    now, asked = [0.0], list[tuple[str, bytes]]()

    class Place:
        def __init__(self, places: list[str]) -> None:
            self.name = places[0]

        def has(self, root: bytes) -> bool:
            asked.append((self.name, root))
            now[0] += 10 if self.name == "tarpit" else 0.01
            return self.name == "good" and root != b"b"

    monkeypatch.setattr("pol_oracle.store.StateStore", Place)
    monkeypatch.setattr("pol_oracle.explorer.workshop.tools.time.monotonic", lambda: now[0])
    monkeypatch.setattr(tools, "_given", {"own": "own", "states": ("tarpit", "good")})
    roots = tuple(bytes([ord("a") + n]) for n in range(20))
    assert tools.at_hand(roots) == tuple(root for root in roots if root != b"b")
    assert [root for name, root in asked if name == "tarpit"] == [roots[-1]]
