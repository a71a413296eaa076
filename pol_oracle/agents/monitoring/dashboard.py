"""What a miner shows of its work: a live line, a log entry now and then, facts in the status file, metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

import structlog

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.types import Address
from pol_oracle.view import View

from .logs import BestEffort
from .meter import Meter, Mining
from .metrics import Metrics
from .records import Records
from .waiting import Wait

LOG_INTERVAL_S = 30.0
_UNIT = 10**18  # smallest units in a LEARN

Show = Callable[[str], None]
"""Shows a line that replaces the one before."""


class Dashboard:
    """Tells everybody how a miner's work goes.

    Args:
        meter: what the searches report to.
        me: the miner's address.
        records: the status file.
        show: who watches; None: nobody does.
        metrics: who scrapes; None: nobody does.
    """

    def __init__(
        self,
        meter: Meter,
        me: Address,
        records: Records,
        show: Show | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._meter, self._me, self._records = meter, me, records
        self._show = None if show is None else BestEffort(show, lambda lost: None)  # the next line tells the same
        self._metrics = metrics
        self._next_log = time.monotonic() + LOG_INTERVAL_S
        self._log = structlog.get_logger("agent")

    def turn(self, view: View, waits: Sequence[Wait] = ()) -> None:
        """Once per turn of the loop.

        Args:
            view: the confirmed events.
            waits: what the miner waits for.
        """
        mining = self._meter.read()
        mine = [b for b in view.blocks.values() if b.miner == self._me and b.status is Status.FINALIZED]
        finalized, rewards = len(mine), sum(block.reward for block in mine) / _UNIT
        self._records.note(mining=asdict(mining))
        if self._show is not None:
            alarm = "the network is not well, see the log · " if mining.warnings else ""
            waiting = "".join(f"waiting: {wait.text} · " for wait in waits)
            self._show(f"{alarm}{waiting}{mining.line()} · {finalized} blocks final · {rewards:,.0f} LEARN")
        if self._metrics is not None:
            self._metrics.set(_gauges(mining, finalized, rewards))
        if time.monotonic() >= self._next_log:
            self._next_log = time.monotonic() + LOG_INTERVAL_S
            self._log.info("mining", **_rounded(mining), blocks_final=finalized, rewards_learn=rewards)
            for warning in mining.warnings:
                self._log.warning("network", reason=warning)


def _gauges(mining: Mining, finalized: int, rewards: float) -> dict[str, float | None]:
    return {
        "pol_difficulty_bits": mining.difficulty,
        "pol_tries": mining.tries,
        "pol_tries_per_second": mining.tries_per_s,
        "pol_hit_rate_ratio": mining.hit_rate,
        "pol_moving_weights_ratio": mining.moving_weights,
        "pol_network_warnings": len(mining.warnings),
        "pol_segment_step": mining.segment_step,
        "pol_segment_steps": mining.segment_steps,
        "pol_training_time_ratio": mining.training_share,
        "pol_accuracy_before_ratio": mining.accuracy_before,
        "pol_accuracy_after_ratio": mining.accuracy_after,
        "pol_blocks_finalized": finalized,
        "pol_rewards_learn": rewards,
    }


def _rounded(mining: Mining) -> dict[str, float | None]:
    values = asdict(mining)
    del values["warnings"]  # entries of their own
    return {name: None if value is None else round(value, 4) for name, value in values.items()}
