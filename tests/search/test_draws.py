"""Drawing for many nonces at once gives what the rules give for each."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pol_oracle.canonical.commitments.trees import rows
from pol_oracle.protocol import derivation
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import Tag
from pol_oracle.protocol.rules import HARDENED
from pol_oracle.search.draws import Nonces, draw_rows, mask_rows, seed_rows
from tests.search.replay import job
from tests.task.workloads import MINER, small_workload

HASHES = st.binary(min_size=32, max_size=32)


@given(st.lists(HASHES, min_size=1, max_size=20), st.integers(0, 20), st.integers(20, 2**32), st.integers(0, 1))
def test_draws_are_those_of_the_rules(seeds: list[bytes], count: int, bound: int, shift: int) -> None:
    count = min(count, bound >> shift)
    drawn = draw_rows(Tag.REQUIREMENTS, rows(seeds), count, bound, shift)
    assert drawn.tolist() == [derivation.draw(Tag.REQUIREMENTS, seed, count, bound, shift) for seed in seeds]


def test_words_are_thrown_away_as_the_rules_do() -> None:
    """A bound just above a half of all words throws every other one away; a small one repeats values."""
    seeds = [i.to_bytes(32, "big") for i in range(50)]
    for bound, count in (((1 << 31) + 1, 9), (24, 20)):
        drawn = draw_rows(Tag.BATCH, rows(seeds), count, bound)
        assert drawn.tolist() == [derivation.draw(Tag.BATCH, seed, count, bound) for seed in seeds]


@given(st.lists(HASHES, min_size=1, max_size=20), st.integers(0, 12), st.integers(1, LEAF_WEIGHTS))
def test_masks_are_those_of_the_rules(seeds: list[bytes], count: int, size: int) -> None:
    """Up to all weights of a leaf, for which one digest never names enough."""
    masks = mask_rows(rows(seeds), count, size)
    assert masks.tolist() == [[derivation.mask(seed, number, size) for number in range(count)] for seed in seeds]


@settings(max_examples=20)
@given(HASHES, HASHES, st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_seeds_are_those_of_the_rules(task: bytes, parent: bytes, nonces: list[int]) -> None:
    found = seed_rows(derivation.seed_head(HARDENED, task, parent, MINER), nonces)
    assert [row.tobytes() for row in found] == [
        derivation.seed(HARDENED, task, parent, MINER, nonce) for nonce in nonces
    ]


def test_a_pass_tries_the_nonces_that_are_confirmed_later() -> None:
    nonces = Nonces(small_workload(), job(9 * BIT + BIT // 2, bytes(32)))
    drawn = nonces.draw_all(range(1000, 1030))
    for row, one in enumerate(nonces.draw(1000 + row) for row in range(30)):
        assert drawn.leaves[row].tolist() == [r.number for r in one.required[:9]]
        assert drawn.masks[row].tolist() == [r.mask for r in one.required[:9]]
        assert drawn.odd[row].tolist() == [r.odd for r in one.required[:9]]
        assert tuple(np.asarray(drawn.indices[row])) == one.indices
