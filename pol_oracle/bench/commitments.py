"""Trees and replay: what committing to a state and a trace costs, and what checking a block costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path

import numpy as np

from pol_oracle.canonical.commitments.trees import tensor_root
from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.data import DataSpec
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload, build_workload, requirements_of, state_before, train_segment, unmet
from pol_oracle.task_file import TaskSpec

from .canonical import BATCH, RATE, THREADS, Bytes, Case, case, torch_step
from .format import Row
from .timing import fastest, seconds

LEAF_BYTES = 256
ROOT_BAR = 1 / 2.5  # times the seconds of the fastest keccak on PyPI in a Python loop over the same leaves
TRACE_BAR = 1.3  # times the hashing of a trace's bytes
REPLAY_BAR = 12  # times torch's step
REQUIREMENTS = 10
STEPS = 8  # of a segment


def trees(_scratch: Path) -> Iterator[Row]:
    """Roots of ResNet-18's weights and of a step's trace, one thread."""
    model = build_model("resnet18")
    state = State.initial(model, 1)
    ours, *theirs = fastest(lambda: State(model, state.flat).root, *_loops(state.flat), rounds=5)
    yield Row("trees.state_root", 1000 * ours, "ms", baseline=1000 * min(theirs), bar=1000 * min(theirs) * ROOT_BAR)
    for name in ("resnet18-7x7", "resnet18", "vgg", "cnn"):
        prepared = case(name)
        stepper = Stepper(prepared.model, BATCH, RATE)
        every = sum(prod(shape) for shape in stepper.program.shapes)
        inner = every - 2 * prepared.model.elements
        flat = np.zeros(every, np.float32)
        (hashing,) = fastest(_hashing(flat), rounds=5)
        root = min(_trace_root(stepper, prepared) for _ in range(6))
        bar = 1000 * hashing * TRACE_BAR if name.startswith("resnet18") else None  # small ones are all overhead
        yield Row(f"trees.trace_root.{name}", 1000 * root, "ms", 1000 * hashing, bar=bar)
        yield Row(f"trees.trace_bytes.{name}", 4 * inner / 1e6, "MB")


def _hashing(flat: FloatArray) -> Callable[[], object]:
    return lambda: tensor_root(flat)


def _trace_root(stepper: Stepper, prepared: Case) -> float:
    """Seconds for the root of a step just done, those of W and W' included."""
    state = State(prepared.model, prepared.state.flat)
    result = stepper.run(state, prepared.images[:BATCH], prepared.labels[:BATCH])
    return seconds(lambda: result.trace.root)


def _loops(flat: FloatArray) -> list[Callable[[], object]]:
    """Python loops over the leaves of a state, one per keccak that is installed."""
    data = flat.astype(">f4").tobytes()
    leaves = [data[at : at + LEAF_BYTES] for at in range(0, len(data), LEAF_BYTES)]
    loops: list[Callable[[], object]] = []
    try:
        from sha3 import keccak_256

        loops.append(lambda: [keccak_256(leaf).digest() for leaf in leaves])
    except ImportError:  # safe-pysha3 comes with the development tools only
        pass
    from eth_hash.auto import keccak

    loops.append(lambda: [keccak(leaf) for leaf in leaves])
    return loops


def replay(scratch: Path) -> Iterator[Row]:
    """A ResNet-18 block on a W at hand: the step, the root of W' and requirements; segment, trace, accuracy apart."""
    data = DataSpec(train=64, test=64)
    spec = TaskSpec.model_validate(
        {"name": "replay", "model": "resnet18-7x7", "data": data, "chain": {"difficulty_bits": 4}}
    )
    prepared = case(spec.model)
    for threads in THREADS:
        workload = build_workload(spec, scratch / "data", threads)
        rival = torch_step(prepared, threads)
        ours, theirs = fastest(_replaying(workload, _proposed(workload)), rival, rounds=5)
        yield Row(f"replay.{threads}_threads", 1000 * ours, "ms", 1000 * theirs, bar=1000 * theirs * REPLAY_BAR)


def segments(scratch: Path) -> Iterator[Row]:
    """A step of a segment with all its roots, on one thread, beside the step alone: what committing to it costs."""
    for name in ("resnet18-7x7", "cnn"):
        spec = TaskSpec.model_validate(
            {"name": "segment", "model": name, "training_steps": STEPS, "data": {"train": 64, "test": 64},
             "chain": {"difficulty_bits": 4}}
        )  # fmt: skip
        workload = build_workload(spec, scratch / "data")
        whole, bare = fastest(*_training(workload), rounds=3)
        yield Row(f"segment.step.{name}", 1000 * whole / STEPS, "ms", 1000 * bare / STEPS)


def _training(workload: Workload) -> tuple[Callable[[], object], Callable[[], object]]:
    """A segment with its roots, and the same without."""
    block, start = bytes(32), workload.initial
    return (
        lambda: train_segment(workload, block, start).root,
        lambda: state_before(workload, block, start, workload.task.training_steps),
    )


def _proposed(workload: Workload) -> Header:
    """A block on the initial weights, as far as a replay looks at it here."""
    zero, miner = bytes(32), "0x" + 20 * "00"
    drawn = seed(workload.rules, workload.task.id, zero, miner, 0)
    indices = batch(drawn, workload.task.batch_size, workload.task.train_count)
    post = workload.stepper.run(workload.initial, *_samples(workload, indices)).post
    return Header(zero, miner, 0, indices, zero, workload.initial.root, post.root, zero, zero, 0, 0)


def _samples(workload: Workload, indices: tuple[int, ...]) -> tuple[Bytes, Bytes]:
    chosen = list(indices)
    return workload.train.images[chosen], workload.train.labels[chosen]


def _replaying(workload: Workload, header: Header) -> Callable[[], object]:
    return lambda: _replayed(workload, header)


def _replayed(workload: Workload, header: Header) -> bool:
    pre = workload.initial
    result = workload.stepper.run(pre, *_samples(workload, header.indices))
    unmet(workload, requirements_of(workload, header, REQUIREMENTS * BIT), pre, result.post)
    assert result.finite
    return result.post.root == header.post_root
