"""The canonical arithmetic against torch eager: float32, the same threads, in one process."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.layers.graph import Geometry
from pol_oracle.canonical.models import Model, build_model
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.selftest import self_test
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.search import build_module, load_state, set_up_torch
from pol_oracle.search.screening import ScreeningEvaluator
from pol_oracle.search.torch_models import images_to_torch

from .format import Row
from .timing import fastest, seconds

THREADS = (1, 2)
BATCH = 4
RATE = 0x3A83126F  # 0.001
IMAGES = 1000
TORCH_BATCHES = (50, 100, 200)  # torch evaluates in the one that it likes best
STEP_BARS = {"resnet18-7x7": 1.0, "resnet18": 1.5}  # times torch
EVALUATION_BAR, SCREEN_BAR = 1.6, 1.1
SELF_TEST_BAR_S = 1.0

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Case:
    """One model with its weights, ready to run both ways."""

    model: Model
    state: State
    module: torch.nn.Module
    images: Bytes
    labels: Bytes

    def torch_images(self, count: int) -> torch.Tensor:
        """The first images as torch takes them."""
        return images_to_torch(self.images[:count], torch.device("cpu"))


def case(name: str) -> Case:
    """Builds a model at its initial weights and random samples."""
    model, numbers = build_model(name), np.random.default_rng(1)
    state, module = State.initial(model, 1), build_module(model)
    load_state(module, state)
    images = numbers.integers(0, 256, (IMAGES, 32, 32, 3)).astype(np.uint8)
    return Case(model, state, module, images, numbers.integers(0, 10, IMAGES).astype(np.uint8))


def step(_scratch: Path) -> Iterator[Row]:
    """One SGD step at batch 4."""
    for name in ("resnet18-7x7", "resnet18", "vgg", "cnn"):
        prepared = case(name)
        images, labels = prepared.images[:BATCH], prepared.labels[:BATCH]
        for threads in THREADS:
            stepper = Stepper(prepared.model, BATCH, RATE, threads)
            rival = torch_step(prepared, threads)
            ours, theirs = fastest(_step(stepper, prepared.state, images, labels), rival, rounds=20)
            bar = STEP_BARS.get(name)
            yield _against(f"step.{name}.{threads}_threads", ours, theirs, bar)


def _step(stepper: Stepper, state: State, images: Bytes, labels: Bytes) -> Callable[[], object]:
    return lambda: stepper.run(state, images, labels).finite


def torch_step(prepared: Case, threads: int) -> Callable[[], object]:
    """Settles torch's threads; returns its eager SGD step of the same batch."""
    module, images = prepared.module, prepared.torch_images(BATCH)
    labels = torch.from_numpy(prepared.labels[:BATCH]).long()
    optimiser = torch.optim.SGD(module.parameters(), lr=0.001)
    set_up_torch(threads)

    def run() -> None:
        module.train()
        optimiser.zero_grad()
        loss: Any = functional.cross_entropy(module(images), labels)
        loss.backward()
        optimiser.step()

    return run


def evaluation(_scratch: Path) -> Iterator[Row]:
    """1,000 images counted canonically and with the margin screen; torch in its best batch size."""
    for name, rounds in (("resnet18-7x7", 4), ("resnet18", 2), ("vgg", 3), ("cnn", 10)):
        prepared, resnet = case(name), name.startswith("resnet18")
        for threads in THREADS:
            set_up_torch(threads)
            evaluator = Evaluator(prepared.model, threads)
            counters = (evaluator, ScreeningEvaluator(evaluator, torch.device("cpu")))
            rivals = [_torch_evaluation(prepared, size) for size in TORCH_BATCHES]
            canonical, screened, *theirs = fastest(*(_counting(c, prepared) for c in counters), *rivals, rounds=rounds)
            place = f"{name}.{threads}_threads"
            yield _against(f"evaluation.{place}", canonical, min(theirs), EVALUATION_BAR if resnet else None)
            yield _against(f"evaluation.screened.{place}", screened, min(theirs), SCREEN_BAR if resnet else None)


def _counting(counter: Evaluator | ScreeningEvaluator, prepared: Case) -> Callable[[], object]:
    return lambda: counter.correct(prepared.state, prepared.images, prepared.labels)


def _torch_evaluation(prepared: Case, size: int) -> Callable[[], object]:
    module, images, labels = prepared.module, prepared.torch_images(IMAGES), torch.from_numpy(prepared.labels)

    def run() -> None:
        module.eval()
        with torch.inference_mode():
            for at in range(0, IMAGES, size):
                (module(images[at : at + size]).argmax(1) == labels[at : at + size]).sum().item()

    return run


def layers(_scratch: Path) -> Iterator[Row]:
    """Every distinct convolution of both ResNets at batch 4, one thread: forward pass and both gradients."""
    seen = set()
    for name in ("resnet18-7x7", "resnet18"):
        model = build_model(name)
        workspace = Workspace(model.step_program(BATCH, 0.001))
        workspace.state[:] = State.initial(model, 1).flat
        workspace.run()
        for geometry in model.geometries:
            out, kernel, _, channels = next(w.shape for w in model.parameters if w.name == geometry.weight)
            label = f"{channels}x{geometry.height}x{geometry.width}.{kernel}x{kernel}s{geometry.stride}.{out}"
            if label in seen:
                continue
            seen.add(label)
            numbers = _tensors_of(workspace.program, geometry.weight)
            rival = _torch_convolution(geometry, channels, out)
            ours, theirs = fastest(_computing(workspace, numbers), rival, rounds=5)
            yield _against(f"layers.{label}", ours, theirs, None)


def _computing(workspace: Workspace, numbers: list[int]) -> Callable[[], object]:
    return lambda: workspace.run(numbers)


def _tensors_of(program: Program, weight: str) -> list[int]:
    """The tensors of one convolution: layouts, output, new weight, gradient of the input."""
    flipped = f"{weight} flipped"
    labels = {number: op.label for number, op in enumerate(program.operations, program.first)}
    return [
        number
        for number, op in enumerate(program.operations, program.first)
        if op.label.startswith(weight) or any(labels.get(view.tensor) == flipped for view in op.operands)
    ]


def _torch_convolution(geometry: Geometry, channels: int, out: int) -> Callable[[], object]:
    x = torch.randn(BATCH, channels, geometry.height, geometry.width, requires_grad=channels != 3)
    weight = torch.randn(out, channels, geometry.kernel, geometry.kernel, requires_grad=True)

    def run() -> None:
        set_up_torch(1)
        y = functional.conv2d(x, weight, stride=geometry.stride, padding=geometry.padding)
        torch.autograd.backward(y, torch.ones_like(y))

    return run


def start_up(_scratch: Path) -> Iterator[Row]:
    """The self-test, and the most memory that this process has used so far."""
    self_test()
    yield Row("start-up.self_test", seconds(self_test), "s", bar=SELF_TEST_BAR_S)
    yield Row("start-up.peak_memory", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB")


def _against(name: str, ours: float, theirs: float, bar: float | None) -> Row:
    """A row in milliseconds with torch's as the baseline and a bar that is a multiple of it."""
    ours, theirs = 1000 * ours, 1000 * theirs
    return Row(name, ours, "ms", baseline=theirs, bar=None if bar is None else bar * theirs)
