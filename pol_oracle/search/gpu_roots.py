# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator, misc"
"""Roots of a state's tensors, computed where a GPU holds them: 45 MB of ResNet-18 need neither cross to the host for
every pass nor wait for its few cores.

The same trees as ``canonical/trees.py``, of all tensors at once: one kernel hashes all leaves, one each level of nodes.
What comes back are the tensors' tops. A proof does not rest on them alone: the canonical step computes its own roots.
"""

# no "from __future__ import annotations": Triton reads the annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
import triton
import triton.language as tl
from numpy.typing import NDArray
from torch import Tensor

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.sponge import ROUND_CONSTANTS
from pol_oracle.canonical.trees import LEAF, counted_root, leaves_of
from pol_oracle.protocol.hashing import Tag

_BLOCK = 128  # messages of a program
_NONE = -1  # in place of the number of a node that does not exist


@triton.jit
def _rotate(word, bits: tl.constexpr):
    return (word << bits) | (word >> (64 - bits))


@triton.jit
def _permute(
    constants,
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22,
    a23, a24,
):  # fmt: skip
    """keccak-f[1600] on the words of many states; word x + 5 y is word (x, y)."""
    for turn in range(24):
        c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
        c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
        c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
        c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
        c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
        d0 = c4 ^ _rotate(c1, 1)
        d1 = c0 ^ _rotate(c2, 1)
        d2 = c1 ^ _rotate(c3, 1)
        d3 = c2 ^ _rotate(c4, 1)
        d4 = c3 ^ _rotate(c0, 1)
        b0 = a0 ^ d0
        b10 = _rotate(a1 ^ d1, 1)
        b20 = _rotate(a2 ^ d2, 62)
        b5 = _rotate(a3 ^ d3, 28)
        b15 = _rotate(a4 ^ d4, 27)
        b16 = _rotate(a5 ^ d0, 36)
        b1 = _rotate(a6 ^ d1, 44)
        b11 = _rotate(a7 ^ d2, 6)
        b21 = _rotate(a8 ^ d3, 55)
        b6 = _rotate(a9 ^ d4, 20)
        b7 = _rotate(a10 ^ d0, 3)
        b17 = _rotate(a11 ^ d1, 10)
        b2 = _rotate(a12 ^ d2, 43)
        b12 = _rotate(a13 ^ d3, 25)
        b22 = _rotate(a14 ^ d4, 39)
        b23 = _rotate(a15 ^ d0, 41)
        b8 = _rotate(a16 ^ d1, 45)
        b18 = _rotate(a17 ^ d2, 15)
        b3 = _rotate(a18 ^ d3, 21)
        b13 = _rotate(a19 ^ d4, 8)
        b14 = _rotate(a20 ^ d0, 18)
        b24 = _rotate(a21 ^ d1, 2)
        b9 = _rotate(a22 ^ d2, 61)
        b19 = _rotate(a23 ^ d3, 56)
        b4 = _rotate(a24 ^ d4, 14)
        a0 = b0 ^ (~b1 & b2) ^ tl.load(constants + turn).to(tl.uint64, bitcast=True)
        a1 = b1 ^ (~b2 & b3)
        a2 = b2 ^ (~b3 & b4)
        a3 = b3 ^ (~b4 & b0)
        a4 = b4 ^ (~b0 & b1)
        a5 = b5 ^ (~b6 & b7)
        a6 = b6 ^ (~b7 & b8)
        a7 = b7 ^ (~b8 & b9)
        a8 = b8 ^ (~b9 & b5)
        a9 = b9 ^ (~b5 & b6)
        a10 = b10 ^ (~b11 & b12)
        a11 = b11 ^ (~b12 & b13)
        a12 = b12 ^ (~b13 & b14)
        a13 = b13 ^ (~b14 & b10)
        a14 = b14 ^ (~b10 & b11)
        a15 = b15 ^ (~b16 & b17)
        a16 = b16 ^ (~b17 & b18)
        a17 = b17 ^ (~b18 & b19)
        a18 = b18 ^ (~b19 & b15)
        a19 = b19 ^ (~b15 & b16)
        a20 = b20 ^ (~b21 & b22)
        a21 = b21 ^ (~b22 & b23)
        a22 = b22 ^ (~b23 & b24)
        a23 = b23 ^ (~b24 & b20)
        a24 = b24 ^ (~b20 & b21)
    return (
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    )  # fmt: skip


@triton.jit
def _big_endian(floats, place, known):
    """The bits of some floats, the first byte last."""
    x = tl.load(floats + place, mask=known, other=0).to(tl.uint32, bitcast=True)
    return ((x >> 24) | ((x >> 8) & 0xFF00) | ((x << 8) & 0xFF0000) | (x << 24)).to(tl.uint64)


@triton.jit
def _leaf_word(floats, start, size, number: tl.constexpr):
    """Two floats of every leaf, as eight bytes of its message."""
    low = _big_endian(floats, start + 2 * number, 2 * number < size)
    high = _big_endian(floats, start + 2 * number + 1, 2 * number + 1 < size)
    return low | (high << 32)


