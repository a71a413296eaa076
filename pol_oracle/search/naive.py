"""Algorithm 1 of the paper as written: for each nonce, one SGD step, and a look at the required weights.

for nonce = start, start + 1, ...:
    seed(parent, miner, root of W, nonce) -> requirements R and batch P    (paper rules: R from the parent, P free)
    W' = W - lr * gradient of the loss on P                                in torch
    unless every weight in R moved its way: next nonce
    unless the canonical step and the accuracy of W' confirm it: next nonce                           attempt.py
    return the proof
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional

from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import whole_bits
from pol_oracle.protocol.rules import satisfies
from pol_oracle.task import Workload

from .attempt import Attempt, Block, Counter, Weights, counters
from .draws import Draw
from .proof import Parent, Progress, Proof, StoppedError, Watch
from .torch_models import build_module, exact_float32, images_to_torch, load_state, pick_device, torch_position


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
        self.counters: Sequence[Counter] = counters(workload, self._device)
        self._learning_rate = np.float32(workload.spec.learning_rate)

    def search(
        self,
        parent: Parent,
        miner: str,
        state: State,
        difficulty: int,
        *,
        start_nonce: int = 0,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Proof | None:
        """See :class:`Search`."""
        load_state(self._module, state)
        attempt = Attempt(Block(self._workload, parent, miner, difficulty), Weights.of(state), self.counters)
        watch = Watch(Progress(start_nonce), should_stop, on_progress)
        nonce = start_nonce
        try:
            while True:
                watch.ask()
                watch.count(tries=1)
                proof = self._try(attempt, attempt.nonces.draw(nonce), watch)
                watch.report()
                if proof is not None:
                    return proof
                nonce += 1
        except StoppedError:
            return None

    def close(self) -> None:
        """See :class:`Search`; holds nothing."""

    def _try(self, attempt: Attempt, draw: Draw, watch: Watch) -> Proof | None:
        if not self.meets_in_torch(draw, attempt.block.difficulty):
            return None
        watch.count(passed=1)
        return attempt.confirm(draw, watch)

    def meets_in_torch(self, draw: Draw, difficulty: int) -> bool:
        """One SGD step, taken only where R looks; says whether the weights that any block needs moved their way."""
        train, chosen = self._workload.train, list(draw.indices)
        required = draw.required[: whole_bits(difficulty)]
        if not required:
            return True
        images = images_to_torch(train.images[chosen], self._device)
        labels = torch.from_numpy(train.labels[chosen].astype(np.int64)).to(self._device)
        parameters = dict(self._module.named_parameters())
        with exact_float32():
            loss = functional.cross_entropy(self._module(images), labels)
            gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))
        positions = [torch_position(self._workload.model, *self._workload.eligible.locate(r.weight)) for r in required]
        slopes = torch.stack([gradients[name][at] for name, at in positions]).cpu().numpy()
        before = torch.stack([parameters[name].detach()[at] for name, at in positions]).cpu().numpy()
        after = before - self._learning_rate * slopes
        moves = zip(before.tolist(), after.tolist(), required, strict=True)
        return all(satisfies(self._workload.rules, b, a, r.up) for b, a, r in moves)
