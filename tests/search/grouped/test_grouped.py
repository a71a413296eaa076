"""The grouped search: what it finds stands, and it sees what Algorithm 1 sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.models import MODEL_NAMES
from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import InputError, NotFinite
from pol_oracle.search import Base, GroupedSearch, NaiveSearch, Progress, load_state
from pol_oracle.search.candidates import CandidateCheck
from pol_oracle.search.draws import Nonces
from pol_oracle.search.grouped.live_convolution import LiveConvolution
from pol_oracle.search.grouped.network import GroupedNetwork
from pol_oracle.search.grouped.passes import Passes, groups_for
from pol_oracle.task import Workload, unmet
from pol_oracle.task.proof import Watch
from tests.search.replay import base, job, stands
from tests.task.workloads import small_workload

CPU = torch.device("cpu")
G = 8


def nonces(workload: Workload, bits: int) -> Nonces:
    return Nonces(workload, job(bits * BIT, bytes(32)))


def passes(workload: Workload) -> Passes:
    made = Passes(workload, CPU)
    made.load(workload.initial)
    return made


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_requirements_are_met_as_algorithm_1_sees_it(name: str) -> None:
    """Requirement by requirement, whatever else the pass computes along. Rounding may turn a sign now and then."""
    workload, bits, groups = small_workload(model=name), 12, 4
    naive, drawn = NaiveSearch(workload, CPU), nonces(workload, bits)
    load_state(naive._module, workload.initial)
    met = passes(workload).met(drawn.draw_all(range(groups)), drop=False)
    expected = []
    for draw in map(drawn.draw, range(groups)):
        gradients = naive._gradients(draw.indices)
        expected.append([naive._met(requirement, gradients) for requirement in draw.required])
    assert (met != np.array(expected)).sum() <= 1
    assert met.any() and not met.all()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_requirements_are_met_as_the_canonical_step_has_it(name: str) -> None:
    workload, bits = small_workload(model=name), 12
    drawn = nonces(workload, bits)
    met = passes(workload).met(drawn.draw_all(range(2)), drop=False)
    for row, draw in enumerate(map(drawn.draw, range(2))):
        chosen = list(draw.indices)
        post = workload.stepper.run(workload.initial, workload.train.images[chosen], workload.train.labels[chosen]).post
        expected = [unmet(workload, [requirement], workload.initial, post) is None for requirement in draw.required]
        assert (met[row] != np.array(expected)).sum() <= 1


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_groups_that_fail_are_left_behind_and_no_other(name: str) -> None:
    workload = small_workload(model=name)
    network, drawn = passes(workload), nonces(workload, 2).draw_all(range(12))
    whole, short = network.met(drawn, drop=False), network.met(drawn)
    assert np.array_equal(whole.all(axis=1), short.all(axis=1))
    assert not (short & ~whole).any()
    assert whole.all(axis=1).any() and not whole.all(axis=1).all()


def test_a_group_does_not_depend_on_its_company() -> None:
    workload = small_workload()
    network, drawn = passes(workload), nonces(workload, 6)
    whole = network.met(drawn.draw_all(range(9)), drop=False)
    alone = [network.met(drawn.draw_all(range(i, i + 1)), drop=False)[0] for i in range(9)]
    assert np.array_equal(whole, np.array(alone))


def test_nothing_is_computed_below_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No requirements: no backward pass at all."""
    workload = small_workload()
    monkeypatch.setattr(torch.ops.aten, "convolution_backward", None)
    assert passes(workload).met(nonces(workload, 0).draw_all(range(3))).shape == (3, 0)


