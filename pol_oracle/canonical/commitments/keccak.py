"""keccak-256 of many equal messages and Merkle trees over them, compiled.

Messages are made of 64-bit words as they lie in little-endian memory; a tag of 8 bytes is one word. Every hash is
four words (32 bytes). Eight messages are hashed side by side (``sponge``); there is no other way to hash one.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from ..kernels.jit import compiled
from .sponge import LANES, mix, permute

Words = NDArray[np.uint64]

RATE = 17  # words that one permutation absorbs
HASH = 4  # words of a hash
FIRST_BIT, LAST_BIT = np.uint64(1), np.uint64(1 << 63)  # of the padding
_READ = types.Array(types.uint64, 1, "C", readonly=True)


@compiled(types.void(types.uint64, _READ, types.int64, types.boolean, types.uint64[:, ::1]))
def _hash(tag: np.uint64, words: Words, width: int, swap: bool, out: Words) -> None:
    """Hashes ``tag ‖ words[i * width : (i + 1) * width]`` into every row i of ``out``.

    Args:
        tag: first word of every message.
        words: the messages without their tags, one after the other.
        width: words of a message, without the tag.
        swap: reverse the bytes of both halves of every word of ``words``.
        out: [messages, 4].
    """
    count = out.shape[0]
    states, starts = np.empty((25, LANES), np.uint64), np.empty(LANES, np.int64)
    for first in range(0, count, LANES):
        for lane in range(LANES):  # lanes without a message repeat the last one
            starts[lane] = min(first + lane, count - 1) * width
        states[:] = np.uint64(0)
        states[0] = tag
        row = 1
        for k in range(width):
            mix(states, row, words, starts, k, swap)
            row += 1
            if row == RATE:
                permute(states)
                row = 0
        for lane in range(LANES):
            states[row, lane] ^= FIRST_BIT
            states[RATE - 1, lane] ^= LAST_BIT
        permute(states)
        for lane in range(min(LANES, count - first)):
            for k in range(HASH):
                out[first + lane, k] = states[k, lane]


@compiled("u8[:, ::1](u8, u8[:, ::1])")
def hash_rows(tag: np.uint64, rows: Words) -> Words:
    """Hashes ``tag ‖ row`` for every row; returns [rows, 4]."""
    out = np.empty((rows.shape[0], HASH), np.uint64)
    _hash(tag, rows.reshape(rows.size), rows.shape[1], False, out)
    return out


@compiled(types.uint64[:, ::1](types.uint64, _READ))
def hash_floats(tag: np.uint64, floats: Words) -> Words:
    """Hashes ``tag ‖ 64 big-endian binary32`` for every leaf of a tensor; returns [leaves, 4].

    Args:
        tag: first word of every message.
        floats: the tensor, two floats a word, as in little-endian memory, zero-padded to whole leaves of 32 words.
    """
    out = np.empty((floats.size // 32, HASH), np.uint64)
    _hash(tag, floats, 32, True, out)
    return out


@compiled("u8[:, ::1](u8, u8[:, ::1])")
def merkle_level(tag: np.uint64, nodes: Words) -> Words:
    """Returns the next level of a tree: ``tag ‖ left ‖ right``; a missing right sibling is zero."""
    pairs = nodes.shape[0] // 2
    out = np.empty((nodes.shape[0] - pairs, HASH), np.uint64)
    _hash(tag, nodes.reshape(nodes.size), 2 * HASH, False, out[:pairs])
    if pairs < out.shape[0]:
        lone = np.zeros(2 * HASH, np.uint64)
        lone[:HASH] = nodes[2 * pairs]
        _hash(tag, lone, 2 * HASH, False, out[pairs:])
    return out


@compiled("u8[::1](u8, u8[:, ::1])")
def merkle_apex(tag: np.uint64, nodes: Words) -> Words:
    """Returns the one node at the top of the tree over ``nodes`` (at least one)."""
    while nodes.shape[0] > 1:
        nodes = merkle_level(tag, nodes)
    top: Words = nodes[0]
    return top
