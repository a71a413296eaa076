"""Evidence: what the Court takes, and what answers a demand.

traced.py         all tensors of one trace with their roots; opens slices of them
requirements.py   a required weight that did not move its way
operations.py     an element of a trace that is not what its operation gives, or not the data set's
accuracy.py       a sum or a bit of the accuracy tree that is wrong
answers.py        answers to demands, from a trace or a tree
shown.py          what a miner has shown: from the store, or by its answers on L1
investigate.py    from a mismatch to the smallest proof, or to what must be demanded first
proofs.py         a Court call, and a Demands call
"""

from __future__ import annotations

from .answers import Discloser, HonestDiscloser, answer_to, bits_answer
from .investigate import find_accuracy_fault, find_evaluation_fault, find_step_fault
from .proofs import Answer, FraudProof, TraceId
from .requirements import RequirementEvidence, first_unmet, requirement_proof
from .shown import Shown, ShownTrees, pieces_of
from .traced import Traced, traced_sample, traced_step

__all__ = [
    "Answer",
    "Discloser",
    "FraudProof",
    "HonestDiscloser",
    "RequirementEvidence",
    "Shown",
    "ShownTrees",
    "TraceId",
    "Traced",
    "answer_to",
    "bits_answer",
    "find_accuracy_fault",
    "find_evaluation_fault",
    "find_step_fault",
    "first_unmet",
    "pieces_of",
    "requirement_proof",
    "traced_sample",
    "traced_step",
]
