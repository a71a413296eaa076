"""How mining goes: rates of the last half minute, and how often tries hit compared with what the difficulty says."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.difficulty import to_bits, whole_bits, work

from ..work.follow import FollowStage
from .health import Health

if TYPE_CHECKING:  # the search imports torch
    from pol_oracle.search import Progress

WINDOW_S = 30.0  # of rates
SHARE_S = 600.0  # of the share of time that trains: several blocks


@dataclass(frozen=True)
class Mining:
    """How mining goes.

    Attributes:
        difficulty: of the block that is searched for, in bits.
        height: of the block whose segment was computed last; None before the first, and under the paper's rules.
        segment_step: steps of that segment done.
        segment_steps: N; 0 before the first.
        tries: nonces tried since the start.
        tries_per_s: of late, while it searched.
        expected_s: seconds of search to a step that meets the block's requirements, at these rates; None while
            nothing is tried.
        hit_rate: tries of late that met floor(b) requirements, as a multiple of 2^-floor(b); None if there were none.
        accuracy_before: share of the test set that W classifies correctly; None before it was counted.
        accuracy_after: the same of the last evaluated W'; None before the first.
        training_share: share of the last ten minutes in which segments were computed, which train the network.
        moving_weights: share of the eligible weights that moved in segments of late; None before the first.
        warnings: what is wrong with the network, and what to do.
    """

    difficulty: float
    height: int | None
    segment_step: int
    segment_steps: int
    tries: int
    tries_per_s: float
    expected_s: float | None
    hit_rate: float | None
    accuracy_before: float | None
    accuracy_after: float | None
    training_share: float
    moving_weights: float | None = None
    warnings: tuple[str, ...] = ()

    def line(self) -> str:
        """One line for a person."""
        parts = []
        if self.segment_step < self.segment_steps:
            parts.append(f"step {self.segment_step} of {self.segment_steps} after block {self.height}")
        parts.append(f"{self.tries_per_s:,.0f} tries/s")
        if self.expected_s is not None:
            parts.append(f"a hit in about {self.expected_s:,.1f} s at {self.difficulty:.2f} bits")
        if self.hit_rate is not None:
            parts.append(f"hits {self.hit_rate:.2f} x 2^-b")
        if self.accuracy_before is not None and self.accuracy_after is not None:
            parts.append(f"accuracy {100 * self.accuracy_before:.2f} -> {100 * self.accuracy_after:.2f} %")
        if self.moving_weights is not None:
            parts.append(f"{100 * self.moving_weights:.0f} % of the weights move")
        parts.append(f"training {100 * self.training_share:.0f} % of the time")
        return " · ".join(parts)


class _Window:
    """What sums grew by of late.

    Args:
        span_s: of the window, in seconds.
        now: when they are nothing yet.
    """

    def __init__(self, span_s: float, now: float) -> None:
        self._span_s = span_s
        self._marks: deque[tuple[float, float, float]] = deque([(now, 0.0, 0.0)])

    def over(self, now: float, one: float, other: float = 0.0) -> tuple[float, float, float]:
        """Notes where two sums stand; returns the seconds of the window, and by how much they grew in it.

        What is too long ago is forgotten, but for the last of it: a round may take longer than the window.
        """
        self._marks.append((now, one, other))
        while now - self._marks[1][0] >= self._span_s:
            self._marks.popleft()
        then, *before = self._marks[0]
        return now - then, one - before[0], other - before[1]


class Meter:
    """Adds up what the follower and searches tell of themselves. Told by others, read by one thread.

    Args:
        test_count: samples in the test set.
        clock: seconds.
    """

    def __init__(self, test_count: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._test_count, self._clock = test_count, clock
        self._stage: FollowStage | None = None
        self._stage_at = self._training_s = 0.0
        self._difficulty = 0
        self._last: Progress | None = None
        self._tries = 0
        self._health = Health(clock)
        self._before: int | None = None
        self._after: int | None = None
        self._searched_s, self._searched_at = 0.0, clock()
        self._recent = _Window(WINDOW_S, clock())  # tries, and seconds of search
        self._trained = _Window(SHARE_S, clock())  # seconds of segments

    def segment(self, stage: FollowStage) -> None:
        """The follower did a step of a segment."""
        now, last = self._clock(), self._stage
        if last is not None and (last.height, last.step + 1) == (stage.height, stage.step):
            self._training_s += now - self._stage_at
        self._stage, self._stage_at = stage, now

    def begin(self, difficulty: int) -> None:
        """A search begins, for a block of so much difficulty in 1/1024 bit."""
        self._difficulty, self._last = difficulty, None
        self._before = self._after = None
        self._searched_at = self._clock()

    def note(self, progress: Progress) -> None:
        """The search tells where it stands."""
        last = self._last
        tries = progress.tries - (last.tries if last else 0)
        self._tries += tries
        hits = progress.passed - (last.passed if last else 0)
        self._health.tried(hits, tries / 2 ** whole_bits(self._difficulty))
        self._before, self._after = progress.before, progress.correct
        self._last = progress
        now = self._clock()
        self._searched_s, self._searched_at = self._searched_s + now - self._searched_at, now
        self._recent.over(now, self._tries, self._searched_s)

    def moved(self, share: float) -> None:
        """In the segment that leads to W, that share of the eligible weights moved."""
        self._health.moved(share)

    def read(self) -> Mining:
        """Returns how mining goes."""
        hit_rate, moving, warnings = self._health.read()
        now, stage = self._clock(), self._stage
        _, tries, searched_s = self._recent.over(now, self._tries, self._searched_s)
        seconds, trained_s, _ = self._trained.over(now, self._training_s)
        rate = tries / max(1e-9, searched_s)
        return Mining(
            difficulty=to_bits(self._difficulty),
            height=None if stage is None else stage.height,
            segment_step=0 if stage is None else stage.step,
            segment_steps=0 if stage is None else stage.steps,
            tries=self._tries,
            tries_per_s=rate,
            expected_s=work(self._difficulty) / (rate * (hit_rate or 1)) if rate else None,
            hit_rate=hit_rate,
            accuracy_before=self._share(self._before),
            accuracy_after=self._share(self._after),
            training_share=trained_s / max(1e-9, seconds),
            moving_weights=moving,
            warnings=warnings,
        )

    def _share(self, correct: int | None) -> float | None:
        return None if correct is None else correct / self._test_count
