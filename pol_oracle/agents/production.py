"""How an honest miner makes a proof: train from the parent's W', then search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import work
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import Progress, Proof, search, train_to
from pol_oracle.store import StateStore
from pol_oracle.task import Workload, fetch_state

from .job import Job
from .worker import Cancelled

_CONFIRMED = 4  # steps that meet R but do not improve accuracy, after which W is trained on
_TRIES = 32  # times the expected number of tries, after which W is trained on

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Production:
    """Trains and searches until a proof is found.

    The order of training samples follows from parent and miner, so the same machine finds the same proof again after
    a restart, and nothing is proposed twice.

    Attributes:
        workload: the task.
        store: where the parent's W' is read.
        training_steps: training steps before each search; more where W is not yet good enough for the chain.
    """

    workload: Workload
    store: StateStore
    training_steps: int

    def __call__(self, job: Job, cancelled: Callable[[], bool]) -> Proof:
        """Makes a proof.

        Args:
            job: what to build on.
            cancelled: asked now and then; True ends the work with :class:`Cancelled`.

        Raises:
            StoreError: the parent's W' is not served.
            Cancelled: as asked.
        """
        start = state = self._start(job)
        nonce = attempt = 0
        while not cancelled():
            try:
                state = self._train(job, state, attempt, cancelled)
            except RuleError as error:
                log.warning("starting again from the parent's weights", reason=str(error))
                state = start
            attempt += 1
            patience = _Patience(cancelled, job.difficulty)
            proof = search(
                self.workload,
                job.parent,
                job.miner,
                state,
                job.difficulty,
                start_nonce=nonce,
                should_stop=patience.over,
                on_progress=patience.note,
            )
            if proof is not None:
                return proof
            nonce = patience.nonce + 1
        raise Cancelled

    def _start(self, job: Job) -> State:
        if job.parent.post_root is None:
            return self.workload.initial
        return fetch_state(self.store, self.workload.model, job.parent.post_root)

    def _train(self, job: Job, state: State, attempt: int, cancelled: Callable[[], bool]) -> State:
        if not self.training_steps:
            return state
        drawn = keccak(job.parent.id + bytes.fromhex(job.miner[2:]) + attempt.to_bytes(8, "big"))
        seed = int.from_bytes(drawn[:8], "big")
        log.info("training", steps=self.training_steps, parent=job.parent.id.hex())
        floor = job.parent.correct_after - self.workload.task.accuracy_slack
        return train_to(self.workload, state, floor, steps=self.training_steps, seed=seed, should_stop=cancelled)


class _Patience:
    """When to stop searching with one W: cancelled, or it does not get better any more."""

    def __init__(self, cancelled: Callable[[], bool], difficulty: int) -> None:
        self._cancelled = cancelled
        self._limit = _TRIES * work(difficulty)
        self._worn = False
        self.nonce = 0

    def note(self, progress: Progress) -> None:
        self.nonce = progress.nonce
        idle = progress.evaluated == 0
        self._worn = idle and (progress.confirmed >= _CONFIRMED or progress.tries >= self._limit)

    def over(self) -> bool:
        return self._worn or self._cancelled()
