"""Algorithm 1 of the paper as written: for each nonce, one SGD step, and a look at the required weights.

    for nonce = start, start + 1, ...:
        seed(parent, miner, root of W, nonce) -> requirements R and batch P    (paper rules: R from the parent, P free)
        W' = W - lr * gradient of the loss on P                                in torch
        unless every weight in R's whole bits moved its way: next nonce
        W' = canonical step of W on P                                          the same bits on every machine
        unless W' is finite and meets R, to which its root may add one more: next nonce
        unless accuracy(W') > accuracy(W), and not below the parent's by more than the slack: next nonce
        return the proof

Accuracy is the dear part, so it comes last, and that of W is counted once per W. On a GPU candidates are sorted out by
the margin screen (screen.py) before; what is claimed is always counted canonically, since W may stem from a stranger's
weights that were made to deceive torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pol_oracle.canonical.accuracy import AccuracyTree
from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.protocol.derivation import Requirement, batch, requirements, seed
from pol_oracle.protocol.difficulty import most_bits, needed_bits, whole_bits
from pol_oracle.protocol.errors import NotFinite
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.rules import satisfies
from pol_oracle.task import Workload, unmet

from .screen import Screen
from .torch_models import build_module, images_to_torch, load_state, pick_device, torch_position

Bits = NDArray[np.bool_]

_FREE_BATCH = b"pol-free"  # the miner's own generator, where the rules leave P to it


class Parent(Protocol):
    """What the search needs to know of the block it builds on."""

    @property
    def id(self) -> bytes:
        """The block's id."""

    @property
    def correct_after(self) -> int:
        """Test samples its W' classifies correctly; 0 for genesis."""


@dataclass(frozen=True)
class Progress:
    """Where a search stands.

    Attributes:
        nonce: the last nonce tried.
        tries: SGD steps done in torch.
        passed: of these, steps that met R in torch.
        confirmed: of these, steps that met R canonically.
        evaluated: test samples of the running evaluation done so far; 0 between evaluations.
    """

    nonce: int
    tries: int = 0
    passed: int = 0
    confirmed: int = 0
    evaluated: int = 0


@dataclass(frozen=True)
class Proof:
    """A block ready to be proposed, and what a miner publishes of it.

    Attributes:
        header: the proposal.
        pre: W.
        post: W'.
        roots: of all tensors of the step's trace.
        accuracy: the correct-bits of W and W'.
    """

    header: Header
    pre: State
    post: State
    roots: TraceRoots
    accuracy: AccuracyTree


class _StoppedError(Exception):
    """The caller wants no proof any more."""


def search(
    workload: Workload,
    parent: Parent,
    miner: str,
    state: State,
    difficulty: int,
    *,
    start_nonce: int = 0,
    should_stop: Callable[[], bool] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Proof | None:
    """Searches until a proof is found; see :meth:`NaiveSearch.search`. Keeps what it built for the workload."""
    searcher = _searcher(workload)
    return searcher.search(
        parent, miner, state, difficulty, start_nonce=start_nonce, should_stop=should_stop, on_progress=on_progress
    )


@lru_cache(maxsize=2)
def _searcher(workload: Workload) -> NaiveSearch:
    return NaiveSearch(workload)


class NaiveSearch:
    """Algorithm 1 for one workload.

    Args:
        workload: the task.
        device: where torch computes; by default CUDA if present.
    """

    def __init__(self, workload: Workload, device: torch.device | None = None) -> None:
        self._workload = workload
        self._device = device or pick_device()
        self._module = build_module(workload.model).to(self._device).train()
        on_gpu = self._device.type == "cuda"  # on a CPU the canonical count costs little more than torch's
        self._screen = Screen(workload.evaluator, self._device) if on_gpu else None
        self._learning_rate = np.float32(workload.spec.learning_rate)
        self._state: State | None = None
        self._screened: Bits | None = None  # W's
        self._correct: Bits | None = None

    def search(
        self,
        parent: Parent,
        miner: str,
        state: State,
        difficulty: int,
        *,
        start_nonce: int = 0,
        should_stop: Callable[[], bool] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Proof | None:
        """Tries nonces from ``start_nonce`` up until one gives a proof.

        Args:
            parent: the block to build on.
            miner: address of the proposer, checksummed; proofs are worth nothing to another.
            state: W.
            difficulty: of the block, in 1/1024 bit; its proof holds for every lower one too.
            start_nonce: where to begin, so that an interrupted search can go on.
            should_stop: asked before every try and during evaluations.
            on_progress: told after every try and during evaluations.

        Returns:
            The proof, or None if ``should_stop`` said so.
        """
        self._load(state)
        attempt = _Attempt(self._workload, parent, miner, state, difficulty)
        watch = _Watch(Progress(start_nonce), should_stop, on_progress)
        nonce = start_nonce
        try:
            while True:
                watch.begin(nonce)
                proof = self._try(attempt, nonce, watch)
                watch.report()
                if proof is not None:
                    return proof
                nonce += 1
        except _StoppedError:
            return None

    def _try(self, attempt: _Attempt, nonce: int, watch: _Watch) -> Proof | None:
        """One nonce, the cheap checks first."""
        drawn, required, indices = attempt.derive(nonce)
        if not self._meets_in_torch(required[: whole_bits(attempt.difficulty)], indices):
            return None
        watch.passed()

        result = attempt.step(indices)
        needed = needed_bits(attempt.difficulty, drawn, result.post.root)
        if not result.finite or unmet(self._workload, required[:needed], attempt.state, result.post) is not None:
            return None
        watch.confirmed()

        try:
            accuracy = self._accuracy(attempt, result.post, watch)
        except NotFinite:  # such a state cannot stand in a block
            return None
        if accuracy is None:
            return None
        header = attempt.header(nonce, indices, result, accuracy)
        return Proof(header, attempt.state, result.post, result.trace.roots, accuracy)

    def _accuracy(self, attempt: _Attempt, post: State, watch: _Watch) -> AccuracyTree | None:
        """Which samples W and W' classify correctly; None if W' is not good enough."""
        if self._screen is not None:
            if self._screened is None:
                self._screened = self._count(self._screen, attempt.state, watch)
            if not attempt.improves(self._screened, self._count(self._screen, post, watch)):
                return None
        if self._correct is None:
            self._correct = self._count(self._workload.evaluator, attempt.state, watch)
        after = self._count(self._workload.evaluator, post, watch)
        return AccuracyTree.of(self._correct, after) if attempt.improves(self._correct, after) else None

    def _count(self, counter: Screen | Evaluator, state: State, watch: _Watch) -> Bits:
        test = self._workload.test
        return counter.correct(state, test.images, test.labels, watch.evaluating)

    def _load(self, state: State) -> None:
        if self._state is None or state.root != self._state.root:
            load_state(self._module, state)
            self._state, self._screened, self._correct = state, None, None

    def _meets_in_torch(self, required: Sequence[Requirement], indices: Sequence[int]) -> bool:
        """One SGD step, taken only where R looks."""
        train, chosen = self._workload.train, list(indices)
        images = images_to_torch(train.images[chosen], self._device)
        labels = torch.from_numpy(train.labels[chosen].astype(np.int64)).to(self._device)
        loss = functional.cross_entropy(self._module(images), labels)
        parameters = dict(self._module.named_parameters())
        gradients = dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))
        positions = [torch_position(self._workload.model, *self._workload.eligible.locate(r.weight)) for r in required]
        slopes = torch.stack([gradients[name][at] for name, at in positions]).cpu().numpy()
        before = torch.stack([parameters[name].detach()[at] for name, at in positions]).cpu().numpy()
        after = before - self._learning_rate * slopes
        moves = zip(before.tolist(), after.tolist(), required, strict=True)
        return all(satisfies(self._workload.rules, b, a, r.up) for b, a, r in moves)


