"""How an honest miner makes a proof: it trains on, and searches meanwhile.

It goes on with its own weights, as its last proof left them, while they are about as good as the parent's. Weights of
others are taken over where they are clearly better. They are as accurate as their block claims, but may be built so
that nobody can train on from them (by scaling layers, say), which would stop everybody who always followed the parent.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import RuleError
from pol_oracle.search import Progress, Proof, Search
from pol_oracle.store import StateStore
from pol_oracle.task import Workload, fetch_state

from .job import Job
from .meter import Meter
from .worker import Cancelled

log = structlog.get_logger(__name__)

NONCE_BITS = 63  # of the first one; nonces are uint64


@dataclass
class Production:
    """Searches until a proof is found.

    Attributes:
        workload: the task.
        store: where the parent's W' is read.
        search: how to look for proofs.
        meter: told how the search goes, if anybody wants to know.
        own: the last proof that was made, if any.
    """

    workload: Workload
    store: StateStore
    search: Search
    meter: Meter | None = None
    own: Proof | None = None

    def __call__(self, job: Job, cancelled: Callable[[], bool]) -> Proof:
        """Makes a proof.

        Args:
            job: what to build on.
            cancelled: asked now and then; True ends the work with :class:`Cancelled`.

        Raises:
            StoreError: the parent's W' is not served.
            Cancelled: as asked.
        """
        # a job may begin where an earlier one did, with the same W: then other nonces must be tried
        start, nonce = self._start(job), secrets.randbits(NONCE_BITS)

        def note(progress: Progress) -> None:
            nonlocal nonce
            nonce = progress.nonce
            if self.meter is not None:
                self.meter.note(progress)

        while True:
            if self.meter is not None:
                self.meter.begin(job.difficulty)
            try:
                proof = self.search.search(
                    job.parent,
                    job.miner,
                    start,
                    job.difficulty,
                    start_nonce=nonce,
                    should_stop=cancelled,
                    on_progress=note,
                )
            except RuleError as error:
                log.warning("training begins again, from the parent's weights", reason=str(error))
                self.own = None
                start = self._start(job)
                continue
            if proof is None:
                raise Cancelled
            self.own = proof
            return proof

    def _start(self, job: Job) -> State:
        own, close = self.own, self.workload.task.accuracy_slack // 2
        if own is not None and own.header.correct_after + close >= job.parent.correct_after:
            return own.post
        if job.parent.post_root is None:
            return self.workload.initial
        return fetch_state(self.store, self.workload.model, job.parent.post_root)
