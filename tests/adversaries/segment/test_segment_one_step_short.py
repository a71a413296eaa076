"""The list has a step less than the task wants: W is the state before the last step."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task import state_before
from tests.adversaries.arena import Arena


def test_segment_one_step_short(arena: Arena) -> None:
    made = arena.made
    entries = made.segment.entries[:-1]
    end = state_before(arena.workload, made.header.parent, made.segment.start, len(entries))
    shorter = replace(made.segment, entries=entries, end=end)

    arena.convicts(made.standing_on(shorter), EvidenceKind.WITHHELD, demands=1)
