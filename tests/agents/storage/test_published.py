"""A store under the paper's rules: all that is judged or may be built on is there, and nothing piles up."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from pol_oracle.agents.storage.kept import SERVED
from pol_oracle.agents.storage.published import PublishedStates, needed_roots
from pol_oracle.protocol.errors import StoreError
from pol_oracle.store import StateStore
from tests.agents.scene import CHEAT, Scene

INITIAL, AHEAD = b"i" * 32, b"a" * 32  # the first state; one of a proof that L1 does not show yet


def roots(scene: Scene, block: bytes) -> set[bytes]:
    header = scene.view.blocks[block].header
    assert header is not None
    return {header.pre_root, header.post_root}


def test_states_of_settled_blocks_go_and_all_others_stay(tmp_path: Path) -> None:
    scene, store = Scene(), StateStore([tmp_path])
    blocks = scene.chain(SERVED + 3)
    lost = scene.propose(blocks[0], CHEAT, nonce=1)
    for root in {INITIAL, AHEAD}.union(*(roots(scene, block) for block in (*blocks, lost))):
        store.put(root, b"weights!")
    published = PublishedStates(store, INITIAL)
    everything = store.roots()
    published.tidy(scene.view)
    assert store.roots() == everything, "nothing is settled yet"

    for block in blocks[: SERVED + 2]:
        scene.finalize(block)
    scene.orphan(lost)
    published.tidy(scene.view)

    wanted = set().union(*(roots(scene, block) for block in blocks[2:]))
    assert needed_roots(scene.view, SERVED) == wanted
    assert store.roots() == {INITIAL, AHEAD, *wanted}


def test_a_store_that_lets_nothing_go_does_not_end_a_miner() -> None:
    class Stuck:
        def roots(self) -> set[bytes]:
            raise StoreError("no permission")

    scene = Scene()
    PublishedStates(cast(Any, Stuck()), INITIAL).tidy(scene.view)


def test_a_store_is_looked_at_once_for_each_final_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, store, looks = Scene(), StateStore([tmp_path]), list[int]()

    def look() -> set[bytes]:
        looks.append(1)
        return set()

    monkeypatch.setattr(store, "roots", look)
    published = PublishedStates(store, INITIAL)
    for _ in range(3):
        published.tidy(scene.view)
    assert len(looks) == 1
