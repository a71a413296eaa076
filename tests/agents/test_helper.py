"""A helper's own folder of states."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pol_oracle.agents import helper
from pol_oracle.agents.helper import ChainStates, handed
from pol_oracle.agents.work.follow import Follower, FollowStage, Watch
from pol_oracle.l1.client import Client
from pol_oracle.l1.monitor import Update
from pol_oracle.protocol.hashing import keccak
from pol_oracle.store import StateStore, file_name
from tests.agents.chains import Block, chain, lineage
from tests.agents.scene import GENESIS, Scene
from tests.task.workloads import small_workload

WORKLOAD = small_workload()
BLOCKS = chain(4)


def helping(
    scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch, follower: Any, whole: bool = True
) -> ChainStates:
    """A helper that L1 shows this scene."""

    def told(*_: Any) -> Any:
        update = Update(None, tuple(scene.history.events), scene.l1_block, scene.now, whole)
        return SimpleNamespace(poll=lambda: update)

    monkeypatch.setattr(helper, "open_events", told)
    deployment = SimpleNamespace(deployed_at=0, confirmations=0, genesis_id="0x" + GENESIS.hex())
    config: Any = SimpleNamespace(deployment=deployment, kept_path=folder)
    return ChainStates(config, cast(Client, None), follower, threading.Event())


@pytest.mark.parametrize(("whole", "left"), [(True, [2]), (False, [0, 1, 2])])
def test_a_helper_keeps_no_more_states_than_pending_blocks_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bool, left: list[int]
) -> None:
    """It would else fill the disk, a state for every block. Of what L1 has not told yet it knows nothing."""
    scene = Scene()
    blocks = scene.chain(4)
    roots = [header.post_root for block in blocks if (header := scene.view.blocks[block].header) is not None]
    for block, root in zip(blocks[:3], roots, strict=False):
        scene.finalize(block)
        StateStore([tmp_path]).put(root, b"weights")

    follower: Any = SimpleNamespace(end=lambda block_id, lineage, cancelled: block_id)
    assert helping(scene, tmp_path, monkeypatch, follower, whole)(blocks[2]) == blocks[2]
    assert {path.name for path in tmp_path.glob("*.f32")} == {file_name(roots[i]) for i in left}


@pytest.mark.parametrize("shown", [0, 1, 2, 4], ids="{} shown".format)
def test_a_helper_searches_on_blocks_that_are_on_their_way_to_l1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: int
) -> None:
    """It idled until L1 showed what its leader had found, and the leader was two blocks ahead by then."""
    scene = l1_with(BLOCKS[:shown])
    states = helping(scene, tmp_path, monkeypatch, follower(tmp_path))
    found = states(BLOCKS[3].id, lineage(BLOCKS)[-8:])
    assert found == follower(tmp_path / "leader").end(BLOCKS[3].id, lineage(BLOCKS), lambda: False)


def test_what_is_neither_shown_nor_handed_over_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = helping(l1_with(BLOCKS[:1]), tmp_path, monkeypatch, follower(tmp_path))
    assert states(BLOCKS[3].id) is None
    assert states(BLOCKS[3].id, lineage(BLOCKS[2:])) is None  # the second block is missing between


@pytest.mark.parametrize("change", ["order", "batch", "link", "another"])
def test_headers_that_do_not_lead_to_the_parent_are_no_lineage(change: str) -> None:
    view, headers, parent = l1_with(BLOCKS[:1]).view, list(lineage(BLOCKS[1:])), BLOCKS[3].id
    assert tuple(handed(view, WORKLOAD, parent, headers) or ()) == lineage(BLOCKS)
    if change == "order":
        headers.reverse()
    elif change == "link":
        headers[1] = replace(headers[1], parent=keccak(b"elsewhere"))
    elif change == "another":
        parent = keccak(b"another")
    else:  # samples that do not exist; the id is right
        headers[2] = replace(headers[2], indices=(2**31, 1, 2, 3))
        parent = headers[2].id(WORKLOAD.task.id)
    assert handed(view, WORKLOAD, parent, headers) is None


def test_a_parent_handed_over_that_does_not_follow_from_the_chain_is_computed_once_and_ends_no_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = replace(BLOCKS[1].header, post_root=keccak(b"another W'"))
    walked: list[FollowStage] = []
    states = helping(l1_with(BLOCKS[:1]), tmp_path, monkeypatch, follower(tmp_path, walked.append))
    assert states(wrong.id(WORKLOAD.task.id), (wrong,)) is None
    once = len(walked)
    assert once > 0
    assert states(wrong.id(WORKLOAD.task.id), (wrong,)) is None
    assert len(walked) == once
    assert states(BLOCKS[1].id, (BLOCKS[1].header,)) is not None


def l1_with(blocks: Sequence[Block]) -> Scene:
    """An L1 that shows these blocks and no others."""
    scene = Scene()
    for block in blocks:
        assert scene.propose(block.header.parent, header=block.header, task=WORKLOAD.task.id) == block.id
    return scene


def follower(folder: Path, watch: Watch = lambda stage: None) -> Follower:
    return Follower(WORKLOAD, GENESIS, StateStore([folder]), watch)
