"""Small workloads for tests: the devnet's network on a few samples."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from pol_oracle.canonical.state import State
from pol_oracle.data import DataSpec
from pol_oracle.protocol.hashing import keccak
from pol_oracle.task import Workload, build_workload, state_before
from pol_oracle.task_file import TaskSpec

MINER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
RIVAL = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
STEPS = 4  # of a segment


def small_spec(rules: str = "hardened", model: str = "cnn") -> TaskSpec:
    """A task on 256 training and 256 test samples; its steps are long, so that so few samples notice them, and its
    segments short."""
    values = {"name": "small", "model": model, "rules": rules, "learning_rate": 0.05}
    steps = STEPS if rules == "hardened" else None
    return TaskSpec.model_validate(values | {"training_steps": steps, "data": DataSpec(train=256, test=256, seed=5)})


@cache
def small_workload(rules: str = "hardened", model: str = "cnn") -> Workload:
    """Builds one workload per process."""
    with tempfile.TemporaryDirectory() as folder:
        return build_workload(small_spec(rules, model), Path(folder))


def state_after(steps: int, rules: str = "hardened") -> State:
    """W of a small workload after so many canonical steps, on batches drawn as a segment's are."""
    workload = small_workload(rules)
    return state_before(workload, keccak(b"trained"), workload.initial, steps)
