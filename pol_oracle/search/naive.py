"""Algorithm 1 of the paper as written: for each nonce, one SGD step, and a look at the required weights.

for nonce = start, start + 1, ...:
    seed(parent, miner, nonce) -> requirements R and batch P    (paper's rules: R from the parent, P free)
    W' = W - lr * gradient of the loss on P                     in torch
    if R is met, and the canonical step and accuracy confirm it (candidates.py): return the proof
    under the paper's rules, where W is free: W = W'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pol_oracle.protocol.derivation import Requirement
from pol_oracle.protocol.difficulty import whole_bits
from pol_oracle.protocol.rules import satisfies
from pol_oracle.task import Workload, weights_of
from pol_oracle.task.proof import Base, Job, Progress, Proof, StoppedError, Watch

from .candidates import CandidateCheck, Counter, counters
from .draws import Nonces
from .torch_models import (
    build_module,
    exact_float32,
    images_to_torch,
    in_canonical_layout,
    load_state,
    pick_device,
    read_state,
)


class NaiveSearch:
    """Algorithm 1 for one workload.

    Args:
        workload: the task.
        device: where torch computes; by default CUDA if present.

    Attributes:
        counters: what counts accuracy, in turn.
    """

    def __init__(self, workload: Workload, device: torch.device | None = None) -> None:
        self._workload = workload
        self._device = device or pick_device()
        self._module = build_module(workload.model).to(self._device).train()
        self._parameters = dict(self._module.named_parameters())
        self.counters: Sequence[Counter] = counters(workload, self._device)
        self._learning_rate = np.float32(workload.spec.learning_rate)

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
        load_state(self._module, base.state)
        nonces, check = Nonces(self._workload, job), CandidateCheck(self._workload, job, base, self.counters)
        watch = Watch(Progress(start_nonce), should_stop, on_progress)
        nonce = start_nonce
        try:
            while True:
                watch.ask()
                watch.count(tries=1)
                draw, proof = nonces.draw(nonce), None
                gradients = self._gradients(draw.indices)
                if self._meets(draw.required[: whole_bits(job.difficulty)], gradients):
                    watch.count(passed=1)
                    proof = self._now(check).confirm(draw, watch)
                watch.report()
                if proof is not None:
                    return proof
                self._move(gradients)
                nonce += 1
        except StoppedError:
            return None

    def close(self) -> None:
        """See :class:`Search`; holds nothing."""

    def _gradients(self, indices: Sequence[int]) -> Mapping[str, Tensor]:
        """The gradient of the loss on a batch."""
        train, chosen = self._workload.train, list(indices)
        images = images_to_torch(train.images[chosen], self._device)
        labels = torch.from_numpy(train.labels[chosen].astype(np.int64)).to(self._device)
        with exact_float32():
            loss = functional.cross_entropy(self._module(images), labels)
            gradients = torch.autograd.grad(loss, list(self._parameters.values()))
        return dict(zip(self._parameters, gradients, strict=True))

    def _meets(self, required: Sequence[Requirement], gradients: Mapping[str, Tensor]) -> bool:
        """Says whether the step meets requirements."""
        return all(self._met(requirement, gradients) for requirement in required)

    def _met(self, requirement: Requirement, gradients: Mapping[str, Tensor]) -> bool:
        tensor, elements = weights_of(self._workload, requirement)
        weight = self._workload.model.state[tensor]
        at = np.unravel_index(elements, weight.shape)
        held, slope = (
            in_canonical_layout(weight, t[weight.name].detach())[at].cpu().numpy()
            for t in (self._parameters, gradients)
        )
        after = held - self._learning_rate * slope
        return satisfies(self._workload.rules, held.tolist(), after.tolist(), requirement.odd)

    def _now(self, check: CandidateCheck) -> CandidateCheck:
        """The check on the W of this moment; where tries move it, its running statistics have seen P already."""
        if self._workload.rules.derived_state:
            return check
        return check.on(read_state(self._module, self._workload.model))

    @torch.no_grad()
    def _move(self, gradients: Mapping[str, Tensor]) -> None:
        """Takes the step where W is free."""
        if not self._workload.rules.derived_state:
            for name, parameter in self._parameters.items():
                parameter.sub_(gradients[name], alpha=float(self._learning_rate))
