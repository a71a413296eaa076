"""An ARGMAX is wrong: a sample counts as correct, by an evaluation that claims another place for the greatest logit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import Traced
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_false_argmax(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    right = forgery.truth(sample)
    kinds = [operation.kind for operation in right.program.operations]
    place = right.program.first + kinds.index(Kind.ARGMAX)
    label = np.float32(forgery.workload.test.labels[sample.index])
    tensors = list(right.tensors)
    tensors[place] = np.full_like(tensors[place], label)
    tensors[-1] = np.ones_like(tensors[-1])
    forgery = replace(forgery, lies={sample: Traced.of(right.program, tensors)})

    arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=3)
