"""The header of a block: everything a miner claims, all of it in calldata and in the event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .hashing import keccak_abi

HEADER_TYPE = "(bytes32,address,uint64,uint32[],bytes32,bytes32,bytes32,bytes32,bytes32,uint32,uint32)"


@dataclass(frozen=True)
class Header:
    """Mirror of ``struct Header`` in ``Types.sol``, field by field.

    Attributes:
        parent: id of the block this one builds on.
        miner: address that proposes, checksummed hex; in the seed, so that a proof cannot be stolen.
        nonce: the miner's counter; each nonce draws new requirements and a new batch.
        indices: P, the S training samples of the step.
        segment_root: list root of the N steps from the parent's W' to W; zeros under the paper's rules.
        pre_root: state root of W.
        post_root: state root of W'.
        trace_root: root over every tensor of the step.
        eval_root: Merkle sum root over the test set's correct-bits.
        correct_before: test samples that W classifies correctly.
        correct_after: test samples that W' classifies correctly.
    """

    parent: bytes
    miner: str
    nonce: int
    indices: tuple[int, ...]
    segment_root: bytes
    pre_root: bytes
    post_root: bytes
    trace_root: bytes
    eval_root: bytes
    correct_before: int
    correct_after: int

    def astuple(self) -> tuple[Any, ...]:
        """The header as the ABI takes it."""
        return (
            self.parent,
            self.miner,
            self.nonce,
            list(self.indices),
            self.segment_root,
            self.pre_root,
            self.post_root,
            self.trace_root,
            self.eval_root,
            self.correct_before,
            self.correct_after,
        )

    def id(self, task_id: bytes) -> bytes:
        """``keccak256(abi.encode(taskId, header))``."""
        return keccak_abi(["bytes32", HEADER_TYPE], [task_id, self.astuple()])
