"""The canonical trees against the vectors that the Solidity tests read too."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.commitments.trees import Opening, TensorTree, list_root, tensor_root
from pol_oracle.canonical.operations import AffineView, Kind, Operation
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.programs.traces import TraceRoots
from pol_oracle.canonical.programs.tree import ProgramTree
from pol_oracle.protocol.hashing import Tag, keccak, keccak_abi
from pol_oracle.protocol.positions import Item, Position, Tree

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "court.json").read_text())


def unhex(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def unhexed(texts: list[str]) -> tuple[bytes, ...]:
    return tuple(unhex(text) for text in texts)


@dataclass(frozen=True)
class Made:
    """What stands for a stepper or an evaluator."""

    program: Program


def doubled(source: int) -> Operation:
    return Operation(Kind.MAP, (300,), (AffineView(source, 0, (1,)),), code=bytes([0, 0, 0x20]))


STEP = Program(((300,),), ((4, 32, 32, 3), (4,)), (doubled(0), doubled(3)), posts=1)
EVALUATION = Program(((300,),), ((4, 32, 32, 3), (4,)), (doubled(0),), posts=0)


def test_tensor_and_list_roots() -> None:
    sizes, roots = VECTORS["tensors"]["sizes"], unhexed(VECTORS["tensors"]["roots"])
    for size, root in zip(sizes, roots, strict=True):
        tensor = np.arange(size, dtype=np.float32)
        assert tensor_root(tensor) == root
        assert TensorTree(tensor).root == root
    for name, tag in (("state", Tag.STATE_ROOT), ("batch", Tag.BATCH_ROOT), ("inner", Tag.INNER_ROOT)):
        lists = unhexed(VECTORS["lists"][f"{name}_roots"])
        assert lists == tuple(list_root(tag, roots[: n + 1]) for n in range(len(lists)))


def test_program_root_and_openings() -> None:
    case = VECTORS["program"]
    tree = ProgramTree(Made(STEP), Made(EVALUATION))
    assert STEP.descriptors() + EVALUATION.descriptors() == list(unhexed(case["descriptors"]))
    assert list(astuple(tree.sections)) == case["sections"]
    assert tree.root == unhex(case["program_root"])
    assert [tree.open(Tree.STEP, t).path for t in range(5)] == [unhexed(p) for p in case["step_paths"]]
    assert [tree.open(Tree.AFTER, t).path for t in range(4)] == [unhexed(p) for p in case["evaluation_paths"]]
    programs = [tree.open(Tree.STEP, t).abi() for t in range(5)] + [tree.open(Tree.AFTER, t).abi() for t in range(4)]
    assert programs == list(unhexed(case["programs"]))


@pytest.mark.parametrize("case", VECTORS["traces"], ids=lambda c: Tree(c["tree"]).name)
def test_trace_root(case: dict[str, Any]) -> None:
    roots, between = unhexed(case["roots"]), b"".join(unhexed(case["roots"][1:4]))
    if case["tree"] == Tree.STEP:
        trace = TraceRoots.of(STEP, roots[:1], between, roots[4:])
        assert trace.post_root == unhex(case["post_root"])
    else:
        trace = TraceRoots.of(EVALUATION, roots[4:] if case["tree"] == Tree.AFTER else roots[:1], between)
    assert trace.state_root == unhex(case["post_root" if case["tree"] == Tree.AFTER else "pre_root"])
    assert (trace.batch_root, trace.inner_root) == (unhex(case["batch_root"]), unhex(case["inner_root"]))
    assert trace.root == unhex(case["trace_root"])


@pytest.mark.parametrize("case", VECTORS["openings"], ids=lambda c: str(c["leaves"]))
def test_openings(case: dict[str, Any]) -> None:
    tensors = [np.arange(size, dtype=np.float32) + 1000 * number for number, size in enumerate(case["sizes"])]
    roots = TraceRoots(STEP, tuple(tensor_root(tensor) for tensor in tensors))
    assert roots.root == unhex(case["trace_root"])
    slices = [TensorTree(tensors[int(t)]).open(int(t), leaves) for t, leaves in case["leaves"].items()]
    opening = roots.open(slices[::-1])
    assert opening.abi() == unhex(case["opening"])
    assert Opening.of(opening.abi()) == opening


@pytest.mark.parametrize("case", VECTORS["accuracy"], ids=lambda c: str(c["samples"]))
def test_accuracy_root_and_sums(case: dict[str, Any]) -> None:
    numbers = np.arange(case["samples"])
    before, after = numbers % 3 == 0, (numbers % 3 == 0) | (numbers % 7 == 0)
    tree = AccuracyTree.of(before, after)
    assert tree.words == b"".join(unhexed(case["words"]))
    assert tree.root.abi() == (unhex(case["eval_root"]), case["correct_before"], case["correct_after"])


@pytest.mark.parametrize("case", VECTORS["demands"], ids=lambda c: str(c["position"]))
def test_demand_id(case: dict[str, Any]) -> None:
    item, tree, index, tensor, group = case["position"]
    position = Position(Item(item), Tree(tree), index, tensor, group, unhex(case["explanation"]))
    assert position.demand_id(unhex(case["block_id"])) == unhex(case["demand_id"])


@pytest.mark.parametrize("case", VECTORS["commitments"], ids=lambda c: str(len(c["call"])))
def test_commitment(case: dict[str, Any]) -> None:
    actual = keccak_abi(["address", "bytes32"], [case["challenger"], keccak(unhex(case["call"]))])
    assert actual == unhex(case["commitment"])