def test_no_convolution_may_round_to_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default a GPU's would."""
    workload, allowed = small_workload(), list[bool]()
    network = passes(workload)

    def noting(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
        def run(*arguments: Any) -> torch.Tensor:
            allowed.append(torch.backends.cudnn.allow_tf32)
            return function(*arguments)

        return run

    for way in ("forward", "backward"):
        monkeypatch.setattr(LiveConvolution, way, noting(getattr(LiveConvolution, way)))
    network.met(nonces(workload, 8).draw_all(range(2)), drop=False)
    assert len(allowed) > 3 and not any(allowed)
    assert torch.backends.cudnn.allow_tf32


def test_a_proof_stands_up_to_a_replay() -> None:
    workload, difficulty = small_workload(), 4 * BIT + BIT // 2
    proof = GroupedSearch(workload, G).search(job(difficulty), base(workload.initial))
    assert proof is not None
    assert proof.pre is workload.initial
    stands(workload, proof, difficulty)


def test_it_finds_what_algorithm_1_finds() -> None:
    workload, difficulty = small_workload(), 3 * BIT
    found = [
        search.search(job(difficulty), base(workload.initial))
        for search in (GroupedSearch(workload, G), NaiveSearch(workload))
    ]
    assert found[0] is not None and found[1] is not None
    assert found[0].header == found[1].header


def test_a_search_may_go_on_with_another_w() -> None:
    workload = small_workload()
    other, search = State.initial(workload.model, 7), GroupedSearch(workload, G)
    for state in (workload.initial, other, workload.initial):
        proof = search.search(job(3 * BIT), base(state))
        assert proof is not None
        assert proof.pre is state
        stands(workload, proof, 3 * BIT)


def test_progress_counts_every_try() -> None:
    workload, seen = small_workload(), list[Progress]()
    proof = GroupedSearch(workload, G).search(
        job(3 * BIT), base(workload.initial), start_nonce=5, on_progress=seen.append
    )
    assert proof is not None
    last = seen[-1]
    assert last.nonce == 5 + last.tries
    assert last.nonce > proof.header.nonce >= last.nonce - G
    assert last.tries >= last.passed >= last.confirmed >= 1
    assert last.correct == proof.header.correct_after
    assert all(a.tries <= b.tries for a, b in pairwise(seen))


def test_a_search_stops_when_told() -> None:
    workload, seen = small_workload(), list[Progress]()
    found = GroupedSearch(workload, G).search(
        job(30 * BIT),
        base(workload.initial),
        should_stop=lambda: len(seen) >= 2,
        on_progress=seen.append,
    )
    assert found is None
    assert [progress.tries for progress in seen] == [8, 16]


def test_the_papers_rules_are_refused() -> None:
    with pytest.raises(InputError, match="hardened"):
        GroupedSearch(small_workload("paper"))


@dataclass(eq=False)
class Judge:
    """Says how many samples W and any W' get right, and notes what it was asked for."""

    w: State
    before: int
    after: int
    asked: list[State] = field(default_factory=list)

    def correct(
        self, state: State, images: object, labels: NDArray[np.uint8], progress: object = None
    ) -> NDArray[np.bool_]:
        self.asked.append(state)
        return np.arange(len(labels)) < (self.before if state is self.w else self.after)


@pytest.mark.parametrize(
    ("before", "after", "stands"),
    [(10, 11, True), (10, 10, False), (11, 10, False), (256, 256, True), (256, 255, False)],
)
def test_w_prime_must_be_better_or_both_perfect(before: int, after: int, stands: bool) -> None:
    workload = small_workload()
    judge = Judge(workload.initial, before, after)
    wanted = job(0, bytes(32))
    attempt = CandidateCheck(workload, wanted, Base(bytes(32), workload.initial), (judge,))
    proof = attempt.confirm(Nonces(workload, wanted).draw(0), Watch(Progress(0), None, None))
    assert (proof is not None) == stands


def test_w_is_counted_once() -> None:
    workload = small_workload()
    judge = Judge(workload.initial, 10, 10)
    wanted = job(0, bytes(32))
    attempt = CandidateCheck(workload, wanted, Base(bytes(32), workload.initial), (judge,))
    for nonce in range(3):
        attempt.confirm(Nonces(workload, wanted).draw(nonce), Watch(Progress(0), None, None))
    assert [state is workload.initial for state in judge.asked] == [True, False, False, False]


@dataclass(eq=False)
class Broken(Judge):
    """Finds the evaluation of W, or of any W', not finite."""

    at_w: bool = True

    def correct(
        self, state: State, images: object, labels: NDArray[np.uint8], progress: object = None
    ) -> NDArray[np.bool_]:
        if (state is self.w) == self.at_w:
            raise NotFinite(7)
        return super().correct(state, images, labels, progress)


@pytest.mark.parametrize("at_w", [True, False], ids=["W", "W'"])
def test_pitfall_05_an_evaluation_that_is_not_finite_is_no_proof_and_at_w_there_can_be_none(at_w: bool) -> None:
    """It was only a candidate that failed, and so did all others, for ever."""
    workload = small_workload()
    wanted = job(0, bytes(32))
    judge = Broken(workload.initial, 10, 11, at_w=at_w)
    attempt = CandidateCheck(workload, wanted, Base(bytes(32), workload.initial), (judge,))
    draw, watch = Nonces(workload, wanted).draw(0), Watch(Progress(0), None, None)
    if at_w:
        with pytest.raises(NotFinite):
            attempt.confirm(draw, watch)
    else:
        assert attempt.confirm(draw, watch) is None


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_passes_fit_the_memory(name: str) -> None:
    assert 1 <= groups_for(small_workload(model=name), CPU) <= 64


def test_a_network_takes_over_what_it_is_given() -> None:
    """Loaded anew, it is as if made anew."""
    workload = small_workload()
    other, drawn = State.initial(workload.model, 3), nonces(workload, 12).draw_all(range(6))
    used, fresh = passes(workload), Passes(workload, CPU)
    first = used.met(drawn, drop=False)
    used.load(other)
    fresh.load(other)
    assert np.array_equal(used.met(drawn, drop=False), fresh.met(drawn, drop=False))
    assert not np.array_equal(first, fresh.met(drawn, drop=False))
    assert isinstance(used._network, GroupedNetwork)
