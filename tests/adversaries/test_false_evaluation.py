"""One sample counts as correct, and the evaluation shown for it is false where it matters: at its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pol_oracle.evidence import Traced, traced_sample
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from tests.adversaries.arena import Arena


def test_false_evaluation(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    right = traced_sample(forgery.workload, forgery.post, sample)
    false = Traced.of(right.program, (*right.tensors[:-1], np.ones_like(right.tensors[-1])))
    forgery = replace(forgery, evaluations={(Tree.AFTER, sample): false})

    arena.convicts(forgery, EvidenceKind.EVALUATION, demands=2)
