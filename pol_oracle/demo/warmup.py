"""What is done once before the processes start: data set, task, compiled kernels in numba's cache."""

from __future__ import annotations

from pathlib import Path

from pol_oracle.canonical.selftest import self_test
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import load_spec

SAMPLES = 8


def prepare(task: Path, cache: Path) -> Workload:
    """Builds the task's workload and runs one step and a small evaluation, so that every kernel is compiled.

    Args:
        task: task file.
        cache: folder of finished data sets.

    Raises:
        PolError: the task cannot be computed on this machine.
    """
    self_test()
    workload = build_workload(load_spec(task), cache)
    batch = workload.task.batch_size
    step = workload.stepper.run(workload.initial, workload.train.images[:batch], workload.train.labels[:batch])
    _ = step.trace.root  # the hashing kernels
    workload.evaluator.correct(workload.initial, workload.test.images[:SAMPLES], workload.test.labels[:SAMPLES], None)
    return workload
