"""What nonces demand: one at a time as the rules have it, or many at once, as arrays.

A search hashes some ten times per try. So the keccak of all nonces of a pass is computed side by side; where a draw
throws a word away, which is rare, the rules' own generator takes over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.keccak import Words, hash_rows
from pol_oracle.canonical.kernels.jit import compiled
from pol_oracle.protocol import derivation
from pol_oracle.protocol.derivation import LEAF_WEIGHTS, WORD_RANGE, Requirement
from pol_oracle.protocol.difficulty import most_bits, whole_bits
from pol_oracle.protocol.hashing import Tag, keccak
from pol_oracle.task import Workload
from pol_oracle.task.proof import Job

Integers = NDArray[np.int64]
WORDS = 8  # that a digest holds
_FREE_BATCH = b"pol-free"  # the miner's own generator, where the rules leave P to it
_ONE, _LOW = np.uint64(1), np.uint64(LEAF_WEIGHTS - 1)


@dataclass(frozen=True)
class NonceDraw:
    """What a nonce demands.

    Attributes:
        nonce: uint64.
        seed: 32 bytes.
        required: R, the one that only some blocks need at the end.
        indices: P.
    """

    nonce: int
    seed: bytes
    required: tuple[Requirement, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class PassDraws:
    """What some nonces of hardened rules demand.

    Attributes:
        leaves: int64 [G, k], eligible leaves of R.
        masks: uint64 [G, k], which of their weights count.
        odd: bool [G, k], the parities.
        indices: int64 [G, S], P.
    """

    leaves: Integers
    masks: Words
    odd: NDArray[np.bool_]
    indices: Integers

    @staticmethod
    def of(workload: Workload, seeds: Words, bits: int) -> PassDraws:
        """Draws ``bits`` requirements and a batch from every seed, [G, 4] words."""
        task = workload.task
        values = draw_rows(Tag.REQUIREMENTS, seeds, bits, 2 * task.eligible_count, shift=1)
        indices = draw_rows(Tag.BATCH, seeds, task.batch_size, task.train_count)
        return PassDraws(values >> 1, mask_rows(seeds, bits, task.mask_size), values % 2 == 0, indices)


class Nonces:
    """What the nonces of a block demand.

    Args:
        workload: the task.
        job: what is searched for.
    """

    def __init__(self, workload: Workload, job: Job) -> None:
        self._workload, self._job = workload, job
        self._bound = workload.task.rules, workload.task.id, job.parent, job.miner

    def draw(self, nonce: int) -> NonceDraw:
        """Returns R, as many as a block may need, and P of a nonce."""
        task, drawn = self._workload.task, derivation.seed(*self._bound, nonce)
        bits = most_bits(self._job.difficulty)
        required = derivation.requirements(task.rules, drawn, bits, task.eligible_count, task.mask_size)
        source = drawn
        if not task.rules.batch_from_seed:
            own = bytes.fromhex(self._job.miner[2:]) + nonce.to_bytes(8, "big")
            source = keccak(_FREE_BATCH + drawn + own)
        return NonceDraw(nonce, drawn, required, derivation.batch(source, task.batch_size, task.train_count))

    def draw_all(self, nonces: range) -> PassDraws:
        """Returns what some nonces demand of every block, under hardened rules."""
        rows = seed_rows(derivation.seed_head(*self._bound), nonces)
        return PassDraws.of(self._workload, rows, whole_bits(self._job.difficulty))


def seed_rows(head: bytes, nonces: Sequence[int]) -> Words:
    """Returns the seeds of nonces, [G, 4] words.

    Args:
        head: what all of them hash before the nonce, see :func:`derivation.seed_head`.
        nonces: uint64.
    """
    words = np.frombuffer(head, np.uint64)
    rows = np.zeros((len(nonces), len(words) - 1 + 4), np.uint64)
    rows[:, : len(words) - 1] = words[1:]
    rows[:, -1] = np.array(nonces, ">u8").view(np.uint64)
    return hash_rows(words[0], rows)


def draw_rows(tag: bytes, seeds: Words, count: int, bound: int, shift: int = 0) -> Integers:
    """As :func:`derivation.draw`, for many seeds: returns int64 [G, count]."""
    blocks = [_digests(tag, seeds, [counter]) for counter in range(-(-count // WORDS))]
    digits = [np.asarray(block.view(">u4"), np.int64) for block in blocks]
    words = np.concatenate([np.empty((len(seeds), 0), np.int64), *digits], axis=1)[:, :count]
    values = words % bound
    identities = np.sort(values >> shift, axis=1)
    thrown = (words >= WORD_RANGE - WORD_RANGE % bound).any(axis=1) | (np.diff(identities) == 0).any(axis=1)
    for row in np.flatnonzero(thrown):
        values[row] = derivation.draw(tag, seeds[row].tobytes(), count, bound, shift)
    return np.asarray(values, np.int64)


def mask_rows(seeds: Words, count: int, size: int) -> Words:
    """As :func:`derivation.mask`, for requirements 0 .. count - 1 of many seeds: returns uint64 [G, count]."""
    found = np.zeros(len(seeds) * count, np.uint64)
    missing = np.full(len(found), size, np.int64)
    counter, short = 0, np.arange(len(found))
    while len(short):
        rows, numbers = np.divmod(short, count)
        digests = _digests(Tag.MASK, seeds[rows], (numbers << 32) + counter)
        _take(digests.view(np.uint8), short, found, missing)
        counter, short = counter + 1, np.flatnonzero(missing)
    return found.reshape(len(seeds), count)


@compiled("void(u1[:, ::1], i8[::1], u8[::1], i8[::1])")
def _take(digests: NDArray[np.uint8], places: Integers, found: Words, missing: Integers) -> None:
    """Adds to the masks at some places the bits that their digests name, as long as some are missing."""
    for row in range(len(places)):
        at = places[row]
        for byte in digests[row]:
            bit = _ONE << (np.uint64(byte) & _LOW)
            if missing[at] and not found[at] & bit:
                found[at] |= bit
                missing[at] -= 1


def _digests(tag: bytes, seeds: Words, last: Sequence[int] | Integers) -> Words:
    """Hashes ``tag ‖ seed ‖ uint64 last`` for every seed, [G, 4]; ``last`` is one for all or one each."""
    rows = np.empty((len(seeds), 5), np.uint64)
    rows[:, :4] = seeds
    rows[:, 4] = np.array(last, ">u8").view(np.uint64)
    return hash_rows(np.frombuffer(tag, np.uint64)[0], rows)
