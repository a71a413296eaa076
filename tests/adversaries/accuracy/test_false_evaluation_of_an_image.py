"""One sample counts as correct, by an evaluation of another image, right from there on."""

from __future__ import annotations

from dataclasses import replace

from pol_oracle.evidence import Traced
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena


def test_false_evaluation_of_an_image(arena: Arena) -> None:
    forgery, sample = arena.made.wrong_bit()
    _, after = forgery.bits()
    easy = int(after.argmax())
    test = forgery.workload.test
    shown = forgery.workload.evaluator.tensors(forgery.post, test.images[easy], int(test.labels[easy]))
    false = Traced.of(forgery.workload.evaluator.program, shown)
    forgery = replace(forgery, lies={sample: false})

    arena.convicts(forgery, EvidenceKind.UNEXPLAINED)
