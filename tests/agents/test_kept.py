"""States on disk: no more than pending blocks need, and the newest final ones for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.agents.kept import SERVED, FinalStates, KeptStates
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.store import StateStore, file_name
from tests.agents.scene import CHEAT, Scene

STATE = b"weights!"


def root(scene: Scene, block: bytes) -> bytes:
    header = scene.view.blocks[block].header
    assert header is not None
    return header.post_root


def fill(folder: Path, *roots: bytes) -> StateStore:
    store = StateStore([folder])
    for name in roots:
        store.put(name, STATE)
    return store


def left(folder: Path, scene: Scene, blocks: list[bytes]) -> list[int]:
    """Which of the blocks have their states there."""
    return [i for i, block in enumerate(blocks) if (folder / file_name(root(scene, block))).exists()]


def test_states_of_settled_blocks_go_when_another_block_is_final(tmp_path: Path) -> None:
    scene = Scene()
    blocks = scene.chain(4)
    blocks.append(scene.propose(blocks[0], CHEAT, nonce=1))  # loses against the second
    fill(tmp_path, *(root(scene, block) for block in blocks))
    kept = KeptStates(tmp_path)
    kept.tidy(scene.view)
    assert left(tmp_path, scene, blocks) == [0, 1, 2, 3, 4]

    for block in blocks[:2]:
        scene.finalize(block)
    scene.orphan(blocks[4])
    kept.tidy(scene.view)
    assert left(tmp_path, scene, blocks) == [1, 2, 3]  # the final one is built on, the others wait


def test_what_a_pending_block_stands_on_stays(tmp_path: Path) -> None:
    """A block that has lost its race can still be demanded of: its miner and its attesters must be able to answer."""
    scene = Scene()
    below = scene.propose()
    winner, loser = scene.propose(below), scene.propose(below, CHEAT, nonce=1)
    following = scene.propose(winner)
    blocks = [below, winner, following]
    fill(tmp_path, *(root(scene, block) for block in blocks))
    kept = KeptStates(tmp_path)
    for block in (below, winner):
        scene.finalize(block)
    kept.tidy(scene.view)
    assert left(tmp_path, scene, blocks) == [0, 1, 2]

    scene.orphan(loser)
    scene.finalize(following)
    kept.tidy(scene.view)
    assert left(tmp_path, scene, blocks) == [2]


def test_what_a_miner_has_under_way_stays(tmp_path: Path) -> None:
    scene = Scene()
    block, hidden = scene.propose(), keccak(b"W' of a proof that L1 does not show yet")
    fill(tmp_path, root(scene, block), hidden, keccak(b"forgotten"))
    scene.finalize(block)
    KeptStates(tmp_path).tidy(scene.view, [hidden])
    assert {path.name for path in tmp_path.glob("*.f32")} == {file_name(root(scene, block)), file_name(hidden)}


def test_a_long_way_goes_on_from_the_newest_final_state_that_is_here(tmp_path: Path) -> None:
    """Following takes longer than blocks take to become final: what it wrote on the way must not be tidied away."""
    scene = Scene()
    blocks = scene.chain(5)
    fill(tmp_path, *(root(scene, block) for block in blocks[:2]))
    for block in blocks[:4]:
        scene.finalize(block)
    kept = KeptStates(tmp_path)
    kept.tidy(scene.view)
    assert left(tmp_path, scene, blocks) == [1]

    fill(tmp_path, root(scene, blocks[3]))
    scene.finalize(blocks[4])
    kept.tidy(scene.view)
    assert left(tmp_path, scene, blocks) == [3]


def serving(folder: Path) -> tuple[StateStore, StateStore, FinalStates]:
    own, served = StateStore([folder / "own"]), StateStore([folder / "served"])
    return own, served, FinalStates(own, served, len(STATE))


def test_the_newest_few_final_states_are_served(tmp_path: Path) -> None:
    scene = Scene()
    own, served, final = serving(tmp_path)
    blocks = scene.chain(SERVED + 3)
    for block in blocks:
        own.put(root(scene, block), STATE)
        scene.finalize(block)
        final.turn(scene.view)
    assert left(tmp_path / "served", scene, blocks) == list(range(3, SERVED + 3))
    assert served.get(root(scene, blocks[-1]), len(STATE)) == STATE


def test_a_state_that_is_not_one_s_own_finding_is_not_served(tmp_path: Path) -> None:
    scene = Scene()
    own, served, final = serving(tmp_path)
    block = scene.propose()
    final.turn(scene.view)  # genesis: everybody has it
    scene.finalize(block)
    final.turn(scene.view)
    assert not served.has(root(scene, block))

    own.put(root(scene, block), STATE)
    final.turn(scene.view)
    assert served.has(root(scene, block))


def test_what_others_serve_is_left_to_them(tmp_path: Path) -> None:
    scene = Scene()
    own, served, final = serving(tmp_path)
    blocks = scene.chain(SERVED + 2)
    served.put(root(scene, blocks[0]), STATE)
    for block in blocks:
        own.put(root(scene, block), STATE)
        scene.finalize(block)
        final.turn(scene.view)
    assert served.has(root(scene, blocks[0]))
    assert not served.has(root(scene, blocks[1]))


def test_a_store_that_takes_nothing_does_not_end_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    own, served, final = serving(tmp_path)
    block = scene.propose()
    own.put(root(scene, block), STATE)
    scene.finalize(block)

    def refuse(self: StateStore, root: bytes, data: bytes) -> None:
        raise StoreError("read-only")

    monkeypatch.setattr(StateStore, "put", refuse)
    final.turn(scene.view)
    assert not served.has(root(scene, block))
