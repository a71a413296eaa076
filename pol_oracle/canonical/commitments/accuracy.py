"""The Merkle sum tree over the test set's correct-bits. Mirror of ``contracts/lib/AccuracyTree.sol``.

A leaf packs 256 samples as ``EVAL_LEAF ‖ bytes32 before ‖ bytes32 after``: which of them W and W' classify correctly,
the first sample in the most significant bit. A node is ``EVAL_NODE ‖ left ‖ u32 before ‖ u32 after ‖ right ‖ u32 before
‖ u32 after``. A missing right child is zeros with sums of 0. The root's sums are correctBefore and correctAfter of the
header.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import ZERO, Tag, keccak

Bits = NDArray[np.bool_]
SAMPLES_PER_LEAF = 256


@dataclass(frozen=True)
class SumNode:
    """A node: its hash, and how many samples below W and W' classify correctly."""

    hash: bytes
    before: int
    after: int

    def pack(self) -> bytes:
        """What a parent hashes of it."""
        return self.hash + self.before.to_bytes(4, "big") + self.after.to_bytes(4, "big")

    def abi(self) -> tuple[Any, ...]:
        """The node as the ABI takes it."""
        return self.hash, self.before, self.after


NOTHING = SumNode(ZERO, 0, 0)


class AccuracyTree:
    """All nodes of the tree.

    Args:
        contents: what each leaf hashes after its tag, 64 bytes.
        levels: its nodes, from the leaves up to the root.
    """

    def __init__(self, contents: Sequence[bytes], levels: Sequence[Sequence[SumNode]]) -> None:
        self._contents = contents
        self.levels = levels

    @staticmethod
    def of(before: Bits, after: Bits) -> AccuracyTree:
        """Returns the tree over W's and W''s bits, bool [n] each.

        Raises:
            InputError: no samples, or the two differ in length.
        """
        if before.shape != after.shape or before.size == 0:
            raise InputError(f"an accuracy tree needs equally many bits of both, not {before.shape} and {after.shape}")
        parts = [slice(at, at + SAMPLES_PER_LEAF) for at in range(0, before.size, SAMPLES_PER_LEAF)]
        contents = [_word(before[part]) + _word(after[part]) for part in parts]
        leaves = [
            SumNode(keccak(Tag.EVAL_LEAF + content), int(before[part].sum()), int(after[part].sum()))
            for content, part in zip(contents, parts, strict=True)
        ]
        return AccuracyTree(contents, grow(leaves))

    @property
    def root(self) -> SumNode:
        """The root; its hash is evalRoot of a header."""
        return self.levels[-1][0]

    @property
    def words(self) -> bytes:
        """All leaves' words, 64 bytes a leaf: what a miner publishes."""
        return b"".join(self._contents)

    @property
    def bits(self) -> tuple[Bits, Bits]:
        """W's and W''s bits, bool [256 x leaves] each."""
        return bits_of(self.words, SAMPLES_PER_LEAF * len(self._contents))

    def content(self, level: int, index: int) -> bytes:
        """Returns what the hash of a node covers after its tag."""
        if level == 0:
            return self._contents[index]
        return self._node(level - 1, 2 * index).pack() + self._node(level - 1, 2 * index + 1).pack()

    def siblings(self, level: int, index: int) -> tuple[SumNode, ...]:
        """Returns the siblings from a node up to the root's children."""
        above = range(level, len(self.levels) - 1)
        return tuple(self._node(height, (index >> (height - level)) ^ 1) for height in above)

    def open(self, sample: int) -> tuple[Any, ...]:
        """Returns the words that hold a sample's bits, and what leads from them to the root, as the ABI takes them."""
        leaf = sample // SAMPLES_PER_LEAF
        words = self._contents[leaf]
        return [words[:32], words[32:]], [node.abi() for node in self.siblings(0, leaf)]

    def _node(self, level: int, index: int) -> SumNode:
        nodes = self.levels[level]
        return nodes[index] if index < len(nodes) else NOTHING


def grow(leaves: Sequence[SumNode]) -> list[Sequence[SumNode]]:
    """Returns all levels above and including ``leaves``."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = [*levels[-1], *[NOTHING] * (len(levels[-1]) % 2)]
        levels.append([_parent(below[i], below[i + 1]) for i in range(0, len(below), 2)])
    return levels


def bits_of(words: bytes, samples: int) -> tuple[Bits, Bits]:
    """Returns W's and W''s bits, bool [samples] each, from all leaves' words."""
    bits = np.unpackbits(np.frombuffer(words, np.uint8)).reshape(-1, 2, SAMPLES_PER_LEAF)
    before, after = (bits[:, side].reshape(-1)[:samples].astype(np.bool_) for side in (0, 1))
    return before, after


def _parent(left: SumNode, right: SumNode) -> SumNode:
    hash_ = keccak(Tag.EVAL_NODE + left.pack() + right.pack())
    return SumNode(hash_, left.before + right.before, left.after + right.after)


def _word(bits: Bits) -> bytes:
    return np.packbits(bits).tobytes().ljust(32, b"\0")
