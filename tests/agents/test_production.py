"""A search begins at the W that follows from the parent, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from pol_oracle.agents.monitoring.meter import Meter
from pol_oracle.agents.production import Production
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.worker import Cancelled
from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.protocol.errors import InputError, NotFinite
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.search import Base, Job, Progress, Proof, Search
from pol_oracle.store import StateStore
from tests.agents.chains import GENESIS, Block, chain, lineage
from tests.agents.work.followers import Diverging
from tests.task.workloads import MINER, small_workload

WORKLOAD = small_workload()
BLOCKS = chain(2)
DIFFICULTY = 2048


def never() -> bool:
    return False


@dataclass
class Sought:
    """A search that finds the same proof each time, if any, and tells where it was to begin."""

    found: Proof | None = None
    jobs: list[Job] = field(default_factory=list)
    bases: list[Base] = field(default_factory=list)
    nonces: list[int] = field(default_factory=list)

    def search(
        self,
        job: Job,
        base: Base,
        *,
        start_nonce: int,
        should_stop: Callable[[], bool],
        on_progress: Callable[[Progress], None],
    ) -> Proof | None:
        self.jobs.append(job)
        self.bases.append(base)
        self.nonces.append(start_nonce)
        on_progress(Progress(start_nonce, tries=1))
        return self.found


def producing(follower: Follower, sought: Sought, meter: Meter | None = None) -> Production:
    return Production(follower, cast(Search, sought), meter)


def job(*blocks: Block) -> Job:
    return Job(blocks[-1].id if blocks else GENESIS, MINER, DIFFICULTY, lineage(blocks))


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    return Follower(WORKLOAD, GENESIS, StateStore([tmp_path]))


def proof_of(follower: Follower, block: Block) -> Proof:
    pre = follower.segment(block.header.parent, lineage(BLOCKS[: BLOCKS.index(block)]), never).end
    bits = (follower.count(state, never) for state in (pre, block.post))
    return Proof(block.header, pre, block.post, AccuracyTree.of(*bits))


def test_searches_on_the_state_that_every_miner_of_the_parent_starts_from(follower: Follower) -> None:
    sought = Sought(proof_of(follower, BLOCKS[0]))
    produce = producing(follower, sought)
    assert produce(job(), never) is sought.found
    produce(job(BLOCKS[0]), never)
    expected = [(GENESIS, BLOCKS[0].header), (BLOCKS[0].id, BLOCKS[1].header)]
    found = [(j.parent, b.segment_root, b.state.root) for j, b in zip(sought.jobs, sought.bases, strict=True)]
    assert found == [(parent, child.segment_root, child.pre_root) for parent, child in expected]
    assert [tuple(job.lineage) for job in sought.jobs] == [(), (BLOCKS[0].header,)]  # for helpers
    assert len(set(sought.nonces)) == 2  # a job that is begun again tries others


def test_what_a_block_s_children_and_demands_ask_for_is_kept(tmp_path: Path, follower: Follower) -> None:
    produce = producing(Follower(WORKLOAD, GENESIS, StateStore([tmp_path])), Sought(proof_of(follower, BLOCKS[0])))
    proof = produce(job(), never)
    store = StateStore([tmp_path])
    assert store.has(proof.post.root)
    before = produce.follower.count(proof.pre, lambda: True)  # nothing is left to compute
    assert before.sum() == proof.accuracy.root.before
    assert len(before) == WORKLOAD.task.test_count


def test_a_search_that_was_stopped_is_cancelled(follower: Follower) -> None:
    with pytest.raises(Cancelled):
        producing(follower, Sought(None))(job(), never)


def test_nothing_is_searched_on_a_dead_end(tmp_path: Path) -> None:
    follower, sought = Diverging(WORKLOAD, GENESIS, StateStore([tmp_path])), Sought(None)
    follower.after = GENESIS
    with pytest.raises(InputError, match="not finite"):
        producing(follower, sought)(job(), never)
    assert sought.bases == []


def test_pitfall_05_a_parent_whose_w_cannot_be_evaluated_is_a_dead_end(follower: Follower) -> None:
    """The search would try for ever: every candidate fails with it."""

    class Vain(Sought):
        def search(self, *given: Any, **options: Any) -> Proof | None:
            raise NotFinite(7)

    with pytest.raises(InputError, match="sample 7 is not finite: nothing can be built on it"):
        producing(follower, Vain())(job(BLOCKS[0]), never)


def test_nothing_is_searched_above_what_does_not_follow_from_the_chain(follower: Follower) -> None:
    header = replace(BLOCKS[0].header, post_root=ZERO)
    wrong = replace(BLOCKS[0], header=header, id=header.id(WORKLOAD.task.id))
    with pytest.raises(InputError, match="does not follow"):
        producing(follower, Sought(None))(job(wrong), never)


def test_under_paper_rules_the_search_begins_at_the_parent_s_weights(tmp_path: Path) -> None:
    paper, stranger = small_workload("paper"), BLOCKS[1]
    store = StateStore([tmp_path])
    store.put(stranger.post.root, stranger.post.to_bytes())
    sought = Sought(None)
    produce = producing(Follower(paper, GENESIS, store), sought)
    for parent in ((), (stranger,)):
        with pytest.raises(Cancelled):
            produce(job(*parent), never)
    begun: list[Any] = [(base.segment_root, base.state.root) for base in sought.bases]
    assert begun == [(ZERO, paper.initial.root), (ZERO, stranger.post.root)]
