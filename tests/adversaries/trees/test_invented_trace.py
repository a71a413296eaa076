"""The step is right and its trace root invented: nobody can show what lies behind it."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_invented_trace(arena: Arena) -> None:
    made = arena.made
    header = replace(made.header, trace_root=keccak(b"no trace"))

    arena.convicts(replace(made, header=header), EvidenceKind.WITHHELD, demands=1)
