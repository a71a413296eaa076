"""protocol.json: tasks, headers, what is drawn, a state, satisfaction, work and difficulty."""

from __future__ import annotations

import struct
from dataclasses import asdict
from typing import Any

from pol_oracle.protocol import derivation, difficulty
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.hashing import ZERO, Tag
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import jump_height
from pol_oracle.protocol.rules import RuleSet, rules_of, satisfies
from pol_oracle.protocol.task import Task
from tests.golden.trees import (
    FLOATS_PER_LEAF,
    MINERS,
    leaves_of,
    levels,
    list_root,
    number,
    path,
    tensor_root,
    tensor_rows,
    word,
)

CHAIN_ID = 31337
REGISTRY = "0x00000000000000000000000000000000000000AA"


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
