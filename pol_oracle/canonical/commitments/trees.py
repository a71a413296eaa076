"""Merkle trees of the protocol, and openings of some leaves of some tensors.

A tensor's leaves hold 64 big-endian binary32 (256 bytes, zero-padded; an empty tensor has one leaf of zeros). All
trees are binary; a level of odd length has a zero appended. Tags and counts are those of ``protocol.hashing.Tag``.
Openings leave out the siblings that do not exist. Mirror of ``contracts/lib/Merkle.sol`` and ``TensorTree.sol``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.hashing import ZERO, Tag, keccak

from ..expressions import FloatArray
from .keccak import Words, hash_floats, hash_rows, merkle_apex, merkle_level

LEAF = 64  # floats
LEAF_BYTES = 4 * LEAF
RUN_BYTES = 16
Bytes = NDArray[np.uint8]


def _word(tag: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(tag, "little"))


def rows(hashes: Sequence[bytes]) -> Words:
    """Returns hashes as rows of four words."""
    return np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, 4).copy()


def merkle_top(hashes: Sequence[bytes], tag: bytes) -> bytes:
    """Returns the top of the tree over 32-byte ``hashes`` (at least one) with nodes ``tag ‖ left ‖ right``."""
    return merkle_apex(_word(tag), rows(hashes)).tobytes()


def merkle_levels(hashes: Words, tag: bytes) -> list[Words]:
    """Returns all levels of a tree, from ``hashes`` up to the top."""
    levels = [hashes]
    while len(levels[-1]) > 1:
        levels.append(merkle_level(_word(tag), levels[-1]))
    return levels


def missing(places: Iterable[int], width: int) -> list[tuple[int, int]]:
    """Returns what the top of a tree needs besides some of its ``width`` leaves.

    They are siblings as (level, place), level by level from below, each from left to right, without those that do not
    exist.
    """
    known, level, found = sorted(set(places)), 0, []
    while width > 1:
        have = set(known)
        found += [(level, place ^ 1) for place in known if place ^ 1 not in have and place ^ 1 < width]
        known, level, width = sorted({place >> 1 for place in known}), level + 1, (width + 1) // 2
    return found


def merkle_siblings(hashes: Words, places: Iterable[int], tag: bytes) -> tuple[bytes, ...]:
    """Returns the nodes that lead from some leaves to the top, as :func:`missing` orders them."""
    levels = merkle_levels(hashes, tag)
    return tuple(levels[level][place].tobytes() for level, place in missing(places, len(hashes)))


def merkle_rise(known: Mapping[int, bytes], width: int, nodes: Sequence[bytes], tag: bytes) -> list[dict[int, bytes]]:
    """Returns the nodes that follow from some leaves and what they lack, by place, level by level up to the top.

    Raises:
        ValueError: the nodes are too few or too many.
    """
    given = dict(zip(missing(known, width), nodes, strict=True))
    levels = [dict(known)]
    while width > 1:
        below = levels[-1]
        below |= {place: node for (level, place), node in given.items() if level == len(levels) - 1}
        pairs = sorted({place >> 1 for place in below})
        levels.append({p: keccak(tag + below[2 * p] + below.get(2 * p + 1, ZERO)) for p in pairs})
        width = (width + 1) // 2
    return levels


def _leaf_words(tensor: FloatArray) -> Words:
    flat = np.ascontiguousarray(tensor, np.float32).reshape(-1)
    rest = -flat.size % LEAF if flat.size else LEAF
    return (np.concatenate([flat, np.zeros(rest, np.float32)]) if rest else flat).view(np.uint64)


def counted(tag: bytes, count: int, top: bytes) -> bytes:
    """Returns ``keccak(tag ‖ uint64 count ‖ top)``: the root of a tree that says how many leaves it has."""
    words = np.frombuffer(count.to_bytes(8, "big") + top, np.uint64).reshape(1, 5)
    return hash_rows(_word(tag), words.copy()).tobytes()


def counted_root(elements: int, top: bytes) -> bytes:
    """Returns the root of a tensor of so many elements from the top of its tree.

    ``keccak(TENSOR_ROOT ‖ uint64 elements ‖ top)``.
    """
    return counted(Tag.TENSOR_ROOT, elements, top)


def tensor_root(tensor: FloatArray) -> bytes:
    """Returns the 32-byte root of a float32 tensor: ``keccak(TENSOR_ROOT ‖ uint64 elements ‖ top)``."""
    leaves = hash_floats(_word(Tag.TENSOR_LEAF), _leaf_words(tensor))
    return counted_root(tensor.size, merkle_apex(_word(Tag.TENSOR_NODE), leaves).tobytes())


def list_root(tag: bytes, roots: Sequence[bytes]) -> bytes:
    """Returns ``keccak(tag ‖ uint64 count ‖ top)`` over tensor roots; the tag says which list it is."""
    return counted(tag, len(roots), merkle_top(roots, Tag.LIST_NODE))


def leaves_of(elements: int) -> int:
    """Returns how many leaves a tensor has."""
    return max(1, -(-elements // LEAF))


class TensorTree:
    """The tree of one tensor with all its levels.

    Args:
        tensor: float32, any shape.

    Attributes:
        elements: of the tensor.
        levels: node hashes, ``[nodes, 4]`` words, from the leaves up.
    """

    def __init__(self, tensor: FloatArray) -> None:
        self.elements = tensor.size
        self._words = _leaf_words(tensor)
        leaves = hash_floats(_word(Tag.TENSOR_LEAF), self._words)
        self.levels = merkle_levels(leaves, Tag.TENSOR_NODE)

    @property
    def root(self) -> bytes:
        """As :func:`tensor_root` gives it."""
        return counted_root(self.elements, self.levels[-1][0].tobytes())

    def open(self, number: int, leaves: Iterable[int]) -> Slice:
        """Opens some leaves.

        Args:
            number: of the tensor in its program.
            leaves: which ones, in any order.
        """
        wanted = sorted(set(leaves))
        nodes = (self.levels[level][place].tobytes() for level, place in missing(wanted, len(self.levels[0])))
        floats = self._words.view(np.float32).reshape(-1, LEAF)
        data = floats[wanted].astype(">f4").tobytes()
        return Slice(number, self.elements, runs_of(wanted), data, tuple(nodes))


def runs_of(leaves: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Splits ascending leaf numbers into runs (first, count)."""
    runs: list[tuple[int, int]] = []
    for leaf in leaves:
        if runs and leaf == sum(runs[-1]):
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((leaf, 1))
    return tuple(runs)