@triton.jit(do_not_specialize=["count"])
def _leaves(floats, starts, sizes, count, tag, constants, nodes, block: tl.constexpr):
    """Hashes tag ‖ 64 floats: 33 words, of which 17 go into the first block."""
    leaf = tl.program_id(0) * block + tl.arange(0, block)
    known = leaf < count
    start = tl.load(starts + leaf, mask=known, other=0)
    size = tl.load(sizes + leaf, mask=known, other=0)
    zero = tl.zeros((block,), tl.uint64)
    a0 = zero + tag.to(tl.uint64, bitcast=True)
    a1 = _leaf_word(floats, start, size, 0)
    a2 = _leaf_word(floats, start, size, 1)
    a3 = _leaf_word(floats, start, size, 2)
    a4 = _leaf_word(floats, start, size, 3)
    a5 = _leaf_word(floats, start, size, 4)
    a6 = _leaf_word(floats, start, size, 5)
    a7 = _leaf_word(floats, start, size, 6)
    a8 = _leaf_word(floats, start, size, 7)
    a9 = _leaf_word(floats, start, size, 8)
    a10 = _leaf_word(floats, start, size, 9)
    a11 = _leaf_word(floats, start, size, 10)
    a12 = _leaf_word(floats, start, size, 11)
    a13 = _leaf_word(floats, start, size, 12)
    a14 = _leaf_word(floats, start, size, 13)
    a15 = _leaf_word(floats, start, size, 14)
    a16 = _leaf_word(floats, start, size, 15)
    a17 = zero
    a18 = zero
    a19 = zero
    a20 = zero
    a21 = zero
    a22 = zero
    a23 = zero
    a24 = zero
    (
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    ) = _permute(
        constants,
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    )  # fmt: skip
    a0 = a0 ^ _leaf_word(floats, start, size, 16)
    a1 = a1 ^ _leaf_word(floats, start, size, 17)
    a2 = a2 ^ _leaf_word(floats, start, size, 18)
    a3 = a3 ^ _leaf_word(floats, start, size, 19)
    a4 = a4 ^ _leaf_word(floats, start, size, 20)
    a5 = a5 ^ _leaf_word(floats, start, size, 21)
    a6 = a6 ^ _leaf_word(floats, start, size, 22)
    a7 = a7 ^ _leaf_word(floats, start, size, 23)
    a8 = a8 ^ _leaf_word(floats, start, size, 24)
    a9 = a9 ^ _leaf_word(floats, start, size, 25)
    a10 = a10 ^ _leaf_word(floats, start, size, 26)
    a11 = a11 ^ _leaf_word(floats, start, size, 27)
    a12 = a12 ^ _leaf_word(floats, start, size, 28)
    a13 = a13 ^ _leaf_word(floats, start, size, 29)
    a14 = a14 ^ _leaf_word(floats, start, size, 30)
    a15 = a15 ^ _leaf_word(floats, start, size, 31)
    a16 = a16 ^ 0x8000000000000001
    (
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    ) = _permute(
        constants,
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    )  # fmt: skip
    _store(nodes, leaf, known, a0, a1, a2, a3)


@triton.jit(do_not_specialize=["count"])
def _parents(lefts, rights, places, count, tag, constants, nodes, block: tl.constexpr):
    """Hashes tag ‖ left ‖ right: 9 words."""
    parent = tl.program_id(0) * block + tl.arange(0, block)
    known = parent < count
    left = tl.load(lefts + parent, mask=known, other=0)
    right = tl.load(rights + parent, mask=known, other=-1)
    place = tl.load(places + parent, mask=known, other=0)
    there = known & (right >= 0)
    zero = tl.zeros((block,), tl.uint64)
    a0 = zero + tag.to(tl.uint64, bitcast=True)
    a1 = tl.load(nodes + left * 4 + 0, mask=known, other=0).to(tl.uint64, bitcast=True)
    a2 = tl.load(nodes + left * 4 + 1, mask=known, other=0).to(tl.uint64, bitcast=True)
    a3 = tl.load(nodes + left * 4 + 2, mask=known, other=0).to(tl.uint64, bitcast=True)
    a4 = tl.load(nodes + left * 4 + 3, mask=known, other=0).to(tl.uint64, bitcast=True)
    a5 = tl.load(nodes + right * 4 + 0, mask=there, other=0).to(tl.uint64, bitcast=True)
    a6 = tl.load(nodes + right * 4 + 1, mask=there, other=0).to(tl.uint64, bitcast=True)
    a7 = tl.load(nodes + right * 4 + 2, mask=there, other=0).to(tl.uint64, bitcast=True)
    a8 = tl.load(nodes + right * 4 + 3, mask=there, other=0).to(tl.uint64, bitcast=True)
    a9 = zero + 1
    a16 = zero + 0x8000000000000000
    a10 = zero
    a11 = zero
    a12 = zero
    a13 = zero
    a14 = zero
    a15 = zero
    a17 = zero
    a18 = zero
    a19 = zero
    a20 = zero
    a21 = zero
    a22 = zero
    a23 = zero
    a24 = zero
    (
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    ) = _permute(
        constants,
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21,
        a22, a23, a24,
    )  # fmt: skip
    _store(nodes, place, known, a0, a1, a2, a3)


