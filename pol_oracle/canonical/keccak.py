"""keccak-256 of many equal messages and Merkle trees over them, compiled.

Messages are made of 64-bit words as they lie in little-endian memory; a tag of 8 bytes is one word. Every hash is
four words (32 bytes).
"""

from __future__ import annotations

import numpy as np
from numba import types
from numpy.typing import NDArray

from .jit import compiled

Words = NDArray[np.uint64]

RATE = 17  # words that one permutation absorbs
HASH = 4  # words of a hash
ROUND_CONSTANTS = np.array(
    [
        *(0x1, 0x8082, 0x800000000000808A, 0x8000000080008000, 0x808B, 0x80000001, 0x8000000080008081),
        *(0x8000000000008009, 0x8A, 0x88, 0x80008009, 0x8000000A, 0x8000808B, 0x800000000000008B),
        *(0x8000000000008089, 0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x800A),
        *(0x800000008000000A, 0x8000000080008081, 0x8000000000008080, 0x80000001, 0x8000000080008008),
    ],
    np.uint64,
)
LAST_BIT = np.uint64(1 << 63)
LOW_BYTES = np.uint64(0x00FF00FF00FF00FF)
LOW_PAIRS = np.uint64(0x0000FFFF0000FFFF)


@compiled("u8(u8, i8)")
def _rotate(x: np.uint64, n: int) -> np.uint64:
    return (x << np.uint64(n)) | (x >> np.uint64(64 - n))


@compiled("void(u8[::1])")
def _permute(s: Words) -> None:
    """keccak-f[1600] in place; lane (x, y) is word x + 5 y. The rho and pi steps are written out."""
    a0, a1, a2, a3, a4 = s[0], s[1], s[2], s[3], s[4]
    a5, a6, a7, a8, a9 = s[5], s[6], s[7], s[8], s[9]
    a10, a11, a12, a13, a14 = s[10], s[11], s[12], s[13], s[14]
    a15, a16, a17, a18, a19 = s[15], s[16], s[17], s[18], s[19]
    a20, a21, a22, a23, a24 = s[20], s[21], s[22], s[23], s[24]
    for r in range(24):
        c0, c1, c2 = a0 ^ a5 ^ a10 ^ a15 ^ a20, a1 ^ a6 ^ a11 ^ a16 ^ a21, a2 ^ a7 ^ a12 ^ a17 ^ a22
        c3, c4 = a3 ^ a8 ^ a13 ^ a18 ^ a23, a4 ^ a9 ^ a14 ^ a19 ^ a24
        d0, d1, d2 = c4 ^ _rotate(c1, 1), c0 ^ _rotate(c2, 1), c1 ^ _rotate(c3, 1)
        d3, d4 = c2 ^ _rotate(c4, 1), c3 ^ _rotate(c0, 1)
        b0, b16, b7 = a0 ^ d0, _rotate(a5 ^ d0, 36), _rotate(a10 ^ d0, 3)
        b23, b14 = _rotate(a15 ^ d0, 41), _rotate(a20 ^ d0, 18)
        b10, b1, b17 = _rotate(a1 ^ d1, 1), _rotate(a6 ^ d1, 44), _rotate(a11 ^ d1, 10)
        b8, b24 = _rotate(a16 ^ d1, 45), _rotate(a21 ^ d1, 2)
        b20, b11, b2 = _rotate(a2 ^ d2, 62), _rotate(a7 ^ d2, 6), _rotate(a12 ^ d2, 43)
        b18, b9 = _rotate(a17 ^ d2, 15), _rotate(a22 ^ d2, 61)
        b5, b21, b12 = _rotate(a3 ^ d3, 28), _rotate(a8 ^ d3, 55), _rotate(a13 ^ d3, 25)
        b3, b19 = _rotate(a18 ^ d3, 21), _rotate(a23 ^ d3, 56)
        b15, b6, b22 = _rotate(a4 ^ d4, 27), _rotate(a9 ^ d4, 20), _rotate(a14 ^ d4, 39)
        b13, b4 = _rotate(a19 ^ d4, 8), _rotate(a24 ^ d4, 14)
        a0, a1, a2 = b0 ^ (~b1 & b2), b1 ^ (~b2 & b3), b2 ^ (~b3 & b4)
        a3, a4 = b3 ^ (~b4 & b0), b4 ^ (~b0 & b1)
        a5, a6, a7 = b5 ^ (~b6 & b7), b6 ^ (~b7 & b8), b7 ^ (~b8 & b9)
        a8, a9 = b8 ^ (~b9 & b5), b9 ^ (~b5 & b6)
        a10, a11, a12 = b10 ^ (~b11 & b12), b11 ^ (~b12 & b13), b12 ^ (~b13 & b14)
        a13, a14 = b13 ^ (~b14 & b10), b14 ^ (~b10 & b11)
        a15, a16, a17 = b15 ^ (~b16 & b17), b16 ^ (~b17 & b18), b17 ^ (~b18 & b19)
        a18, a19 = b18 ^ (~b19 & b15), b19 ^ (~b15 & b16)
        a20, a21, a22 = b20 ^ (~b21 & b22), b21 ^ (~b22 & b23), b22 ^ (~b23 & b24)
        a23, a24 = b23 ^ (~b24 & b20), b24 ^ (~b20 & b21)
        a0 ^= ROUND_CONSTANTS[r]
    s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8] = a0, a1, a2, a3, a4, a5, a6, a7, a8
    s[9], s[10], s[11], s[12], s[13], s[14], s[15], s[16] = a9, a10, a11, a12, a13, a14, a15, a16
    s[17], s[18], s[19], s[20], s[21], s[22], s[23], s[24] = a17, a18, a19, a20, a21, a22, a23, a24


