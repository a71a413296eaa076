"""How large a pass should be: the choice, and that measuring it leaves the search as it was."""

from __future__ import annotations

import pytest
import torch

from pol_oracle.protocol.difficulty import BIT
from pol_oracle.search import GroupedSearch, Plan, plan
from pol_oracle.search.plan import SIZES, Trial, best, free_memory
from tests.search.replay import Parent, stands
from tests.task.workloads import MINER, small_workload


def test_the_smallest_of_the_fast_ones_is_chosen() -> None:
    trials = {
        Plan(8): Trial(8, 1.0),
        Plan(16): Trial(16, 1.03),  # 15.5 per second
        Plan(32): Trial(32, 2.0),  # 16 per second
        Plan(64): Trial(64, 4.1),
    }
    assert best(trials) == Plan(16)


def test_a_sieve_that_loses_too_much_is_not_chosen() -> None:
    exact, sieve = Trial(16, 1.0), Trial(16, 0.6)
    assert best({Plan(16): exact, Plan(16, mixed=True): sieve}) == Plan(16, mixed=True)
    lossy = Trial(16, 0.6, kept=0.5)
    assert best({Plan(16): exact, Plan(16, mixed=True): lossy}) == Plan(16)


def test_a_search_plans_by_itself_and_finds_proofs_that_stand() -> None:
    workload = small_workload()
    search = GroupedSearch(workload)
    proof = search.search(Parent(), MINER, workload.initial, 3 * BIT)
    assert proof is not None
    stands(workload, proof, 3 * BIT)
    assert search.plan is not None
    assert search.plan.groups in SIZES


def test_planning_leaves_no_trace() -> None:
    """The first proof is one of the state that was given, not of one that trials have moved."""
    workload = small_workload()
    search = GroupedSearch(workload)
    planned = search.search(Parent(), MINER, workload.initial, BIT)
    assert planned is not None
    assert search.plan is not None
    again = GroupedSearch(workload, search.plan).search(Parent(), MINER, workload.initial, BIT)
    assert again is not None
    assert again.header == planned.header


def test_passes_that_do_not_fit_the_memory_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "free_memory", lambda device: 1)
    search = GroupedSearch(small_workload())
    search.search(Parent(), MINER, small_workload().initial, BIT)
    assert search.plan is not None
    assert search.plan.groups == SIZES[0]


def test_free_memory_is_some() -> None:
    assert free_memory(torch.device("cpu")) > 2**20
