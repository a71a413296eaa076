"""Is the network that is mined on well?

A network may die slowly while its accuracy still looks good: channels shut for good, their weights stand still, and
requirements about those are met by chance or never.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock

import numpy as np

from pol_oracle.advice import pol
from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.task import Workload

WINDOW_S = 600.0
_MARK_S = 5.0  # between two marks in it
_LEAST_MOVING = 0.8
_LEAST_EXPECTED = 50.0  # hits by which a rate is judged: then chance alone hardly ever halves or doubles it
_LEAST_RATE, _MOST_RATE = 0.5, 2.0


def moving(workload: Workload, before: State, after: State) -> float:
    """Returns the share of the eligible weights that differ between two states."""
    size = LEAF_WEIGHTS if workload.rules.parities else 1
    tensors = list(zip(before.tensors, after.tensors, strict=True))
    moved = total = 0
    for r in workload.eligible.ranges:
        old, new = (tensor.reshape(-1).view(np.uint32) for tensor in tensors[r.tensor])
        whole = old.size // size * size
        changed = (old[:whole] != new[:whole]).reshape(-1, size)
        places = r.start + r.stride * np.arange(r.repeats)[:, None] + np.arange(r.run)
        moved += int(changed[places].sum())
        total += places.size * size
    return moved / total


class Health:
    """What was seen of the network of late. Told by several threads.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._lock = clock, Lock()
        self._hits, self._expected = 0, 0.0
        self._marks: deque[tuple[float, int, float]] = deque([(clock(), 0, 0.0)])
        self._moving: deque[tuple[float, float]] = deque()

    def tried(self, hits: int, expected: float) -> None:
        """Nonces were tried, so many hit, and by the difficulty so many should have."""
        with self._lock:
            self._hits, self._expected = self._hits + hits, self._expected + expected
            self._mark()

    def moved(self, share: float) -> None:
        """In a segment, that share of the eligible weights moved."""
        with self._lock:
            self._moving.append((self._clock(), share))

    def read(self) -> tuple[float | None, float | None, tuple[str, ...]]:
        """Returns the hit rate, the share of weights that move, and what is wrong.

        The rate is a multiple of 2^-b; rate and share are of late, and None if nothing is known of them.
        """
        with self._lock:
            self._mark()
            _, hits, expected = self._marks[0]
            hits, expected = self._hits - hits, self._expected - expected
            while len(self._moving) > 1 and self._clock() - self._moving[0][0] >= WINDOW_S:
                self._moving.popleft()
            shares = [share for _, share in self._moving]
        rate = hits / expected if expected else None
        share = sum(shares) / len(shares) if shares else None
        return rate, share, tuple(_complaints(rate, expected, share))

    def _mark(self) -> None:
        now = self._clock()
        if now - self._marks[-1][0] >= _MARK_S:
            self._marks.append((now, self._hits, self._expected))
        while len(self._marks) > 1 and now - self._marks[1][0] >= WINDOW_S:
            self._marks.popleft()


def _complaints(rate: float | None, expected: float, share: float | None) -> list[str]:
    found = []
    remedy = (
        "the network is dying, for everybody: begin anew from an earlier final state and with a lower learning_rate "
        f"({pol('deploy --from-state')})"
    )
    if share is not None and share < _LEAST_MOVING:
        found.append(f"only {100 * share:.0f} % of the eligible weights still move: {remedy}")
    if rate is not None and expected >= _LEAST_EXPECTED and not _LEAST_RATE <= rate <= _MOST_RATE:
        found.append(
            f"tries hit {rate:.2f} times as often as the difficulty says: if few weights move, {remedy}; else compare "
            f"this miner's torch with another's ({pol('bench search --only hits')})"
        )
    return found
