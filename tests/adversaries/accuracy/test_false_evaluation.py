"""One sample counts as correct, and the evaluation shown for it is false where it matters: at its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pol_oracle.evidence import Traced
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_false_evaluation(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    right = forgery.truth(sample)
    false = Traced.of(right.program, (*right.tensors[:-1], np.ones_like(right.tensors[-1])))
    forgery = replace(forgery, lies={sample: false})

    arena.convicts(forgery, EvidenceKind.UNEXPLAINED, demands=3)
