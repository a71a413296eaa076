"""court.json: every tree that evidence opens, and the ids under which it is shown."""

from __future__ import annotations

import struct
from typing import Any

from pol_oracle.protocol.hashing import ZERO, Tag, keccak
from tests.golden.trees import MINERS, leaves_of, levels, list_root, tensor_root, tensor_rows, word


def program_case() -> dict[str, Any]:
    """A step of a state tensor, two inputs, a map and a new state; an evaluation of the first four."""
    inputs = [struct.pack(">BQ", 0, n) for n in (300, 12288, 4)]
    maps = [doubled(0, 300), doubled(3, 300), doubled(0, 300)]
    descriptors = [*inputs, *maps[:2], *inputs, maps[2]]
    sections = (1, 2, 5, 1, 4)
    rows = levels([keccak(Tag.PROGRAM_LEAF + d) for d in descriptors], Tag.PROGRAM_NODE)
    return {
        "sections": list(sections),
        "descriptors": descriptors,
        "program_root": keccak(Tag.PROGRAM_ROOT + struct.pack(">5I", *sections) + rows[-1][0]),
        "step_paths": [present(rows, i) for i in range(5)],
        "evaluation_paths": [present(rows, 5 + i) for i in range(4)],
        "programs": [
            struct.pack(">5IH", *sections, len(d)) + d + b"".join(present(rows, i)) for i, d in enumerate(descriptors)
        ],
    }


def doubled(source: int, elements: int) -> bytes:
    """A map's descriptor: one dimension, one operand read at stride 1, code "operand 0, operand 0, add"."""
    return struct.pack(">BBIBBIiiH", 4, 1, elements, 0, 1, source, 0, 1, 3) + bytes([0, 0, 0x20])


def present(rows: list[list[bytes]], index: int) -> list[bytes]:
    """Siblings as evidence gives them: without those that do not exist."""
    siblings = (((index >> depth) ^ 1, row) for depth, row in enumerate(rows[:-1]))
    return [row[place] for place, row in siblings if place < len(row)]


def trace_cases() -> list[dict[str, Any]]:
    """A step's trace, then the evaluation with W and that with W'."""
    roots = [word("trace root", i) for i in range(5)]
    pre, batch = list_root(Tag.STATE_ROOT, roots[:1]), list_root(Tag.BATCH_ROOT, roots[1:3])
    inner, post = list_root(Tag.INNER_ROOT, roots[3:4]), list_root(Tag.STATE_ROOT, roots[4:])
    ends = [(0, pre, post), (1, pre, ZERO), (2, post, ZERO)]
    return [
        {
            "tree": tree,
            "roots": roots,
            "pre_root": pre,
            "post_root": post,
            "batch_root": batch,
            "inner_root": inner,
            "trace_root": keccak(Tag.TRACE_ROOT + start + batch + inner + end),
        }
        for tree, start, end in ends
    ]


def segment_case(steps: int) -> dict[str, Any]:
    """A list of a segment's steps, and what shows each of them: W' of the parent is the state before the first."""
    start = word("start", steps)
    parts = [[word(f"{part} root {steps}", i) for i in range(steps)] for part in ("batch", "inner", "state")]
    rows = levels([keccak(Tag.SEGMENT_LEAF + b"".join(entry)) for entry in zip(*parts, strict=True)], Tag.SEGMENT_NODE)
    befores = [start, *parts[2]]
    return {
        "steps": steps,
        "start": start,
        "batch_roots": parts[0],
        "inner_roots": parts[1],
        "state_roots": parts[2],
        "hashes": rows[0],
        "segment_root": keccak(Tag.SEGMENT_ROOT + steps.to_bytes(8, "big") + rows[-1][0]),
        "paths": [b"".join(around(rows, sorted({max(i - 1, 0), i}))) for i in range(steps)],
        "trace_roots": [
            keccak(Tag.TRACE_ROOT + before + batch + inner + after)
            for before, batch, inner, after in zip(befores, *parts, strict=False)
        ],
    }


def opening_case(leaves: dict[int, list[int]]) -> dict[str, Any]:
    """Some leaves of some tensors of a step, opened up to its root: tensor t is 1000 t, 1000 t + 1, ..."""
    sizes = [300, 12288, 4, 300, 300]
    rows = [tensor_rows([float(1000 * t + i) for i in range(n)]) for t, n in enumerate(sizes)]
    data = [leaves_of([float(1000 * t + i) for i in range(n)]) for t, n in enumerate(sizes)]
    roots = [keccak(Tag.TENSOR_ROOT + n.to_bytes(8, "big") + row[-1][0]) for n, row in zip(sizes, rows, strict=True)]
    lists = [(Tag.STATE_ROOT, 0, 1), (Tag.BATCH_ROOT, 1, 3), (Tag.INNER_ROOT, 3, 4), (Tag.STATE_ROOT, 4, 5)]
    runs = [(t, leaf, end) for t, some in leaves.items() for leaf, end in runs_of(some)]
    nodes = [node for t, some in leaves.items() for node in around(rows[t], some)]
    for tag, first, end in lists:
        opened = [t - first for t in leaves if first <= t < end]
        nodes += around(levels(roots[first:end], Tag.LIST_NODE), opened)
        nodes += [list_root(tag, roots[first:end])] if not opened and tag != Tag.STATE_ROOT else []
    packed_runs = [struct.pack(">IHIIH", t, 0, sizes[t], leaf, end - leaf) for t, leaf, end in runs]
    shown = [data[t][leaf] for t, some in leaves.items() for leaf in some]
    return {
        "sizes": sizes,
        "leaves": {str(t): some for t, some in leaves.items()},
        "pre_root": list_root(Tag.STATE_ROOT, roots[:1]),
        "post_root": list_root(Tag.STATE_ROOT, roots[4:]),
        "trace_root": keccak(Tag.TRACE_ROOT + b"".join(list_root(tag, roots[first:end]) for tag, first, end in lists)),
        "opening": struct.pack(">HH", len(runs), len(shown)) + b"".join([*packed_runs, *shown, *nodes]),
    }


