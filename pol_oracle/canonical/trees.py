"""Merkle trees of the protocol, and openings of some leaves of a tensor up to the root of its list.

A tensor's leaves hold 64 big-endian binary32 (256 bytes, zero-padded; an empty tensor has one leaf of zeros). All
trees are binary; a level of odd length has a zero appended. Tags and counts are those of ``protocol.hashing.Tag``.
Openings leave out the siblings that do not exist. Mirror of ``contracts/lib/Merkle.sol`` and ``TensorTree.sol``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.hashing import ZERO, Tag, keccak

from .expressions import FloatArray
from .keccak import Words, hash_floats, hash_rows, merkle_apex, merkle_level

LEAF = 64  # floats
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


def merkle_path(hashes: Words, index: int, tag: bytes) -> tuple[bytes, ...]:
    """Returns the siblings from leaf ``index`` to the top, without those that do not exist."""
    path = []
    for level, nodes in enumerate(merkle_levels(hashes, tag)):
        sibling = (index >> level) ^ 1
        if sibling < len(nodes):
            path.append(nodes[sibling].tobytes())
    return tuple(path)


def climb(node: bytes, index: int, count: int, path: Sequence[bytes], tag: bytes) -> bytes:
    """Returns the top of a tree of ``count`` leaves that has ``node`` at ``index``.

    Raises:
        ValueError: the path is too short or too long.
    """
    rest = iter(path)
    while count > 1:
        if index & 1:
            node = keccak(tag + next(rest, b"") + node)
        else:
            node = keccak(tag + node + (next(rest, b"") if index + 1 < count else ZERO))
        index, count = index >> 1, (count + 1) // 2
    if next(rest, None) is not None:
        raise ValueError("the path goes on above the top")
    return node


def _leaf_words(tensor: FloatArray) -> Words:
    flat = np.ascontiguousarray(tensor, np.float32).reshape(-1)
    rest = -flat.size % LEAF if flat.size else LEAF
    return (np.concatenate([flat, np.zeros(rest, np.float32)]) if rest else flat).view(np.uint64)


def _counted(tag: bytes, count: int, top: bytes) -> bytes:
    words = np.frombuffer(count.to_bytes(8, "big") + top, np.uint64).reshape(1, 5)
    return hash_rows(_word(tag), words.copy()).tobytes()


def tensor_root(tensor: FloatArray) -> bytes:
    """Returns the 32-byte root of a float32 tensor: ``keccak(TENSOR_ROOT ‖ uint64 elements ‖ top)``."""
    leaves = hash_floats(_word(Tag.TENSOR_LEAF), _leaf_words(tensor))
    return _counted(Tag.TENSOR_ROOT, tensor.size, merkle_apex(_word(Tag.TENSOR_NODE), leaves).tobytes())


def list_root(tag: bytes, roots: Sequence[bytes]) -> bytes:
    """Returns ``keccak(tag ‖ uint64 count ‖ top)`` over tensor roots; the tag says which list it is."""
    return _counted(tag, len(roots), merkle_top(roots, Tag.LIST_NODE))


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
        return _counted(Tag.TENSOR_ROOT, self.elements, self.levels[-1][0].tobytes())

    def open(self, number: int, leaves: Iterable[int], path: tuple[bytes, ...]) -> Slice:
        """Opens some leaves.

        Args:
            number: of the tensor in its program.
            leaves: which ones, in any order.
            path: siblings from the tensor's root to its list's top.
        """
        wanted = sorted(set(leaves))
        known, nodes = wanted, []
        for level in self.levels[:-1]:
            have = set(known)
            missing = (place ^ 1 for place in known)
            nodes += [level[place].tobytes() for place in missing if place not in have and place < len(level)]
            known = sorted({place >> 1 for place in known})
        floats = self._words.view(np.float32).reshape(-1, LEAF)
        data = floats[wanted].astype(">f4").tobytes()
        return Slice(number, self.elements, runs_of(wanted), data, tuple(nodes), path)


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
    """Some leaves of one tensor, opened up to its list's root; mirror of ``Slice`` in ``ICourt.sol``.

    Attributes:
        tensor: its number in the program.
        elements: that it has.
        runs: (first, count) in leaves, ascending, not touching.
        leaves: 256 bytes each.
        nodes: siblings that the runs do not give, level by level from below, left to right.
        path: from the tensor's root to its list's top.
    """

    tensor: int
    elements: int
    runs: tuple[tuple[int, int], ...]
    leaves: bytes
    nodes: tuple[bytes, ...]
    path: tuple[bytes, ...]

    def abi(self) -> tuple[Any, ...]:
        """The slice as the ABI takes it."""
        runs = [first << 32 | count for first, count in self.runs]
        return self.tensor, self.elements, runs, self.leaves, list(self.nodes), list(self.path)

    @staticmethod
    def of(values: tuple[Any, ...]) -> Slice:
        """Reads what the ABI gave."""
        tensor, elements, runs, leaves, nodes, path = values
        split = tuple((run >> 32, run & 0xFFFFFFFF) for run in runs)
        return Slice(tensor, elements, split, leaves, tuple(nodes), tuple(path))

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

    def root(self, tag: bytes, count: int, index: int) -> bytes:
        """Returns the root of the list of ``count`` tensors that has this one at ``index``.

        Raises:
            ValueError: nodes or path are too many or too few.
        """
        (top,) = self._levels()[-1].values()
        node = keccak(Tag.TENSOR_ROOT + self.elements.to_bytes(8, "big") + top)
        return keccak(tag + count.to_bytes(8, "big") + climb(node, index, count, self.path, Tag.LIST_NODE))

    def narrow(self, leaf: int) -> Slice:
        """Returns the opening of one of these leaves alone."""
        position = self.places.index(leaf)
        data = self.leaves[4 * LEAF * position : 4 * LEAF * (position + 1)]
        siblings = ((leaf >> level) ^ 1 for level in itertools.count())
        nodes = [known.get(place, ZERO) for known, place in zip(self._levels()[:-1], siblings, strict=False)]
        present = tuple(node for node in nodes if node != ZERO)
        return Slice(self.tensor, self.elements, ((leaf, 1),), data, present, self.path)

    def _levels(self) -> list[dict[int, bytes]]:
        """Known nodes by place, level by level up to the top: those opened, and their siblings."""
        leaves = (self.leaves[at : at + 4 * LEAF] for at in range(0, len(self.leaves), 4 * LEAF))
        known = {p: keccak(Tag.TENSOR_LEAF + leaf) for p, leaf in zip(self.places, leaves, strict=True)}
        rest, levels, width = iter(self.nodes), [], leaves_of(self.elements)
        while width > 1:
            for place in sorted(known):
                if place ^ 1 not in known and place ^ 1 < width:
                    known[place ^ 1] = next(rest, b"")
            levels.append(known)
            pairs = sorted({place >> 1 for place in known})
            known = {p: keccak(Tag.TENSOR_NODE + known[2 * p] + known.get(2 * p + 1, ZERO)) for p in pairs}
            width = (width + 1) // 2
        if next(rest, None) is not None:
            raise ValueError("more nodes than the slice needs")
        return [*levels, known]


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
    return _counted(Tag.SAMPLE_ROOT, len(images), top)


def sample_path(images: Bytes, labels: Bytes, index: int) -> tuple[bytes, ...]:
    """Returns the siblings of sample ``index`` up to the data set's top."""
    return merkle_path(_sample_leaves(images, labels), index, Tag.SAMPLE_NODE)
