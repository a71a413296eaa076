"""Algorithm 1: what it finds is a valid proof, and only that."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.search import NaiveSearch, Progress, Proof, read_state
from pol_oracle.search.draws import Nonces
from pol_oracle.task import Workload, requirements_of, unmet
from tests.search.replay import base, draw, job, stands
from tests.task.workloads import RIVAL, small_workload, state_after

BITS = 3
DIFFICULTY = BITS * BIT


def search(workload: Workload, *arguments: Any, **options: Any) -> Proof | None:
    """A search that knows of no earlier one."""
    return NaiveSearch(workload).search(*arguments, **options)


@pytest.fixture(scope="module")
def trained() -> State:
    """Somewhat better than chance, so that single steps move the accuracy."""
    return state_after(160)


@pytest.fixture(scope="module")
def proof(trained: State) -> Proof:
    found = search(small_workload(), job(DIFFICULTY), base(trained))
    assert found is not None
    return found


def test_a_proof_stands_up_to_a_replay(proof: Proof) -> None:
    stands(small_workload(), proof, DIFFICULTY)


def test_a_fraction_of_a_bit_asks_some_blocks_for_one_requirement_more(trained: State) -> None:
    """Both kinds of proof occur: with one requirement and with two."""
    workload, difficulty, kinds, nonce = small_workload(), BIT + BIT // 2, set[bool](), 0
    while len(kinds) < 2:
        proof = search(workload, job(difficulty), base(trained), start_nonce=nonce)
        assert proof is not None
        stands(workload, proof, difficulty)
        nonce = proof.header.nonce + 1
        two = requirements_of(workload, proof.header, 2 * BIT)
        kinds.add(unmet(workload, two, proof.pre, proof.post) is None)


def test_the_same_search_finds_the_same_proof(proof: Proof, trained: State) -> None:
    again = NaiveSearch(small_workload()).search(job(DIFFICULTY), base(trained))
    assert again is not None
    assert again.header == proof.header


def test_a_search_can_go_on_where_it_was(proof: Proof, trained: State) -> None:
    again = search(small_workload(), job(DIFFICULTY), base(trained), start_nonce=proof.header.nonce)
    assert again is not None
    assert again.header == proof.header


def test_progress_counts_every_try(proof: Proof, trained: State) -> None:
    seen: list[Progress] = []
    search(small_workload(), job(DIFFICULTY), base(trained), on_progress=seen.append)
    last = seen[-1]
    assert last.nonce == last.tries == proof.header.nonce + 1
    assert last.tries >= last.passed >= last.confirmed >= 1
    assert all(a.tries <= b.tries for a, b in pairwise(seen))


def test_a_search_stops_when_told_between_tries(trained: State) -> None:
    seen: list[Progress] = []
    stop = search(
        small_workload(),
        job(20 * BIT),
        base(trained),
        should_stop=lambda: len(seen) >= 5,
        on_progress=seen.append,
    )
    assert stop is None
    assert [progress.nonce for progress in seen] == [1, 2, 3, 4, 5]


def test_a_search_stops_when_told_during_an_evaluation(trained: State) -> None:
    seen: list[Progress] = []
    stop = NaiveSearch(small_workload()).search(
        job(BIT),
        base(trained),
        should_stop=lambda: bool(seen) and seen[-1].evaluated > 0,
        on_progress=seen.append,
    )
    assert stop is None
    assert 0 < seen[-1].evaluated < 256


def test_pitfall_05_an_unmoved_weight_has_not_risen(trained: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """With learning rate 0 nothing moves: every number of rises is even."""
    searcher, nonces = NaiveSearch(small_workload()), Nonces(small_workload(), job(8 * BIT, bytes(32)))
    monkeypatch.setattr(searcher, "_learning_rate", np.float32(0))
    draw = nonces.draw(0)
    gradients = searcher._gradients(draw.indices)
    assert [searcher._met(r, gradients) for r in draw.required] == [not r.odd for r in draw.required]


def test_pitfall_01_proof_theft_another_miners_proof_has_other_indices(proof: Proof) -> None:
    workload = small_workload()
    other_r, other_p = draw(workload, replace(proof.header, miner=RIVAL), BITS)
    assert other_r != requirements_of(workload, proof.header, DIFFICULTY)
    assert other_p != proof.header.indices


@settings(max_examples=30)
@given(nonce=st.integers(0, 2**64 - 2))
def test_pitfall_04_grinding_every_nonce_draws_r_and_p_anew(proof: Proof, nonce: int) -> None:
    one, next_ = (draw(small_workload(), replace(proof.header, nonce=n), BITS) for n in (nonce, nonce + 1))
    assert one[0] != next_[0]
    assert one[1] != next_[1]


def test_under_paper_rules_r_is_the_parents_and_p_is_free() -> None:
    workload = small_workload("paper")
    proof = search(workload, job(DIFFICULTY), base(state_after(160, "paper")))
    assert proof is not None
    header = proof.header
    assert len(set(header.indices)) == 4
    assert max(header.indices) < 256
    assert requirements_of(workload, header, DIFFICULTY) == requirements_of(
        workload, replace(header, miner=RIVAL, nonce=9), DIFFICULTY
    )
    assert unmet(workload, requirements_of(workload, header, DIFFICULTY), proof.pre, proof.post) is None
    moved = [w.name for w in workload.model.buffers if not np.array_equal(proof.pre[w.name], proof.post[w.name])]
    assert len(moved) == len(workload.model.buffers)


def test_under_paper_rules_tries_train() -> None:
    """W moves until a try meets R; under hardened rules it is the one that was given."""
    workload, seen = small_workload("paper"), list[Progress]()
    searcher = NaiveSearch(workload)
    searcher.search(
        job(20 * BIT), base(workload.initial), should_stop=lambda: len(seen) >= 100, on_progress=seen.append
    )
    before, after = (
        workload.evaluator.correct(state, workload.test.images, workload.test.labels).sum()
        for state in (workload.initial, read_state(searcher._module, workload.model))
    )
    assert after > before


def test_under_hardened_rules_w_stays(proof: Proof, trained: State) -> None:
    assert proof.pre is trained


class Deceived:
    """A screen that a poisoned state has fooled: W gets nothing right, W' everything."""

    def __init__(self, state: State) -> None:
        self._state = state

    def correct(self, state: State, images: object, labels: NDArray[np.uint8], progress: object) -> NDArray[np.bool_]:
        return np.full(len(labels), state is not self._state)


def test_a_deceived_screen_leads_to_no_false_claim(trained: State, monkeypatch: pytest.MonkeyPatch) -> None:
    workload, searcher = small_workload(), NaiveSearch(small_workload())
    monkeypatch.setattr(searcher, "counters", (Deceived(trained), workload.evaluator))
    found = searcher.search(job(DIFFICULTY), base(trained))
    assert found is not None
    test, header = workload.test, found.header
    before, after = (workload.evaluator.correct(s, test.images, test.labels) for s in (found.pre, found.post))
    assert (header.correct_before, header.correct_after) == (int(before.sum()), int(after.sum()))
    assert header.correct_after > header.correct_before
    assert header.eval_root == AccuracyTree.of(before, after).root.hash
