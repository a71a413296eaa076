"""The attack lab: whether a filter that predicts what a step does saves a miner the search.

A filter gives each nonce a chance of meeting R; the miner steps the most promising ones. What decides is how often a
*parity* is predicted right, at which confidence. From these shares follows what filtering gains over honest search.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import LEAF_WEIGHTS, batch, mask, seed
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import set_up_torch
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import TaskSpec

from ..format import Row
from ..timing import fastest
from .filters import CachedLayers, Filter, Floats, Indices, Labels, convolutions

STEPS = (1_000, 20_000)  # of the chain, before the W that is attacked
AGE = 257  # steps since the W whose layers an old cache holds: a block
MASKS = (1, 8, 16, 32)
BITS = range(6, 13)
BAR = 1.3  # on what a filter gains, from masks of 16 weights on
NONCES = 1_200  # each for fitting, for calibrating and for judging
CHUNK = 100
BINS = 16
SPARSE = 7  # of so many predictions one says where bins end
DRAWS = 1 << 18  # nonces that are drawn to reckon a gain
HITS = 2.4  # per block: every other one improves accuracy
MINER = "0x" + "11" * 20

Bools = NDArray[np.bool_]


def attacks(scratch: Path) -> Iterator[Row]:
    """Right directions and parities by filter, and the most that it gains per block at 6 to 12 bits."""
    set_up_torch(1)
    workload = build_workload(TaskSpec.model_validate({"name": "bench", "model": "cnn", "learning_rate": 0.1}), scratch)
    state, old, done = workload.initial, workload.initial, 0
    for steps in STEPS:
        for step in range(done, steps):
            old = state if step == steps - AGE else old
            chosen = list(_samples(workload, b"chain", step))
            state = workload.stepper.run(state, workload.train.images[chosen], workload.train.labels[chosen]).post
        done = steps
        lab = _Lab(workload, state)
        for name, filter_, making in _filters(lab, old):
            yield from lab.judge(f"attacks.cnn.{steps}.{name}", filter_, making)


def _filters(lab: _Lab, old: State) -> Iterator[tuple[str, Filter, float]]:
    """Name, filter, and the cost of making it, in tries."""
    workload, state = lab.workload, lab.state
    for layers in (1, 2):
        yield f"old_cache_{layers}", CachedLayers(workload, state, old, layers), 0.0
        fresh = CachedLayers(workload, state, state, layers)
        yield f"fresh_cache_{layers}", fresh, lab.making(fresh)
    yield "labels", Labels(workload, *lab.steps(b"fit")), 0.0


@dataclass(frozen=True)
class _Seen:
    """What a filter said about some nonces, and what happened.

    Attributes:
        gradients: predicted [nonces, leaves, 64]; 0 where it cannot tell.
        rises: bool of the same shape.
    """

    gradients: Floats
    rises: Bools


class _Lab:
    """The true steps of some nonces on one W."""

    def __init__(self, workload: Workload, state: State) -> None:
        self.workload, self.state = workload, state
        self._leaves = _eligible(workload)
        self._known: dict[bytes, tuple[Indices, Bools]] = {}
        self._try = CachedLayers(workload, state, state, 0)

    def judge(self, name: str, filter_: Filter, making: float) -> Iterator[Row]:
        """The rows of one filter."""
        fitted, seen = self._seen(filter_, b"calibrate"), self._seen(filter_, b"judge")
        errors = _Calibration.of(_margins(fitted), (fitted.gradients > 0) == fitted.rises)
        cost = self._cost(filter_)
        yield Row(f"{name}.cost", cost, "of a try")
        for size in MASKS:
            scored, judged = (_parities(s, errors, size) for s in (fitted, seen))
            believed = _Calibration.of(*scored)
            true = believed.again(*judged)
            yield Row(f"{name}.m{size}.right", float(judged[1].mean()), "of parities")
            most = max(_gain(believed.right, true.right, bits, cost, making) for bits in BITS)
            yield Row(f"{name}.m{size}.gain", most, "times", bar=BAR if size >= 16 else None)

    def steps(self, label: bytes) -> tuple[Indices, Floats]:
        """Returns samples of nonces, and W' - W at all weights of the convolutions."""
        chosen = np.array([_samples(self.workload, label, n) for n in range(NONCES)])
        return chosen, np.array([self._moved(indices) for indices in chosen])

    def making(self, cache: CachedLayers) -> float:
        """Returns what caching all training samples costs, in tries, as the part of a try's pass that it saves."""
        saved = max(0.0, 1 - self._cost(cache)) / 3  # forwards only: a third of the way there and back
        return saved * len(self.workload.train) / self.workload.task.batch_size

    def _cost(self, filter_: Filter) -> float:
        chosen = np.array([_samples(self.workload, b"cost", n) for n in range(64)])
        whole, part = fastest(lambda: self._try.evaluate(chosen), lambda: filter_.evaluate(chosen), rounds=8)
        return part / whole

    def _moved(self, indices: NDArray[np.int64]) -> Floats:
        train, numbers = self.workload.train, convolutions(self.workload)
        post = self.workload.stepper.run(self.state, train.images[indices], train.labels[indices]).post
        parts = [post.tensors[i].reshape(-1) - self.state.tensors[i].reshape(-1) for i in numbers]
        return np.concatenate(parts)

    def _seen(self, filter_: Filter, label: bytes) -> _Seen:
        if label not in self._known:
            chosen, moved = self.steps(label)
            self._known[label] = chosen, moved[:, self._leaves] > 0
        chosen, rises = self._known[label]
        parts = [filter_.gradients(chosen[at : at + CHUNK])[:, self._leaves] for at in range(0, NONCES, CHUNK)]
        return _Seen(np.concatenate(parts), rises)


