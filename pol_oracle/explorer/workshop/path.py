"""The way from what evidence opens up to what a block committed to, hash by hash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pol_oracle.canonical.commitments.trees import (
    LEAF,
    Opening,
    counted,
    leaves_of,
    merkle_rise,
    missing,
)
from pol_oracle.canonical.programs.program import Program
from pol_oracle.protocol.hashing import ZERO, Tag, keccak

from ..facts.findings import PathStep

Levels = Sequence[dict[int, bytes]]


@dataclass(frozen=True)
class TensorList:
    """A list of tensors that has a root of its own: what it is called, the root's tag, and its tensors' numbers.

    ``told`` says that its root is among the nodes where none of its tensors is opened.
    """

    name: str
    tag: bytes
    first: int
    end: int
    told: bool = False


def sections_of(program: Program) -> list[TensorList]:
    """Returns the sections of a trace, in order."""
    states, inner, posts = len(program.state), program.first, program.posts_from
    end = program.first + len(program.operations)
    found = [
        TensorList("the state before", Tag.STATE_ROOT, 0, states),
        TensorList("the batch", Tag.BATCH_ROOT, states, inner, told=True),
        TensorList("the inner tensors", Tag.INNER_ROOT, inner, posts, told=True),
    ]
    return found if posts == end else [*found, TensorList("the state after", Tag.STATE_ROOT, posts, end)]


def states_of(tensors: int) -> list[TensorList]:
    """Returns the sections of what evidence about a requirement opens: W, and W'."""
    return [
        TensorList("W, the state before", Tag.STATE_ROOT, 0, tensors),
        TensorList("W', the state after", Tag.STATE_ROOT, tensors, 2 * tensors),
    ]


def path_of(
    opening: Opening,
    sections: Sequence[TensorList],
    tensor: int,
    element: int,
    states: tuple[bytes, bytes] | None = None,
) -> list[PathStep]:
    """Returns the way from a float's leaf to the root of its section.

    Args:
        opening: opens it.
        sections: of what was opened.
        tensor: number of its tensor.
        element: its flat index.
        states: roots of the states that a trace begins and ends with, where it is known that it has such.
    """
    slices = {one.tensor: one for one in opening.slices}
    own, leaf = slices[tensor].narrow(element // LEAF), element // LEAF
    known = {leaf: keccak(Tag.TENSOR_LEAF + own.leaves)}
    levels = merkle_rise(known, leaves_of(own.elements), own.nodes, Tag.TENSOR_NODE)
    found = [*_climb("tensor", levels, leaf), PathStep(tree="root of the tensor", hash=own.root.hex())]
    nodes, inside = list(opening.nodes), list[bytes]()
    for section in sections:
        roots = {n - section.first: one.root for n, one in slices.items() if section.first <= n < section.end}
        width = section.end - section.first
        lacked = len(missing(roots, width)) if roots else int(section.told)
        taken, nodes = nodes[:lacked], nodes[lacked:]
        levels = merkle_rise(roots, width, taken, Tag.LIST_NODE) if roots else []
        root = counted(section.tag, width, levels[-1][0]) if levels else b"".join(taken)
        if section.told:
            inside.append(root)
        if section.first <= tensor < section.end:
            found += _climb("list", levels, tensor - section.first)
            found.append(PathStep(tree=f"root of {section.name}", hash=root.hex()))
    if states is not None and inside:
        trace = keccak(b"".join((Tag.TRACE_ROOT, states[0], *inside, states[1])))
        found.append(PathStep(tree="root of the trace", hash=trace.hex()))
    return found


def sums_path(evidence: tuple[Any, ...]) -> list[PathStep]:
    """Returns the way from a node of the accuracy tree to its root, with the sums that are claimed on it."""
    level, index, before, after, content, siblings = evidence
    own = keccak((Tag.EVAL_NODE if level else Tag.EVAL_LEAF) + content), before, after
    found = []
    for height, sibling in enumerate((tuple(one) for one in siblings), level):
        pair = (sibling, own) if index & 1 else (own, sibling)
        found.append(
            PathStep(
                tree=f"accuracy: {own[1]} → {own[2]} correct",
                level=height,
                place=index,
                hash=own[0].hex(),
                sibling=f"{sibling[0].hex()}",
            )
        )
        packed = b"".join(hash_ + b.to_bytes(4, "big") + a.to_bytes(4, "big") for hash_, b, a in pair)
        own, index = (keccak(Tag.EVAL_NODE + packed), pair[0][1] + pair[1][1], pair[0][2] + pair[1][2]), index >> 1
    return [*found, PathStep(tree=f"root of the evaluation: {own[1]} → {own[2]} correct", hash=own[0].hex())]


def _climb(tree: str, levels: Levels, place: int) -> list[PathStep]:
    """A node of each level below the top, with its sibling: zeros where there is none."""
    found = []
    for level, nodes in enumerate(levels[:-1]):
        sibling = nodes.get(place ^ 1, ZERO)
        found.append(PathStep(tree=tree, level=level, place=place, hash=nodes[place].hex(), sibling=sibling.hex()))
        place >>= 1
    return found
