"""The call that proved a block wrong, read from its calldata: what was claimed, and what follows from the operands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pol_oracle.canonical.commitments.trees import LEAF, Opening
from pol_oracle.canonical.operations import Kind, coordinates
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.programs.reference import reference
from pol_oracle.protocol.eligible import unpacked
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import Workload

from ..facts.findings import EvidenceFacts, FloatFacts, OperandFacts, WeightFacts
from .path import path_of, sections_of, states_of, sums_path

MOST_OPERANDS = 32  # shown
_PRE_ROOT = 5  # its place in a header
PIXELS = 32 * 32 * 3


def read_evidence(workload: Workload, function: str, arguments: dict[str, Any], required: list[Any]) -> EvidenceFacts:
    """Returns what a call of the Court showed.

    Args:
        workload: the task.
        function: of the Court.
        arguments: its decoded arguments, by name.
        required: R of the block: (place, mask, odd) each.

    Raises:
        InputError: it is no call that proves something.
    """
    evidence = arguments.get("evidence")
    if evidence is None:
        raise InputError(f"{function} carries no evidence")
    if function == "proveRequirement":
        found = _requirement(workload, evidence, required)
    elif function == "proveSums":
        found = _sums(evidence)
    elif function in ("proveOperation", "proveInput"):
        about = _About(Tree(arguments["trace"][0]), int(arguments["trace"][1]), arguments["header"])
        found = (_operation if function == "proveOperation" else _input)(workload, about, evidence)
    else:
        raise InputError(f"{function} is not known")
    return found.model_copy(update={"committed": _committed(arguments)})


@dataclass(frozen=True)
class _About:
    """Which trace of a block: the tree, the number in it, and the block's header as the ABI gives it."""

    tree: Tree
    index: int
    header: tuple[Any, ...]

    @property
    def words(self) -> str:
        words = {
            Tree.STEP: "the block’s own step",
            Tree.SEGMENT: f"step {self.index} of the training before it",
            Tree.BEFORE: f"the evaluation of test sample {self.index} before the step",
            Tree.AFTER: f"the evaluation of test sample {self.index} after the step",
        }
        return words[self.tree]

    @property
    def states(self) -> tuple[bytes, bytes] | None:
        """Roots of what its trace begins and ends with; None for a step of a segment, whose list has them."""
        pre, post = self.header[_PRE_ROOT], self.header[_PRE_ROOT + 1]
        known = {Tree.STEP: (pre, post), Tree.BEFORE: (pre, ZERO), Tree.AFTER: (post, ZERO)}
        return known.get(self.tree)


def _committed(arguments: dict[str, Any]) -> dict[str, str]:
    """What a header, and the entries of a segment that a call shows, name by hash."""
    names = ("segmentRoot", "preRoot", "postRoot", "traceRoot", "evalRoot")
    header = arguments["header"][_PRE_ROOT - 1 :]
    found = {root.hex(): f"{name} in the header" for name, root in zip(names, header, strict=False)}
    for entry in arguments.get("segment", ((), ()))[1]:
        for name, root in zip(("batch root", "inner root", "state root"), entry, strict=True):
            found[root.hex()] = f"{name} in the segment’s list"
    return found


def float_facts(value: Any) -> FloatFacts:
    """Returns a binary32 in three ways."""
    word = int(np.float32(value).view(np.uint32))
    return FloatFacts(decimal=str(np.float32(value)), hex=f"0x{word:08x}", bits=f"{word:032b}")


def tensor_name(workload: Workload, program: Program, tensor: int) -> str:
    """Returns what a tensor of a program is called."""
    names = [weight.name for weight in workload.model.state]
    if tensor < len(names):
        return names[tensor]
    if tensor < program.first:
        return ("batch images", "batch labels")[tensor - len(names)]
    operation = program.operation_of(tensor)
    return (operation.label if operation is not None else "") or f"tensor {tensor}"


