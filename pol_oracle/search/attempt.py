"""From a candidate that torch found to a proof: the canonical step, then accuracy, cheapest check first.

    1. the canonical step is finite, and floor(b) required weights moved their way
    2. so did one more, if the hash of seed and postRoot says so               (protocol/difficulty.py)
    3. accuracy(W') is not below the parent's by more than the slack           W' is counted
    4. accuracy(W') > accuracy(W)                                              W is counted, once

On a GPU candidates are sorted out by the margin screen (screen.py) before 3; what is claimed is always counted
canonically, since W may stem from a stranger's weights that were made to deceive torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from pol_oracle.canonical.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import StepResult
from pol_oracle.protocol.derivation import batch, requirements, seed, seed_head
from pol_oracle.protocol.difficulty import most_bits, needed_bits, whole_bits
from pol_oracle.protocol.errors import ArithmeticFault, NotFinite
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload, unmet

from .draws import Draw, Drawn, seed_rows
from .proof import Parent, Proof, Watch
from .screen import Screen

Bits = NDArray[np.bool_]


class Counter(Protocol):
    """What counts accuracy."""

    def correct(
        self,
        state: State,
        images: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        progress: Callable[[int], None] | None = None,
    ) -> Bits:
        """Returns which samples a state classifies correctly, bool [n]."""


def counters(workload: Workload, device: torch.device) -> tuple[Counter, ...]:
    """Returns what counts accuracy: the evaluator, on a GPU after the screen; on a CPU it costs little more itself."""
    if device.type != "cuda":
        return (workload.evaluator,)
    return Screen(workload.evaluator, device), workload.evaluator


_FREE_BATCH = b"pol-free"  # the miner's own generator, where the rules leave P to it


@dataclass(frozen=True)
class Block:
    """The block that is searched for: what stays the same however W moves.

    Attributes:
        workload: the task.
        parent: what to build on.
        miner: address of the proposer, checksummed; proofs are worth nothing to another.
        difficulty: in 1/1024 bit.
    """

    workload: Workload
    parent: Parent
    miner: str
    difficulty: int

    @property
    def floor(self) -> int:
        """Test samples that W' must classify correctly at least."""
        return self.parent.correct_after - self.workload.task.accuracy_slack


class Nonces:
    """The nonces of one W.

    Args:
        block: what is searched for.
        root: of W.

    Attributes:
        bits: requirements that every step has to meet; whether a block needs one more shows after its step.
    """

    def __init__(self, block: Block, root: bytes) -> None:
        task = block.workload.task
        self.bits = whole_bits(block.difficulty)
        self._block, self._root = block, root
        self._bound = (task.rules, task.id, block.parent.id, block.miner, root)

    def draw(self, nonce: int) -> Draw:
        """Returns R and P of a nonce."""
        task, drawn = self._block.workload.task, seed(*self._bound, nonce)
        required = requirements(drawn, most_bits(self._block.difficulty), self._block.workload.eligible.count)
        source = drawn
        if not task.rules.batch_from_seed:
            own = bytes.fromhex(self._block.miner[2:]) + self._root + nonce.to_bytes(8, "big")
            source = keccak(_FREE_BATCH + drawn + own)
        return Draw(nonce, drawn, required, batch(source, task.batch_size, task.train_count))

    def drawn(self, first: int, count: int) -> Drawn:
        """Returns what ``count`` nonces from ``first`` up demand of every step, under hardened rules."""
        rows = seed_rows(seed_head(*self._bound), range(first, first + count))
        return Drawn.of(self._block.workload, rows, self.bits)


@dataclass(frozen=True)
class Weights:
    """A W of which the root is known: nonces need no more.

    Attributes:
        root: 32 bytes.
        read: brings it to the host; only before it moves on.
    """

    root: bytes
    read: Callable[[], State]

    @staticmethod
    def of(state: State) -> Weights:
        """Those of a state."""
        return Weights(state.root, lambda: state)


class Attempt:
    """One W, and what has been found out about it.

    Args:
        block: what is searched for.
        weights: W.
        counters: what counts accuracy, in turn: a proof claims what the last one says, which must be the evaluator.

    Attributes:
        root: of W.
        nonces: of W.
        fell_short: a W' met R, but was not as accurate as the chain asks of a block on this parent.
    """

    def __init__(self, block: Block, weights: Weights, counters: Sequence[Counter]) -> None:
        self.block, self.root = block, weights.root
        self.nonces = Nonces(block, weights.root)
        self._read = weights.read
        self.fell_short = False
        self._counters, self._before = counters, dict[Counter, Bits]()

    @cached_property
    def state(self) -> State:
        """W on the host."""
        return self._read()

    def confirm(self, draw: Draw, watch: Watch) -> Proof | None:
        """Takes a candidate through all checks; returns the proof if it passes them."""
        workload, chosen = self.block.workload, list(draw.indices)
        result = workload.stepper.run(self.state, workload.train.images[chosen], workload.train.labels[chosen])
        if not result.finite or not self._meets(draw, result):
            return None
        watch.count(confirmed=1)
        try:
            accuracy = self._accuracy(result.post, watch)
        except NotFinite:  # such a state cannot stand in a block
            return None
        if accuracy is None:
            return None
        header = self._header(draw, result, accuracy)
        return Proof(header, self.state, result.post, result.trace.roots, accuracy)

    def _meets(self, draw: Draw, result: StepResult) -> bool:
        difficulty = self.block.difficulty
        first = unmet(self.block.workload, draw.required, self.state, result.post)
        if first is None or first < whole_bits(difficulty):
            return first is None
        return first >= needed_bits(difficulty, draw.seed, result.post.root)

    def _accuracy(self, post: State, watch: Watch) -> AccuracyTree | None:
        """Which samples W and W' classify correctly; None if W' is not good enough."""
        before = after = np.zeros(0, np.bool_)
        for counter in self._counters:
            after = self._count(counter, post, watch)
            correct = int(after.sum())
            watch.note(correct=correct)
            if correct < self.block.floor:
                self.fell_short = True
                return None
            if counter not in self._before:
                self._before[counter] = self._count(counter, self.state, watch)
            before = self._before[counter]
            if correct <= int(before.sum()):
                return None
        return AccuracyTree.of(before, after)

    def _count(self, counter: Counter, state: State, watch: Watch) -> Bits:
        test = self.block.workload.test
        return counter.correct(state, test.images, test.labels, watch.evaluating)

    def _header(self, draw: Draw, result: StepResult, accuracy: AccuracyTree) -> Header:
        """Everything the block claims."""
        trace_root = result.trace.root  # with the roots of W's tensors
        if self.state.root != self.root:
            raise ArithmeticFault("this GPU hashed W wrongly; search without it (CUDA_VISIBLE_DEVICES= in front)")
        return Header(
            parent=self.block.parent.id,
            miner=self.block.miner,
            nonce=draw.nonce,
            indices=draw.indices,
            pre_root=self.root,
            post_root=result.post.root,
            trace_root=trace_root,
            eval_root=accuracy.root.hash,
            correct_before=accuracy.root.before,
            correct_after=accuracy.root.after,
        )
