"""The grouped search: many nonces per pass, on the W that all children of a block share.

    repeat:
        seeds of the next G nonces -> requirements R and batches P of each
        one pass over all G batches, which goes on only with groups whose step meets R so far    (passes.py)
        those that are left are candidates; the first that stands is the proof                   (candidates.py)

Helpers do the same with other nonces (crew.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from pol_oracle.protocol.errors import InputError
from pol_oracle.task import Workload
from pol_oracle.task.proof import Base, Job, Progress, Proof, StoppedError, Watch

from ..candidates import CandidateCheck, Counter, counters
from ..crew import Coordinator, Rendezvous, SoloSearch
from ..draws import NonceDraw, Nonces
from ..torch_models import pick_device
from .passes import Passes, groups_for


class GroupedSearch:
    """The grouped search for one workload with hardened rules.

    Args:
        workload: the task.
        groups: G, nonces of a pass; None takes what suits the device.
        device: where torch computes; by default CUDA if present.
        rendezvous: where helpers find this process, which leads; None searches alone.

    Attributes:
        counters: what counts accuracy, in turn.

    Raises:
        InputError: the task has the paper's rules, which Algorithm 1 is for.
    """

    def __init__(
        self,
        workload: Workload,
        groups: int | None = None,
        device: torch.device | None = None,
        rendezvous: Rendezvous | None = None,
    ) -> None:
        if not workload.rules.derived_state:
            raise InputError("the grouped search is for hardened rules: use Algorithm 1 for the paper's")
        self._workload = workload
        device = device or pick_device(rendezvous.local if rendezvous is not None else 0)
        self.counters: Sequence[Counter] = counters(workload, device)
        self._groups = groups or groups_for(workload, device)
        self._passes = Passes(workload, device)
        self._crew = SoloSearch() if rendezvous is None else Coordinator(rendezvous, workload.task.id)

    def search(
        self,
        job: Job,
        base: Base,
        *,
        start_nonce: int = 0,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Proof | None:
        """See :class:`Search`."""
        watch = Watch(Progress(start_nonce), should_stop, on_progress)
        nonces, check = Nonces(self._workload, job), CandidateCheck(self._workload, job, base, self.counters)
        self._passes.load(base.state)
        with self._crew.on(job, base, start_nonce) as shift:
            try:
                while True:
                    watch.ask()
                    tried = shift.claim(self._groups)
                    found = [*self._passes.run(nonces, tried), *map(nonces.draw, shift.found())]
                    watch.count(tries=shift.claimed, passed=len(found))
                    proof = _first_that_stands(check, found, watch)
                    watch.report()
                    if proof is not None:
                        return proof
            except StoppedError:
                return None

    def close(self) -> None:
        """See :class:`Search`; lets helpers go."""
        self._crew.close()


def _first_that_stands(check: CandidateCheck, found: Sequence[NonceDraw], watch: Watch) -> Proof | None:
    proofs = (check.confirm(draw, watch) for draw in found)
    return next((proof for proof in proofs if proof is not None), None)
