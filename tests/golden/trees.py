"""The trees built a second time, in the plainest way; pseudo-random words, the same everywhere, to fill them with."""

from __future__ import annotations

import struct

from pol_oracle.protocol.hashing import ZERO, Tag, keccak

MINERS = ("0x70997970C51812dc3A010C7d01b50e0d17dc79C8", "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
FLOATS_PER_LEAF = 64


def number(label: str, index: int) -> int:
    """A pseudo-random 256-bit number, the same everywhere."""
    return int.from_bytes(keccak(f"{label} {index}".encode()), "big")


def word(label: str, index: int = 0) -> bytes:
    """A pseudo-random 32-byte word, the same everywhere."""
    return keccak(f"{label} {index}".encode())


def levels(leaves: list[bytes], tag: bytes) -> list[list[bytes]]:
    """All levels of a zero-padded binary Merkle tree, leaves first."""
    rows = [leaves]
    while len(rows[-1]) > 1:
        row = rows[-1] + [ZERO] * (len(rows[-1]) % 2)
        rows.append([keccak(tag + row[i] + row[i + 1]) for i in range(0, len(row), 2)])
    return rows


def path(rows: list[list[bytes]], index: int) -> list[bytes]:
    """Siblings from leaf ``index`` to the top; zero where the right sibling is absent."""
    out = []
    for row in rows[:-1]:
        sibling = index ^ 1
        out.append(row[sibling] if sibling < len(row) else ZERO)
        index >>= 1
    return out


def leaves_of(values: list[float]) -> list[bytes]:
    """The 256-byte leaves of a tensor, zero-padded."""
    data = struct.pack(f">{len(values)}f", *values)
    data += bytes(-len(data) % (4 * FLOATS_PER_LEAF) or (0 if data else 4 * FLOATS_PER_LEAF))
    return [data[i : i + 256] for i in range(0, len(data), 256)]


def tensor_rows(values: list[float]) -> list[list[bytes]]:
    return levels([keccak(Tag.TENSOR_LEAF + leaf) for leaf in leaves_of(values)], Tag.TENSOR_NODE)


def tensor_root(values: list[float]) -> bytes:
    return keccak(Tag.TENSOR_ROOT + len(values).to_bytes(8, "big") + tensor_rows(values)[-1][0])


def list_root(tag: bytes, roots: list[bytes]) -> bytes:
    return keccak(tag + len(roots).to_bytes(8, "big") + levels(roots, Tag.LIST_NODE)[-1][0])
