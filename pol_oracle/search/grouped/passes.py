"""Tries of the grouped search: which nonces' steps meet R, as far as torch can tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pol_oracle.canonical.state import State
from pol_oracle.task import Workload

from ..draws import NonceDraw, Nonces, PassDraws
from ..torch_models import scaled
from .network import Bits, GroupedNetwork, GroupRequirements

BUDGET = {"cpu": 1 << 28, "cuda": 1 << 34}  # bytes of activations that a pass keeps
MOST_GROUPS = {"cpu": 64, "cuda": 1024}  # larger passes are hardly faster, and take longer to stop


class Passes:
    """Tries nonces by the group.

    Args:
        workload: the task, of hardened rules.
        device: where torch computes.
    """

    def __init__(self, workload: Workload, device: torch.device) -> None:
        self._device = device
        rate = np.float32(workload.spec.learning_rate)
        self._network = GroupedNetwork(workload.model, device, workload.task.batch_size, rate)
        ranges = workload.eligible.ranges
        self._ends = np.cumsum([r.count for r in ranges])
        self._ranges = np.array([(r.tensor, r.start, r.run, r.stride, r.count) for r in ranges], np.int64).T
        self._images = torch.from_numpy(workload.train.images.copy()).to(device)
        self._labels = torch.from_numpy(workload.train.labels.astype(np.int64)).to(device)
        self._loaded: State | None = None

    def load(self, state: State) -> None:
        """Takes W over, unless it is the one that is there."""
        if state is not self._loaded:
            self._network.load(state)
            self._loaded = state

    def run(self, nonces: Nonces, tried: range) -> Sequence[NonceDraw]:
        """Tries nonces; returns those whose step meets R in torch."""
        met = self.met(nonces.draw_all(tried))
        return [nonces.draw(tried[int(row)]) for row in np.flatnonzero(met.all(axis=1))]

    def met(self, drawn: PassDraws, *, drop: bool = True) -> Bits:
        """Says which requirements the steps meet, bool [G, k]; see :meth:`GroupedNetwork.met`."""
        shape, leaves = drawn.leaves.shape, drawn.leaves.reshape(-1)
        at = np.searchsorted(self._ends, leaves, side="right")
        tensor, start, run, stride, count = self._ranges[:, at]
        rest = leaves - (self._ends[at] - count)
        places = start + rest // run * stride + rest % run
        groups = np.repeat(np.arange(shape[0]), shape[1])
        asked = GroupRequirements(groups, tensor, places, drawn.masks.reshape(-1), drawn.odd.reshape(-1))
        chosen = torch.from_numpy(drawn.indices.reshape(-1)).to(self._device)
        images, labels = scaled(self._images.index_select(0, chosen)), self._labels.index_select(0, chosen)
        return self._network.met(images, labels, asked, drop=drop).reshape(shape)


def groups_for(workload: Workload, device: torch.device) -> int:
    """Returns how many groups a pass should have on a device."""
    channels = {weight.name: weight.shape[0] for weight in workload.model.parameters}
    pixels = sum(g.output_height * g.output_width * channels[g.weight] for g in workload.model.geometries)
    kept = 2 * pixels * workload.task.batch_size * 4  # what convolutions make, and what becomes of it, in float32
    return max(1, min(MOST_GROUPS[device.type], BUDGET[device.type] // kept))
