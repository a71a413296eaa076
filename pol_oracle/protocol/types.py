"""What numbers and bytes mean: on L1 they are all the same to the machine."""

from __future__ import annotations

from typing import TypeAlias

BlockId: TypeAlias = bytes
"""32 bytes: keccak-256 of task and header."""
Root: TypeAlias = bytes
"""32 bytes: of a Merkle tree."""
DemandId: TypeAlias = bytes
"""32 bytes: keccak-256 of block and position."""
Address: TypeAlias = str
"""Of an account or contract, with its checksum: "0x" and 40 digits."""
Wei: TypeAlias = int
"""1e-18 ETH."""
Seconds: TypeAlias = int
"""A duration, or a time of L1: since 1970."""
