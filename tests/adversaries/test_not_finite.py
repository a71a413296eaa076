"""W is so large that the step overflows; every tensor of the trace is what its operation gives."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.canonical.state import State
from pol_oracle.evidence import traced_step
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_not_finite(arena: Arena) -> None:
    made, task = arena.made, arena.workload.task
    flat = made.pre.flat.copy()
    flat[: made.pre.tensors[0].size] = 3e38
    huge = State(arena.workload.model, flat)
    drawn = seed(task.rules, task.id, made.header.parent, made.header.miner, huge.root, 0)
    indices = batch(drawn, task.batch_size, task.train_count)
    header = replace(made.header, pre_root=huge.root, nonce=0, indices=indices)
    forgery = replace(made, header=header, pre=huge).with_trace(traced_step(arena.workload, header, huge))

    arena.convicts(forgery, EvidenceKind.REQUIREMENT, EvidenceKind.STEP)