@compiled("void(u8[::1], u8[::1])")
def _absorb(message: Words, s: Words) -> None:
    """Leaves the hash of ``message`` in the first four words of ``s``."""
    s[:] = np.uint64(0)
    at, rest = 0, message.size
    while rest >= RATE:
        for i in range(RATE):
            s[i] ^= message[at + i]
        _permute(s)
        at += RATE
        rest -= RATE
    for i in range(rest):
        s[i] ^= message[at + i]
    s[rest] ^= np.uint64(1)
    s[RATE - 1] ^= LAST_BIT
    _permute(s)


@compiled("u8[:, ::1](u8, u8[:, ::1])")
def hash_rows(tag: np.uint64, rows: Words) -> Words:
    """Hashes ``tag ‖ row`` for every row; returns [rows, 4]."""
    count, width = rows.shape
    state, message = np.empty(25, np.uint64), np.empty(width + 1, np.uint64)
    out = np.empty((count, HASH), np.uint64)
    message[0] = tag
    for i in range(count):
        message[1:] = rows[i]
        _absorb(message, state)
        out[i] = state[:HASH]
    return out


@compiled(types.uint64[:, ::1](types.uint64, types.Array(types.uint64, 1, "C", readonly=True)))
def hash_floats(tag: np.uint64, floats: Words) -> Words:
    """Hashes ``tag ‖ 64 big-endian binary32`` for every leaf of a tensor; returns [leaves, 4].

    Args:
        tag: first word of every message.
        floats: the tensor, two floats a word, as in little-endian memory, zero-padded to whole leaves of 32 words.
    """
    count = floats.size // 32
    state, message = np.empty(25, np.uint64), np.empty(33, np.uint64)
    out = np.empty((count, HASH), np.uint64)
    message[0] = tag
    for i in range(count):
        for j in range(32):
            x = floats[32 * i + j]  # swap the bytes of both halves: first neighbours, then pairs
            x = ((x & LOW_BYTES) << np.uint64(8)) | ((x >> np.uint64(8)) & LOW_BYTES)
            message[j + 1] = ((x & LOW_PAIRS) << np.uint64(16)) | ((x >> np.uint64(16)) & LOW_PAIRS)
        _absorb(message, state)
        out[i] = state[:HASH]
    return out


@compiled("u8[:, ::1](u8, u8[:, ::1])")
def merkle_level(tag: np.uint64, nodes: Words) -> Words:
    """Returns the next level of a tree: ``tag ‖ left ‖ right``; a missing right sibling is zero."""
    count = nodes.shape[0]
    state, message = np.empty(25, np.uint64), np.zeros(1 + 2 * HASH, np.uint64)
    out = np.empty(((count + 1) // 2, HASH), np.uint64)
    message[0] = tag
    for i in range(out.shape[0]):
        message[1 : 1 + HASH] = nodes[2 * i]
        if 2 * i + 1 < count:
            message[1 + HASH :] = nodes[2 * i + 1]
        else:
            message[1 + HASH :] = np.uint64(0)
        _absorb(message, state)
        out[i] = state[:HASH]
    return out


@compiled("u8[::1](u8, u8[:, ::1])")
def merkle_apex(tag: np.uint64, nodes: Words) -> Words:
    """Returns the one node at the top of the tree over ``nodes`` (at least one)."""
    while nodes.shape[0] > 1:
        nodes = merkle_level(tag, nodes)
    top: Words = nodes[0]
    return top
