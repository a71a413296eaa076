"""A helper in a process of its own: ``helper_process.py SPEC CACHE``; RANK, MASTER_ADDR, MASTER_PORT say of whom."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pol_oracle.search import set_up_torch
from pol_oracle.search.crew import Meeting
from pol_oracle.search.lead import help_leader
from pol_oracle.task import TaskSpec, build_workload


def main(spec: str, cache: str) -> None:
    """Helps until the leader is gone."""
    set_up_torch(1)
    meeting = Meeting.of(os.environ)
    assert meeting is not None
    help_leader(build_workload(TaskSpec.model_validate_json(spec), Path(cache)), meeting)


if __name__ == "__main__":
    main(*sys.argv[1:])
