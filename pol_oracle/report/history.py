"""The finalized chain, read from events: who mined what, how accurate, how fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pol_oracle.l1.events.typed import BlockFinalized, BlockProposed, Event, HeadChanged


@dataclass(frozen=True)
class FinalBlock:
    """One finalized block.

    Attributes:
        height: 1 for the first block after genesis.
        block_id: 32 bytes.
        miner: checksummed address.
        correct_after: test samples that W' classifies correctly.
        interval_s: seconds of L1 time from the parent's proposal (from genesis for height 1) to this one's.
    """

    height: int
    block_id: bytes
    miner: str
    correct_after: int
    interval_s: int


def finalized_chain(events: Sequence[Event]) -> tuple[FinalBlock, ...]:
    """Returns the finalized blocks in order of height. Genesis is left out: nobody mined it."""
    proposals = {e.block_id: e for e in events if isinstance(e, BlockProposed)}
    # the registry's constructor announces genesis as the first head: the only record of when the chain began
    began = next((e.at.timestamp for e in events if isinstance(e, HeadChanged)), None)
    chain: list[FinalBlock] = []
    for event in events:
        if not isinstance(event, BlockFinalized):
            continue
        block = proposals[event.block_id]
        parent = proposals.get(block.parent)
        before = parent.at.timestamp if parent else began if began is not None else block.at.timestamp
        interval = block.at.timestamp - before
        chain.append(FinalBlock(block.height, block.block_id, block.miner, block.header.correct_after, interval))
    return tuple(sorted(chain, key=lambda b: b.height))