@triton.jit
def _store(nodes, place, known, a0, a1, a2, a3):
    tl.store(nodes + place * 4, a0.to(tl.int64, bitcast=True), mask=known)
    tl.store(nodes + place * 4 + 1, a1.to(tl.int64, bitcast=True), mask=known)
    tl.store(nodes + place * 4 + 2, a2.to(tl.int64, bitcast=True), mask=known)
    tl.store(nodes + place * 4 + 3, a3.to(tl.int64, bitcast=True), mask=known)


class GpuRoots:
    """Computes the roots of the tensors of one model's states.

    Args:
        model: whose states.
        device: of CUDA.
    """

    def __init__(self, model: Model, device: torch.device) -> None:
        self._sizes = [prod(weight.shape) for weight in model.state]
        starts, sizes = _leaves_in(self._sizes)
        levels, self._tops, total = _levels(self._sizes)
        self._leaves = torch.from_numpy(starts).to(device), torch.from_numpy(sizes).to(device)
        self._levels = [torch.from_numpy(level).to(device) for level in levels]
        self._nodes = torch.empty(total, 4, dtype=torch.int64, device=device)
        self._where = torch.tensor(self._tops, device=device)
        constants = np.array(ROUND_CONSTANTS, np.uint64).view(np.int64)
        self._constants = torch.from_numpy(constants).to(device)
        self._graph: Any = None
        self._found = self._nodes[:0]

    def of(self, flat: Tensor, gather: Callable[[], None]) -> list[bytes] | None:
        """Returns the root of every tensor, in declaration order; None if a weight is not finite.

        Args:
            flat: the canonical state, float32 [elements], on the device; the same tensor each time.
            gather: puts the weights there. It is recorded with what follows, at the first call.
        """
        with torch.cuda.device(flat.device):
            if self._graph is None:
                self._record(flat, gather)
            self._graph.replay()
            *tops, finite = self._found.cpu().numpy()
        if not finite[0]:
            return None
        return [counted_root(size, top.tobytes()) for size, top in zip(self._sizes, tops, strict=True)]

    def _record(self, flat: Tensor, gather: Callable[[], None]) -> None:
        gather()
        self._hash(flat)  # compiles
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=torch.cuda.Stream(flat.device)):
            gather()
            self._found = self._hash(flat)
        self._graph = graph

    def _hash(self, flat: Tensor) -> Tensor:
        """The tops of all tensors, and whether all is finite, int64 [tensors + 1, 4]."""
        bits, count = flat.view(torch.int32), len(self._leaves[0])
        grid = (triton.cdiv(count, _BLOCK),)
        _leaves[grid](bits, *self._leaves, count, _word(Tag.TENSOR_LEAF), self._constants, self._nodes, block=_BLOCK)
        for level in self._levels:
            given = *level, level.shape[1], _word(Tag.TENSOR_NODE), self._constants, self._nodes
            _parents[(triton.cdiv(level.shape[1], _BLOCK),)](*given, block=_BLOCK)
        finite = torch.isfinite(flat).all().to(torch.int64).expand(1, 4)
        return torch.cat((self._nodes.index_select(0, self._where), finite))


def _word(tag: bytes) -> int:
    """A tag as the first word of a message."""
    return int.from_bytes(tag, "little", signed=True)


def _leaves_in(sizes: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where every leaf begins in the flat state, and how many floats it has."""
    starts, counts, at = [], [], 0
    for size in sizes:
        first = np.arange(leaves_of(size), dtype=np.int64) * LEAF
        starts.append(at + first)
        counts.append(np.minimum(size - first, LEAF))
        at += size
    return np.concatenate(starts), np.concatenate(counts)


def _levels(sizes: Sequence[int]) -> tuple[list[NDArray[np.int64]], list[int], int]:
    """The nodes of all trees: of each level [left, right, place] by parent, then the tops, and how many there are."""
    ends = np.cumsum([leaves_of(size) for size in sizes])
    trees = [np.arange(end - leaves_of(size), end) for size, end in zip(sizes, ends, strict=True)]
    total, levels = int(ends[-1]), []
    while any(len(tree) > 1 for tree in trees):
        made = []
        for number, tree in enumerate(trees):
            if len(tree) > 1:
                places = np.arange(total, total + (len(tree) + 1) // 2)
                pairs = np.append(tree, _NONE)[: 2 * len(places)].reshape(-1, 2)
                made.append(np.stack((pairs[:, 0], pairs[:, 1], places)))
                trees[number], total = places, total + len(places)
        levels.append(np.ascontiguousarray(np.concatenate(made, axis=1), np.int64))
    return levels, [int(tree[0]) for tree in trees], total
