"""Trees and openings against a plain keccak."""

from __future__ import annotations

import os
import platform
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import binding

from pol_oracle.canonical.commitments.accuracy import AccuracyTree, bits_of
from pol_oracle.canonical.commitments.keccak import Words, hash_floats, hash_rows, merkle_apex, merkle_level
from pol_oracle.canonical.commitments.trees import (
    Opening,
    Slice,
    TensorTree,
    leaves_of,
    list_root,
    merkle_rise,
    merkle_siblings,
    rows,
    sample_path,
    sample_root,
    tensor_root,
)
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import ZERO, Tag


def plain_top(level: list[bytes], tag: bytes) -> bytes:
    while len(level) > 1:
        level = level + [ZERO] * (len(level) % 2)
        level = [keccak(tag + level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


def plain_tensor_root(values: list[float]) -> bytes:
    data = struct.pack(f">{len(values)}f", *values)
    data = data.ljust(max(256, -(-len(data) // 256) * 256), b"\0")
    leaves = [keccak(Tag.TENSOR_LEAF + data[i : i + 256]) for i in range(0, len(data), 256)]
    return keccak(Tag.TENSOR_ROOT + len(values).to_bytes(8, "big") + plain_top(leaves, Tag.TENSOR_NODE))


TAG = b"TESTTEST"
TAG_WORD = np.uint64(int.from_bytes(TAG, "little"))


def random_rows(rows: int, words: int) -> Words:
    return np.random.default_rng(rows).integers(0, 2**64, (rows, words), dtype=np.uint64)


def as_bytes(hashes: Words) -> list[bytes]:
    return [h.tobytes() for h in hashes]


@given(st.integers(0, 60), st.integers(1, 5), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_compiled_keccak_equals_eth_utils(words: int, rows: int, seed: int) -> None:
    data = np.random.default_rng(seed).integers(0, 2**64, (rows, words), dtype=np.uint64)
    assert as_bytes(hash_rows(TAG_WORD, data)) == [keccak(TAG + row.tobytes()) for row in data]


@pytest.mark.parametrize("rows", range(18))
def test_batches_of_all_sizes_and_lengths_equal_eth_utils(rows: int) -> None:
    for words in range(38):  # the padding falls into every word of one, two and three permutations
        data = random_rows(rows, words)
        assert as_bytes(hash_rows(TAG_WORD, data)) == [keccak(TAG + row.tobytes()) for row in data]


@pytest.mark.parametrize("leaves", range(18))
def test_floats_are_hashed_as_big_endian_and_may_be_read_only(leaves: int) -> None:
    floats = random_rows(leaves, 32).view(np.float32)
    floats.flags.writeable = False
    expected = [keccak(TAG + leaf.astype(">f4").tobytes()) for leaf in floats]
    assert as_bytes(hash_floats(TAG_WORD, floats.reshape(-1).view(np.uint64))) == expected


@pytest.mark.parametrize("count", [*range(1, 36), 127, 129])
def test_levels_of_all_sizes_equal_the_plain_tree(count: int) -> None:
    nodes = random_rows(count, 4)
    before = nodes.copy()
    padded = [*as_bytes(nodes), ZERO][: count + count % 2]
    expected = [keccak(TAG + padded[i] + padded[i + 1]) for i in range(0, len(padded), 2)]
    assert as_bytes(merkle_level(TAG_WORD, nodes)) == expected
    assert merkle_apex(TAG_WORD, nodes).tobytes() == plain_top(as_bytes(nodes), TAG)
    assert np.array_equal(nodes, before)


def test_a_level_may_be_hashed_in_parts() -> None:
    nodes, floats = random_rows(37, 4), random_rows(21, 32).reshape(-1)
    parts = [merkle_level(TAG_WORD, nodes[:22]), merkle_level(TAG_WORD, nodes[22:])]
    assert np.array_equal(np.concatenate(parts), merkle_level(TAG_WORD, nodes))
    parts = [hash_floats(TAG_WORD, floats[: 32 * 13]), hash_floats(TAG_WORD, floats[32 * 13 :])]
    assert np.array_equal(np.concatenate(parts), hash_floats(TAG_WORD, floats))


ROOT_OF_A_RAMP = """
import numpy as np
from pol_oracle.canonical.commitments.trees import tensor_root
print(tensor_root(np.arange(64 * 37 - 5, dtype=np.float32)).hex())
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="names processors of x86")
@pytest.mark.parametrize(("processor", "features"), [("x86-64", ""), ("haswell", "+avx2")])
def test_hashes_do_not_depend_on_the_width_of_vectors(processor: str, features: str) -> None:
    if features and not binding.get_host_cpu_features().get("avx2"):
        pytest.skip("no AVX2 here")
    environment = {**os.environ, "NUMBA_CPU_NAME": processor, "NUMBA_CPU_FEATURES": features}
    done = subprocess.run(
        [sys.executable, "-c", ROOT_OF_A_RAMP], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == plain_tensor_root(np.arange(64 * 37 - 5).tolist()).hex()


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 128, 129, 432, 1000])
def test_tensor_root_equals_the_plain_tree(size: int) -> None:
    values = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    assert tensor_root(values) == plain_tensor_root(values.tolist())


def test_shape_does_not_matter_but_size_does() -> None:
    values = np.arange(60, dtype=np.float32)
    assert tensor_root(values) == tensor_root(values.reshape(3, 4, 5))
    assert tensor_root(values) != tensor_root(np.append(values, np.float32(0)))


def test_a_transposed_tensor_is_hashed_in_its_own_order() -> None:
    values = np.arange(60, dtype=np.float32).reshape(6, 10)
    assert tensor_root(values.T) == tensor_root(values.T.copy())


def test_list_root_equals_the_plain_tree_and_tags_separate_lists() -> None:
    for count in (1, 2, 3, 17):
        roots = [keccak(bytes([i])) for i in range(count)]
        plain = keccak(Tag.STATE_ROOT + count.to_bytes(8, "big") + plain_top(roots, Tag.LIST_NODE))
        assert list_root(Tag.STATE_ROOT, roots) == plain
        assert list_root(Tag.INNER_ROOT, roots) != plain


@pytest.fixture(scope="module")
def state() -> State:
    return State.initial(build_model("cnn"), 4)


def places(state: State) -> list[tuple[int, int]]:
    """First and last element of every tensor, and some between."""
    out = []
    for number, tensor in enumerate(state.tensors):
        out += [(number, e) for e in sorted({0, tensor.size // 2, tensor.size - 1})]
    return out


def opens(root: bytes, state: State, tensor: int, opened: Slice, path: Sequence[bytes]) -> bool:
    """Says whether a slice and a path lead to a state root."""
    try:
        top = merkle_rise({tensor: opened.root}, len(state), path, Tag.LIST_NODE)[-1][0]
        return keccak(Tag.STATE_ROOT + len(state).to_bytes(8, "big") + top) == root
    except (ValueError, IndexError):
        return False


def test_openings_verify(state: State) -> None:
    for tensor, element in places(state):
        opening = state.open(tensor, element)
        assert opens(state.root, state, tensor, opening, state.path(tensor))
        assert opening.value(element) == state.tensors[tensor].reshape(-1)[element]
        assert len(opening.leaves) == 256


def test_openings_of_anything_else_are_rejected(state: State) -> None:
    tensor, element = 3, 4000
    good, path = state.open(tensor, element), state.path(tensor)
    other = bytes([good.leaves[0] ^ 1]) + good.leaves[1:]
    bad = [
        replace(good, leaves=other),
        replace(good, elements=good.elements + 1),
        replace(good, nodes=good.nodes[1:]),
        replace(good, nodes=(*good.nodes, ZERO)),
        replace(good, nodes=(ZERO, *good.nodes[1:])),
        replace(good, runs=((good.runs[0][0] + 1, 1),)),
    ]
    for opening in bad:
        assert not opens(state.root, state, tensor, opening, path)
    assert not opens(state.root, state, tensor, good, path[::-1])
    assert not opens(state.root, state, tensor, good, path[1:])
    assert not opens(state.root, state, tensor + 1, good, path)
    assert not opens(ZERO, state, tensor, good, path)
    for place in ((0, 432), (17, 0), (-1, 0), (0, -1)):
        with pytest.raises(InputError):
            state.open(*place)


@given(st.integers(1, 3000), st.data())
def test_any_leaves_of_any_tensor_open_together_and_one_by_one(elements: int, data: st.DataObject) -> None:
    tensor = np.arange(elements, dtype=np.float32)
    tree, count = TensorTree(tensor), leaves_of(elements)
    leaves = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    opening = tree.open(0, leaves)

    assert opening.root == tensor_root(tensor)
    assert opening.places == sorted(leaves)
    assert all(b > a for (a, _), (b, _) in pairwise(opening.runs))
    one = data.draw(st.sampled_from(sorted(leaves)))
    alone = opening.narrow(one)
    assert alone == tree.open(0, [one])
    assert alone.root == tensor_root(tensor)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=40), st.data())
def test_any_leaves_of_any_tensors_open_together(sizes: list[int], data: st.DataObject) -> None:
    """As the paths of the tensors one by one, of which they leave out what follows from others."""
    trees = [TensorTree(np.arange(size, dtype=np.float32)) for size in sizes]
    roots = [tree.root for tree in trees]
    numbers = sorted(data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1)))
    draw_leaves = [st.sets(st.integers(0, leaves_of(sizes[n]) - 1), min_size=1) for n in numbers]
    slices = tuple(trees[n].open(n, data.draw(leaves)) for n, leaves in zip(numbers, draw_leaves, strict=True))
    nodes = merkle_siblings(rows(roots), numbers, Tag.LIST_NODE)

    opening = Opening(slices, nodes)
    assert Opening.of(opening.abi()) == opening
    (top,) = merkle_rise({s.tensor: s.root for s in slices}, len(sizes), nodes, Tag.LIST_NODE)[-1].values()
    assert top == plain_top(list(roots), Tag.LIST_NODE)
    alone = set().union(*(merkle_siblings(rows(roots), [n], Tag.LIST_NODE) for n in numbers))
    assert set(nodes) <= alone
    with pytest.raises(ValueError, match="zip"):
        merkle_rise({s.tensor: s.root for s in slices}, len(sizes), (*nodes, ZERO), Tag.LIST_NODE)


def test_sample_root_and_path() -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8), np.arange(5, dtype=np.uint8)
    leaves = [
        keccak(Tag.SAMPLE_LEAF + image.tobytes() + int(label).to_bytes(8, "big"))
        for image, label in zip(images, labels, strict=True)
    ]
    top = plain_top(leaves, Tag.SAMPLE_NODE)
    assert sample_root(images, labels) == keccak(Tag.SAMPLE_ROOT + (5).to_bytes(8, "big") + top)
    for i in range(5):
        assert merkle_rise({i: leaves[i]}, 5, sample_path(images, labels, i), Tag.SAMPLE_NODE)[-1] == {0: top}


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700, 1024])
def test_accuracy_tree_equals_the_plain_sum_tree(count: int) -> None:
    rng = np.random.default_rng(count)
    before, after = rng.random(count) < 0.7, rng.random(count) < 0.8
    level: list[tuple[bytes, int, int]] = []
    for at in range(0, count, 256):
        parts = [bits[at : at + 256] for bits in (before, after)]
        words = [sum(1 << (255 - i) for i, bit in enumerate(p) if bit).to_bytes(32, "big") for p in parts]
        level.append((keccak(Tag.EVAL_LEAF + words[0] + words[1]), int(parts[0].sum()), int(parts[1].sum())))
    while len(level) > 1:
        level += [(ZERO, 0, 0)] * (len(level) % 2)
        pairs = [(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        level = [
            (
                keccak(Tag.EVAL_NODE + x[0] + struct.pack(">II", *x[1:]) + y[0] + struct.pack(">II", *y[1:])),
                x[1] + y[1],
                x[2] + y[2],
            )
            for x, y in pairs
        ]
    tree = AccuracyTree.of(before, after)
    assert (tree.root.hash, tree.root.before, tree.root.after) == level[0]
    assert (tree.root.before, tree.root.after) == (before.sum(), after.sum())
    assert AccuracyTree.of(after, before).root.hash != tree.root.hash
    assert all(np.array_equal(*pair) for pair in zip(bits_of(tree.words, count), (before, after), strict=True))


def test_accuracy_tree_refuses_unequal_or_no_bits() -> None:
    for sizes in ((0, 0), (3, 4)):
        with pytest.raises(InputError):
            AccuracyTree.of(np.ones(sizes[0], np.bool_), np.ones(sizes[1], np.bool_))