def _eligible(workload: Workload) -> NDArray[np.int64]:
    """Returns where the weights of eligible leaves lie among all weights of the convolutions [leaves, 64]."""
    numbers = convolutions(workload)
    sizes = [int(np.prod(workload.model.parameters[i].shape)) for i in numbers]
    begins = dict(zip(numbers, np.cumsum([0, *sizes[:-1]]), strict=True))
    places = (workload.eligible.locate(leaf) for leaf in range(workload.eligible.count))
    return np.array([begins[t] + LEAF_WEIGHTS * place + np.arange(LEAF_WEIGHTS) for t, place in places])


def _samples(workload: Workload, label: bytes, number: int) -> tuple[int, ...]:
    task = workload.task
    drawn = seed(task.rules, task.id, keccak(label), MINER, number)
    return batch(drawn, task.batch_size, task.train_count)


def _margins(seen: _Seen) -> Floats:
    """How far a slope is from nothing, compared with its leaf's; 0 where the filter cannot tell."""
    scale = np.sqrt((seen.gradients**2).mean(axis=2, keepdims=True)) + 1e-30
    return np.asarray(np.abs(seen.gradients) / scale, np.float32)


@dataclass(frozen=True)
class _Calibration:
    """How often predictions of a confidence are right.

    Attributes:
        edges: of the bins of confidence.
        right: share by bin.
    """

    edges: Floats
    right: NDArray[np.float64]

    @staticmethod
    def of(confidence: Floats, right: Bools) -> _Calibration:
        """Measures it, in bins of equally many predictions."""
        edges = np.quantile(confidence.reshape(-1)[::SPARSE], np.linspace(0, 1, BINS + 1)[1:-1]).astype(np.float32)
        return _Calibration(edges, _shares(np.searchsorted(edges, confidence), right))

    def again(self, confidence: Floats, right: Bools) -> _Calibration:
        """Measures it on other predictions, in the same bins."""
        return _Calibration(self.edges, _shares(np.searchsorted(self.edges, confidence), right))

    def at(self, confidence: Floats) -> NDArray[np.float64]:
        """Returns the share by prediction."""
        return np.asarray(self.right[np.searchsorted(self.edges, confidence)])


def _shares(bins: NDArray[np.int64], right: Bools) -> NDArray[np.float64]:
    total = np.bincount(bins.reshape(-1), minlength=BINS)
    return np.asarray((np.bincount(bins.reshape(-1), right.reshape(-1), BINS) + 0.5) / (total + 1))


def _parities(seen: _Seen, errors: _Calibration, size: int) -> tuple[Floats, Bools]:
    """Returns how sure the filter is of a parity of every leaf, by nonce, and whether it is right."""
    confidence, right = [], []
    for at in range(0, len(seen.rises), CHUNK):
        part = slice(at, at + CHUNK)
        counted = _masks(at, len(seen.rises[0]), size)
        gradients, rises = seen.gradients[part], seen.rises[part]
        agree = np.where(counted, 2 * errors.at(_margins(_Seen(gradients, rises))) - 1, 1).prod(axis=2)
        wrong = ((gradients > 0) != rises) & counted
        confidence.append(agree.astype(np.float32))
        right.append(wrong.sum(axis=2) % 2 == 0)
    return np.concatenate(confidence), np.concatenate(right)


def _masks(number: int, leaves: int, size: int) -> Bools:
    bits = [mask(keccak(number.to_bytes(8, "big")), leaf, size) for leaf in range(leaves)]
    return np.array([[bit >> i & 1 for i in range(LEAF_WEIGHTS)] for bit in bits], np.bool_)


def _gain(believed: NDArray[np.float64], true: NDArray[np.float64], bits: int, cost: float, making: float) -> float:
    """Returns honest cost per block over the cost with a filter whose best nonces are stepped, however many pay most.

    Args:
        believed: by confidence, how often a parity is right as far as the miner knows.
        true: how often it is.
        bits: k.
        cost: of a filter evaluation, in tries.
        making: of the filter, once per block, in tries.
    """
    draw = np.random.default_rng(bits)
    bins, met = draw.integers(BINS, size=(DRAWS, bits)), draw.random((DRAWS, bits)) < 0.5
    score, chance = (np.where(met, share[bins], 1 - share[bins]).prod(axis=1) for share in (believed, true))
    hits = np.cumsum(chance[np.argsort(-score)]) / DRAWS  # per nonce looked at, by how many of the best are stepped
    stepped = np.arange(1, DRAWS + 1) / DRAWS
    honest = HITS * 2.0**bits
    return float((honest / (HITS * (cost + stepped) / hits + making)).max())