def _operation(workload: Workload, about: _About, evidence: tuple[Any, ...]) -> EvidenceFacts:
    tensor, element, _, packed = evidence
    program, opening = workload.programs.program(about.tree), Opening.of(packed)
    slices = {one.tensor: one for one in opening.slices}
    claimed = np.float32(slices[tensor].value(element))
    operation = program.operation_of(tensor)
    true, operands, reads = None, [], 0
    if operation is not None and (np.isfinite(claimed) or operation.kind is Kind.GATHER):
        again = reference(program, tensor, element, lambda source, at: np.float32(slices[source].value(at)))
        true, reads = float_facts(again.value), len(again.reads)
        for source, at in again.reads[:MOST_OPERANDS]:
            place = list(coordinates(at, program.shapes[source]))
            value = str(np.float32(slices[source].value(at)))
            operands.append(OperandFacts(tensor=tensor_name(workload, program, source), place=place, value=value))
    name = tensor_name(workload, program, tensor)
    return EvidenceFacts(
        function="proveOperation",
        trace=about.words,
        tensor=name,
        layer=name.split(" ")[0].rsplit(".", 1)[0],
        operation=operation.kind.name.lower() if operation is not None else "",
        shape=list(program.shapes[tensor]),
        place=list(coordinates(element, program.shapes[tensor])),
        claimed=float_facts(claimed),
        true=true,
        operands=operands,
        reads=reads,
        path=path_of(opening, sections_of(program), tensor, element, about.states),
        **_size(opening),
    )


def _input(workload: Workload, about: _About, evidence: tuple[Any, ...]) -> EvidenceFacts:
    tensor, element, _, packed, sample, _ = evidence
    program, opening = workload.programs.program(about.tree), Opening.of(packed)
    claimed = next(one for one in opening.slices if one.tensor == tensor).value(element)
    pixels = tensor == len(workload.model.state)
    true = sample[element % PIXELS] if pixels else int.from_bytes(sample[PIXELS:], "big")
    return EvidenceFacts(
        function="proveInput",
        trace=about.words,
        tensor=tensor_name(workload, program, tensor),
        layer="data set",
        operation="copied from the data set",
        shape=list(program.shapes[tensor]),
        place=list(coordinates(element, program.shapes[tensor])),
        claimed=float_facts(claimed),
        true=float_facts(true),
        path=path_of(opening, sections_of(program), tensor, element, about.states),
        **_size(opening),
    )


def _requirement(workload: Workload, evidence: tuple[Any, ...], required: list[Any]) -> EvidenceFacts:
    number, eligible, tensors, packed = evidence
    place, mask, odd = required[number]
    tensor, at = unpacked(eligible).locate(place)
    first = LEAF * at if workload.rules.parities else at
    chosen = [first + bit for bit in range(LEAF) if mask >> bit & 1]
    opening = Opening.of(packed)
    slices = {one.tensor: one for one in opening.slices}
    weight = workload.model.state[tensor]
    weights = []
    for element in chosen:
        before, after = (np.float32(slices[t].value(element)) for t in (tensor, tensors + tensor))
        where = list(coordinates(element, weight.shape))
        weights.append(WeightFacts(place=where, before=str(before), after=str(after), rose=bool(after > before)))
    return EvidenceFacts(
        function="proveRequirement",
        tensor=weight.name,
        layer=weight.name.rsplit(".", 1)[0],
        shape=list(weight.shape),
        requirement=number,
        weights=weights,
        rises=sum(one.rose for one in weights),
        odd=odd,
        path=path_of(opening, states_of(tensors), tensors + tensor, chosen[0]),
        **_size(opening),
    )


def _sums(evidence: tuple[Any, ...]) -> EvidenceFacts:
    level, index, before, after, content, siblings = evidence
    if level == 0:
        sums = [int.from_bytes(content[at : at + 32], "big").bit_count() for at in (0, 32)]
    else:
        halves = content[:40], content[40:]
        sums = [sum(int.from_bytes(half[at : at + 4], "big") for half in halves) for at in (32, 36)]
    return EvidenceFacts(
        function="proveSums",
        said=[before, after],
        sums=sums,
        node=[level, index],
        hashes=len(siblings),
        path=sums_path(evidence),
    )


def _size(opening: Opening) -> dict[str, Any]:
    hashes = len(opening.nodes) + sum(len(one.nodes) for one in opening.slices)
    leaves = sum(count for one in opening.slices for _, count in one.runs)
    return {"hashes": hashes, "opened": leaves}
