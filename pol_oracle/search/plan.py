"""How large a pass should be, and how precise: measured on the machine that will make it.

A pass of G groups costs its own time, the root of the next W, and for groups that a bfloat16 sieve lets through a
second look. Tries per second rise with G until the processor is full; from there on a larger G only makes training
coarser. So the least G is taken that comes within 5 % of the fastest, as long as what autograd keeps of it fits the
memory.

Mixed precision is taken if it gives more proofs per second, by over 5 %: the sieve's speed, less the groups that it
loses because a slope's sign is wrong although the slope lies beyond the margin.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog
import torch

from .passes import Groups, Passes

log = structlog.get_logger(__name__)

SIZES = (8, 16, 32, 64)
LARGE_SIZES = (*SIZES, 128, 256, 512, 1024)  # on a GPU
ENOUGH = 0.95  # of the fastest
PASSES_HELD = 6  # that there must be memory for: gradients too, and on a GPU what recordings of all sizes tried hold
ENOUGH_S = 0.3  # seconds of trials


@dataclass(frozen=True)
class Plan:
    """How to make a pass.

    Attributes:
        groups: G.
        mixed: sieve in bfloat16, then look again at what passes in float32.
    """

    groups: int
    mixed: bool = False


@dataclass(frozen=True)
class Trial:
    """What one kind of pass was measured to do.

    Attributes:
        tries: G.
        seconds: of a pass with all that belongs to it.
        kept: expected share of good groups that the pass does not lose.
    """

    tries: int
    seconds: float
    kept: float = 1.0

    @property
    def rate(self) -> float:
        """Good tries per second."""
        return self.tries * self.kept / self.seconds


def best(trials: Mapping[Plan, Trial]) -> Plan:
    """Returns the plan with the fewest groups among those within 5 % of the fastest; of equals the one in float32."""
    enough = ENOUGH * max(trial.rate for trial in trials.values())
    good = [plan for plan, trial in trials.items() if trial.rate >= enough]
    return min(good, key=lambda plan: (plan.groups, plan.mixed))


def measure(
    passes: Passes,
    device: torch.device,
    groups_of: Callable[[int], Groups],
    between: Callable[[], object],
    ask: Callable[[], None],
) -> Plan:
    """Makes some passes and returns the plan that suits this machine.

    Args:
        passes: makes them; gradients and running statistics are not what they were afterwards.
        device: where torch computes.
        groups_of: makes so many groups.
        between: what comes between two passes: the optimiser's step and the new root.
        ask: called before every trial; what it raises ends the planning.
    """
    smallest = groups_of(SIZES[0])
    free = free_memory(device)
    room = free / (PASSES_HELD * _bytes_of(device, lambda: passes.train(smallest)))
    trials: dict[Plan, Trial] = {}
    fastest = 0.0
    for size in LARGE_SIZES if device.type == "cuda" else SIZES:
        if trials and size > room * SIZES[0]:
            break
        groups = groups_of(size)
        for mixed in (False, True):
            ask()
            kept = passes.kept_by_sieve(groups, mixed=mixed)
            seconds = _seconds(partial(passes.train, groups, mixed=mixed), between)
            trials[Plan(size, mixed)] = Trial(size, seconds, kept)
        rate = max(trials[Plan(size, mixed)].rate for mixed in (False, True))
        if rate * ENOUGH < fastest:
            break
        fastest = max(fastest, rate)
    chosen = best(trials)
    log.info("planned", groups=chosen.groups, mixed=chosen.mixed, tries_per_second=round(trials[chosen].rate, 1))
    return chosen


def free_memory(device: torch.device) -> int:
    """Returns how many bytes of memory nobody uses."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _bytes_of(device: torch.device, work: Callable[[], object]) -> int:
    """Bytes that a pass takes at most."""
    if device.type != "cuda":
        return _kept_for_backward(work)
    before = torch.cuda.memory_allocated(device)
    torch.cuda.reset_peak_memory_stats(device)
    work()
    return max(1, torch.cuda.max_memory_allocated(device) - before)


def _kept_for_backward(work: Callable[[], object]) -> int:
    """Bytes that autograd keeps during a forward pass, for which the CPU has no such count."""
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        work()
    return max(1, sum(storages.values()))


def _seconds(*works: Callable[[], object]) -> float:
    """How long some work takes at best; at least two tries, and enough of them to see past a busy machine."""
    spent: list[float] = []
    while len(spent) < 2 or sum(spent) < ENOUGH_S:
        began = time.perf_counter()
        for work in works:
            work()
        spent.append(time.perf_counter() - began)
    return min(spent)
