"""Merkle trees of the protocol, and openings of one element up to a state root.

A tensor's leaves hold 64 big-endian binary32 (256 bytes, zero-padded; an empty tensor has one leaf of zeros). All
trees are binary; a level of odd length has a zero appended. Tags and counts are those of ``protocol.hashing.Tag``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import ZERO, Tag, keccak

from .expressions import FloatArray
from .keccak import Words, hash_floats, hash_rows, merkle_apex, merkle_level

LEAF = 64  # floats
Bytes = NDArray[np.uint8]


def _word(tag: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(tag, "little"))


def _rows(hashes: Sequence[bytes]) -> Words:
    return np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, 4)


def merkle_top(hashes: Sequence[bytes], tag: bytes) -> bytes:
    """Returns the top of the tree over 32-byte ``hashes`` (at least one) with nodes ``tag ‖ left ‖ right``."""
    return merkle_apex(_word(tag), _rows(hashes).copy()).tobytes()


def merkle_path(hashes: Words, index: int, tag: bytes) -> tuple[bytes, ...]:
    """Returns the siblings from leaf ``index`` to the top, zeros where the right sibling is absent."""
    path = []
    while len(hashes) > 1:
        path.append(hashes[index ^ 1].tobytes() if index ^ 1 < len(hashes) else ZERO)
        hashes = merkle_level(_word(tag), hashes)
        index >>= 1
    return tuple(path)


def climb(node: bytes, index: int, path: Sequence[bytes], tag: bytes) -> bytes:
    """Returns the top that ``path`` leads to from ``node`` at ``index``."""
    for sibling in path:
        left, right = (sibling, node) if index & 1 else (node, sibling)
        node = keccak(tag + left + right)
        index >>= 1
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


@dataclass(frozen=True)
class StateOpening:
    """One element of one tensor of a list (state, batch, inner), opened up to the list's root; ``ICourt.Opening``.

    Attributes:
        elements: elements of the tensor.
        tensors: tensors of the list.
        leaf: 256 bytes, the 64 floats around the element.
        tensor_path: siblings from the leaf to the tensor's top.
        state_path: siblings from the tensor's root to the list's top.
    """

    elements: int
    tensors: int
    leaf: bytes
    tensor_path: tuple[bytes, ...]
    state_path: tuple[bytes, ...]

    def value(self, element: int) -> np.float32:
        """Returns the opened element's value."""
        return np.float32(np.frombuffer(self.leaf, ">f4")[element % LEAF])

    def root(self, tensor: int, element: int, tag: bytes = Tag.STATE_ROOT) -> bytes | None:
        """Returns the root that the opening leads to; None if its shape is not that of such a tree."""
        leaves = max(1, -(-self.elements // LEAF))
        depths = ((leaves - 1).bit_length(), (self.tensors - 1).bit_length())
        if not (0 <= element < self.elements and 0 <= tensor < self.tensors and len(self.leaf) == 4 * LEAF):
            return None
        if (len(self.tensor_path), len(self.state_path)) != depths:
            return None
        leaf = keccak(Tag.TENSOR_LEAF + self.leaf)
        top = climb(leaf, element // LEAF, self.tensor_path, Tag.TENSOR_NODE)
        node = keccak(Tag.TENSOR_ROOT + self.elements.to_bytes(8, "big") + top)
        return keccak(tag + self.tensors.to_bytes(8, "big") + climb(node, tensor, self.state_path, Tag.LIST_NODE))


def verify_opening(
    root: bytes, tensor: int, element: int, opening: StateOpening, tag: bytes = Tag.STATE_ROOT
) -> np.float32 | None:
    """Returns the value of ``element`` of ``tensor`` under ``root``, or None if the opening does not prove it."""
    return opening.value(element) if opening.root(tensor, element, tag) == root else None


def open_list(tensors: Sequence[FloatArray], roots: Sequence[bytes], tensor: int, element: int) -> StateOpening:
    """Opens one element of a list of tensors.

    Args:
        tensors: the list.
        roots: their roots, as :func:`tensor_root` gives them.
        tensor: which tensor.
        element: flat index in canonical layout.

    Raises:
        InputError: there is no such element.
    """
    if not (0 <= tensor < len(tensors) and 0 <= element < tensors[tensor].size):
        raise InputError(f"there is no element {element} of tensor {tensor} to open")
    words = _leaf_words(tensors[tensor])
    leaf = element // LEAF
    path = merkle_path(hash_floats(_word(Tag.TENSOR_LEAF), words), leaf, Tag.TENSOR_NODE)
    data = words.view(np.float32)[LEAF * leaf : LEAF * (leaf + 1)].astype(">f4").tobytes()
    return StateOpening(
        elements=tensors[tensor].size,
        tensors=len(tensors),
        leaf=data,
        tensor_path=path,
        state_path=merkle_path(_rows(roots).copy(), tensor, Tag.LIST_NODE),
    )


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
