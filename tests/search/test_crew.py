"""Several processes, one W: all nonces count, candidates of helpers are proofs, and the dead are not missed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch

from pol_oracle.chain.ports import free_port
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import InputError, Unreachable
from pol_oracle.search import GroupedSearch, Plan, Progress
from pol_oracle.search.crew import Crew, Meeting, Order
from tests.search.replay import Parent, stands
from tests.task.workloads import MINER, small_spec, small_workload

PLAN = Plan(groups=8)
TASK = b"t" * 32
PROGRAM = Path(__file__).with_name("helper_process.py")
UNREACHABLE = Parent(correct_after=10**6)


@dataclass
class Helpers:
    """Helper processes of one leader."""

    port: int
    cache: Path
    alive: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        place = {"RANK": str(len(self.alive) + 1), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(self.port)}
        command = [sys.executable, str(PROGRAM), small_spec().model_dump_json(), str(self.cache)]
        process = subprocess.Popen(command, env=os.environ | place | {"PYTHONPATH": str(PROGRAM.parents[2])})
        self.alive.append(process)
        return process


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[tuple[GroupedSearch, Helpers]]:
    """A leader, and a way to start helpers; all end with the test."""
    port = free_port()
    search = GroupedSearch(small_workload(), PLAN, meeting=Meeting(0, "127.0.0.1", port))
    helpers = Helpers(port, tmp_path)
    yield search, helpers
    search.close()
    for process in helpers.alive:
        process.kill()
        process.wait()


class Rounds:
    """Watches a search: how many tries each of its rounds made."""

    def __init__(self, patience: float = 90) -> None:
        self.sizes: list[int] = []
        self._tries = 0
        self._ends = time.monotonic() + patience

    def note(self, progress: Progress) -> None:
        if progress.tries != self._tries:
            self.sizes.append(progress.tries - self._tries)
            self._tries = progress.tries

    def until(self, reached: Callable[[], bool]) -> Callable[[], bool]:
        def stop() -> bool:
            assert time.monotonic() < self._ends, f"rounds so far: {self.sizes[-20:]}"
            return reached()

        return stop


def run(search: GroupedSearch, until: Callable[[Rounds], bool]) -> Rounds:
    """Searches for what cannot be found until the rounds are as wanted."""
    rounds = Rounds()
    stop = rounds.until(lambda: until(rounds))
    initial = small_workload().initial
    search.search(UNREACHABLE, MINER, initial, 30 * BIT, should_stop=stop, on_progress=rounds.note)
    return rounds


def together(processes: int) -> Callable[[Rounds], bool]:
    """Three rounds of so many processes."""
    return lambda rounds: rounds.sizes[-3:] == 3 * [processes * PLAN.groups]


@pytest.mark.timeout(300)
def test_helpers_join_die_and_come_back(crew: tuple[GroupedSearch, Helpers]) -> None:
    search, helpers = crew
    assert run(search, together(1)).sizes[0] == PLAN.groups
    first, second = helpers.start(), helpers.start()
    run(search, together(3))

    began = time.monotonic()
    first.send_signal(signal.SIGKILL)
    run(search, together(2))
    assert time.monotonic() - began < 30  # the bar of the project: within 30 s

    helpers.start()
    run(search, together(3))
    assert second.poll() is None


@pytest.mark.timeout(300)
def test_a_helpers_candidate_becomes_the_proof(crew: tuple[GroupedSearch, Helpers]) -> None:
    search, helpers = crew
    helpers.start()
    run(search, together(2))
    workload, offset = small_workload(), 0
    for start in range(0, 2000, 2 * PLAN.groups):
        proof = search.search(Parent(), MINER, workload.initial, 4 * BIT, start_nonce=start)
        assert proof is not None
        stands(workload, proof, 4 * BIT)
        offset = (proof.header.nonce - start) % (2 * PLAN.groups)
        if offset >= PLAN.groups:
            break
    assert offset >= PLAN.groups  # of the second process's nonces


@pytest.mark.timeout(300)
def test_the_crews_gradient_is_the_mean_over_all_its_groups(crew: tuple[GroupedSearch, Helpers]) -> None:
    """Two processes of 8 groups move W as one process of 16 does. (Once: then the roots differ, and so the samples.)"""
    search, helpers = crew
    helpers.start()
    run(search, together(2))
    workload = small_workload()
    alone = GroupedSearch(workload, Plan(groups=16))
    moved = []
    for searcher in (search, alone):
        assert run(searcher, lambda rounds: len(rounds.sizes) >= 1).sizes == [16]
        moved.append(torch.from_numpy(searcher._network.read().flat.copy()))
    start = torch.from_numpy(workload.initial.flat.copy())
    assert torch.linalg.vector_norm(moved[0] - moved[1]) < 1e-2 * torch.linalg.vector_norm(moved[1] - start)


def test_a_helper_without_a_leader_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    monkeypatch.setattr("pol_oracle.search.crew.MEETING", timedelta(seconds=1))
    with pytest.raises(Unreachable, match="no leader at"):
        Crew(Meeting(1, "127.0.0.1", free_port()), TASK)


def test_a_waiting_helper_stops_when_told() -> None:
    port = free_port()
    leader = Crew(Meeting(0, "127.0.0.1", port), TASK)
    helper = Crew(Meeting(1, "127.0.0.1", port), TASK)
    assert not helper.join(knock=True, should_stop=lambda: True)
    assert leader.knocked()


def test_orders_survive_the_way() -> None:
    order = Order(True, 5 * BIT + 3, 2**40, 64, True, b"p" * 32, b"m" * 20, b"r" * 32)
    assert Order.unpack(order.pack()) == order


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"RANK": "0", "MASTER_ADDR": "127.0.0.1"}, "MASTER_PORT"),
        ({"RANK": "one", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}, "numbers: RANK='one'"),
    ],
)
def test_half_a_meeting_is_refused(variables: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Meeting.of(variables)


def test_without_ranks_there_is_no_crew() -> None:
    assert Meeting.of({}) is None
    meeting = Meeting.of({"RANK": "2", "MASTER_ADDR": "host", "MASTER_PORT": "29500"})
    assert meeting == Meeting(2, "host", 29500, hosted=False)


def test_what_torchrun_sets_is_read() -> None:
    variables = {"RANK": "5", "LOCAL_RANK": "1", "MASTER_ADDR": "host", "MASTER_PORT": "29500"}
    variables |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2"}
    assert Meeting.of(variables) == Meeting(5, "host", 29500, hosted=True, local=1, restarts=2)


def test_a_helper_of_another_task_is_refused() -> None:
    port = free_port()
    leader = Crew(Meeting(0, "127.0.0.1", port), TASK)
    with pytest.raises(InputError, match="the leader mines task"):
        Crew(Meeting(1, "127.0.0.1", port), b"u" * 32)
    assert not leader.knocked()


def test_a_restart_looks_at_nothing_that_the_last_run_left() -> None:
    port = free_port()
    first = Crew(Meeting(0, "127.0.0.1", port), TASK)
    late = Crew(Meeting(1, "127.0.0.1", port), TASK)
    late.join(knock=True, should_stop=lambda: True)
    assert first.knocked()
    again = Crew(Meeting(0, "127.0.0.1", port, hosted=True, restarts=1), TASK)
    assert not again.knocked()


@pytest.mark.timeout(300)
def test_a_helper_that_stops_without_dying_is_not_waited_for(
    crew: tuple[GroupedSearch, Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    monkeypatch.setattr("pol_oracle.search.crew.PATIENCE", timedelta(seconds=5))
    search, helpers = crew
    helper = helpers.start()
    run(search, together(2))
    helper.send_signal(signal.SIGSTOP)
    run(search, together(1))


@pytest.mark.timeout(300)
def test_an_error_of_the_leaders_own_pass_is_no_lost_process(
    crew: tuple[GroupedSearch, Helpers], monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise RuntimeError("out of memory")

    search, _ = crew
    monkeypatch.setattr(search._passes, "run", out_of_memory)
    with pytest.raises(RuntimeError, match="out of memory"):
        search.search(UNREACHABLE, MINER, small_workload().initial, 30 * BIT)
