"""An evaluation that was asked to stop."""

from __future__ import annotations

import numpy as np
import pytest

from pol_oracle.canonical import evaluate
from pol_oracle.canonical.evaluate import MAX_SAMPLES, Evaluator
from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State

PASSES = 40


@pytest.mark.parametrize("threads", [1, 2])
def test_an_evaluation_stops_on_all_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever cancels one still waits for the whole test set, and so does the next one."""
    model, passes, run = build_model("cnn"), list[int](), evaluate._run

    def counted(workspace: Workspace, images: evaluate.Bytes, labels: evaluate.Bytes) -> bool:
        passes.append(len(images))
        return run(workspace, images, labels)

    def stop(_: int) -> None:
        raise KeyError

    monkeypatch.setattr(evaluate, "_run", counted)
    count = PASSES * MAX_SAMPLES
    images, labels = np.zeros((count, 32, 32, 3), np.uint8), np.zeros(count, np.uint8)
    with pytest.raises(KeyError):
        Evaluator(model, threads).correct(State.initial(model, 1), images, labels, stop)
    assert len(passes) < PASSES / 2
