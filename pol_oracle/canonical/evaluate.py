"""Accuracy, counted sample by sample."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cached_property
from itertools import count
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import InputError, NotFinite

from .execution.execute import Workspace
from .execution.threads import Team
from .expressions import FloatArray
from .layers.classifier import LOGITS
from .models import Model
from .state import State

Bytes = NDArray[np.uint8]
Bits = NDArray[np.bool_]

WORKSPACE_FLOATS = 1 << 22  # what one pass may fill: more falls out of the caches
MIN_SAMPLES, MAX_SAMPLES = 8, 64  # fewer would pack the weights too often


class Evaluator:
    """Evaluates samples one by one by definition, many at a time in fact: no operation mixes samples.

    Safe to share between threads; one evaluation runs at a time.

    Args:
        model: what is evaluated.
        threads: that share the samples; the bits do not depend on it.

    Attributes:
        model: what is evaluated.
        program: the evaluation of one sample, which the task commits to.
    """

    def __init__(self, model: Model, threads: int = 1) -> None:
        self.model = model
        self.program = model.evaluation_program()
        self._team = Team(threads)
        self._lock = Lock()

    @cached_property
    def _workspaces(self) -> list[Workspace]:
        """One per thread."""
        floats = sum(op.size for op in self.program.operations)
        samples = min(MAX_SAMPLES, max(MIN_SAMPLES, WORKSPACE_FLOATS // floats))
        return [Workspace(self.model.evaluation_program(samples)) for _ in range(self._team.size)]

    def correct(
        self, state: State, images: Bytes, labels: Bytes, progress: Callable[[int], None] | None = None
    ) -> Bits:
        """Says which samples a state classifies correctly.

        Args:
            state: the weights.
            images: uint8 [n, 32, 32, 3].
            labels: uint8 [n].
            progress: called now and then, by the calling thread, with the number of samples done so far.

        Returns:
            bool [n].

        Raises:
            InputError: another model or other shapes.
            NotFinite: the evaluation of a sample gives a NaN or an infinity.
        """
        bits = np.zeros(len(images), np.bool_)

        def keep(tensors: tuple[FloatArray, ...], chunk: slice) -> None:
            bits[chunk] = tensors[-1][: chunk.stop - chunk.start] == 1

        self._passes(state, images, labels, keep, progress)
        return bits

    def logits(self, state: State, images: Bytes) -> FloatArray:
        """Returns the logits of images.

        Args:
            state: the weights.
            images: uint8 [n, 32, 32, 3].

        Returns:
            float32 [n, 10].

        Raises:
            InputError: another model or another shape.
            NotFinite: the evaluation of an image gives a NaN or an infinity.
        """
        number = self.program.numbered(LOGITS)
        found = np.zeros((len(images), self.program.shapes[number][1]), np.float32)

        def keep(tensors: tuple[FloatArray, ...], chunk: slice) -> None:
            found[chunk] = tensors[number][: chunk.stop - chunk.start]

        self._passes(state, images, np.zeros(len(images), np.uint8), keep, None)
        return found

    def tensors(self, state: State, image: Bytes, label: int) -> tuple[FloatArray, ...]:
        """Returns all tensors of the evaluation of one sample, by number.

        Args:
            state: the weights.
            image: uint8 [32, 32, 3].
            label: its class.

        Raises:
            InputError: another model or another shape.
        """
        self._check(state, image[None], np.array([label], np.uint8))
        workspace = Workspace(self.program)
        np.copyto(workspace.state, state.flat)
        _run(workspace, image[None], np.array([label], np.uint8))
        return workspace.tensors

    def _check(self, state: State, images: Bytes, labels: Bytes) -> None:
        if state.model.name != self.model.name:
            raise InputError(f"this evaluator is for {self.model.name}, not {state.model.name}")
        if images.shape[1:] != self.program.batch[0][1:] or labels.shape != images.shape[:1]:
            raise InputError(f"cannot evaluate images {images.shape} with labels {labels.shape}")

    def _find_broken(self, state: State, images: Bytes, labels: Bytes, chunk: slice) -> None:
        """Raises NotFinite for the first sample of a pass whose evaluation is not finite."""
        workspace = Workspace(self.program)
        np.copyto(workspace.state, state.flat)
        for sample in range(chunk.start, chunk.stop):
            if not _run(workspace, images[sample : sample + 1], labels[sample : sample + 1]):
                raise NotFinite(sample)

    def _passes(
        self,
        state: State,
        images: Bytes,
        labels: Bytes,
        keep: Callable[[tuple[FloatArray, ...], slice], None],
        progress: Callable[[int], None] | None,
    ) -> None:
        """Runs all samples through, as many at a time as a workspace takes, on all threads."""
        self._check(state, images, labels)
        with self._lock:
            samples = self._workspaces[0].program.batch[1][0]
            starts, done = iter(range(0, len(images), samples)), count(1)

            def share(part: int, _parts: int) -> bool:
                workspace = self._workspaces[part]
                np.copyto(workspace.state, state.flat)
                try:
                    for at in starts:
                        chunk = slice(at, min(at + samples, len(images)))
                        if not _run(workspace, images[chunk], labels[chunk]):
                            self._find_broken(state, images, labels, chunk)
                        keep(workspace.tensors, chunk)
                        passes = next(done)
                        if progress is not None and part == 0:
                            progress(min(samples * passes, len(images)))
                finally:  # whoever stops, stops all
                    deque(starts, maxlen=0)
                return True

            self._team.run(share)
        if progress is not None:
            progress(len(images))


def _run(workspace: Workspace, images: Bytes, labels: Bytes) -> bool:
    """One pass; says whether it was finite. Places beyond the samples given keep an earlier pass's."""
    first = len(workspace.program.state)
    np.copyto(workspace.tensors[first][: len(images)], images)
    np.copyto(workspace.tensors[first + 1][: len(labels)], labels)
    return workspace.run()
