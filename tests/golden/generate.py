"""Writes protocol.json and court.json: the vectors that the Python and the Solidity tests both check.

    python tests/golden/generate.py

The trees are built here a second time, in the plainest way, so that the vectors are not the production code's own
opinion of itself. A change of any vector is a change of the protocol: it needs a decision (docs/decisions).
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pol_oracle.protocol import derivation, difficulty
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.hashing import ZERO, Tag, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import jump_height
from pol_oracle.protocol.rules import RuleSet, rules_of, satisfies
from pol_oracle.protocol.task import Task

TARGET = Path(__file__).with_name("protocol.json")
COURT_TARGET = Path(__file__).with_name("court.json")
CHAIN_ID = 31337
REGISTRY = "0x00000000000000000000000000000000000000AA"
MINERS = ("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
FLOATS_PER_LEAF = 64


def hexed(value: Any) -> Any:
    """Bytes as 0x-hex, everything else as JSON has it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, dict):
        return {k: hexed(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [hexed(v) for v in value]
    return value


def number(label: str, index: int) -> int:
    """A pseudo-random 256-bit number, the same everywhere."""
    return int.from_bytes(keccak(f"{label} {index}".encode()), "big")


def word(label: str, index: int = 0) -> bytes:
    """A pseudo-random 32-byte word, the same everywhere."""
    return keccak(f"{label} {index}".encode())


def levels(leaves: list[bytes], tag: bytes) -> list[list[bytes]]:
    """All levels of a zero-padded binary Merkle tree, leaves first."""
    rows = [leaves]
    while len(rows[-1]) > 1:
        row = rows[-1] + [ZERO] * (len(rows[-1]) % 2)
        rows.append([keccak(tag + row[i] + row[i + 1]) for i in range(0, len(row), 2)])
    return rows


def path(rows: list[list[bytes]], index: int) -> list[bytes]:
    """Siblings from leaf ``index`` to the top; zero where the right sibling is absent."""
    out = []
    for row in rows[:-1]:
        sibling = index ^ 1
        out.append(row[sibling] if sibling < len(row) else ZERO)
        index >>= 1
    return out


def leaves_of(values: list[float]) -> list[bytes]:
    """The 256-byte leaves of a tensor, zero-padded."""
    data = struct.pack(f">{len(values)}f", *values)
    data += bytes(-len(data) % (4 * FLOATS_PER_LEAF) or (0 if data else 4 * FLOATS_PER_LEAF))
    return [data[i : i + 256] for i in range(0, len(data), 256)]


def tensor_rows(values: list[float]) -> list[list[bytes]]:
    return levels([keccak(Tag.TENSOR_LEAF + leaf) for leaf in leaves_of(values)], Tag.TENSOR_NODE)


def tensor_root(values: list[float]) -> bytes:
    return keccak(Tag.TENSOR_ROOT + len(values).to_bytes(8, "big") + tensor_rows(values)[-1][0])


def list_root(tag: bytes, roots: list[bytes]) -> bytes:
    return keccak(tag + len(roots).to_bytes(8, "big") + levels(roots, Tag.LIST_NODE)[-1][0])


def make_tensor(index: int, size: int) -> list[float]:
    """Exactly representable values of both signs."""
    return [(number(f"tensor {index}", i) % 4096 - 2048) / 256 for i in range(size)]


def make_task(index: int, eligible: EligibleWeights, initial_root: bytes) -> Task:
    return Task(
        rule_set=RuleSet(index % 2),
        batch_size=4,
        train_count=8192 + index,
        test_count=4096,
        training_steps=(64, 0, 1, 0)[index],
        mask_size=(16, 1, 32, 1)[index],
        learning_rate=int.from_bytes(struct.pack(">f", 0.05 / (index + 1)), "big"),
        eligible_count=eligible.count,
        eligible_hash=eligible.hash,
        program_root=word("program", index),
        train_root=word("train", index),
        test_root=word("test", index),
        initial_root=initial_root,
    )


def make_header(index: int, task: Task) -> Header:
    miner = MINERS[index % 2]
    seed = derivation.seed(task.rules, task.id, word("parent", index), miner, index)
    return Header(
        parent=word("parent", index),
        miner=miner,
        nonce=index,
        indices=derivation.batch(seed, task.batch_size, task.train_count),
        segment_root=word("segment", index) if task.training_steps else ZERO,
        pre_root=word("pre", index),
        post_root=word("post", index),
        trace_root=word("trace", index),
        eval_root=word("eval", index),
        correct_before=100 + index,
        correct_after=101 + index,
    )


def task_cases(eligible: EligibleWeights, initial_root: bytes) -> list[dict[str, Any]]:
    cases = []
    for i in range(4):
        task = make_task(i, eligible, initial_root)
        header = make_header(i, task)
        seed = derivation.seed(task.rules, task.id, header.parent, header.miner, header.nonce)
        drawn = derivation.requirements(task.rules, seed, 8, task.eligible_count, task.mask_size)
        cases.append(
            {
                "task": asdict(task) | {"rule_set": int(task.rule_set)},
                "task_id": task.id,
                "genesis_id": task.genesis_id(CHAIN_ID, REGISTRY),
                "header": asdict(header),
                "block_id": header.id(task.id),
                "seed": seed,
                "bits": 8,
                "requirement_numbers": [r.number for r in drawn],
                "requirement_masks": [str(r.mask) for r in drawn],
                "requirement_odds": [r.odd for r in drawn],
            }
        )
    return cases


def draw_cases() -> list[dict[str, Any]]:
    """Includes bounds where rejection is frequent (just above 2**31) and where every value must come up."""
    shapes = [(4, 8192, 0), (8, 46944, 1), (16, 16, 0), (8, 16, 1), (12, 2**31 + 1, 0), (12, 2**31 + 2, 1)]
    shapes += [(4, 2**32, 0), (1, 1, 0), (0, 5, 0), (20, 22_000_000, 1)]
    return [
        {
            "tag": Tag.BATCH,
            "seed": word("draw", i),
            "count": count,
            "bound": bound,
            "shift": shift,
            "values": derivation.draw(Tag.BATCH, word("draw", i), count, bound, shift),
        }
        for i, (count, bound, shift) in enumerate(shapes)
    ]


def mask_cases() -> dict[str, Any]:
    """All sizes: the greater ones need several hashes."""
    sizes = [*range(1, 65), 16, 32]
    return {
        "seed": [word("mask", i) for i in range(len(sizes))],
        "number": list(range(len(sizes))),
        "size": sizes,
        "mask": [str(derivation.mask(word("mask", i), i, size)) for i, size in enumerate(sizes)],
    }


def segment_seed_cases() -> list[dict[str, Any]]:
    """Batches of the first, some middle and the last possible step."""
    cases = []
    for i, step in enumerate((0, 1, 63, 255, 2047)):
        seed = derivation.segment_seed(word("segment task", i), word("segment block", i), step)
        cases.append(
            {
                "task_id": word("segment task", i),
                "block_id": word("segment block", i),
                "step": step,
                "seed": seed,
                "batch": derivation.batch(seed, 4, 8192),
            }
        )
    return cases


def state_case(eligible: EligibleWeights, sizes: list[int]) -> dict[str, Any]:
    """One state with openings of its first, last and some eligible elements."""
    tensors = [make_tensor(i, n) for i, n in enumerate(sizes)]
    roots = [tensor_root(t) for t in tensors]
    rows = levels(roots, Tag.LIST_NODE)
    places = [(0, 0), (len(sizes) - 1, sizes[-1] - 1)]
    places += [eligible.locate(i) for i in (0, eligible.count // 2, eligible.count - 1)]
    openings = []
    for tensor, element in places:
        leaf = element // FLOATS_PER_LEAF
        openings.append(
            {
                "tensor": tensor,
                "element": element,
                "elements": sizes[tensor],
                "tensors": len(sizes),
                "value": int.from_bytes(struct.pack(">f", tensors[tensor][element]), "big"),
                "leaf": leaves_of(tensors[tensor])[leaf],
                "tensor_path": path(tensor_rows(tensors[tensor]), leaf),
                "state_path": path(rows, tensor),
            }
        )
    return {
        "sizes": sizes,
        "tensors": [[int.from_bytes(struct.pack(">f", v), "big") for v in t] for t in tensors],
        "tensor_roots": roots,
        "state_root": list_root(Tag.STATE_ROOT, roots),
        "openings": openings,
    }


def satisfaction_cases() -> list[dict[str, Any]]:
    """Single weights around every trap (unchanged, both zeros, NaN, infinities, subnormals, one ulp), and sets."""
    bits = [0x0, 0x80000000, 0x1, 0x80000001, 0x3F800000, 0x3F800001, 0xBF800000, 0x7F800000, 0xFF800000, 0x7FC00000]
    cases = [([before], [after]) for before in bits for after in bits]
    finite = bits[:7]
    for size in (2, 3, 16, 32, 64):
        for i in range(8):
            drawn = [number(f"weights {size} {i}", j) for j in range(size)]
            before = [finite[d % 7] for d in drawn]
            after = [finite[d // 7 % 7] for d in drawn]
            cases += [(before, after), (before, before), (before, [*after[:-1], bits[7 + i % 3]])]
    return [satisfaction_case(before, after) for before, after in cases]


def satisfaction_case(before: list[int], after: list[int]) -> dict[str, Any]:
    a, b = ([struct.unpack(">f", x.to_bytes(4, "big"))[0] for x in side] for side in (before, after))
    return {"before": before, "after": after} | {
        f"{rules.name.lower()}_{parity}": satisfies(rules_of(rules), a, b, parity == "odd")
        for rules in RuleSet
        for parity in ("odd", "even")
    }


def work_cases() -> dict[str, Any]:
    """Every whole number of bits, and real numbers all over the range."""
    whole = range(0, difficulty.MAX_DIFFICULTY + 1, difficulty.BIT)
    real = [number("work", i) % difficulty.MAX_DIFFICULTY for i in range(100)]
    tried = sorted({*whole, *real, 1, difficulty.BIT - 1, difficulty.MAX_DIFFICULTY - 1})
    return {"difficulty": tried, "work": [str(difficulty.work(d)) for d in tried]}


def needed_cases() -> dict[str, Any]:
    """Among them some where the hash is close to the threshold, so that a wrong threshold shows."""
    drawn = [
        (number("needed", i) % (difficulty.MAX_DIFFICULTY + 1), word("seed", i), word("post", i)) for i in range(60)
    ]
    for i in range(40):
        seed, post = word("near", i), word("near post", i)
        least = next(d for d in range(difficulty.BIT + 1) if difficulty.needed_bits(d, seed, post) == 1)
        drawn += [(5 * difficulty.BIT + least - 1, seed, post), (5 * difficulty.BIT + least, seed, post)]
    return {
        "difficulty": [d for d, _, _ in drawn],
        "seed": [seed for _, seed, _ in drawn],
        "post_root": [post for _, _, post in drawn],
        "bits": [difficulty.needed_bits(*case) for case in drawn],
    }


def retarget_cases() -> dict[str, Any]:
    """On time, early, late, by one second, around the longest delay that counts, where rounding matters, at both ends,
    fixed, and with extreme numbers."""
    top, late = difficulty.MAX_DIFFICULTY, 2**40 - 1
    ordinary = [(8 * 1024, elapsed, 60, 360, 1024, 12 * 1024) for elapsed in (0, 1, 59, 60, 61, 119, 120, 3600, late)]
    longest = [(8 * 1024, 420 + delay, 60, 360, 1024, 12 * 1024) for delay in (-2, -1, 0, 1, 2)]
    rounding = [(8 * 1024, 60 + delay, 60, 7919, 1024, 12 * 1024) for delay in range(-9, 10)]
    ends = [(1024, 61, 60, 360, 1024, 2048), (2048, 59, 60, 360, 1024, 2048), (1024, 0, 60, 1, 1024, 2048)]
    ends += [(0, 61, 60, 360, 0, top), (top, 0, 60, 360, 0, top), (5000, 0, 60, 360, 5000, 5000)]
    extremes = [(5000, 10**6, 0, 0, 1, 9000), (top, late, 2**32 - 1, 1, 0, top), (0, 0, 2**32 - 1, 2**32 - 1, 0, top)]
    extremes += [(top, late, 1, 2**32 - 1, 0, top), (0, 0, 2**32 - 1, 1, 0, top), (top, late, 1, 1, top, top)]
    cases = ordinary + longest + rounding + ends + extremes + [random_retarget(i) for i in range(100)]
    return {"given": [n for case in cases for n in case], "difficulty": [difficulty.retarget(*case) for case in cases]}


def random_retarget(index: int) -> tuple[int, int, int, int, int, int]:
    """A difficulty within its bounds, and an interval of up to four times its target."""
    low, own, high = sorted(number(f"retarget {index}", i) % (difficulty.MAX_DIFFICULTY + 1) for i in range(3))
    target = 1 + number(f"retarget {index}", 3) % 10_000
    elapsed, half_life = (number(f"retarget {index}", 4 + i) % (4 * target) for i in range(2))
    return own, elapsed, target, 1 + half_life, low, high


def build() -> dict[str, Any]:
    sizes = [432, 16, 1, 4608, 65]
    eligible = EligibleWeights((EligibleRange(0, 0, 432, 432, 1), EligibleRange(3, 128, 32, 288, 16)))
    state = state_case(eligible, sizes)
    numbers = sorted({0, 1, 431, 432, 463, 464, eligible.count - 1})
    return {
        "chain_id": CHAIN_ID,
        "registry": REGISTRY,
        "eligible": {
            "words": [r.pack() for r in eligible.ranges],
            "count": eligible.count,
            "hash": eligible.hash,
            "numbers": numbers,
            "tensors": [eligible.locate(n)[0] for n in numbers],
            "places": [eligible.locate(n)[1] for n in numbers],
        },
        "tasks": task_cases(eligible, state["state_root"]),
        "draws": draw_cases(),
        "masks": mask_cases(),
        "segment_seeds": segment_seed_cases(),
        "state": state,
        "satisfaction": satisfaction_cases(),
        "work": work_cases(),
        "needed_bits": needed_cases(),
        "retarget": retarget_cases(),
        "jump_heights": [jump_height(h) for h in range(200)],
    }


# -- court.json: every tree that evidence opens, and the ids under which it is shown


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


if __name__ == "__main__":
    COURT_TARGET.write_text(json.dumps(hexed(build_court()), indent=1) + "\n")
    TARGET.write_text(json.dumps(hexed(build()), indent=1) + "\n")
