"""A task, from what its file says to everything a miner or a verifier computes with.

workload.py       Workload: model, data, programs and the task that L1 commits to
proof.py          what a search hands over
requirements.py   R of a block, and which of it a W' does not meet
segment.py        the training between a block and its children
"""

from __future__ import annotations

from .requirements import requirements_of, unmet, weights_of
from .segment import Segment, Shelf, Training, segment_batch, segment_step, state_before, train_segment
from .workload import Workload, build_workload, fetch_state

__all__ = [
    "Segment",
    "Shelf",
    "Training",
    "Workload",
    "build_workload",
    "fetch_state",
    "requirements_of",
    "segment_batch",
    "segment_step",
    "state_before",
    "train_segment",
    "unmet",
    "weights_of",
]
