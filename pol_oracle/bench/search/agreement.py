"""Is the canonical step the same mathematics as torch's? Logits, gradients and directions, over many seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.models import MODEL_NAMES, Model, build_model
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.search import build_module, load_state, read_state
from pol_oracle.search.torch_models import images_to_torch

from ..format import Row

SEEDS = 20
WEIGHTS = 1000  # whose directions are compared
BATCH = 4
RATE = 2.0**10  # so great that W' - W is the gradient to within rounding
TRAINING_STEPS, TRAINING_BATCH = 10, 8
LOGITS_BAR, GRADIENTS_BAR, DIRECTIONS_BAR = 1e-5, 1e-3, 0.995

Bytes = NDArray[np.uint8]
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Agreement:
    """How one canonical step compares with torch's.

    Attributes:
        logits: greatest difference of the evaluation's logits, relative to the greatest logit.
        gradients: norm of the difference of all gradients, relative to their norm; torch's ReLUs pass what ours do.
        free: the same with torch's ReLUs left alone.
        directions: fraction of random weights that both move the same way, or not at all.
    """

    logits: float
    gradients: float
    free: float
    directions: float


def agreement(_scratch: Path) -> Iterator[Row]:
    """The worst of 20 seeds per model, at initialisation and after training, against torch in float64.

    Where some activation is within rounding of zero, a ReLU may pass it in one arithmetic and stop it in the other, and
    the gradients differ by what that one is worth. So the bar is on gradients between which no ReLU differs; those with
    torch's ReLUs left alone are set against torch's own float32, to which the same happens.
    """
    for name in MODEL_NAMES:
        model = build_model(name)
        for stage, steps in (("initial", 0), ("trained", TRAINING_STEPS)):
            states = [trained(model, seed, steps) for seed in range(SEEDS)]
            found = [compare(model, state, seed) for seed, state in enumerate(states)]
            theirs = max(rival(model, state, seed) for seed, state in enumerate(states))
            place, free = f"{name}.{stage}", max(a.free for a in found)
            yield Row(f"agreement.logits.{place}", max(a.logits for a in found), "relative", bar=LOGITS_BAR)
            yield Row(f"agreement.gradients.{place}", max(a.gradients for a in found), "relative", bar=GRADIENTS_BAR)
            yield Row(f"agreement.gradients.free.{place}", free, "relative", baseline=theirs)
            least = min(a.directions for a in found)
            yield Row(f"agreement.directions.{place}", least, "fraction", bar=DIRECTIONS_BAR, higher_is_better=True)


def trained(model: Model, seed: int, steps: int) -> State:
    """Weights of a seed after some steps of torch's SGD on random images, each class with a brightness of its own."""
    state = State.initial(model, seed)
    if not steps:
        return state
    module = build_module(model)
    load_state(module, state)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
    for number in range(steps):
        images, labels = samples(1000 * seed + number, TRAINING_BATCH)
        optimiser.zero_grad()
        loss: Any = functional.cross_entropy(module(images_to_torch(images, CPU)), torch.from_numpy(labels).long())
        loss.backward()
        optimiser.step()
    return read_state(module, model)


def samples(seed: int, count: int) -> tuple[Bytes, Bytes]:
    """Random images, uint8 [count, 32, 32, 3], and labels that their brightness tells."""
    numbers = np.random.default_rng(seed)
    labels = numbers.integers(0, 10, count).astype(np.uint8)
    noise = numbers.integers(0, 128, (count, 32, 32, 3))
    return (noise + 12 * labels[:, None, None, None]).astype(np.uint8), labels


def compare(model: Model, state: State, seed: int) -> Agreement:
    """Compares one step on a batch of a seed, and the evaluation's logits, with torch in float64."""
    images, labels = samples(10**6 + seed, BATCH)
    stepper = Stepper(model, BATCH, int(np.float32(RATE).view(np.uint32)))
    result = stepper.run(state, images, labels)
    pre, post = state.to_torch(), result.post.to_torch()
    free = torch_gradients(model, state, seed, torch.float64)
    with _passing(stepper.program, result.trace.tensors()):
        exact = torch_gradients(model, state, seed, torch.float64)
    ours = np.concatenate(
        [((pre[w.name].astype(np.float64) - post[w.name]) / RATE).reshape(-1) for w in model.parameters]
    )
    chosen = np.random.default_rng(seed).choice(free.size, WEIGHTS, replace=False)
    return Agreement(
        logits=_logits(model, state, images),
        gradients=_distance(ours, exact),
        free=_distance(ours, free),
        directions=float((np.sign(ours[chosen]) == np.sign(free[chosen])).mean()),
    )


def rival(model: Model, state: State, seed: int) -> float:
    """Returns what :attr:`Agreement.free` is of torch's own float32."""
    free = torch_gradients(model, state, seed, torch.float64)
    return _distance(torch_gradients(model, state, seed, torch.float32), free)


def torch_gradients(model: Model, state: State, seed: int, kind: torch.dtype) -> NDArray[np.float64]:
    """Returns the gradients of all parameters on a seed's batch, one after the other, as torch computes them."""
    images, labels = samples(10**6 + seed, BATCH)
    module = build_module(model).to(kind)
    module.load_state_dict({n: torch.from_numpy(t).to(kind) for n, t in state.to_torch().items()}, strict=False)
    logits = module.train()(images_to_torch(images, CPU).to(kind))
    loss: Any = functional.cross_entropy(logits, torch.from_numpy(labels).long())
    loss.backward()
    named = dict(module.named_parameters())
    return np.concatenate([_gradient(named[w.name]).reshape(-1) for w in model.parameters])


def _distance(found: NDArray[np.float64], exact: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


@contextmanager
def _passing(program: Program, tensors: Sequence[FloatArray]) -> Iterator[None]:
    """Within it, torch's ReLUs pass what those of a trace passed, in the order in which both come to them."""
    rectified = [
        torch.from_numpy(tensors[number] > 0).transpose(0, 1)
        for number, operation in enumerate(program.operations, program.first)
        if operation.label.endswith(" rectified")
    ]
    masks, usual = iter(rectified), functional.relu

    def relu(input: torch.Tensor, inplace: bool = False) -> torch.Tensor:  # noqa: A002 - torch's own name
        return input * next(masks)

    functional.relu = relu
    try:
        yield
    finally:
        functional.relu = usual


def _gradient(parameter: torch.nn.Parameter) -> NDArray[np.float64]:
    assert parameter.grad is not None
    return np.asarray(parameter.grad.numpy(), np.float64)


def _logits(model: Model, state: State, images: Bytes) -> float:
    module = build_module(model).double().eval()
    tensors = {name: torch.from_numpy(tensor).double() for name, tensor in state.to_torch().items()}
    module.load_state_dict(tensors, strict=False)
    with torch.inference_mode():
        theirs = module(images_to_torch(images, CPU).double()).numpy()
    ours = Evaluator(model).logits(state, images)
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
