"""keccak-256, ABI encoding and the tags that keep one kind of hash from passing for another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak as _keccak

ZERO = bytes(32)


def keccak(data: bytes) -> bytes:
    """Returns keccak-256 of ``data`` (32 bytes), as Ethereum computes it."""
    return _keccak(data)


def keccak_abi(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Returns ``keccak256(abi.encode(values))``, 32 bytes."""
    return keccak(encode(types, values))


class Tag:
    """8-byte ASCII prefixes of every hash that is not an ABI hash; see ``contracts/lib/Tags.sol``.

    Eight bytes keep 64-bit alignment for fast kernels. A leaf of 64 floats with its tag is 264 bytes: two
    permutations of keccak, as without a tag.
    """

    TENSOR_LEAF = b"tensleaf"  # ‖ 64 big-endian binary32
    TENSOR_NODE = b"tensnode"  # ‖ left ‖ right
    TENSOR_ROOT = b"tensroot"  # ‖ uint64 count of elements ‖ top
    LIST_NODE = b"listnode"  # ‖ left ‖ right, over tensor roots
    STATE_ROOT = b"statroot"  # ‖ uint64 count of tensors ‖ top
    BATCH_ROOT = b"btchroot"  # likewise: the step's inputs (images, labels)
    INNER_ROOT = b"innrroot"  # likewise: everything between inputs and the new state
    TRACE_ROOT = b"tracroot"  # ‖ preRoot ‖ batchRoot ‖ innerRoot ‖ postRoot
    SAMPLE_LEAF = b"smplleaf"  # ‖ pixels (uint8, HWC) ‖ uint64 label
    SAMPLE_NODE = b"smplnode"  # ‖ left ‖ right
    SAMPLE_ROOT = b"smplroot"  # ‖ uint64 count of samples ‖ top
    SEGMENT_LEAF = b"sgmtleaf"  # ‖ batch root ‖ inner root ‖ root of the state after the step
    SEGMENT_NODE = b"sgmtnode"  # ‖ left ‖ right
    SEGMENT_ROOT = b"sgmtroot"  # ‖ uint64 count of steps ‖ top
    EVAL_LEAF = b"evalleaf"  # ‖ 256 correct-bits before ‖ 256 correct-bits after
    EVAL_NODE = b"evalnode"  # ‖ left ‖ u32 before ‖ u32 after ‖ right ‖ u32 before ‖ u32 after
    PROGRAM_LEAF = b"progleaf"  # ‖ descriptor bytes
    PROGRAM_NODE = b"prognode"  # ‖ left ‖ right
    PROGRAM_ROOT = b"progroot"  # ‖ five uint32 counts of tensors, see programs.py ‖ top
    TASK = b"pol-task"
    GENESIS = b"pol-gen0"
    SEED = b"pol-seed"
    REQUIREMENTS = b"pol-reqs"
    MASK = b"pol-mask"  # ‖ seed ‖ uint32 requirement ‖ uint32 counter: which weights of its leaf it counts
    BATCH = b"pol-btch"
    SEGMENT = b"pol-sgmt"  # of the seeds of a segment's batches
    EXTRA = b"pol-xtra"  # ‖ seed ‖ postRoot: whether the block has one requirement more
