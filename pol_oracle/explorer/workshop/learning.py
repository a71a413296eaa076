"""What a state of the network has learned: accuracy by class, confusion, the samples it gets wrong."""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.state import State
from pol_oracle.task import Workload

from ..facts.findings import Learned, WrongSample

MOST_WRONG = 48


def judge(workload: Workload, state: State) -> Learned:
    """Evaluates a state on the whole test set, with the canonical evaluation."""
    labels = workload.test.labels.astype(np.int64)
    logits = workload.evaluator.logits(state, workload.test.images).astype(np.float64)
    taken = logits.argmax(axis=1)
    classes = logits.shape[1]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, taken), 1)
    totals = np.maximum(confusion.sum(axis=1), 1)
    power = np.exp(logits - logits.max(axis=1, keepdims=True))
    sure = power.max(axis=1) / power.sum(axis=1)
    wrong = np.flatnonzero(taken != labels)
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:MOST_WRONG]
    return Learned(
        root="0x" + state.root.hex(),
        correct=int((taken == labels).sum()),
        total=len(labels),
        confusion=confusion.tolist(),
        by_class=[round(100 * float(v), 1) for v in np.diag(confusion) / totals],
        wrong=[
            WrongSample(
                sample=int(i), label=int(labels[i]), taken_for=int(taken[i]), sure=round(100 * float(sure[i]), 1)
            )
            for i in worst
        ],
    )
