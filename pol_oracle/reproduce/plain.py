"""Plain training by torch on given batches, beside which the chain trains. The only module of torch here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch.nn import functional

from pol_oracle.canonical.state import State
from pol_oracle.search import build_module, load_state, read_state, set_up_torch
from pol_oracle.search.torch_models import images_to_torch
from pol_oracle.task import Workload

_CPU = torch.device("cpu")


class PlainTraining:
    """SGD without momentum; batch norm's running statistics move.

    Args:
        workload: the task: network, data and learning rate.
        state: where to begin.
    """

    def __init__(self, workload: Workload, state: State) -> None:
        set_up_torch(1)  # a step on four samples is too short to share
        self._workload = workload
        self._module = build_module(workload.model).train()
        load_state(self._module, state)
        rate = float(np.array(workload.task.learning_rate, np.uint32).view(np.float32))
        self._optimiser = torch.optim.SGD(self._module.parameters(), rate)

    def train(self, batches: Iterable[tuple[int, ...]]) -> None:
        """Takes a step on each batch of training samples."""
        train = self._workload.train
        for indices in batches:
            chosen = list(indices)
            labels = torch.from_numpy(train.labels[chosen].astype(np.int64))
            self._optimiser.zero_grad()
            loss = functional.cross_entropy(self._module(images_to_torch(train.images[chosen], _CPU)), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()

    @property
    def state(self) -> State:
        """The network as it is now."""
        return read_state(self._module, self._workload.model)
