"""Followers that find a dead end where there is none."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.agents.work.follow import Ask, Follower
from pol_oracle.canonical.commitments.accuracy import Bits
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import NotFinite
from pol_oracle.task import Segment
from pol_oracle.view.lineage import Lineage


class Diverging(Follower):
    """A follower that finds the segment after some block not finite, though it is."""

    after = b""

    def segment(self, block_id: bytes, lineage: Lineage, cancelled: Ask) -> Segment:
        segment = super().segment(block_id, lineage, cancelled)
        return replace(segment, finite=segment.finite and block_id != self.after)


class Overflowing(Follower):
    """A follower that finds the evaluation of some state not finite, though it is."""

    root = b""

    def count(self, state: State, cancelled: Ask, claimed: Bits | None = None) -> Bits:
        if state.root == self.root:
            raise NotFinite(7)
        return super().count(state, cancelled, claimed)
