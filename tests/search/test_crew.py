"""Several processes that search for one block: all nonces count once, candidates of helpers are proofs, and the dead
are not missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from pol_oracle.canonical.state import State
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import ArithmeticFault, InputError, Unreachable
from pol_oracle.protocol.header import Header
from pol_oracle.search import GroupedSearch, Progress, Rendezvous, help_leader
from pol_oracle.search.crew import Board, Coordinator, SearchOrder
from tests.agents.chains import chain
from tests.search.replay import base, job, stands
from tests.task.workloads import small_spec, small_workload

G = 8
TASK = b"t" * 32
PROGRAM = Path(__file__).with_name("helper_process.py")


def chain_headers(count: int) -> tuple[Header, ...]:
    """Headers that L1 may not show yet."""
    return tuple(block.header for block in chain(count))


ORDER = SearchOrder(7, 5 * BIT + 3, 2**64 - 2**40, b"p" * 32, b"m" * 20, b"r" * 32)


def leading(port: int) -> Rendezvous:
    return Rendezvous(0, "127.0.0.1", port)


def helping(port: int) -> Rendezvous:
    return Rendezvous(1, "127.0.0.1", port)


@dataclass
class Helpers:
    """Helper processes of one leader."""

    port: int
    cache: Path
    alive: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        """Starts a helper, and waits until it has loaded what it needs: a leader that searches meanwhile slows it."""
        place = {"RANK": str(len(self.alive) + 1), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port)}
        command = [sys.executable, str(PROGRAM), small_spec().model_dump_json(), str(self.cache)]
        environment = os.environ | place | {"PYTHONPATH": str(PROGRAM.parents[2])}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        self.alive.append(process)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        return process


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[tuple[GroupedSearch, Helpers]]:
    """A leader, and a way to start helpers; all end with the test."""
    port = free_port()
    search = GroupedSearch(small_workload(), G, rendezvous=leading(port))
    helpers = Helpers(port, tmp_path)
    yield search, helpers
    search.close()
    for process in helpers.alive:
        process.kill()
        process.communicate()


class Turns:
    """Watches a search: how many nonces all processes took from one pass of the leader to the next."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._tries = 0

    def note(self, progress: Progress) -> None:
        if progress.tries != self._tries:
            self.sizes.append(progress.tries - self._tries)
            self._tries = progress.tries


def run(search: GroupedSearch, until: Callable[[Turns], bool], patience: float = 240) -> Turns:
    """Searches for what cannot be found until the turns are as wanted."""
    turns, ends = Turns(), time.monotonic() + patience

    def stop() -> bool:
        assert time.monotonic() < ends, f"turns so far: {turns.sizes[-20:]}"
        return until(turns)

    start = base(small_workload().initial)
    search.search(job(60 * BIT), start, should_stop=stop, on_progress=turns.note)
    return turns


def helped(turns: Turns) -> bool:
    """In some turns of late others took nonces too."""
    return sum(turns.sizes[-30:]) > G * len(turns.sizes[-30:])


def alone(turns: Turns) -> bool:
    """In none of many."""
    return turns.sizes[-200:] == 200 * [G]


def test_helpers_join_die_and_come_back(crew: tuple[GroupedSearch, Helpers]) -> None:
    search, helpers = crew
    assert run(search, lambda turns: len(turns.sizes) == 3).sizes == [G, G, G]
    first = helpers.start()
    run(search, helped)
    first.send_signal(signal.SIGKILL)
    run(search, alone)
    second = helpers.start()
    run(search, helped)
    assert second.poll() is None


def test_a_helper_that_stops_without_dying_is_not_waited_for(crew: tuple[GroupedSearch, Helpers]) -> None:
    search, helpers = crew
    helper = helpers.start()
    run(search, helped)
    helper.send_signal(signal.SIGSTOP)
    run(search, alone)


