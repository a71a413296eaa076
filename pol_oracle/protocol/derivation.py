"""From a seed to the requirements R and the batch P (Algorithm 1 of the paper, hardened).

One generator serves both: keccak256(tag ‖ seed ‖ uint64 counter) gives eight big-endian uint32 words. A word at or
above the largest multiple of the bound is thrown away, so that no value is likelier than another; a value whose
identity was drawn before is thrown away too, so that R names k different weights and P S different samples.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import RuleError
from .hashing import Tag, keccak
from .rules import Rules

WORD_RANGE = 1 << 32


@dataclass(frozen=True)
class Requirement:
    """One demand of R: eligible weight ``weight`` must go up, or down."""

    weight: int
    up: bool


def seed_head(rules: Rules, task_id: bytes, parent: bytes, miner: str, pre_root: bytes) -> bytes:
    """Returns the 160 bytes that all seeds of a W hash before the nonce."""
    bound = rules.seed_binds_proof
    address, root = (bytes.fromhex(miner[2:]), pre_root) if bound else (bytes(20), bytes(32))
    return Tag.SEED + bytes(24) + task_id + parent + bytes(12) + address + root


def seed(rules: Rules, task_id: bytes, parent: bytes, miner: str, pre_root: bytes, nonce: int) -> bytes:
    """Returns the 32-byte seed of R and, under hardened rules, of P.

    It is ``keccak256(abi.encode(bytes8 tag, taskId, parent, address miner, preRoot, uint64 nonce))``. Rules that do not
    bind the proof hash zeros in place of miner, preRoot and nonce.
    """
    last = (nonce if rules.seed_binds_proof else 0).to_bytes(32, "big")
    return keccak(seed_head(rules, task_id, parent, miner, pre_root) + last)


def draw(tag: bytes, seed_: bytes, count: int, bound: int, shift: int = 0) -> list[int]:
    """Draws ``count`` values uniformly from [0, bound), no two with the same ``value >> shift``.

    Args:
        tag: 8 bytes that separate one use of the seed from another.
        seed_: 32 bytes.
        count: how many values.
        bound: 1 .. 2**32.
        shift: bits that do not count for a value's identity.

    Raises:
        RuleError: there are not ``count`` different identities below ``bound``.
    """
    if not 0 < bound <= WORD_RANGE or count > (bound - 1 >> shift) + 1:
        raise RuleError(f"cannot draw {count} different values below {bound}")
    limit = WORD_RANGE - WORD_RANGE % bound
    values: list[int] = []
    seen: set[int] = set()
    counter = 0
    while len(values) < count:
        digest = keccak(tag + seed_ + counter.to_bytes(8, "big"))
        counter += 1
        for word in struct.unpack(">8I", digest):
            value = word % bound
            if word >= limit or value >> shift in seen or len(values) == count:
                continue
            seen.add(value >> shift)
            values.append(value)
    return values


def requirements(seed_: bytes, bits: int, eligible_count: int) -> tuple[Requirement, ...]:
    """Returns R: ``bits`` requirements over different weights. Even values mean up, odd ones down."""
    values = draw(Tag.REQUIREMENTS, seed_, bits, 2 * eligible_count, shift=1)
    return tuple(Requirement(v >> 1, v % 2 == 0) for v in values)


def batch(seed_: bytes, batch_size: int, train_count: int) -> tuple[int, ...]:
    """Returns P: the indices of the step's training samples, all different."""
    return tuple(draw(Tag.BATCH, seed_, batch_size, train_count))
