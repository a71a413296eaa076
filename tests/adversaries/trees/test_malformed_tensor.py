"""A tensor of the trace is committed with an element too few, all others right."""

from __future__ import annotations

from pol_oracle.canonical.commitments.trees import tensor_root
from pol_oracle.canonical.operations import Kind
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import with_root


def test_malformed_tensor(arena: Arena) -> None:
    made = arena.made
    tensor = made.number(Kind.DOT)
    shorter = tensor_root(made.step.tensors[tensor].reshape(-1)[:-1])

    arena.convicts(made.with_trace(with_root(made.step, tensor, shorter)), EvidenceKind.WITHHELD)
