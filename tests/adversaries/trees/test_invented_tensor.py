"""One tensor of the trace has a root that nothing lies behind."""

from __future__ import annotations

from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import with_root


def test_invented_tensor(arena: Arena) -> None:
    made = arena.made
    tensor = made.number(Kind.DOT)

    arena.convicts(made.with_trace(with_root(made.step, tensor, keccak(b"no tensor"))), EvidenceKind.WITHHELD)
