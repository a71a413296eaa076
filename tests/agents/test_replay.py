"""A replay finds what is wrong, cheapest first, and says nothing about what it could not fetch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pol_oracle.agents.answerer import StoreAnswerer
from pol_oracle.agents.blocks import BlockView
from pol_oracle.agents.job import Job
from pol_oracle.agents.knowledge import Parent
from pol_oracle.agents.miner import StorePublisher
from pol_oracle.agents.replay import Replayer
from pol_oracle.agents.verdicts import Verdict
from pol_oracle.agents.worker import Cancelled
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import StoreError, WrongChain
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.search import Proof
from pol_oracle.store import StateStore
from pol_oracle.store.states import file_name
from tests.e2e.cheats import Cheat, as_found, flattered, one_ulp_off
from tests.task.workloads import MINER, small_workload

BITS = 2
WORKLOAD = small_workload()


def never() -> bool:
    return False


def proof(searched: bool = True) -> Proof:
    return Cheat(WORKLOAD, searched, as_found)(Job(Parent(bytes(32), 0, None), MINER, BITS * BIT), never)


def block(header: Header) -> BlockView:
    return BlockView(
        header.id(WORKLOAD.task.id), header, MINER, header.parent, 1, BITS * BIT, 1, 1, 0, header.correct_after
    )


def served(path: Path, made: Proof, accuracy: bool = True) -> Replayer:
    store = StateStore([path])
    StorePublisher(store)(made)
    return Replayer(WORKLOAD, store, accuracy)


def verdict_of(replay: Replayer, header: Header, bits: int = BITS, insist: bool = False) -> Verdict:
    return replay(replace(block(header), difficulty=bits * BIT), {}, insist, never)


def forget(path: Path, root: bytes) -> None:
    (path / file_name(root)).unlink()


def honest() -> Proof:
    """The cheats' honest proof, with the counts that W really has."""
    made = proof()
    counts = made.accuracy.root
    header = replace(made.header, correct_before=counts.before, correct_after=counts.after)
    return replace(made, header=header)


def test_honest_block_is_valid(tmp_path: Path) -> None:
    made = honest()
    assert verdict_of(served(tmp_path, made), made.header).valid


def test_unmet_requirement_is_proven(tmp_path: Path) -> None:
    made = proof(searched=False)
    verdict = verdict_of(served(tmp_path, made), made.header)

    assert verdict.kind is EvidenceKind.REQUIREMENT
    assert verdict.proof is not None
    assert (verdict.proof.function, verdict.demands) == ("proveRequirement", ())


def test_one_ulp_is_a_wrong_step_and_proven(tmp_path: Path) -> None:
    made = one_ulp_off(honest())
    verdict = verdict_of(served(tmp_path, made), made.header)

    assert verdict.kind is EvidenceKind.STEP
    assert verdict.proof is not None
    assert verdict.proof.function == "proveOperation"


@pytest.mark.parametrize("poison", [0x7FC00000, 0x7F800000, 0xFF800000])
@pytest.mark.parametrize("which", ["pre", "post"])
def test_pitfall_05_a_weight_that_is_not_finite_is_a_wrong_step(tmp_path: Path, which: str, poison: int) -> None:
    made = honest()
    poisoned = State.from_bytes(WORKLOAD.model, getattr(made, which).to_bytes()[:-4] + poison.to_bytes(4, "big"))
    if which == "pre":
        bad = replace(made, pre=poisoned, header=replace(made.header, pre_root=poisoned.root))
        bad = right_step(bad)  # the only fault is what W holds
    else:
        roots = TraceRoots.of(made.roots.program, made.pre.tensor_roots, made.roots.between, poisoned.tensor_roots)
        header = replace(made.header, post_root=poisoned.root, trace_root=roots.root)
        bad = replace(made, post=poisoned, header=header, roots=roots)

    # no requirements: those of another W would not be met either
    verdict = verdict_of(served(tmp_path, bad), bad.header, bits=0)
    assert (verdict.kind, verdict.demands) == (EvidenceKind.STEP, ())


def right_step(made: Proof) -> Proof:
    """The proof with the step that its W and its batch really take."""
    chosen = list(made.header.indices)
    result = WORKLOAD.stepper.run(made.pre, WORKLOAD.train.images[chosen], WORKLOAD.train.labels[chosen])
    header = replace(made.header, post_root=result.post.root, trace_root=result.trace.root)
    return replace(made, header=header, post=result.post, roots=result.trace.roots)


def test_trace_that_is_served_nowhere_is_demanded(tmp_path: Path) -> None:
    made = honest()
    header = replace(made.header, trace_root=bytes(32))
    verdict = verdict_of(served(tmp_path, made), header)

    assert verdict.demands == (Position(Item.ROOTS),)
    assert not verdict.valid
    assert verdict.proof is None