@dataclass(frozen=True)
class Slice:
    """Some leaves of one tensor, opened up to its root.

    Attributes:
        tensor: its number in the program.
        elements: that it has.
        runs: (first, count) in leaves, ascending, not touching.
        leaves: 256 bytes each.
        nodes: siblings that the runs do not give, as :func:`missing` orders them.
    """

    tensor: int
    elements: int
    runs: tuple[tuple[int, int], ...]
    leaves: bytes
    nodes: tuple[bytes, ...]

    @property
    def places(self) -> list[int]:
        """The opened leaves' numbers."""
        return [leaf for first, count in self.runs for leaf in range(first, first + count)]

    def floats(self) -> FloatArray:
        """Returns the opened leaves' values, [leaves, 64], padding included."""
        return np.frombuffer(self.leaves, ">f4").astype(np.float32).reshape(-1, LEAF)

    def value(self, element: int) -> np.float32:
        """Returns an opened element's value."""
        return np.float32(self.floats()[self.places.index(element // LEAF), element % LEAF])

    @property
    def root(self) -> bytes:
        """Root of the tensor.

        Raises:
            ValueError: nodes are too many or too few.
        """
        return counted_root(self.elements, self._levels()[-1][0])

    def narrow(self, leaf: int) -> Slice:
        """Returns the opening of one of these leaves alone."""
        position, levels = self.places.index(leaf), self._levels()
        data = self.leaves[LEAF_BYTES * position : LEAF_BYTES * (position + 1)]
        nodes = (levels[level][place] for level, place in missing([leaf], leaves_of(self.elements)))
        return Slice(self.tensor, self.elements, ((leaf, 1),), data, tuple(nodes))

    def _levels(self) -> list[dict[int, bytes]]:
        """Known nodes by place, level by level up to the top: those opened, and their siblings."""
        leaves = (self.leaves[at : at + LEAF_BYTES] for at in range(0, len(self.leaves), LEAF_BYTES))
        known = {p: keccak(Tag.TENSOR_LEAF + leaf) for p, leaf in zip(self.places, leaves, strict=True)}
        return merkle_rise(known, leaves_of(self.elements), self.nodes, Tag.TENSOR_NODE)


@dataclass(frozen=True)
class Opening:
    """Leaves of several tensors, opened together up to the roots of their lists; an ``opening`` of ``ICourt.sol``.

    Attributes:
        slices: of different tensors, ascending by number.
        nodes: what leads from the tensors' roots to those of lists.
    """

    slices: tuple[Slice, ...]
    nodes: tuple[bytes, ...]

    def abi(self) -> bytes:
        """The opening as the ABI takes it."""
        runs = [_packed(s.tensor, s.elements, *run) for s in self.slices for run in s.runs]
        leaves = b"".join(s.leaves for s in self.slices)
        head = len(runs).to_bytes(2) + (len(leaves) // LEAF_BYTES).to_bytes(2)
        nodes = (*(node for s in self.slices for node in s.nodes), *self.nodes)
        return head + b"".join(runs) + leaves + b"".join(nodes)

    @staticmethod
    def of(data: bytes) -> Opening:
        """Reads what the ABI gave."""
        begin = 4 + RUN_BYTES * int.from_bytes(data[:2])
        end = begin + LEAF_BYTES * int.from_bytes(data[2:4])
        runs = [data[at : at + RUN_BYTES] for at in range(4, begin, RUN_BYTES)]
        leaves, nodes = data[begin:end], tuple(data[at : at + 32] for at in range(end, len(data), 32))
        slices = []
        for which, group in itertools.groupby(runs, lambda run: run[:10]):
            parts = tuple((int.from_bytes(run[10:14]), int.from_bytes(run[14:])) for run in group)
            tensor, elements = int.from_bytes(which[:4]), int.from_bytes(which[4:])
            places = [leaf for first, count in parts for leaf in range(first, first + count)]
            size, lacked = LEAF_BYTES * len(places), len(missing(places, leaves_of(elements)))
            slices.append(Slice(tensor, elements, parts, leaves[:size], nodes[:lacked]))
            leaves, nodes = leaves[size:], nodes[lacked:]
        return Opening(tuple(slices), nodes)


def _packed(tensor: int, elements: int, first: int, count: int) -> bytes:
    return tensor.to_bytes(4) + elements.to_bytes(6) + first.to_bytes(4) + count.to_bytes(2)


def _sample_leaves(images: Bytes, labels: Bytes) -> Words:
    count, pixels = len(images), prod(images.shape[1:])
    rows = np.zeros((count, pixels + 8), np.uint8)
    rows[:, :pixels] = images.reshape(count, pixels)
    rows[:, -1] = labels
    return hash_rows(_word(Tag.SAMPLE_LEAF), rows.view(np.uint64))


def sample_root(images: Bytes, labels: Bytes) -> bytes:
    """Returns the root of a data set, a tree over ``SAMPLE_LEAF ‖ pixels ‖ uint64 label``.

    Args:
        images: uint8 [n, height, width, channels], n > 0, pixels a multiple of 8 bytes.
        labels: uint8 [n].
    """
    top = merkle_apex(_word(Tag.SAMPLE_NODE), _sample_leaves(images, labels)).tobytes()
    return counted(Tag.SAMPLE_ROOT, len(images), top)


def sample_path(images: Bytes, labels: Bytes, index: int) -> tuple[bytes, ...]:
    """Returns the siblings of sample ``index`` up to the data set's top."""
    return merkle_siblings(_sample_leaves(images, labels), [index], Tag.SAMPLE_NODE)
