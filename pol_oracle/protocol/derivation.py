"""From a seed to the requirements R and the batch P (Algorithm 1 of the paper, hardened), and to a segment's batches.

One generator serves all: keccak256(tag ‖ seed ‖ uint64 counter) gives eight big-endian uint32 words. A word at or
above the largest multiple of the bound is thrown away, so that no value is likelier than another; a value whose
identity was drawn before is thrown away too, so that R names k different leaves and P S different samples.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .errors import RuleError
from .hashing import Tag, keccak
from .rules import Rules

WORD_RANGE = 1 << 32
LEAF_WEIGHTS = 64  # of a leaf of a tensor's tree


@dataclass(frozen=True)
class Requirement:
    """One demand of R: of some weights of a leaf, the number that rises must be odd, or even.

    Attributes:
        number: of the eligible leaf; under the paper's rules, of the eligible weight.
        mask: bit i stands for weight i of the leaf; under the paper's rules 1: the weight itself.
        odd: the parity; under the paper's rules, True for "must increase".
    """

    number: int
    mask: int
    odd: bool

    def within(self, rules: Rules, place: int) -> tuple[int, int]:
        """Returns the leaf, within its tensor, and the mask over that leaf.

        Args:
            rules: the task's rules.
            place: where ``number`` lies in its tensor, see ``EligibleWeights.locate``.
        """
        if rules.parities:
            return place, self.mask
        return place // LEAF_WEIGHTS, 1 << place % LEAF_WEIGHTS


def seed_head(rules: Rules, task_id: bytes, parent: bytes, miner: str) -> bytes:
    """Returns the 128 bytes that all seeds of a miner on a parent hash before the nonce."""
    address = bytes.fromhex(miner[2:]) if rules.seed_binds_proof else bytes(20)
    return Tag.SEED + bytes(24) + task_id + parent + bytes(12) + address


def seed(rules: Rules, task_id: bytes, parent: bytes, miner: str, nonce: int) -> bytes:
    """Returns the 32-byte seed of R and, under hardened rules, of P.

    It is ``keccak256(abi.encode(bytes8 tag, taskId, parent, address miner, uint64 nonce))``. W follows from the parent.
    Rules that do not bind the proof hash zeros in place of miner and nonce.
    """
    last = (nonce if rules.seed_binds_proof else 0).to_bytes(32, "big")
    return keccak(seed_head(rules, task_id, parent, miner) + last)


def segment_seed(task_id: bytes, block_id: bytes, step: int) -> bytes:
    """Returns the 32-byte seed of the batch of one step of the segment after a block.

    It is ``keccak256(abi.encode(bytes8 tag, taskId, blockId, uint32 step))``.

    Args:
        task_id: 32 bytes.
        block_id: the block whose W' the segment starts from.
        step: 0 .. N - 1.
    """
    return keccak(Tag.SEGMENT + bytes(24) + task_id + block_id + step.to_bytes(32, "big"))


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


def requirements(rules: Rules, seed_: bytes, bits: int, eligible_count: int, mask_size: int) -> tuple[Requirement, ...]:
    """Returns R: ``bits`` requirements over different leaves, or, under the paper's rules, over different weights.

    Even values mean an odd number of rises (with one weight: up), odd ones an even number.

    Args:
        rules: the task's rules.
        seed_: 32 bytes.
        bits: how many requirements.
        eligible_count: how many leaves or weights may be named.
        mask_size: m, weights that each counts.
    """
    values = draw(Tag.REQUIREMENTS, seed_, bits, 2 * eligible_count, shift=1)
    masks = (mask(seed_, number, mask_size) if rules.parities else 1 for number in range(bits))
    return tuple(Requirement(v >> 1, m, v % 2 == 0) for v, m in zip(values, masks, strict=True))


def mask(seed_: bytes, number: int, size: int) -> int:
    """Returns which weights of its leaf a requirement counts, as a mask of ``size`` bits.

    The bytes of keccak256(tag ‖ seed ‖ uint32 number ‖ uint32 counter), counter 0, 1, ..., name weights by their low
    six bits; the first ``size`` different ones count.

    Args:
        seed_: 32 bytes.
        number: of the requirement, from 0.
        size: 1 .. 64.
    """
    found = counter = 0
    while True:
        for byte in keccak(Tag.MASK + seed_ + number.to_bytes(4, "big") + counter.to_bytes(4, "big")):
            found |= 1 << byte % LEAF_WEIGHTS
            if found.bit_count() == size:
                return found
        counter += 1


def batch(seed_: bytes, batch_size: int, train_count: int) -> tuple[int, ...]:
    """Returns P: the indices of the step's training samples, all different."""
    return tuple(draw(Tag.BATCH, seed_, batch_size, train_count))
