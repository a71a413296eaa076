"""The step, a segment's or a block's own: one plain SGD update on S samples, and its trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import ArithmeticFault, InputError

from .commitments.trees import tensor_root
from .execution.blocks import Blocks
from .execution.execute import Workspace
from .execution.threads import Team, portion
from .expressions import FloatArray
from .models import Model
from .programs.traces import TraceRoots
from .state import State

Bytes = NDArray[np.uint8]
T = TypeVar("T")


class Stepper:
    """Runs the step of one task. Safe to share between threads; one step runs at a time.

    Args:
        model: what is trained.
        batch_size: S.
        learning_rate: bits of the binary32 learning rate.
        threads: that share a step's work; the bits do not depend on it.

    Attributes:
        model: what is trained.
        batch_size: S.
        program: the step, compiled.
    """

    def __init__(self, model: Model, batch_size: int, learning_rate: int, threads: int = 1) -> None:
        rate = float(np.array(learning_rate, np.uint32).view(np.float32))
        self.model, self.batch_size = model, batch_size
        self.program = model.step_program(batch_size, rate)
        self._team = Team(threads)
        self._blocks = Blocks(model.elements)
        self._lock = Lock()
        self._loaded: State | None = None
        self._latest: Trace | None = None

    @cached_property
    def _workspace(self) -> Workspace:
        return Workspace(self.program, self._team)

    def run(self, state: State, images: Bytes, labels: Bytes) -> StepResult:
        """Computes W' from W and a batch.

        Args:
            state: W.
            images: uint8 [S, 32, 32, 3].
            labels: uint8 [S].

        Raises:
            InputError: another model or another shape.
        """
        with self._lock:
            post, finite = self._execute(state, images, labels)
            self._latest = Trace(self, state, images.copy(), labels.copy(), post)
            return StepResult(post, finite, self._latest)

    def _execute(self, state: State, images: Bytes, labels: Bytes) -> tuple[State, bool]:
        if state.model.name != self.model.name:
            raise InputError(f"this stepper trains {self.model.name}, not {state.model.name}")
        shapes = self.program.batch
        if (images.shape, labels.shape) != shapes or images.dtype != np.uint8:
            raise InputError(f"a batch is uint8 {shapes[0]} and {shapes[1]}, not {images.shape} and {labels.shape}")
        workspace, first = self._workspace, len(self.program.state)
        self._latest = None
        if state is not self._loaded:  # a state never changes, and no operation writes to it
            self._copy(workspace.state, state.flat)
            self._loaded = state
        np.copyto(workspace.tensors[first], images)
        np.copyto(workspace.tensors[first + 1], labels)
        finite = workspace.run()
        post = self._blocks.take()
        self._copy(post, workspace.post)
        return State(self.model, post), finite

    def _copy(self, target: FloatArray, source: FloatArray) -> None:
        def share(part: int, parts: int) -> bool:
            first, last = portion(source.size, part, parts)
            np.copyto(target[first:last], source[first:last])
            return True

        self._team.run(share)

    def replay(self, trace: Trace, use: Callable[[tuple[FloatArray, ...]], T]) -> T:
        """Returns what ``use`` makes of all tensors of a step, by number; it must not keep them.

        Runs the step again unless it was this stepper's latest.

        Raises:
            ArithmeticFault: the second run gave other bits than the first.
        """
        with self._lock:
            if trace is not self._latest:
                post, _ = self._execute(trace.pre, trace.images, trace.labels)
                if post != trace.post:
                    raise ArithmeticFault("the same step gave different bits twice; this machine computes wrongly")
                self._latest = trace
            return use(self._workspace.tensors)

    def roots(self, tensors: Sequence[FloatArray]) -> list[bytes]:
        """Returns the tensors' roots, by all threads."""
        found: list[bytes] = [b""] * len(tensors)
        longest_first = sorted(range(len(tensors)), key=lambda i: -tensors[i].size)
        waiting = iter(longest_first)

        def share(_part: int, _parts: int) -> bool:
            for i in waiting:
                found[i] = tensor_root(tensors[i])
            return True

        self._team.run(share)
        return found


@dataclass(frozen=True, eq=False)
class Trace:
    """Every tensor of a step. Only the inputs and W' are kept; the rest is computed again when asked for.

    Attributes:
        stepper: what ran it.
        pre: W.
        images: uint8 [S, 32, 32, 3].
        labels: uint8 [S].
        post: W'.
    """

    stepper: Stepper
    pre: State
    images: Bytes
    labels: Bytes
    post: State

    def tensors(self) -> tuple[FloatArray, ...]:
        """Returns all tensors by number: pre, batch, inner, post. Not kept: it may be hundreds of megabytes."""
        return self.stepper.replay(self, lambda tensors: tuple(t.copy() for t in tensors))

    @cached_property
    def roots(self) -> TraceRoots:
        """Roots of all its tensors, by all threads; those of W' too, unless they are known."""
        program = self.stepper.program
        first, posts = len(program.state), program.posts_from
        wanted = slice(first, posts if self.post.hashed else None)
        roots = self.stepper.replay(self, lambda tensors: self.stepper.roots(tensors[wanted]))
        if not self.post.hashed:
            self.post.take_roots(roots[posts - first :])
        return TraceRoots(program, (*self.pre.tensor_roots, *roots[: posts - first], *self.post.tensor_roots))

    @property
    def root(self) -> bytes:
        """The 32-byte trace root."""
        return self.roots.root


@dataclass(frozen=True)
class StepResult:
    """What a step gives.

    Attributes:
        post: W'.
        finite: False if a NaN or an infinity appeared anywhere: the block would be invalid.
        trace: all tensors, lazily.
    """

    post: State
    finite: bool
    trace: Trace
