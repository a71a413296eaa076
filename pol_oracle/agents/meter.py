"""How mining goes: rates of the last half minute, and how often tries hit compared with what the difficulty says."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.difficulty import to_bits, whole_bits, work

if TYPE_CHECKING:  # the search imports torch
    from pol_oracle.search import Progress

WINDOW_S = 30.0


@dataclass(frozen=True)
class Mining:
    """How mining goes.

    Attributes:
        difficulty: of the block that is searched for, in bits.
        tries: nonces tried since the start.
        tries_per_s: of late.
        samples_per_s: trained on, of late.
        expected_s: seconds to a step that meets the block's requirements, at this rate; None while nothing is tried.
        hit_rate: tries that met floor(b) requirements, as a multiple of 2^-floor(b); None before the first try.
        accuracy: share of the test set that the last evaluated W' classifies correctly; None before the first.
        loss: mean loss of the last batch; None before the first.
    """

    difficulty: float
    tries: int
    tries_per_s: float
    samples_per_s: float
    expected_s: float | None
    hit_rate: float | None
    accuracy: float | None
    loss: float | None

    def line(self) -> str:
        """One line for a person."""
        parts = [f"{self.tries_per_s:,.0f} tries/s", f"{self.samples_per_s:,.0f} samples/s"]
        if self.expected_s is not None:
            parts.append(f"a proof in about {self.expected_s:,.1f} s at {self.difficulty:.2f} bits")
        if self.hit_rate is not None:
            parts.append(f"hits {self.hit_rate:.2f} x 2^-b")
        if self.accuracy is not None:
            parts.append(f"accuracy {100 * self.accuracy:.1f} %")
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        return " · ".join(parts)


class Meter:
    """Adds up what searches tell of themselves. Told by one thread, read by another.

    Args:
        test_count: samples in the test set.
        clock: seconds.
    """

    def __init__(self, test_count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._test_count, self._clock = test_count, clock
        self._difficulty = 0
        self._last: Progress | None = None
        self._tries = self._trained = self._hits = 0
        self._expected_hits = 0.0
        self._accuracy: float | None = None
        self._loss: float | None = None
        self._recent: deque[tuple[float, int, int]] = deque([(clock(), 0, 0)])

    def begin(self, difficulty: int) -> None:
        """A search begins, for a block of so much difficulty in 1/1024 bit."""
        self._difficulty, self._last = difficulty, None

    def note(self, progress: Progress) -> None:
        """The search tells where it stands."""
        last = self._last
        tries = progress.tries - (last.tries if last else 0)
        self._tries += tries
        self._trained += progress.trained - (last.trained if last else 0)
        self._hits += progress.passed - (last.passed if last else 0)
        self._expected_hits += tries / 2 ** whole_bits(self._difficulty)
        if progress.correct is not None:
            self._accuracy = progress.correct / self._test_count
        if progress.loss is not None:
            self._loss = progress.loss
        self._last = progress
        self._mark()

    def read(self) -> Mining:
        """Returns how mining goes."""
        self._mark()
        recent = tuple(self._recent)
        seconds = max(1e-9, self._clock() - recent[0][0])
        rate = (self._tries - recent[0][1]) / seconds
        return Mining(
            difficulty=to_bits(self._difficulty),
            tries=self._tries,
            tries_per_s=rate,
            samples_per_s=(self._trained - recent[0][2]) / seconds,
            expected_s=work(self._difficulty) / rate if rate else None,
            hit_rate=self._hits / self._expected_hits if self._expected_hits else None,
            accuracy=self._accuracy,
            loss=self._loss,
        )

    def _mark(self) -> None:
        """Notes where it stands now, and forgets what is too long ago, but for the last of it: rounds may be longer."""
        now = self._clock()
        self._recent.append((now, self._tries, self._trained))
        while now - self._recent[1][0] >= WINDOW_S:
            self._recent.popleft()
