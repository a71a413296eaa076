"""Times two things against each other, in turns, so that a noisy machine disturbs both alike."""

from __future__ import annotations

import time
from collections.abc import Callable

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """Returns how long one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def fastest(*works: Work, rounds: int) -> list[float]:
    """Returns the least seconds of each, over rounds in which every one has its turn; the first round warms up."""
    best = [float("inf")] * len(works)
    for number in range(rounds + 1):
        for i, work in enumerate(works):
            taken = seconds(work)
            if number:
                best[i] = min(best[i], taken)
    return best
