"""The miner's default optimiser: momentum SGD whose weights are an average of where it has been.

A chain refuses blocks that are less accurate than their parent, and the weights of plain momentum SGD jitter: on the
devnet's task they classify 80 to 85 % of the test set where their running average classifies 90 %. The gradient of a
search is taken where the miner would propose, so the average itself has to be W. Schedule-free SGD (Defazio et al.,
2024) does that:

    z = z - lr * gradient(W)         the fast point
    x = (1 - share) x + share * z    its average
    W = (1 - momentum) z + momentum * x

It has no schedule that a chain without an end could not have, and resting on W = x = z it moves as SGD with momentum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import nn

_BATCH = 64  # samples, for which the defaults are good
_SHARE = 0.02
_WARM_UP, _WARM_UP_SAMPLES = 100, 25_600  # steps at most, and samples where those are more
_LONGEST = 4.0  # at 8 training became unstable, whatever the batch


class AveragedSGD(torch.optim.Optimizer):
    """Schedule-free SGD with a constant share of the average.

    Args:
        parameters: W, whose gradients each step takes.
        lr: of the fast point.
        momentum: how much of W is the average.
        share: of the fast point in the average, at each step.
        weight_decay: pulls the fast point towards zero, in proportion to W.
        warm_up: steps in which ``lr`` rises to its value, in equal parts.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float = 1.0,
        momentum: float = 0.9,
        share: float = _SHARE,
        weight_decay: float = 5e-4,
        warm_up: int = _WARM_UP,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "share": share, "weight_decay": weight_decay, "warm_up": warm_up}
        super().__init__(parameters, options | {"steps": 0})

    def suit(self, samples: int) -> None:
        """Adapts to gradients of so many samples: a larger batch has less noise, and takes longer steps.

        Both step and share grow with the root of the batch, so that the same samples teach about the same, up to where
        steps would be too long for any batch. Of large batches fewer steps are warm-up, or it would take most of a run.
        """
        scale = min(math.sqrt(samples / _BATCH), _LONGEST)
        warm_up = min(_WARM_UP, math.ceil(_WARM_UP_SAMPLES / samples))
        for group in self.param_groups:
            group.update(lr=scale, share=min(1.0, _SHARE * scale), warm_up=warm_up)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Moves W. A closure, which some optimisers call for the loss, is called once."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            for p in moving:
                if not self.state[p]:
                    self.state[p] = {"fast": p.detach().clone(), "average": p.detach().clone()}
            self._move(group, moving)
        return loss

    def _move(self, group: dict[str, Any], weights: list[torch.Tensor]) -> None:
        if not weights:
            return
        fast = [self.state[p]["fast"] for p in weights]
        average = [self.state[p]["average"] for p in weights]
        slopes = [p.grad for p in weights if p.grad is not None]
        group["steps"] += 1
        lr = group["lr"] * min(1.0, group["steps"] / group["warm_up"])
        torch._foreach_add_(fast, slopes, alpha=-lr)
        torch._foreach_add_(fast, weights, alpha=-lr * group["weight_decay"])
        torch._foreach_lerp_(average, fast, group["share"])
        torch._foreach_copy_(weights, average)
        torch._foreach_lerp_(weights, fast, 1 - group["momentum"])
