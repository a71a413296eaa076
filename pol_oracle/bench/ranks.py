"""Two processes of one thread each against one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pol_oracle.chain.ports import free_port
from pol_oracle.search import GroupedSearch, Meeting, Plan, help_leader, set_up_torch
from pol_oracle.task import TaskSpec, build_workload

from .format import Row
from .search import RARE, Runner, workload

MODELS = {"cnn": (Plan(64), 8.0), "resnet18-7x7": (Plan(64), 20.0)}  # plan as measured, and seconds of each turn
BAR = 1.5
_PROGRAM = "from pol_oracle.bench.ranks import help_alone; import sys; help_alone(*sys.argv[1:])"


def ranks(scratch: Path) -> Iterator[Row]:
    """Tries per second of two ranks against one, each on one thread."""
    set_up_torch(1)
    for name, (plan, seconds) in MODELS.items():
        prepared = workload(name, scratch)
        port = free_port()
        alone = Runner(GroupedSearch(prepared, plan), prepared.initial, RARE)
        leader = GroupedSearch(prepared, plan, meeting=Meeting(0, "127.0.0.1", port))
        both = Runner(leader, prepared.initial, RARE)
        alone.turn(1.0)
        command = [sys.executable, "-c", _PROGRAM, prepared.spec.model_dump_json(), str(scratch), str(port)]
        helper = subprocess.Popen(command)
        try:
            while leader.processes < 2 and helper.poll() is None:
                both.turn(1.0)
            both.reset()
            both.turn(seconds)
        finally:
            helper.kill()
            helper.wait()
            leader.close()
        alone.reset()
        alone.turn(seconds)
        yield Row(f"ranks.{name}", both.rate, "1/s", baseline=alone.rate, bar=BAR * alone.rate, higher_is_better=True)


def help_alone(spec: str, cache: str, port: str) -> None:
    """The second process."""
    set_up_torch(1)
    prepared = build_workload(TaskSpec.model_validate_json(spec), Path(cache))
    help_leader(prepared, Meeting(1, "127.0.0.1", int(port)))