def test_a_helpers_candidate_becomes_the_proof(
    crew: tuple[GroupedSearch, Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    search, helpers = crew
    monkeypatch.setattr(search._passes, "run", lambda nonces, tried: [])  # the leader itself sees nothing
    helpers.start()
    proof = search.search(job(3 * BIT), base(small_workload().initial))
    assert proof is not None
    stands(small_workload(), proof, 3 * BIT)


def test_a_helper_ends_with_its_leader(crew: tuple[GroupedSearch, Helpers]) -> None:
    search, helpers = crew
    helper = helpers.start()
    run(search, helped)
    search.close()
    assert helper.wait(60) == 1  # Unreachable is an error: somebody may want to start it again


def test_no_nonce_is_tried_twice() -> None:
    port = free_port()
    leader, helper = Coordinator(leading(port), TASK), Board(helping(port), TASK)
    with leader.on(job(BIT, bytes(32)), base(small_workload().initial), 1000) as shift:
        order = helper.order()
        assert order is not None
        taken = [*shift.claim(5), *helper.claim(order, 4), *helper.claim(order, 2), *shift.claim(3)]
        assert taken == list(range(1000, 1014))
        assert shift.claimed == 9
    assert helper.order() is None


def test_candidates_are_told_once_each() -> None:
    port = free_port()
    leader, helper = Coordinator(leading(port), TASK), Board(helping(port), TASK)
    with leader.on(job(BIT, bytes(32)), base(small_workload().initial), 0) as shift:
        order = helper.order()
        assert order is not None
        assert shift.found() == []
        helper.tell(order, 3)
        helper.tell(order, 2**64 - 1)
        assert shift.found() == [3, 2**64 - 1]
        helper.tell(order, 5)
        assert shift.found() == [5]
        assert shift.found() == []


def test_a_helper_of_another_w_says_so() -> None:
    workload, port = small_workload(), free_port()
    leader, other = Coordinator(leading(port), workload.task.id), State.initial(workload.model, 9)
    with (
        leader.on(job(BIT, bytes(32)), base(workload.initial), 0),
        pytest.raises(ArithmeticFault, match="different weights"),
    ):
        help_leader(workload, helping(port), lambda parent, headers: other)


def test_a_helper_waits_for_a_parent_that_it_does_not_know_yet() -> None:
    workload, port, stop = small_workload(), free_port(), threading.Event()
    leader, asked = Coordinator(leading(port), workload.task.id), list[bytes]()

    def unknown(parent: bytes, headers: object) -> None:
        asked.append(parent)
        if len(asked) == 3:
            stop.set()

    with leader.on(job(BIT, b"p" * 32), base(workload.initial), 0):
        help_leader(workload, helping(port), unknown, stop)
    assert asked == 3 * [b"p" * 32]


def test_a_helper_without_a_leader_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pol_oracle.search.crew.RENDEZVOUS_LIMIT", timedelta(seconds=1))
    with pytest.raises(Unreachable, match="no leader at"):
        Board(helping(free_port()), TASK)


@pytest.mark.parametrize("headers", [(), chain_headers(2)], ids=["none", "two"])
def test_orders_survive_the_way(headers: tuple[Header, ...]) -> None:
    order = replace(ORDER, headers=headers)
    assert SearchOrder.unpack(order.pack()) == order


@pytest.mark.parametrize(
    "data",
    ["", "nonsense", ORDER.pack()[2:], ORDER.pack() + "\n[]", ORDER.pack() + "\n" + "[" * 100_000],
    ids=["empty", "words", "too short", "no header", "deep"],
)
def test_what_is_no_order_is_refused_in_words(data: str) -> None:
    with pytest.raises(InputError, match="this is no"):
        SearchOrder.unpack(data)


def test_a_helper_is_handed_the_headers_below_an_order() -> None:
    """It knew only what L1 shows, and idled while its leader mined on a block of its own that was on its way there."""
    workload, port, stop = small_workload(), free_port(), threading.Event()
    headers, given = chain_headers(2), list[object]()
    leader = Coordinator(leading(port), workload.task.id)

    def state_of(parent: bytes, headers: tuple[Header, ...]) -> None:
        given.append((parent, headers))
        stop.set()

    below = replace(job(BIT, b"p" * 32), lineage=headers)
    with leader.on(below, base(workload.initial), 0):
        help_leader(workload, helping(port), state_of, stop)
    assert given == [(b"p" * 32, headers)]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"RANK": "0", "MASTER_ADDR": "127.0.0.1"}, "MASTER_PORT"),
        ({"RANK": "one", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}, "numbers: RANK='one'"),
    ],
)
def test_half_a_meeting_is_refused(variables: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Rendezvous.of(variables)


def test_without_ranks_there_is_no_crew() -> None:
    assert Rendezvous.of({}) is None
    rendezvous = Rendezvous.of({"RANK": "2", "MASTER_ADDR": "host", "MASTER_PORT": "29500"})
    assert rendezvous == Rendezvous(2, "host", 29500, hosted=False)


def test_what_torchrun_sets_is_read() -> None:
    variables = {"RANK": "5", "LOCAL_RANK": "1", "MASTER_ADDR": "host", "MASTER_PORT": "29500"}
    variables |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2"}
    assert Rendezvous.of(variables) == Rendezvous(5, "host", 29500, hosted=True, local=1, restarts=2)


def test_a_helper_of_another_task_is_refused() -> None:
    port = free_port()
    leader = Coordinator(leading(port), TASK)
    with pytest.raises(InputError, match="the leader mines task"):
        Board(helping(port), b"u" * 32)
    leader.close()


def test_a_restart_looks_at_nothing_that_the_last_run_left() -> None:
    port = free_port()
    first = Board(leading(port), TASK)
    first.give(ORDER)
    again = Board(Rendezvous(0, "127.0.0.1", port, hosted=True, restarts=1), TASK)
    assert first.order() == ORDER
    assert again.order() is None
