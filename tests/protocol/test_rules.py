"""Properties of the pure rules that no single vector shows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pol_oracle.protocol import derivation
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights, packed, unpacked
from pol_oracle.protocol.errors import InputError, RuleError
from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import TRANSITIONS, Candidate, Status, choose_head, jump_height
from pol_oracle.protocol.rules import HARDENED, PAPER, Rules, RuleSet, satisfies
from pol_oracle.protocol.task import Task

WORD = st.binary(min_size=32, max_size=32)
MINER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
THIEF = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
TASK_ID, PARENT, SEGMENT = b"\1" * 32, b"\2" * 32, b"\3" * 32


HEADER = Header(PARENT, MINER, 7, (1, 2, 3, 4), SEGMENT, b"\4" * 32, b"\5" * 32, b"\6" * 32, b"\7" * 32, 10, 11)


def test_a_header_survives_the_way_as_text() -> None:
    assert Header.loads(HEADER.dumps()) == HEADER


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"' + "02" * 32 + '"', '"0202"'),
        ('"' + "02" * 32 + '"', "2"),
        ('"' + "02" * 32 + '"', '"' + "zz" * 32 + '"'),
        (MINER, "0x7099"),
        (f'"{MINER}"', "[]"),
        (" 7,", " 18446744073709551616,"),
        (" 7,", " -1,"),
        (" 7,", " true,"),
        ("[1, 2,", "[1.5, 2,"),
        ("[1, 2,", "[4294967296, 2,"),
        ("[1, 2, 3, 4]", "1"),
        (", 11]", "]"),
        (", 11]", ", 11, 12]"),
        (", 11]", ", NaN]"),
        ("[", "[" * 100_000),
    ],
    ids=str,
)
def test_a_text_that_is_no_header_is_refused_in_words(old: str, new: str) -> None:
    text = HEADER.dumps()
    assert old in text
    with pytest.raises(InputError, match="header"):
        Header.loads(text.replace(old, new, 1))


def test_a_header_survives_the_way_as_what_its_id_is_the_hash_of() -> None:
    data = HEADER.encode(TASK_ID)
    assert Header.decode(data, TASK_ID) == HEADER
    assert keccak(data) == HEADER.id(TASK_ID)


@given(st.lists(st.tuples(st.integers(0, 18 * 32 - 1), st.integers(1, 255)), min_size=1, max_size=4), st.binary())
def test_bytes_that_are_no_header_are_refused_in_words(changes: list[tuple[int, int]], more: bytes) -> None:
    data = bytearray(HEADER.encode(TASK_ID))
    for place, change in changes:
        data[place] ^= change
    for damaged in (bytes(data), data[:-1], data[:64] + more, HEADER.encode(TASK_ID) + more + b"!", more):
        try:
            assert Header.decode(bytes(damaged), TASK_ID).encode(TASK_ID) == damaged
        except InputError as error:
            assert "this is no header" in str(error)


@given(WORD, st.integers(0, 24), st.integers(1, 2**32), st.integers(0, 3))
def test_draws_are_in_range_and_without_collision(seed: bytes, count: int, bound: int, shift: int) -> None:
    identities = (bound - 1 >> shift) + 1
    if count > identities:
        with pytest.raises(RuleError, match="different values"):
            derivation.draw(Tag.BATCH, seed, count, bound, shift)
        return
    values = derivation.draw(Tag.BATCH, seed, count, bound, shift)
    assert len(values) == count and all(0 <= v < bound for v in values)
    assert len({v >> shift for v in values}) == count


def test_draw_has_no_modulo_bias() -> None:
    """Just above 2**31 a plain modulo would hit the lower half of the range twice as often."""
    bound = 3 * 2**30
    values = [v for i in range(400) for v in derivation.draw(Tag.BATCH, i.to_bytes(32, "big"), 8, bound)]
    low = sum(v < 2**30 for v in values) / len(values)
    assert abs(low - 1 / 3) < 4 * math.sqrt(2 / 9 / len(values))


@pytest.mark.parametrize("bound", [0, -1, 2**32 + 1])
def test_draw_rejects_bounds_that_it_cannot_serve(bound: int) -> None:
    with pytest.raises(RuleError):
        derivation.draw(Tag.BATCH, bytes(32), 1, bound)


@pytest.mark.parametrize(
    "change",
    [{"task_id": b"\x09" * 32}, {"parent": b"\x09" * 32}, {"miner": THIEF}, {"nonce": 8}],
    ids=lambda c: next(iter(c)),
)
def test_pitfall_04_grinding_everything_a_miner_can_vary_redraws_both_r_and_p(change: dict[str, object]) -> None:
    arguments = {"task_id": TASK_ID, "parent": PARENT, "miner": MINER, "nonce": 7}
    seed = derivation.seed(HARDENED, **arguments)  # type: ignore[arg-type]
    other = derivation.seed(HARDENED, **(arguments | change))  # type: ignore[arg-type]
    assert derivation.requirements(HARDENED, seed, 12, 700, 16) != derivation.requirements(HARDENED, other, 12, 700, 16)
    assert derivation.batch(seed, 4, 8192) != derivation.batch(other, 4, 8192)


def test_pitfall_01_proof_theft_the_seed_and_the_id_name_the_miner() -> None:
    mine = derivation.seed(HARDENED, TASK_ID, PARENT, MINER, 7)
    assert mine != derivation.seed(HARDENED, TASK_ID, PARENT, THIEF, 7)
    assert HEADER.id(TASK_ID) != replace(HEADER, miner=THIEF).id(TASK_ID)


def test_paper_rules_draw_from_the_parent_alone() -> None:
    seed = derivation.seed(PAPER, TASK_ID, PARENT, MINER, 7)
    assert seed == derivation.seed(PAPER, TASK_ID, PARENT, THIEF, 8)
    assert seed != derivation.seed(PAPER, TASK_ID, b"\x09" * 32, MINER, 7)


def test_requirements_and_batch_are_drawn_independently() -> None:
    assert derivation.draw(Tag.BATCH, TASK_ID, 4, 8192) != derivation.draw(Tag.REQUIREMENTS, TASK_ID, 4, 8192)


@pytest.mark.parametrize("rules", [HARDENED, PAPER], ids=["parities", "directions"])
def test_parities_and_directions_are_balanced(rules: Rules) -> None:
    odds = [r.odd for i in range(500) for r in derivation.requirements(rules, i.to_bytes(32, "big"), 8, 46_000, 1)]
    assert abs(sum(odds) / len(odds) - 0.5) < 4 * 0.5 / math.sqrt(len(odds))


@given(WORD, st.integers(0, 40), st.integers(1, 64))
def test_a_mask_has_so_many_weights(seed: bytes, number: int, size: int) -> None:
    mask = derivation.mask(seed, number, size)
    assert mask.bit_count() == size and mask < 1 << 64


def test_every_weight_of_a_leaf_is_as_likely_in_a_mask() -> None:
    counts = [0] * 64
    for i in range(4000):
        mask = derivation.mask(i.to_bytes(32, "big"), 0, 16)
        counts = [count + (mask >> place & 1) for place, count in enumerate(counts)]
    spread = math.sqrt(4000 * 0.25 * 0.75)
    assert all(abs(count - 1000) < 4.5 * spread for count in counts)


def test_r_names_different_leaves() -> None:
    drawn = derivation.requirements(HARDENED, TASK_ID, 20, 20, 16)
    assert {r.number for r in drawn} == set(range(20))
    assert len({r.mask for r in drawn}) == 20


def test_the_papers_requirement_is_a_mask_of_one_weight() -> None:
    (requirement,) = derivation.requirements(PAPER, TASK_ID, 1, 10_000, 1)
    assert requirement.mask == 1
    assert requirement.within(PAPER, 130) == (2, 1 << 2)
    assert replace(requirement, mask=0b1010).within(HARDENED, 130) == (130, 0b1010)


def test_a_segments_batches_differ_by_task_block_and_step() -> None:
    seeds = {
        derivation.segment_seed(*case) for case in ((TASK_ID, PARENT, 0), (TASK_ID, PARENT, 1), (PARENT, PARENT, 0))
    }
    seeds |= {derivation.segment_seed(TASK_ID, TASK_ID, 0), derivation.seed(HARDENED, TASK_ID, PARENT, MINER, 0)}
    assert len(seeds) == 5


def test_pitfall_05_unchanged_zero_and_nan_are_no_rise() -> None:
    nan, inf = math.nan, math.inf
    for before, after in [(1.0, 1.0), (0.0, -0.0), (-0.0, 0.0)]:
        assert not satisfies(HARDENED, [before], [after], odd=True)
        assert satisfies(HARDENED, [before], [after], odd=False)
    for before, after in [(nan, 1.0), (1.0, nan), (nan, nan), (inf, inf), (1.0, inf), (-inf, 1.0)]:
        for rules in (HARDENED, PAPER):
            assert not satisfies(rules, [1.0, before], [2.0, after], odd=True)
            assert not satisfies(rules, [1.0, before], [2.0, after], odd=False)


FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=64))
def test_either_parity_is_met_but_for_the_papers_unchanged_weights(moves: list[tuple[float, float]]) -> None:
    before, after = zip(*moves, strict=True)
    odd, even = (satisfies(HARDENED, before, after, odd) for odd in (True, False))
    assert odd != even and odd == sum(b > a for a, b in moves) % 2
    unchanged = all(a == b for a, b in moves)
    assert satisfies(PAPER, before, after, True) == (odd or unchanged)
    assert satisfies(PAPER, before, after, False) == even


TASK = Task(RuleSet.HARDENED, 4, 8192, 4096, 64, 16, 0, 700, *([bytes(32)] * 5))


@pytest.mark.parametrize(
    "wrong",
    [
        {"training_steps": 0},
        {"training_steps": 2049},
        {"mask_size": 0},
        {"mask_size": 65},
        {"rule_set": RuleSet.PAPER, "mask_size": 1},
        {"rule_set": RuleSet.PAPER, "training_steps": 0},
    ],
    ids=str,
)
def test_a_task_whose_segment_or_mask_does_not_fit_its_rules_is_refused(wrong: dict[str, Any]) -> None:
    replace(TASK, training_steps=2048, mask_size=64)
    replace(TASK, rule_set=RuleSet.PAPER, training_steps=0, mask_size=1)
    with pytest.raises(RuleError, match=r"training_steps|mask_size"):
        replace(TASK, **wrong)


RANGES = st.builds(
    lambda tensor, start, run, gap, repeats: EligibleRange(tensor, start, run, run + gap, repeats),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32),
    st.integers(1, 50),
    st.integers(0, 50),
    st.integers(1, 20),
)


@given(st.lists(RANGES, min_size=1, max_size=5))
def test_every_eligible_number_names_its_own_place(ranges: list[EligibleRange]) -> None:
    weights = EligibleWeights(tuple(replace(r, tensor=i) for i, r in enumerate(ranges)))
    assert unpacked(packed(weights.ranges)) == weights
    places = [weights.locate(i) for i in range(weights.count)]
    assert len(set(places)) == weights.count
    for wrong in (-1, weights.count):
        with pytest.raises(RuleError, match="out of range"):
            weights.locate(wrong)


def test_a_range_is_one_word() -> None:
    with pytest.raises(RuleError, match="32 bytes"):
        EligibleRange.unpack(b"\0" * 31)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 10**6)), min_size=1, unique_by=lambda c: c[1]))
def test_head_is_most_work_then_first_seen(blocks: list[tuple[int, int]]) -> None:
    head = choose_head([Candidate(bytes(32), work, sequence) for work, sequence in blocks])
    best = max(work for work, _ in blocks)
    assert head.total_work == best
    assert head.sequence == min(sequence for work, sequence in blocks if work == best)


def test_no_block_leaves_a_final_state() -> None:
    assert all(not TRANSITIONS[s] for s in (Status.FINALIZED, Status.SLASHED, Status.ORPHANED))


@given(st.integers(1, 10**9))
def test_jumps_reach_genesis_in_logarithmic_steps(height: int) -> None:
    at, steps = height, 0
    while at:
        at, steps = jump_height(at), steps + 1
    assert steps <= 2 * height.bit_length()
