"""A helper in a process of its own: ``helper_process.py SPEC CACHE``; RANK, MASTER_ADDR, MASTER_PORT say of whom. W is
the task's initial state, whatever the parent."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pol_oracle.search import Rendezvous, help_leader, set_up_torch
from pol_oracle.task import build_workload
from pol_oracle.task_file import TaskSpec


def main(spec: str, cache: str) -> None:
    """Helps until the leader is gone."""
    set_up_torch(1)
    rendezvous = Rendezvous.of(os.environ)
    assert rendezvous is not None
    workload = build_workload(TaskSpec.model_validate_json(spec), Path(cache))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    help_leader(workload, rendezvous, lambda parent, headers: workload.initial, groups=8)


if __name__ == "__main__":
    main(*sys.argv[1:])
