"""Where a miner's next search begins: at its own weights while they are good, else at the parent's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pol_oracle.agents.job import Job
from pol_oracle.agents.knowledge import Parent
from pol_oracle.agents.production import Production
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import RuleError
from pol_oracle.search import Proof, Search
from pol_oracle.store import StateStore
from tests.agents.test_replay import proof
from tests.task.workloads import MINER, small_workload

WORKLOAD = small_workload()
CLOSE = WORKLOAD.task.accuracy_slack // 2


@dataclass
class Sought:
    """A search that finds the same proof each time, and tells where it was to begin."""

    found: Proof
    begun: State | None = None
    diverges: int = 0

    def search(self, parent: Any, miner: str, state: State, difficulty: int, **_: Any) -> Proof:
        self.begun = state
        if self.diverges:
            self.diverges -= 1
            raise RuleError("training diverged")
        return self.found


def production(path: Path) -> tuple[Production, Sought, State]:
    """With a stranger's weights in the store."""
    stranger, store = State.initial(WORKLOAD.model, 99), StateStore([path])
    store.put(stranger.root, stranger.to_bytes())
    made = proof()
    sought = Sought(replace(made, header=replace(made.header, correct_after=100)))
    return Production(WORKLOAD, store, cast(Search, sought)), sought, stranger


def job(post: State | None, correct: int) -> Job:
    return Job(Parent(bytes(32), correct, None if post is None else post.root), MINER, 1024)


def test_begins_at_the_parents_weights_and_goes_on_with_its_own(tmp_path: Path) -> None:
    produce, sought, stranger = production(tmp_path)
    produce(job(None, 0), lambda: False)
    assert sought.begun == WORKLOAD.initial

    for correct in (0, 100, 100 + CLOSE):
        produce(job(stranger, correct), lambda: False)
        assert sought.begun == sought.found.post


def test_takes_over_what_is_clearly_better(tmp_path: Path) -> None:
    produce, sought, stranger = production(tmp_path)
    produce(job(stranger, 50), lambda: False)
    assert sought.begun == stranger

    produce(job(stranger, 101 + CLOSE), lambda: False)
    assert sought.begun == stranger


def test_begins_again_at_the_parents_weights_if_its_own_diverge(tmp_path: Path) -> None:
    produce, sought, stranger = production(tmp_path)
    produce(job(None, 0), lambda: False)
    sought.diverges = 1
    produce(job(stranger, 100), lambda: False)
    assert sought.begun == stranger
