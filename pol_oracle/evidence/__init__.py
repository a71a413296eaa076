"""Evidence: what the Court takes, and what answers a demand.

traced.py         all tensors of one trace with their roots; opens slices of them
requirements.py   a requirement that is not met
operations.py     an element of a trace that is not what its operation gives, or not the data set's
accuracy.py       a sum or a bit of the accuracy tree that is wrong
answers.py        answers to demands, from a trace, a tree or a list
shown.py          what a block stands on, and what was shown of it on L1
investigate.py    from a mismatch to the smallest proof, or to what must be demanded first
proofs.py         a call of the Court, and one that answers a demand
"""

from __future__ import annotations

from .answers import Discloser, HonestDiscloser, answer_to, bits_answer
from .investigate import (
    Finding,
    find_accuracy_fault,
    find_evaluation_fault,
    find_explanation_fault,
    find_segment_fault,
    find_step_fault,
)
from .proofs import NO_SEGMENT, Answer, FraudProof, SegmentStep, TraceId
from .requirements import RequirementEvidence, first_unmet, requirement_proof
from .shown import ClaimedTrace, Grounds, Shown, ShownTrees
from .traced import Traced, samples_of, traced

__all__ = [
    "NO_SEGMENT",
    "Answer",
    "ClaimedTrace",
    "Discloser",
    "Finding",
    "FraudProof",
    "Grounds",
    "HonestDiscloser",
    "RequirementEvidence",
    "SegmentStep",
    "Shown",
    "ShownTrees",
    "TraceId",
    "Traced",
    "answer_to",
    "bits_answer",
    "find_accuracy_fault",
    "find_evaluation_fault",
    "find_explanation_fault",
    "find_segment_fault",
    "find_step_fault",
    "first_unmet",
    "requirement_proof",
    "samples_of",
    "traced",
]
