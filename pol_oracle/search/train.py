"""Ordinary training: how states better than chance are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from pol_oracle.canonical.state import State
from pol_oracle.data import Samples
from pol_oracle.protocol.errors import RuleError
from pol_oracle.task import Workload

from .torch_models import build_module, images_to_torch, load_state, pick_device

_EVALUATION_BATCH = 512


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        batch_size: samples per training step.
        learning_rate: of SGD.
        momentum: of SGD; starts from rest on every call.
        weight_decay: of SGD.
        average: share of the running average that each step keeps; the average is what training returns. It classifies
            better than the last weights and far more steadily. 0 returns the last weights.
    """

    batch_size: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    average: float = 0.95


def train(
    workload: Workload,
    state: State,
    *,
    steps: int,
    seed: int,
    recipe: Recipe | None = None,
    device: torch.device | None = None,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[int, float], None] | None = None,
) -> State:
    """Trains with momentum SGD on random batches, and updates batch norm's running statistics.

    Args:
        workload: the task.
        state: where to begin.
        steps: training steps to do.
        seed: of the order of samples; the same seed gives the same state on the same machine.
        recipe: hyper-parameters.
        device: where torch computes; by default CUDA if present.
        should_stop: asked before every step; what was learned so far is returned.
        on_progress: told (steps done, loss) after every step.

    Returns:
        The trained state.

    Raises:
        RuleError: training diverged: a weight is not finite.
    """
    recipe, device = recipe or Recipe(), device or pick_device()
    module = build_module(workload.model).to(device).train()
    load_state(module, state)
    optimiser = torch.optim.SGD(
        module.parameters(), recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    average = {name: tensor.clone() for name, tensor in _floats(module)}
    order = np.random.default_rng(seed)
    for done in range(1, steps + 1):
        if should_stop is not None and should_stop():
            break
        chosen = order.choice(len(workload.train), min(recipe.batch_size, len(workload.train)), replace=False)
        loss = _step(module, optimiser, *_batch(workload.train, chosen, device))
        if recipe.average:
            for name, tensor in _floats(module):
                average[name].lerp_(tensor, 1 - recipe.average)
        if on_progress is not None:
            on_progress(done, loss.item())
    kept = average if recipe.average else dict(_floats(module))
    trained = State.from_torch(workload.model, {name: tensor.cpu().numpy() for name, tensor in kept.items()})
    if not trained.finite:
        raise RuleError("training diverged: a weight is not finite; use a smaller learning rate")
    return trained


def _step(
    module: nn.Module, optimiser: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    optimiser.zero_grad()
    loss = functional.cross_entropy(module(images), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    return loss


@torch.no_grad()
def count_correct(workload: Workload, state: State, device: torch.device | None = None) -> int:
    """Returns about how many test samples a state classifies correctly. Fast, and no proof: see the evaluator."""
    device = device or pick_device()
    module = build_module(workload.model).to(device).eval()
    load_state(module, state)
    correct = 0
    for at in range(0, len(workload.test), _EVALUATION_BATCH):
        images, labels = _batch(workload.test, np.arange(at, min(at + _EVALUATION_BATCH, len(workload.test))), device)
        correct += int((module(images).argmax(1) == labels).sum())
    return correct


def _floats(module: nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters and buffers, detached, less batch norm's count of batches."""
    return [(name, tensor) for name, tensor in module.state_dict().items() if tensor.is_floating_point()]


def _batch(samples: Samples, chosen: NDArray[np.int64], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.from_numpy(samples.labels[chosen].astype(np.int64))
    return images_to_torch(samples.images[chosen], device), labels.to(device)
