"""An ARGMAX is wrong: a sample counts as correct, by an evaluation that claims another place for the greatest logit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pol_oracle.canonical.operations import Kind
from pol_oracle.evidence import Traced, traced_sample
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from tests.adversaries.arena import Arena


def test_false_argmax(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    right = traced_sample(forgery.workload, forgery.post, sample)
    kinds = [operation.kind for operation in right.program.operations]
    place = right.program.first + kinds.index(Kind.ARGMAX)
    label = np.float32(forgery.workload.test.labels[sample])
    tensors = list(right.tensors)
    tensors[place] = np.full_like(tensors[place], label)
    tensors[-1] = np.ones_like(tensors[-1])
    forgery = replace(forgery, evaluations={(Tree.AFTER, sample): Traced.of(right.program, tensors)})

    arena.convicts(forgery, EvidenceKind.EVALUATION, demands=2)
