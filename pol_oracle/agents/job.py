"""What a miner's loop and its proof producer agree on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .rules.knowledge import Parent

if TYPE_CHECKING:  # the search imports torch
    from pol_oracle.search import Proof


@dataclass(frozen=True)
class Job:
    """What a proof is wanted for.

    Attributes:
        parent: the block to build on.
        miner: address in the header.
        difficulty: in 1/1024 bit; the block's own is no greater.
    """

    parent: Parent
    miner: str
    difficulty: int


Produce = Callable[[Job, Callable[[], bool]], "Proof"]
"""Makes a proof in the background; its second argument asks "cancelled?". Raises PolError or Cancelled."""
Publish = Callable[["Proof"], None]
"""Makes W and W' available before the proposal, where they do not follow from L1."""