def test_false_count_is_proven_unless_accuracy_is_not_looked_at(tmp_path: Path) -> None:
    made = flattered(honest())
    verdict = verdict_of(served(tmp_path, made), made.header)

    assert verdict.kind is EvidenceKind.ACCURACY
    assert verdict.proof is not None
    assert verdict.proof.function == "proveSums"
    assert verdict_of(served(tmp_path, made, accuracy=False), made.header).valid


def test_evaluation_that_is_served_nowhere_is_demanded(tmp_path: Path) -> None:
    made = honest()
    header = replace(made.header, eval_root=bytes(32))

    assert verdict_of(served(tmp_path, made), header).demands == (Position(Item.BITS),)


def hidden() -> Proof:
    """An honest proof on weights that only its miner has."""
    made = honest()
    bits = bytearray(made.pre.to_bytes())
    bits[-1] ^= 1
    pre = State.from_bytes(WORKLOAD.model, bytes(bits))
    return right_step(replace(made, pre=pre, header=replace(made.header, pre_root=pre.root)))


def test_pitfall_03_missing_weights_are_no_verdict_but_can_be_demanded(tmp_path: Path) -> None:
    made = hidden()
    replay = served(tmp_path, made)
    forget(tmp_path, made.header.pre_root)

    with pytest.raises(StoreError):
        verdict_of(replay, made.header)
    verdict = verdict_of(replay, made.header, insist=True)
    assert verdict.kind is EvidenceKind.WITHHELD
    assert len(verdict.demands) >= len(WORKLOAD.model.state)  # all at once: after the window few can be made
    assert {p.item for p in verdict.demands} == {Item.LEAVES}


def test_new_weights_need_not_be_served_as_they_can_be_computed(tmp_path: Path) -> None:
    made = honest()
    replay = served(tmp_path, made)
    forget(tmp_path, made.header.post_root)

    assert verdict_of(replay, made.header).valid


def test_pitfall_03_weights_under_a_false_name_are_no_verdict(tmp_path: Path) -> None:
    made = hidden()
    replay = served(tmp_path, made)
    (tmp_path / file_name(made.header.pre_root)).write_bytes(made.post.to_bytes())

    with pytest.raises(StoreError):
        verdict_of(replay, made.header)


def test_header_of_another_block_is_refused(tmp_path: Path) -> None:
    made = honest()
    other = replace(block(made.header), id=bytes(32))
    with pytest.raises(WrongChain):
        served(tmp_path, made)(other, {}, False, never)


def test_replay_can_be_cancelled(tmp_path: Path) -> None:
    made = honest()
    with pytest.raises(Cancelled):
        served(tmp_path, made)(block(made.header), {}, False, lambda: True)


def test_honest_answers_are_computed_for_every_kind_of_demand(tmp_path: Path) -> None:
    made = honest()
    served(tmp_path, made)
    answer = StoreAnswerer(WORKLOAD, StateStore([tmp_path]))
    functions = {
        Item.ROOTS: "revealRoots",
        Item.NODES: "revealNodes",
        Item.LEAVES: "revealLeaves",
        Item.BITS: "revealBits",
    }

    for item, function in functions.items():
        assert answer(block(made.header), Position(item), never).function == function


def test_answer_without_weights_is_a_store_error(tmp_path: Path) -> None:
    answer = StoreAnswerer(WORKLOAD, StateStore([tmp_path]))
    with pytest.raises(StoreError):
        answer(block(hidden().header), Position(Item.ROOTS), never)


def test_pitfall_03_weights_are_kept_before_anything_is_known_of_the_block(tmp_path: Path) -> None:
    """A replay that goes on after an answer needs them again, when whoever served them may have stopped."""
    made, store, kept = proof(searched=False), StateStore([tmp_path / "served"]), dict[bytes, bytes]()
    StorePublisher(store)(made)

    def keep(contents: Mapping[bytes, bytes]) -> None:
        kept.update(contents)

    verdict = verdict_of(Replayer(WORKLOAD, store, keep=keep), made.header, bits=BITS + 4)

    assert not verdict.valid
    assert kept.keys() == {made.header.pre_root}


def test_full_disk_does_not_save_a_wrong_block(tmp_path: Path) -> None:
    made, store = proof(searched=False), StateStore([tmp_path])
    StorePublisher(store)(made)

    def keep(contents: Mapping[bytes, bytes]) -> None:
        raise StoreError("the disk is full")

    replay = Replayer(WORKLOAD, store, keep=keep)
    assert verdict_of(replay, made.header, bits=BITS + 4).proof is not None

    right = honest()
    StorePublisher(store)(right)
    with pytest.raises(StoreError):  # but whoever cannot keep a right one must not attest to it
        verdict_of(replay, right.header)
