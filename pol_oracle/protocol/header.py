"""The header of a block: everything a miner claims, all of it in calldata and in the event."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from .errors import InputError
from .hashing import keccak
from .types import BlockId

HEADER_TYPE = "(bytes32,address,uint64,uint32[],bytes32,bytes32,bytes32,bytes32,bytes32,uint32,uint32)"
_ADDRESS = re.compile(r"0x[0-9A-Fa-f]{40}")
_WORD, _INDEX, _NONCE = 32, 1 << 32, 1 << 64


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

    def encode(self, task_id: bytes) -> bytes:
        """``abi.encode(taskId, header)``: what its id is the hash of."""
        return encode(["bytes32", HEADER_TYPE], [task_id, self.astuple()])

    @staticmethod
    def decode(data: bytes, task_id: bytes) -> Header:
        """Reads what :meth:`encode` gave.

        Raises:
            InputError: it is no header of that task: whoever wrote it may want to harm.
        """
        try:
            _, (parent, miner, nonce, indices, *rest) = decode(["bytes32", HEADER_TYPE], data)
            header = Header(parent, str(to_checksum_address(miner)), nonce, tuple(indices), *rest)
        except (DecodingError, ValueError, OverflowError) as error:
            raise InputError(f"this is no header: 0x{data[:32].hex()}…") from error
        if header.encode(task_id) != data:
            raise InputError(f"this is no header of this task: 0x{data[:32].hex()}…")
        return header

    def id(self, task_id: bytes) -> BlockId:
        """``keccak256(abi.encode(taskId, header))``."""
        return keccak(self.encode(task_id))

    def dumps(self) -> str:
        """Returns the header as one line of JSON."""
        return json.dumps([v.hex() if isinstance(v, bytes) else v for v in self.astuple()])

    @staticmethod
    def loads(text: str) -> Header:
        """Reads what :meth:`dumps` wrote.

        Raises:
            InputError: it is no header: whoever wrote it may want to harm.
        """
        try:
            parent, miner, nonce, indices, *roots, before, after = json.loads(text)
            words = segment, pre, post, trace, evaluation, below = [bytes.fromhex(word) for word in (*roots, parent)]
            numbers = *indices, before, after
        except (ValueError, TypeError, RecursionError) as error:
            raise InputError(f"this is no header: {text[:100]!r}") from error
        small = all(type(number) is int and 0 <= number < _INDEX for number in numbers)
        if not small or type(nonce) is not int or not 0 <= nonce < _NONCE:
            raise InputError(f"a header has numbers out of range: {text[:100]!r}")
        if any(len(word) != _WORD for word in words) or not isinstance(miner, str) or not _ADDRESS.fullmatch(miner):
            raise InputError(f"a header has words or an address of the wrong size: {text[:100]!r}")
        return Header(below, miner, nonce, tuple(indices), segment, pre, post, trace, evaluation, before, after)
