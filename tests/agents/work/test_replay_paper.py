"""A replay under the paper's rules: W is the miner's, and served."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pol_oracle.agents.rules.verdicts import can_be_built_on
from pol_oracle.agents.work.answerer import HonestAnswerer
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.replay import Replayer
from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.store import StateStore
from tests.agents.chains import GENESIS
from tests.agents.work.headers import block, never
from tests.task.workloads import MINER, small_workload


@pytest.fixture
def paper(tmp_path: Path) -> Callable[[], tuple[Follower, Header]]:
    """A right block under the paper's rules, whose W is in the store."""
    workload = small_workload("paper")

    def make() -> tuple[Follower, Header]:
        store, images, labels = StateStore([tmp_path]), workload.train.images, workload.train.labels
        result = workload.stepper.run(workload.initial, images[4:8], labels[4:8])
        pre = result.post
        store.put(pre.root, pre.to_bytes())
        step = workload.stepper.run(pre, images[:4], labels[:4])
        follower = Follower(workload, GENESIS, store)
        tree = AccuracyTree.of(*(follower.count(state, never) for state in (pre, step.post)))
        roots = bytes(32), pre.root, step.post.root, step.trace.root, tree.root.hash
        return follower, Header(GENESIS, MINER, 0, (0, 1, 2, 3), *roots, tree.root.before, tree.root.after)

    return make


def test_under_paper_rules_w_is_fetched(paper: Callable[[], tuple[Follower, Header]]) -> None:
    follower, header = paper()
    asked = replace(block(header, follower.workload), difficulty=0)
    assert can_be_built_on(Replayer(follower)(asked, (), {}, never))


def test_pitfall_03_under_paper_rules_missing_weights_are_no_verdict(
    paper: Callable[[], tuple[Follower, Header]], tmp_path: Path
) -> None:
    follower, header = paper()
    for path in tmp_path.glob("*.f32"):
        path.unlink()
    asked = block(header, follower.workload)
    with pytest.raises(StoreError):
        Replayer(follower)(asked, (), {}, never)
    with pytest.raises(StoreError):
        HonestAnswerer(follower)(asked, (), Position(Item.ROOTS), never)
