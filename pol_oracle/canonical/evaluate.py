"""Accuracy, counted sample by sample, and the Merkle sum tree that commits to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import ZERO, Tag, keccak

from .execute import Workspace
from .models import Model
from .state import State

Bytes = NDArray[np.uint8]
Bits = NDArray[np.bool_]

WORKSPACE_FLOATS = 1 << 22  # what one pass may fill: more falls out of the caches
MIN_SAMPLES, MAX_SAMPLES = 8, 64  # fewer would pack the weights too often
SAMPLES_PER_LEAF = 256


class Evaluator:
    """Evaluates samples one by one by definition, many at a time in fact: no operation mixes samples.

    Safe to share between threads; one evaluation runs at a time.

    Args:
        model: what is evaluated.

    Attributes:
        model: what is evaluated.
        program: the evaluation of one sample, which the task commits to.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.program = model.evaluation_program()
        self._lock = Lock()

    @cached_property
    def _workspace(self) -> Workspace:
        floats = sum(op.size for op in self.program.operations)
        return Workspace(self.model.evaluation_program(min(MAX_SAMPLES, max(MIN_SAMPLES, WORKSPACE_FLOATS // floats))))

    def correct(
        self, state: State, images: Bytes, labels: Bytes, progress: Callable[[int], None] | None = None
    ) -> Bits:
        """Says which samples a state classifies correctly.

        Args:
            state: the weights.
            images: uint8 [n, 32, 32, 3].
            labels: uint8 [n].
            progress: called with the number of samples done so far, after every pass.

        Returns:
            bool [n].

        Raises:
            InputError: another model or other shapes.
        """
        if state.model.name != self.model.name:
            raise InputError(f"this evaluator is for {self.model.name}, not {state.model.name}")
        if images.shape[1:] != self.program.batch[0][1:] or labels.shape != images.shape[:1]:
            raise InputError(f"cannot evaluate images {images.shape} with labels {labels.shape}")
        bits = np.zeros(len(images), np.bool_)
        with self._lock:
            workspace = self._workspace
            np.copyto(workspace.state, state.flat)
            samples = workspace.program.batch[1][0]
            for at in range(0, len(images), samples):
                chunk = slice(at, min(at + samples, len(images)))
                bits[chunk] = _run(workspace, images[chunk], labels[chunk])
                if progress is not None:
                    progress(chunk.stop)
        return bits


def _run(workspace: Workspace, images: Bytes, labels: Bytes) -> Bits:
    """One pass; the places beyond the samples given keep an earlier pass's, and their bits are dropped."""
    first = len(workspace.program.state)
    np.copyto(workspace.tensors[first][: len(images)], images)
    np.copyto(workspace.tensors[first + 1][: len(labels)], labels)
    workspace.run()
    return np.equal(workspace.tensors[-1][: len(labels)], 1)


def eval_root(before: Bits, after: Bits) -> bytes:
    """Returns the 32-byte root of the Merkle sum tree over correct-bits.

    A leaf packs 256 samples as ``EVAL_LEAF ‖ bytes32 before ‖ bytes32 after``, the first sample in the most significant
    bit; a node is ``EVAL_NODE ‖ left ‖ u32 before ‖ u32 after ‖ right ‖ u32 before ‖ u32 after``. A missing right
    sibling is zeros with sums 0. The root's sums are correctBefore and correctAfter of the header.

    Args:
        before: bool [n], W's.
        after: bool [n], W''s.

    Raises:
        InputError: no samples, or the two differ in length.
    """
    if before.shape != after.shape or before.size == 0:
        raise InputError(f"an evaluation tree needs equally many bits of both, not {before.shape} and {after.shape}")
    level = []
    for at in range(0, before.size, SAMPLES_PER_LEAF):
        words = [_word(bits[at : at + SAMPLES_PER_LEAF]) for bits in (before, after)]
        sums = [int(bits[at : at + SAMPLES_PER_LEAF].sum()) for bits in (before, after)]
        level.append((keccak(Tag.EVAL_LEAF + words[0] + words[1]), sums[0], sums[1]))
    while len(level) > 1:
        level += [(ZERO, 0, 0)] * (len(level) % 2)
        level = [_node(level[i], level[i + 1]) for i in range(0, len(level), 2)]
    return level[0][0]


Node = tuple[bytes, int, int]


def _node(left: Node, right: Node) -> Node:
    parts = [h + before.to_bytes(4, "big") + after.to_bytes(4, "big") for h, before, after in (left, right)]
    return keccak(Tag.EVAL_NODE + parts[0] + parts[1]), left[1] + right[1], left[2] + right[2]


def _word(bits: Bits) -> bytes:
    return np.packbits(bits).tobytes().ljust(32, b"\0")
