"""What rough passes lose: bfloat16, and the TF32 that a GPU's training passes are made in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.search import pick_device, set_up_torch
from pol_oracle.search.grouped_network import GroupedNetwork
from pol_oracle.search.live_convolution import LiveConv2d
from pol_oracle.search.recorder import Kind
from pol_oracle.task import Workload

from .format import Row
from .hits import GROUPS, drawn_nonces, passes_on, states
from .search import THREADS, workload

PASSES = {"cnn": 60, "resnet18-7x7": 40, "resnet18": 10}
BITS = 8
KEPT_BAR = 0.9  # as far as a hit rate may be from 2^-b
ROUNDING = 1 << 12  # half of the 13 bits that TF32 drops of a float32


def sieves(scratch: Path) -> Iterator[Row]:
    """The share of groups that meet 8 requirements in float32 and pass the sieve of a rough pass too.

    A group is dropped if a slope clearly points the wrong way, so each right one that seems to is a loss. A row is the
    share of those that do not, to the eighth power. On a CPU TF32 is played.
    """
    set_up_torch(THREADS)
    for name, passes in PASSES.items():
        prepared = workload(name, scratch)
        for kind, state in states(prepared, name).items():
            for rough, mixed in (("tf32", False), ("bfloat16", True)):
                bar = None if mixed else KEPT_BAR  # where bfloat16 loses more, `plan` does not take it
                kept = _kept(prepared, state, passes, mixed=mixed)
                yield Row(f"sieves.{name}.{kind}.{rough}", kept, "kept", bar=bar, higher_is_better=True)


def _kept(prepared: Workload, state: State, count: int, *, mixed: bool) -> float:
    passes = passes_on(prepared, state, GroupedNetwork if mixed or pick_device().type == "cuda" else Tf32Network)
    drawn = (drawn_nonces(prepared, first, GROUPS, BITS) for first in range(0, count * GROUPS, GROUPS))
    return float(np.mean([passes.kept_by_sieve(passes.groups(some), mixed=mixed) for some in drawn]))


class Tf32Network(GroupedNetwork):
    """A network whose training passes on a CPU round as a GPU's do: what convolutions and products are given, forwards
    and backwards, keeps the 10 bits of TF32."""

    def __init__(self, model: Model, device: torch.device, samples: int) -> None:
        super().__init__(model, device, samples)
        layers = [m for m in self.module.modules() if isinstance(m, LiveConv2d | nn.Linear)]
        self._kernels = [layer.weight for layer in layers]
        self._rounds = False
        for layer in layers:
            layer.register_forward_pre_hook(self._given)
            layer.register_forward_hook(self._made)

    @property
    def exact(self) -> bool:
        """Its passes are not."""
        return False

    def _compute(self, kind: Kind, *given: Tensor) -> Tensor:
        if not kind.learn:
            return super()._compute(kind, *given)
        whole = [kernel.detach().clone() for kernel in self._kernels]
        try:
            self._set([to_tf32(kernel) for kernel in whole])
            self._rounds = True
            return super()._compute(kind, *given)
        finally:
            self._rounds = False
            self._set(whole)

    @torch.no_grad()
    def _set(self, values: list[Tensor]) -> None:
        for kernel, value in zip(self._kernels, values, strict=True):
            kernel.copy_(value)

    def _given(self, _: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Rounds what a layer is given, which is the identity for the way back."""
        return tuple(x + (to_tf32(x.detach()) - x).detach() for x in given) if self._rounds else given

    def _made(self, _: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        """Rounds the gradient that comes back, after slopes were taken of it as it is."""
        if self._rounds:
            made.register_hook(to_tf32)  # type: ignore[no-untyped-call]


def to_tf32(x: Tensor) -> Tensor:
    """Rounds float32 to the nearest number with 10 bits after the leading one, ties away from zero."""
    return ((x.view(torch.int32) + ROUNDING) & ~(2 * ROUNDING - 1)).view(torch.float32)
