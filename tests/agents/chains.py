"""A chain of right blocks without L1: states that follow from one another, and headers that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload
from tests.adversaries.forging import BLANK, segment_after
from tests.task.workloads import MINER, small_workload

GENESIS = keccak(b"genesis")


@dataclass(frozen=True)
class Block:
    """A block: its header, and its W'."""

    id: bytes
    header: Header
    post: State


@cache
def chain(length: int) -> tuple[Block, ...]:
    """Blocks one on the other from genesis; requirements and accuracy are nobody's concern here."""
    workload, blocks = small_workload(), list[Block]()
    for _ in range(length):
        blocks.append(child(workload, blocks[-1] if blocks else None))
    return tuple(blocks)


def child(workload: Workload, parent: Block | None, nonce: int = 0) -> Block:
    """The next block."""
    below, start = (parent.id, parent.post) if parent else (GENESIS, workload.initial)
    segment, task = segment_after(workload, below, start), workload.task
    indices = batch(seed(task.rules, task.id, below, MINER, nonce), task.batch_size, task.train_count)
    chosen = list(indices)
    post = workload.stepper.run(segment.end, workload.train.images[chosen], workload.train.labels[chosen]).post
    draft = replace(BLANK, parent=below, miner=MINER, nonce=nonce, indices=indices, segment_root=segment.root)
    header = replace(draft, pre_root=segment.end.root, post_root=post.root)
    return Block(header.id(task.id), header, post)


def lineage(blocks: Sequence[Block]) -> tuple[Header, ...]:
    """Their headers."""
    return tuple(block.header for block in blocks)