def runs_of(leaves: list[int]) -> list[tuple[int, int]]:
    """Splits ascending numbers where there are gaps; ends are exclusive."""
    begins = [leaf for leaf in leaves if leaf - 1 not in leaves]
    ends = [leaf + 1 for leaf in leaves if leaf + 1 not in leaves]
    return list(zip(begins, ends, strict=True))


def around(rows: list[list[bytes]], places: list[int]) -> list[bytes]:
    """What some leaves lack of a tree: existing nodes that are above none of them, though their sibling is."""
    lacked = []
    for depth, row in enumerate(rows[:-1]):
        above = {place >> depth for place in places}
        lacked += [node for place, node in enumerate(row) if place not in above and place ^ 1 in above]
    return lacked


def accuracy_case(samples: int) -> dict[str, Any]:
    """W is right about every third sample, W' about those and every seventh."""
    sides = [[i % 3 == 0 for i in range(samples)], [i % 3 == 0 or i % 7 == 0 for i in range(samples)]]
    leaves = -(-samples // 256)
    words = [[packed(side[256 * i : 256 * i + 256]) for side in sides] for i in range(leaves)]
    row = [
        (keccak(Tag.EVAL_LEAF + before + after), before_sum, after_sum)
        for i, (before, after) in enumerate(words)
        for before_sum, after_sum in [[sum(side[256 * i : 256 * i + 256]) for side in sides]]
    ]
    while len(row) > 1:
        row += [(ZERO, 0, 0)] * (len(row) % 2)
        row = [sum_node(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return {
        "samples": samples,
        "words": [w for pair in words for w in pair],
        "eval_root": row[0][0],
        "correct_before": row[0][1],
        "correct_after": row[0][2],
    }


def packed(bits: list[bool]) -> bytes:
    """256 bits, the first one in the most significant place."""
    return sum(1 << (255 - i) for i, bit in enumerate(bits) if bit).to_bytes(32, "big")


def sum_node(left: tuple[bytes, int, int], right: tuple[bytes, int, int]) -> tuple[bytes, int, int]:
    pack = b"".join(struct.pack(">32sII", *node) for node in (left, right))
    return keccak(Tag.EVAL_NODE + pack), left[1] + right[1], left[2] + right[2]


def demand_case(index: int) -> dict[str, Any]:
    """A position's fields, and its id."""
    block, explanation = word("block", index), word("trace", index)
    position = (index % 5, index % 4, 7 * index, index, 3)
    fields = block + b"".join(p.to_bytes(32, "big") for p in position) + explanation
    return {"block_id": block, "position": list(position), "explanation": explanation, "demand_id": keccak(fields)}


def commitment_case(index: int) -> dict[str, Any]:
    """keccak256(abi.encode(challenger, keccak256(calldata)))."""
    call = b"".join(word("call", i) for i in range(index + 1))[: 4 + 32 * index]
    challenger = bytes(12) + bytes.fromhex(MINERS[index % 2][2:])
    return {"challenger": MINERS[index % 2], "call": call, "commitment": keccak(challenger + keccak(call))}


def build_court() -> dict[str, Any]:
    sizes = [1, 63, 64, 65, 300, 1000]
    roots = [tensor_root([float(i) for i in range(n)]) for n in sizes]
    tags = {"state": Tag.STATE_ROOT, "batch": Tag.BATCH_ROOT, "inner": Tag.INNER_ROOT}
    return {
        "tensors": {"sizes": sizes, "roots": roots},
        "lists": {f"{name}_roots": [list_root(tag, roots[: n + 1]) for n in range(6)] for name, tag in tags.items()},
        "program": program_case(),
        "traces": trace_cases(),
        "openings": [
            opening_case({0: [1, 2, 4], 3: [0]}),
            opening_case({3: [4], 4: [0, 1, 2, 3]}),
            opening_case({1: [0, 77, 78, 191], 2: [0]}),
            opening_case({0: [0, 1, 2, 3, 4], 1: [100], 3: [2], 4: [4]}),
            opening_case({4: [2]}),
        ],
        "accuracy": [accuracy_case(n) for n in (1, 255, 256, 257, 1000, 1300, 10000)],
        "segments": [segment_case(n) for n in (1, 2, 3, 5, 64)],
        "demands": [demand_case(i) for i in range(5)],
        "commitments": [commitment_case(i) for i in range(3)],
    }
