"""One pass of the grouped search: G nonces of one W, tried and trained on together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.task import Workload

from .attempt import Nonces
from .draws import Draw, Drawn, Integers
from .grouped_network import GroupedNetwork, Slopes
from .torch_models import scaled

MARGIN = 0.5  # a rough slope below this share of its scale has no trustworthy sign (see `pol bench search`)
_LEAST_LOOK = 8  # groups of a recorded look

FIRST_LOOK = 8  # weights: one group of 256 passes, and a second look at it costs little


@dataclass(frozen=True)
class Round:
    """What came of trying some nonces of a W.

    Attributes:
        tries: how many; the next one follows on the last.
        candidates: of these, those whose step met R in torch.
        loss: mean loss of the batch.
    """

    tries: int
    candidates: Sequence[Draw]
    loss: float


@dataclass(frozen=True)
class Groups:
    """Nonces as arrays.

    Attributes:
        tensors: int64 [G, k], number of the state's tensor that each required weight is in.
        elements: int64 [G, k], its flat index there.
        up: bool [G, k], which way it must go.
        indices: int64 [G, S], training samples.
    """

    tensors: Integers
    elements: Integers
    up: NDArray[np.bool_]
    indices: Integers

    def first(self, count: int) -> Groups:
        """Returns the groups with their first few weights only."""
        return Groups(self.tensors[:, :count], self.elements[:, :count], self.up[:, :count], self.indices)

    def some(self, chosen: Integers) -> Groups:
        """Returns some of the groups."""
        return Groups(self.tensors[chosen], self.elements[chosen], self.up[chosen], self.indices[chosen])


class Passes:
    """Tries nonces by the group, on the W that a network holds.

    Args:
        workload: the task, of hardened rules.
        network: the network.
        device: where torch computes.

    Attributes:
        learning_rate: of the checked step.
    """

    def __init__(self, workload: Workload, network: GroupedNetwork, device: torch.device) -> None:
        self._network, self._device = network, device
        ranges = workload.eligible.ranges
        self._ends = np.cumsum([r.count for r in ranges])
        columns = [(r.tensor, r.start, r.run, r.stride, r.count) for r in ranges]
        self._ranges = np.array(columns, np.int64).T
        self._images = torch.from_numpy(workload.train.images.copy()).to(device)
        self._labels = torch.from_numpy(workload.train.labels.astype(np.int64)).to(device)
        self.learning_rate = np.float32(workload.spec.learning_rate)

    def groups(self, drawn: Drawn) -> Groups:
        """Returns nonces with their weights where they lie in the state."""
        at = np.searchsorted(self._ends, drawn.weights, side="right")
        tensor, start, run, stride, count = self._ranges[:, at]
        rest = drawn.weights - (self._ends[at] - count)
        elements = start + rest // run * stride + rest % run
        return Groups(tensor, elements, drawn.up, drawn.indices)

    def run(self, nonces: Nonces, first: int, count: int, *, mixed: bool) -> Round:
        """Tries ``count`` nonces from ``first`` up, and trains on all of their samples."""
        found, loss = self.train(self.groups(nonces.drawn(first, count)), mixed=mixed)
        return Round(count, [nonces.draw(first + int(i)) for i in found], loss)

    def train(self, groups: Groups, *, mixed: bool = False) -> tuple[Integers, float]:
        """Sets the network's gradients, and looks for groups whose step would move all weights their way.

        Few groups pass a first look, which comes with the training pass; those are looked at again, more closely.

        Args:
            groups: the nonces.
            mixed: make the training pass in bfloat16. Where a pass is not exact, and on a GPU none is, a group is
                dropped only where a slope clearly points the wrong way. Else it is judged by its first few weights.

        Returns:
            The numbers of those groups, and the mean loss.
        """
        rough = mixed or not self._network.exact
        seen = groups if rough else groups.first(FIRST_LOOK)
        slopes, loss = self._network.train(*self._samples(seen), seen.tensors, seen.elements, mixed=mixed)
        wrong = _clearly_wrong(seen, slopes).any(axis=1) if rough else ~self.meets(seen, slopes)
        hopeful = np.flatnonzero(~wrong)
        if len(hopeful) and (rough or seen.up.shape != groups.up.shape):
            some = groups.some(hopeful)
            hopeful = hopeful[self.meets(some, self.look(some))]
        return hopeful, float(loss)

    def look(self, groups: Groups) -> Slopes:
        """The groups' slopes in float32; changes nothing. Where passes are recorded, there are few sizes of looks."""
        count, size = len(groups.up), len(groups.up)
        if self._network.records:
            size = max(_LEAST_LOOK, 1 << (count - 1).bit_length())
        some = groups.some(np.resize(np.arange(count), size)) if size != count else groups
        return self._network.look(*self._samples(some), some.tensors, some.elements).first(count)

    def kept_by_sieve(self, groups: Groups, *, mixed: bool) -> float:
        """Measures which share of the groups that would pass in float32 the sieve of a pass lets through."""
        if self._network.exact and not mixed:
            return 1.0
        true = self.look(groups)
        rough, _ = self._network.train(*self._samples(groups), groups.tensors, groups.elements, mixed=mixed)
        right = groups.up == (true.value < 0)
        lost = (right & _clearly_wrong(groups, rough)).sum() / max(1, int(right.sum()))
        return float((1 - lost) ** groups.up.shape[1])

    def _samples(self, groups: Groups) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and labels, sample-major."""
        chosen = torch.from_numpy(groups.indices.T.reshape(-1)).to(self._device)
        return scaled(self._images.index_select(0, chosen)), self._labels.index_select(0, chosen)

    def moves(self, groups: Groups, slopes: Slopes) -> NDArray[np.bool_]:
        """Which weights move as required, bool [G, k]; as ``protocol.rules.satisfies`` under strict rules."""
        after = slopes.weight - self.learning_rate * slopes.value
        right = np.where(groups.up, after > slopes.weight, after < slopes.weight)
        return np.asarray(right & np.isfinite(after))

    def meets(self, groups: Groups, slopes: Slopes) -> NDArray[np.bool_]:
        """Which groups' weights all do, bool [G]."""
        return np.asarray(self.moves(groups, slopes).all(axis=1))


def _clearly_wrong(groups: Groups, slopes: Slopes) -> NDArray[np.bool_]:
    """Which slopes contradict their requirement beyond doubt; a weight goes up against its slope."""
    return np.asarray(np.where(groups.up, slopes.value, -slopes.value) > MARGIN * slopes.scale)
