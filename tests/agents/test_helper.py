"""A helper's own folder of states."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pol_oracle.agents import helper
from pol_oracle.agents.helper import ChainStates
from pol_oracle.chain.client import Client
from pol_oracle.chain.monitor import Update
from pol_oracle.store import StateStore, file_name
from tests.agents.scene import GENESIS, Scene


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

    def told(*_: Any) -> Any:
        update = Update(None, tuple(scene.history.events), scene.l1_block, scene.now, whole)
        return SimpleNamespace(poll=lambda: update)

    monkeypatch.setattr(helper, "Monitor", told)
    monkeypatch.setattr(Client, "connect", lambda *_: None)
    deployment = SimpleNamespace(rpc="", deployed_at=0, confirmations=0, genesis_id="0x" + GENESIS.hex())
    config: Any = SimpleNamespace(deployment=deployment, rpc=None, kept_path=tmp_path)
    follower: Any = SimpleNamespace(end=lambda block_id, lineage, cancelled: block_id)
    assert ChainStates(config, follower, threading.Event())(blocks[2]) == blocks[2]
    assert {path.name for path in tmp_path.glob("*.f32")} == {file_name(roots[i]) for i in left}
