"""How an honest miner makes a proof: it computes W after the parent, and searches on it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from pol_oracle.protocol.errors import InputError, NotFinite
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.search import Base, Job, Progress, Proof, Search

from .monitoring.health import moving
from .monitoring.meter import Meter
from .work.follow import Ask, Follower
from .work.worker import Cancelled

NONCE_BITS = 63  # of the first one; nonces are uint64


@dataclass
class Production:
    """Searches until a proof is found.

    Attributes:
        follower: computes W.
        search: how to look for proofs.
        meter: told how the search goes, if anybody wants to know.
    """

    follower: Follower
    search: Search
    meter: Meter | None = None

    def __call__(self, job: Job, cancelled: Ask) -> Proof:
        """Makes a proof.

        Args:
            job: what to build on.
            cancelled: asked now and then; True ends the work with :class:`Cancelled`.

        Raises:
            InputError: no child of the parent can be valid.
            Cancelled: as asked.
        """
        base = self._base(job, cancelled)
        if self.meter is not None:
            self.meter.begin(job.difficulty)
        try:
            proof = self.search.search(
                job,
                base,
                start_nonce=secrets.randbits(NONCE_BITS),  # a job may have been begun before: then others must be tried
                should_stop=cancelled,
                on_progress=self._note,
            )
        except NotFinite as error:
            raise InputError(f"after {job.parent.hex()} {error}: nothing can be built on it") from error
        if proof is None:
            raise Cancelled
        self._keep(proof)
        return proof

    def _base(self, job: Job, cancelled: Ask) -> Base:
        workload = self.follower.workload
        if not workload.rules.derived_state:
            return Base(ZERO, self.follower.post(job.lineage, cancelled))
        segment = self.follower.segment(job.parent, job.lineage, cancelled)
        if not segment.finite:
            raise InputError(f"the segment after {job.parent.hex()} is not finite: nothing can be built on it")
        if self.meter is not None:
            self.meter.moved(moving(workload, segment.start, segment.end))
        return Base(segment.root, segment.end)

    def _note(self, progress: Progress) -> None:
        if self.meter is not None:
            self.meter.note(progress)

    def _keep(self, proof: Proof) -> None:
        """What demands about the block may ask for, and what its children start from."""
        count = self.follower.workload.task.test_count
        before, after = (bits[:count] for bits in proof.accuracy.bits)
        self.follower.counted(proof.pre.root, before)
        self.follower.counted(proof.post.root, after)
        self.follower.keep(proof.post)
