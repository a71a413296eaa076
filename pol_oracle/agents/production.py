"""How an honest miner makes a proof: it trains on from the parent's W', and searches meanwhile."""

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


@dataclass(frozen=True)
class Production:
    """Searches until a proof is found.

    Attributes:
        workload: the task.
        store: where the parent's W' is read.
        search: how to look for proofs.
        meter: told how the search goes, if anybody wants to know.
    """

    workload: Workload
    store: StateStore
    search: Search
    meter: Meter | None = None

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
                log.warning("starting again from the parent's weights", reason=str(error))
                continue
            if proof is None:
                raise Cancelled
            return proof

    def _start(self, job: Job) -> State:
        if job.parent.post_root is None:
            return self.workload.initial
        return fetch_state(self.store, self.workload.model, job.parent.post_root)