class _Watch:
    """Counts what happens, tells the caller, and asks whether to go on."""

    def __init__(
        self, start: Progress, should_stop: Callable[[], bool] | None, on_progress: Callable[[Progress], None] | None
    ) -> None:
        self._now = start
        self._should_stop = should_stop or (lambda: False)
        self._on_progress = on_progress or (lambda progress: None)

    def begin(self, nonce: int) -> None:
        """A nonce is about to be tried."""
        if self._should_stop():
            raise _StoppedError
        self._now = replace(self._now, nonce=nonce, tries=self._now.tries + 1)

    def passed(self) -> None:
        """It met R in torch."""
        self._now = replace(self._now, passed=self._now.passed + 1)

    def confirmed(self) -> None:
        """It met R canonically."""
        self._now = replace(self._now, confirmed=self._now.confirmed + 1)

    def evaluating(self, done: int) -> None:
        """So many test samples of an evaluation are done."""
        if self._should_stop():
            raise _StoppedError
        self._on_progress(replace(self._now, evaluated=done))

    def report(self) -> None:
        """The nonce is done with."""
        self._on_progress(self._now)


@dataclass(frozen=True)
class _Attempt:
    """What stays the same while nonces are tried."""

    workload: Workload
    parent: Parent
    miner: str
    state: State
    difficulty: int

    def derive(self, nonce: int) -> tuple[bytes, tuple[Requirement, ...], tuple[int, ...]]:
        """Returns seed, R (as long as it can be) and P of a nonce."""
        task = self.workload.task
        drawn = free = seed(task.rules, task.id, self.parent.id, self.miner, self.state.root, nonce)
        required = requirements(drawn, most_bits(self.difficulty), self.workload.eligible.count)
        if not task.rules.batch_from_seed:
            own = bytes.fromhex(self.miner[2:]) + self.state.root + nonce.to_bytes(8, "big")
            free = keccak(_FREE_BATCH + drawn + own)
        return drawn, required, batch(free, task.batch_size, task.train_count)

    def step(self, indices: Sequence[int]) -> StepResult:
        """The canonical step on P."""
        train, chosen = self.workload.train, list(indices)
        return self.workload.stepper.run(self.state, train.images[chosen], train.labels[chosen])

    def improves(self, before: Bits, after: Bits) -> bool:
        """The registry's rules on accuracy."""
        old, new = int(before.sum()), int(after.sum())
        return new > old and new + self.workload.task.accuracy_slack >= self.parent.correct_after

    def header(self, nonce: int, indices: tuple[int, ...], result: StepResult, accuracy: AccuracyTree) -> Header:
        """Everything the block claims."""
        return Header(
            parent=self.parent.id,
            miner=self.miner,
            nonce=nonce,
            indices=indices,
            pre_root=self.state.root,
            post_root=result.post.root,
            trace_root=result.trace.root,
            eval_root=accuracy.root.hash,
            correct_before=accuracy.root.before,
            correct_after=accuracy.root.after,
        )
