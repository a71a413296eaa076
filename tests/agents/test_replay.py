"""A replay finds what is wrong, cheapest first, and says nothing about what it could not fetch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pol_oracle.agents.blocks import BlockView
from pol_oracle.agents.job import Job
from pol_oracle.agents.knowledge import Parent
from pol_oracle.agents.replay import Replayer
from pol_oracle.agents.worker import Cancelled
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import StoreError, WrongChain
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.search import Proof
from pol_oracle.store import StateStore
from tests.e2e.cheats import Cheat, as_found, flattered, one_ulp_off
from tests.task.workloads import MINER, small_workload

BITS = 2
WORKLOAD = small_workload()


def never() -> bool:
    return False


def proof(searched: bool = True) -> Proof:
    return Cheat(WORKLOAD, searched, as_found)(Job(Parent(bytes(32), 0, None), MINER, BITS), never)


def block(header: Header) -> BlockView:
    return BlockView(header.id(WORKLOAD.task.id), header, MINER, header.parent, 1, BITS, 1, 1, 0, header.correct_after)


def served(path: Path, made: Proof) -> Replayer:
    store = StateStore([path])
    for state in (made.pre, made.post):
        store.put(state.root, state.to_bytes())
    return Replayer(WORKLOAD, store)


def honest() -> Proof:
    """The cheats' honest proof, with the counts that W really has."""
    made = proof()
    before = int(WORKLOAD.evaluator.correct(made.pre, WORKLOAD.test.images, WORKLOAD.test.labels, None).sum())
    return replace(made, header=replace(made.header, correct_before=before))


def test_honest_block_is_valid(tmp_path: Path) -> None:
    made = honest()
    assert served(tmp_path, made)(block(made.header), never).valid


def test_unmet_requirement_comes_with_evidence(tmp_path: Path) -> None:
    made = proof(searched=False)
    verdict = served(tmp_path, made)(block(made.header), never)

    assert verdict.kind is EvidenceKind.REQUIREMENT
    assert verdict.evidence is not None


def test_one_ulp_is_a_wrong_step(tmp_path: Path) -> None:
    made = one_ulp_off(honest())
    assert served(tmp_path, made)(block(made.header), never).kind is EvidenceKind.STEP


@pytest.mark.parametrize("poison", [0x7FC00000, 0x7F800000, 0xFF800000])
@pytest.mark.parametrize("which", ["pre", "post"])
def test_pitfall_05_a_weight_that_is_not_finite_is_a_wrong_step(tmp_path: Path, which: str, poison: int) -> None:
    made = honest()
    poisoned = State.from_bytes(WORKLOAD.model, getattr(made, which).to_bytes()[:-4] + poison.to_bytes(4, "big"))
    if which == "pre":
        bad = replace(made, pre=poisoned, header=replace(made.header, pre_root=poisoned.root))
    else:
        bad = replace(made, post=poisoned, header=replace(made.header, post_root=poisoned.root))
    easy = replace(block(bad.header), bits=0)  # no requirements: those of another W would not be met either

    assert served(tmp_path, bad)(easy, never).kind is EvidenceKind.STEP


def test_wrong_trace_root_is_a_wrong_step(tmp_path: Path) -> None:
    made = honest()
    header = replace(made.header, trace_root=bytes(32))
    assert served(tmp_path, made)(block(header), never).kind is EvidenceKind.STEP


def test_false_count_is_noticed_unless_accuracy_is_not_looked_at(tmp_path: Path) -> None:
    made = flattered(honest())
    replay = served(tmp_path, made)

    assert replay(block(made.header), never).kind is EvidenceKind.ACCURACY
    assert replace(replay, accuracy=False)(block(made.header), never).valid


def test_wrong_evaluation_root_is_a_false_count(tmp_path: Path) -> None:
    made = honest()
    header = replace(made.header, eval_root=bytes(32))
    assert served(tmp_path, made)(block(header), never).kind is EvidenceKind.ACCURACY


@pytest.mark.parametrize("root", ["pre_root", "post_root"])
def test_pitfall_03_missing_state_is_no_verdict(tmp_path: Path, root: str) -> None:
    made = honest()
    replay = served(tmp_path, made)
    (tmp_path / f"{getattr(made.header, root).hex()}.f32").unlink()

    with pytest.raises(StoreError):
        replay(block(made.header), never)


def test_state_under_a_false_name_is_no_verdict(tmp_path: Path) -> None:
    made = honest()
    replay = served(tmp_path, made)
    (tmp_path / f"{made.header.post_root.hex()}.f32").write_bytes(made.pre.to_bytes())

    with pytest.raises(StoreError):
        replay(block(made.header), never)


def test_header_of_another_block_is_refused(tmp_path: Path) -> None:
    made = honest()
    other = replace(block(made.header), id=bytes(32))
    with pytest.raises(WrongChain):
        served(tmp_path, made)(other, never)


def test_replay_can_be_cancelled(tmp_path: Path) -> None:
    made = honest()
    with pytest.raises(Cancelled):
        served(tmp_path, made)(block(made.header), lambda: True)
