"""Two processes of one thread each against one."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from pol_oracle.canonical.state import State
from pol_oracle.l1.devnet.ports import free_port
from pol_oracle.search import GroupedSearch, Rendezvous, help_leader, set_up_torch
from pol_oracle.task import build_workload
from pol_oracle.task_file import TaskSpec

from ..format import Row
from .rates import RARE, Runner, workload

MODELS = {"cnn": 8.0, "resnet18-7x7": 20.0, "resnet18": 40.0}  # seconds of each turn
BAR = 1.8
_PROGRAM = "from pol_oracle.bench.search.ranks import help_alone; import sys; help_alone(*sys.argv[1:])"


def ranks(scratch: Path) -> Iterator[Row]:
    """Tries per second of two ranks against one, each on one thread."""
    set_up_torch(1)
    for name, seconds in MODELS.items():
        prepared = workload(name, scratch)
        port = free_port()
        alone = Runner(GroupedSearch(prepared), prepared.initial, RARE)
        leader = GroupedSearch(prepared, rendezvous=Rendezvous(0, "127.0.0.1", port))
        both = Runner(leader, prepared.initial, RARE)
        alone.turn(1.0)
        alone.reset()
        alone.turn(seconds / 2)
        command = [sys.executable, "-c", _PROGRAM, prepared.spec.model_dump_json(), str(scratch), str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as helper:
            assert helper.stdout is not None
            try:
                while not select.select([helper.stdout], [], [], 0)[0]:
                    both.turn(1.0)
                both.turn(2.0)
                both.reset()
                both.turn(seconds)
            finally:
                helper.kill()
                leader.close()
        alone.turn(seconds / 2)
        yield Row(f"ranks.{name}", both.rate, "1/s", baseline=alone.rate, bar=BAR * alone.rate, higher_is_better=True)


def help_alone(spec: str, cache: str, port: str) -> None:
    """The second process; says so when it begins."""
    set_up_torch(1)
    prepared = build_workload(TaskSpec.model_validate_json(spec), Path(cache))

    def state_of(parent: bytes, headers: object) -> State:
        sys.stdout.write("begins\n")
        sys.stdout.flush()
        return prepared.initial

    help_leader(prepared, Rendezvous(1, "127.0.0.1", int(port)), state_of)
