"""The step is done with a tenth of the task's learning rate: every weight moves the required way."""

from __future__ import annotations

from pol_oracle.canonical.step import Stepper
from pol_oracle.evidence import Traced
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_wrong_learning_rate(arena: Arena) -> None:
    made = arena.made
    smaller = Stepper(made.workload.model, 4, 0x3A83126F)  # 0.001
    chosen, train = list(made.header.indices), made.workload.train
    trace = smaller.run(made.pre, train.images[chosen], train.labels[chosen]).trace
    forgery = made.with_trace(Traced(made.step.program, trace.tensors(), trace.roots))

    arena.convicts(forgery, EvidenceKind.STEP, demands=2)
