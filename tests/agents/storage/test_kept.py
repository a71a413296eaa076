"""States on disk: no more than pending blocks need, and the newest final ones for others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import structlog

from pol_oracle.agents.storage.kept import HEADERS, SERVED, FinalHeaders, FinalStates, KeptStates
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.store import StateStore, file_name
from pol_oracle.store.headers import HeaderStore
from pol_oracle.task import fetch_state
from tests.agents.scene import CHEAT, GENESIS, TASK, Scene

MODEL = build_model("cnn")
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


class Trained:
    """A scene whose blocks have states that hash to their roots, and who keeps and serves them."""

    def __init__(self, folder: Path) -> None:
        self.scene, self.folder = Scene(), folder
        self.blocks, self.states = list[bytes](), list[State]()
        self.own, self.served = StateStore([folder / "own"]), StateStore([folder / "served"])
        self.final = FinalStates(self.own, self.served, MODEL)

    def grow(self, *, kept: bool = True) -> State:
        """A block more, its state, and nothing final yet."""
        state = State.initial(MODEL, len(self.blocks))
        parent = self.blocks[-1] if self.blocks else GENESIS
        header = replace(self.scene.header(parent), post_root=state.root)
        self.blocks.append(self.scene.propose(parent, header=header))
        self.states.append(state)
        if kept:
            self.own.put(state.root, state.to_bytes())
        return state

    def finalize(self) -> None:
        """The last block is final, and the agent takes a turn."""
        self.scene.finalize(self.blocks[-1])
        self.final.turn(self.scene.view)

    @property
    def left(self) -> list[int]:
        """Which of the blocks have their states served."""
        return left(self.folder / "served", self.scene, self.blocks)


def test_the_newest_few_final_states_are_served(tmp_path: Path) -> None:
    chain = Trained(tmp_path)
    for _ in range(SERVED + 3):
        state = chain.grow()
        chain.finalize()
    assert chain.left == list(range(3, SERVED + 3))
    assert fetch_state(chain.served, MODEL, state.root) == state


def test_a_state_that_is_not_one_s_own_finding_is_not_served(tmp_path: Path) -> None:
    chain = Trained(tmp_path)
    chain.final.turn(chain.scene.view)  # genesis: everybody has it
    state = chain.grow(kept=False)
    chain.finalize()
    assert chain.left == []

    chain.own.put(state.root, state.to_bytes())
    chain.final.turn(chain.scene.view)
    assert chain.left == [0]


def test_a_damaged_state_is_not_served(tmp_path: Path) -> None:
    """It was served for its name, and late joiners fetched it in vain."""
    chain = Trained(tmp_path)
    state = chain.grow()
    chain.own.put(state.root, State.initial(MODEL, 99).to_bytes())
    chain.finalize()
    assert chain.left == []


def test_a_damaged_state_in_the_store_is_replaced(tmp_path: Path) -> None:
    chain = Trained(tmp_path)
    state = chain.grow()
    chain.served.put(state.root, b"nonsense")
    chain.finalize()
    assert fetch_state(chain.served, MODEL, state.root) == state


def test_what_others_serve_is_left_to_them(tmp_path: Path) -> None:
    """But for what lies there when an agent starts, which may be its own."""
    chain = Trained(tmp_path)
    chain.grow()
    chain.finalize()
    theirs = chain.grow()
    chain.served.put(theirs.root, theirs.to_bytes())
    chain.finalize()
    for _ in range(SERVED):
        chain.grow()
        chain.finalize()
    assert chain.left == [1, *range(2, SERVED + 2)]


def test_states_that_an_earlier_life_served_do_not_pile_up(tmp_path: Path) -> None:
    chain = Trained(tmp_path)
    for _ in range(5):
        for _ in range(3):
            chain.grow()
            chain.finalize()
        chain.final = FinalStates(chain.own, chain.served, MODEL)
    assert chain.left == list(range(15 - SERVED, 15))


def final_chain(blocks: int) -> Scene:
    scene = Scene()
    for block in scene.chain(blocks):
        scene.finalize(block)
    return scene


def headers_in(folder: Path) -> HeaderStore:
    return HeaderStore(StateStore([folder]), TASK, 4)


def served_in(folder: Path, scene: Scene) -> list[int]:
    """Heights of the final blocks whose headers are served, and right."""
    return [height for height, block in enumerate(scene.view.finalized) if headers_in(folder).has(block)]


def test_headers_of_all_final_blocks_are_served_a_few_a_turn(tmp_path: Path) -> None:
    scene = final_chain(HEADERS + 3)
    final = FinalHeaders(headers_in(tmp_path))
    final.turn(scene.view)
    assert served_in(tmp_path, scene) == list(range(1, HEADERS + 1))
    for block in scene.chain(2, scene.view.head):
        scene.finalize(block)
        final.turn(scene.view)
    assert served_in(tmp_path, scene) == list(range(1, HEADERS + 6))


def test_headers_that_are_missing_or_damaged_at_the_start_are_put_there(tmp_path: Path) -> None:
    scene = final_chain(5)
    FinalHeaders(headers_in(tmp_path)).turn(scene.view)
    first, second, third, *_ = sorted(tmp_path.iterdir())
    first.unlink()
    second.write_bytes(third.read_bytes())
    assert len(served_in(tmp_path, scene)) == 3

    FinalHeaders(headers_in(tmp_path)).turn(scene.view)
    assert served_in(tmp_path, scene) == [1, 2, 3, 4, 5]


def test_headers_of_blocks_that_l1_made_final_anew_are_served(tmp_path: Path) -> None:
    scene = final_chain(2)
    before = scene.l1_block
    final = FinalHeaders(headers_in(tmp_path))
    other = scene.propose(scene.view.head)
    scene.finalize(other)
    final.turn(scene.view)
    scene.reorg(before)
    scene.finalize(scene.propose(scene.view.head, nonce=1))
    final.turn(scene.view)
    assert served_in(tmp_path, scene) == [1, 2, 3]


def test_a_store_that_takes_no_headers_is_told_of_once(tmp_path: Path) -> None:
    scene = final_chain(2)
    (tmp_path / "file").write_bytes(b"no folder")
    final = FinalHeaders(headers_in(tmp_path / "file"))
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            final.turn(scene.view)
            scene.finalize(scene.propose(scene.view.head))
    assert [entry["event"] for entry in said] == ["headers are not served by this agent"]

    (tmp_path / "file").unlink()
    final.turn(scene.view)
    assert served_in(tmp_path / "file", scene) == [1, 2, 3, 4, 5]


def test_a_store_that_takes_nothing_does_not_end_an_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chain = Trained(tmp_path)
    chain.grow()

    def refuse(self: StateStore, root: bytes, data: bytes) -> None:
        raise StoreError("read-only")

    monkeypatch.setattr(StateStore, "put", refuse)
    chain.finalize()
    assert chain.left == []
