"""How long people wait for the command line, and how much of that it computes: the rest is what else a machine does."""

from __future__ import annotations

import compileall
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from pol_oracle.fixtures.l1 import running

from .chain import QUICK, extend
from .format import Row

PACKAGE = Path(__file__).parents[1]
RUNS = 5  # the fastest counts: a process start is what else the machine does
HELP_BAR_S = 0.4
STATUS_BAR_S = 1.5
STATUS_BLOCKS = 1000


def help_(scratch: Path) -> Iterator[Row]:
    """Time of `pol --help`."""
    yield from _rows("help", _fastest(scratch, "--help"), HELP_BAR_S)


def status(scratch: Path) -> Iterator[Row]:
    """Time of `pol status` on a chain of 1,000 blocks, with a node on this machine."""
    with running(scratch / "l1", parameters=QUICK) as l1:
        l1.bond()
        extend(l1, STATUS_BLOCKS)
        deployment = l1.client.deployment
        assert deployment is not None
        deployment.model_copy(update={"confirmations": 0}).save(scratch / "deployment.json")
        took = _fastest(scratch, "status")
    yield from _rows("status.1000_blocks", took, STATUS_BAR_S)


def _rows(name: str, took: tuple[float, float], bar: float) -> Iterator[Row]:
    wall, cpu = took
    yield Row(f"{name}.wall", wall, "s", bar=bar)
    yield Row(f"{name}.cpu", cpu, "s")


def _fastest(home: Path, *words: str) -> tuple[float, float]:
    """Seconds of the fastest run: on the clock, and of a core."""
    command = [sys.executable, "-m", "pol_oracle.cli", "--home", str(home), *words]
    compileall.compile_dir(PACKAGE, quiet=1)  # as an installation does
    took = []
    for _ in range(RUNS):
        began, before = time.perf_counter(), getrusage(RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - began, getrusage(RUSAGE_CHILDREN)
        took.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return min(took)
