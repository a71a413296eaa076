"""Blocks that are wrong in one way: what their miner claims, publishes, and shows when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.accuracy import AccuracyTree
from pol_oracle.canonical.execute import Workspace
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.evidence import Traced, traced_sample
from pol_oracle.protocol.derivation import batch, requirements, seed
from pol_oracle.protocol.difficulty import most_bits, needed_bits
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import Workload, unmet

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Forgery:
    """A block and everything its miner holds of it.

    Attributes:
        workload: the task.
        header: the proposal.
        pre: W.
        post: W', as claimed.
        step: the step's trace, as claimed.
        bits_tree: the accuracy tree, as claimed.
        evaluations: traces of evaluations that are not the honest ones.
        publishes: which of "pre", "post", "roots", "bits" the store gets.
        answers: False: it never answers a demand.
    """

    workload: Workload
    header: Header
    pre: State
    post: State
    step: Traced
    bits_tree: AccuracyTree
    evaluations: Mapping[tuple[Tree, int], Traced] = field(default_factory=dict)
    publishes: frozenset[str] = frozenset({"pre", "post", "roots", "bits"})
    answers: bool = True

    def trace(self, tree: Tree, sample: int) -> Traced:
        """See :class:`~pol_oracle.evidence.Discloser`."""
        if tree is Tree.STEP:
            return self.step
        if (tree, sample) in self.evaluations:
            return self.evaluations[tree, sample]
        return traced_sample(self.workload, self.post if tree is Tree.AFTER else self.pre, sample)

    def accuracy(self) -> AccuracyTree:
        """See :class:`~pol_oracle.evidence.Discloser`."""
        return self.bits_tree

    def published(self) -> dict[bytes, bytes]:
        """What goes into the store: root -> content."""
        everything = {
            "pre": (self.header.pre_root, self.pre.to_bytes()),
            "post": (self.header.post_root, self.post.to_bytes()),
            "roots": (self.header.trace_root, self.step.roots.between),
            "bits": (self.header.eval_root, self.bits_tree.words),
        }
        return dict(content for name, content in everything.items() if name in self.publishes)

    # --- lies about the step ---

    def number(self, kind: Kind, at: int = 0) -> int:
        """Number of one of the inner tensors that operations of a kind write."""
        program = self.step.program
        inner = range(program.first, program.posts_from)
        return [t for t in inner if (op := program.operation_of(t)) is not None and op.kind is kind][at]

    def altered(self, tensor: int, element: int, change: Callable[[np.float32], Any]) -> Forgery:
        """One element of the trace is another; what follows from it stays as it was."""
        wrong = self.step.tensors[tensor].copy()
        flat = wrong.reshape(-1)
        flat[element] = change(flat[element])
        return self.retraced({tensor: wrong})

    def retraced(self, changed: Mapping[int, Floats]) -> Forgery:
        """Some tensors of the trace are others."""
        tensors = tuple(changed.get(i, tensor) for i, tensor in enumerate(self.step.tensors))
        return self.with_trace(Traced.of(self.step.program, tensors))

    def consistent(self, tensor: int, wrong: Floats) -> Forgery:
        """One tensor of the trace is another, and all that follows is computed from it."""
        program = self.step.program
        workspace = Workspace(program)
        for target, source in zip(workspace.tensors[: program.first], self.step.tensors, strict=False):
            np.copyto(target, source)
        workspace.run()
        np.copyto(workspace.tensors[tensor], wrong)
        workspace.run(only=range(tensor + 1, len(program.shapes)))
        return self.with_trace(Traced.of(program, tuple(t.copy() for t in workspace.tensors)))

    def with_trace(self, step: Traced) -> Forgery:
        """The block claims this trace, and the W' at its end."""
        posts = step.tensors[step.program.posts_from :]
        post = State(self.post.model, np.concatenate([t.reshape(-1) for t in posts]))
        header = replace(self.header, trace_root=step.roots.root, post_root=post.root)
        return replace(self, header=header, post=post, step=step)

    # --- lies about accuracy ---

    def with_accuracy(self, tree: AccuracyTree, correct_after: int | None = None) -> Forgery:
        """The block claims this tree, and its sums unless told otherwise."""
        after = tree.root.after if correct_after is None else correct_after
        header = replace(self.header, eval_root=tree.root.hash, correct_before=tree.root.before, correct_after=after)
        return replace(self, header=header, bits_tree=tree)

    def bits(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Copies of the claimed bits."""
        count = len(self.workload.test)
        before, after = (bits[:count].copy() for bits in self.bits_tree.bits)
        return before, after

    def wrong_bit(self) -> tuple[Forgery, int]:
        """One sample that W' does not classify counts as correct; also its number."""
        before, after = self.bits()
        sample = int(np.flatnonzero(~after)[-1])
        after[sample] = True
        return self.with_accuracy(AccuracyTree.of(before, after)), sample


def honest(
    workload: Workload,
    parent: bytes,
    miner: str,
    difficulty: int,
    *,
    missed: int | None = None,
    misses: Workload | None = None,
) -> Forgery:
    """Makes a right block on other weights than the initial ones.

    It meets what the hash of W' may require besides, even if it does not: a lie has another W', whose hash may.

    Args:
        workload: the task.
        parent: block to build on.
        miner: of the block.
        difficulty: of the block.
        missed: number of the first requirement that it does not meet.
        misses: a task whose requirements it misses.
    """
    train, test = workload.train, workload.test
    pre = workload.stepper.run(workload.initial, train.images[:4], train.labels[:4]).post
    before = workload.evaluator.correct(pre, test.images, test.labels)
    for nonce in range(10_000):
        drawn = seed(workload.task.rules, workload.task.id, parent, miner, pre.root, nonce)
        indices = batch(drawn, workload.task.batch_size, workload.task.train_count)
        chosen = list(indices)
        result = workload.stepper.run(pre, train.images[chosen], train.labels[chosen])
        needed = needed_bits(difficulty, drawn, result.post.root)
        required = requirements(drawn, needed, workload.eligible.count)
        if unmet(workload, required, pre, result.post) != missed:
            continue
        most = requirements(drawn, most_bits(difficulty), workload.eligible.count)
        if missed is None and unmet(workload, most, pre, result.post) is not None:
            continue
        other = misses and requirements(drawn, needed, misses.eligible.count)
        if misses and other and unmet(misses, other, pre, result.post) is None:
            continue
        after = workload.evaluator.correct(result.post, test.images, test.labels)
        if after.sum() <= before.sum():
            continue
        tree = AccuracyTree.of(before, after)
        counts = tree.root.before, tree.root.after
        roots = pre.root, result.post.root, result.trace.root, tree.root.hash
        header = Header(parent, miner, nonce, indices, *roots, *counts)
        step = Traced(workload.stepper.program, result.trace.tensors(), result.trace.roots)
        return Forgery(workload, header, pre, result.post, step, tree)
    raise AssertionError("no proof in 10,000 tries")


def with_root(step: Traced, tensor: int, root: bytes) -> Traced:
    """A trace that claims another root for one of its tensors than the tensor has."""
    roots: Sequence[bytes] = step.roots.tensors
    tensors = (*roots[:tensor], root, *roots[tensor + 1 :])
    return Traced(step.program, step.tensors, TraceRoots(step.program, tensors))
