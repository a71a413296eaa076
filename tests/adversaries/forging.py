"""Blocks that are wrong in one way: what their miner claims, and shows when asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
from eth_abi.abi import encode
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.programs.traces import TraceRoots
from pol_oracle.canonical.state import State
from pol_oracle.evidence import NO_SEGMENT, SegmentStep, Traced, TraceId, answer_to, traced
from pol_oracle.evidence.shown import ANSWER_TYPES
from pol_oracle.protocol.derivation import batch, requirements, seed
from pol_oracle.protocol.difficulty import most_bits
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position, Tree
from pol_oracle.task import Segment, Workload, requirements_of, segment_step, state_before, train_segment, unmet

Floats = NDArray[np.float32]
Twist = Callable[[Traced], Traced]
BLANK = Header(ZERO, "", 0, (), ZERO, ZERO, ZERO, ZERO, ZERO, 0, 0)


@dataclass(frozen=True, eq=False)
class Forgery:
    """A block and everything its miner holds of it; a :class:`~pol_oracle.evidence.Discloser`.

    Attributes:
        workload: the task.
        header: the proposal.
        segment: that it claims to stand on.
        pre: W, as claimed.
        post: W', as claimed.
        step: the step's trace, as claimed.
        bits_tree: the accuracy tree, as claimed.
        below: the parent; None if that is genesis.
        lies: traces of evaluations and of segment steps that are not the honest ones.
        answers: False: it never answers a demand.
    """

    workload: Workload
    header: Header
    segment: Segment
    pre: State
    post: State
    step: Traced
    bits_tree: AccuracyTree
    below: Forgery | None = None
    lies: Mapping[TraceId, Traced] = field(default_factory=dict)
    answers: bool = True

    @property
    def id(self) -> bytes:
        """Of the block."""
        return self.header.id(self.workload.task.id)

    @property
    def parent(self) -> Header | None:
        """Header of the parent; None if that is genesis."""
        return self.below.header if self.below else None

    def trace(self, trace: TraceId) -> Traced:
        """See :class:`~pol_oracle.evidence.Discloser`."""
        if trace.tree is Tree.STEP:
            return self.step
        return self.lies[trace] if trace in self.lies else self.truth(trace)

    def truth(self, trace: TraceId) -> Traced:
        """An evaluation, or a step of the segment, as it should be."""
        if trace.tree is Tree.SEGMENT:
            state = state_before(self.workload, self.header.parent, self.segment.start, trace.index)
        else:
            state = self.post if trace.tree is Tree.AFTER else self.pre
        return traced(self.workload, self.header, trace, state)

    def steps(self) -> SegmentList:
        """See :class:`~pol_oracle.evidence.Discloser`."""
        return self.segment.list

    def segment_step(self, trace: TraceId) -> SegmentStep:
        """See :class:`~pol_oracle.evidence.Discloser`."""
        if trace.tree is not Tree.SEGMENT:
            return NO_SEGMENT
        entries = self.segment.entries[max(trace.index - 1, 0) : trace.index + 1]
        parent = self.parent if trace.index == 0 else None
        return SegmentStep(parent, entries, self.segment.list.path(trace.index))

    def accuracy(self) -> AccuracyTree:
        """See :class:`~pol_oracle.evidence.Discloser`."""
        return self.bits_tree

    # --- lies about the step ---

    def number(self, kind: Kind, at: int = 0) -> int:
        """Number of one of the inner tensors that operations of a kind write."""
        return number(self.step, kind, at)

    def altered(self, tensor: int, element: int, change: Callable[[np.float32], Any]) -> Forgery:
        """One element of the trace is another; what follows from it stays as it was."""
        return self.with_trace(altered(self.step, tensor, element, change))

    def retraced(self, changed: Mapping[int, Floats]) -> Forgery:
        """Some tensors of the trace are others."""
        return self.with_trace(retraced(self.step, changed))

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
        post = post_of(self.workload, step)
        header = replace(self.header, trace_root=step.roots.root, post_root=step.roots.post_root)
        return replace(self, header=header, post=post, step=step)

    # --- lies about the segment ---

    def standing_on(self, segment: Segment, lies: Mapping[TraceId, Traced] | None = None) -> Forgery:
        """The block claims this segment, and takes its step from where that ends: with the same samples."""
        header = replace(self.header, segment_root=segment.root, pre_root=segment.end.root)
        step = traced(self.workload, header, TraceId(Tree.STEP), segment.end)
        moved = replace(self, header=header, segment=segment, pre=segment.end, lies=dict(lies or {}))
        return moved.with_trace(step)

    def derailed(self, step: int, twist: Twist) -> Forgery:
        """One step of the segment is another; those after it follow from what it gives."""
        workload, segment = self.workload, self.segment
        which = TraceId(Tree.SEGMENT, step)
        lie = twist(self.truth(which))
        entries, state = [*segment.entries[:step], entry_of(lie.roots)], post_of(workload, lie)
        for later in range(step + 1, len(segment.entries)):
            result = segment_step(workload, segment.block_id, later, state)
            entries.append(entry_of(result.trace.roots))
            state = result.post
        return self.standing_on(replace(segment, entries=tuple(entries), end=state), {which: lie})

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

    def wrong_bit(self) -> tuple[Forgery, TraceId]:
        """One sample that W' does not classify counts as correct; also its evaluation."""
        before, after = self.bits()
        sample = int(np.flatnonzero(~after)[-1])
        after[sample] = True
        return self.with_accuracy(AccuracyTree.of(before, after)), TraceId(Tree.AFTER, sample)

    def explaining(self, sample: TraceId, twist: Twist) -> Forgery:
        """It shows another trace of one evaluation."""
        return replace(self, lies={**self.lies, sample: twist(self.truth(sample))})


def told(position: Position, block: Forgery) -> bytes:
    """What the contract tells of an answer to a demand: all of it but what leads to a segment's step."""
    types = ANSWER_TYPES[position.item]
    return encode(types, answer_to(position, block.workload.programs, block).arguments[: len(types)])


def number(trace: Traced, kind: Kind, at: int = 0) -> int:
    """Number of one of the inner tensors of a step that operations of a kind write."""
    program = trace.program
    inner = range(program.first, program.posts_from)
    return [t for t in inner if (op := program.operation_of(t)) is not None and op.kind is kind][at]


def altered(trace: Traced, tensor: int, element: int, change: Callable[[np.float32], Any]) -> Traced:
    """One element of a trace is another."""
    wrong = trace.tensors[tensor].copy()
    flat = wrong.reshape(-1)
    flat[element] = change(flat[element])
    return retraced(trace, {tensor: wrong})


def retraced(trace: Traced, changed: Mapping[int, Floats]) -> Traced:
    """Some tensors of a trace are others."""
    return Traced.of(trace.program, tuple(changed.get(i, tensor) for i, tensor in enumerate(trace.tensors)))


def with_root(trace: Traced, tensor: int, root: bytes) -> Traced:
    """A trace that claims another root for one tensor, which it cannot show."""
    tensors: Sequence[bytes] = trace.roots.tensors
    return replace(trace, roots=TraceRoots(trace.program, (*tensors[:tensor], root, *tensors[tensor + 1 :])))


def next_weight(trace: Traced) -> Traced:
    """The first weight of the new state is the next float32: the smallest lie there is."""
    return altered(trace, trace.program.posts_from, 0, lambda w: np.nextafter(w, np.float32(np.inf)))


def garbage(trace: Traced) -> Traced:
    """A trace of whose result, and of all in between, nothing is right."""
    first = trace.program.first
    rubbish = {t: np.full_like(tensor, 0.25) for t, tensor in enumerate(trace.tensors) if t >= first}
    return retraced(trace, rubbish)


def entry_of(roots: TraceRoots) -> SegmentEntry:
    """The entry of a step in its segment's list."""
    return SegmentEntry(roots.batch_root, roots.inner_root, roots.post_root)


def post_of(workload: Workload, step: Traced) -> State:
    """The state that a step's trace ends in."""
    posts = step.tensors[step.program.posts_from :]
    return State(workload.model, np.concatenate([tensor.reshape(-1) for tensor in posts]))


@cache
def segment_after(workload: Workload, block_id: bytes, start: State) -> Segment:
    """The right segment after a block; computed once."""
    return train_segment(workload, block_id, start)


def honest(
    workload: Workload,
    parent: bytes,
    miner: str,
    difficulty: int,
    *,
    below: Forgery | None = None,
    missed: int | None = None,
    misses: Workload | None = None,
    first: int = 0,
) -> Forgery:
    """Makes a right block.

    It meets what the hash of W' may require besides, even if it does not: a lie has another W', whose hash may.

    Args:
        workload: the task.
        parent: block to build on.
        miner: of the block.
        difficulty: of the block.
        below: the parent, unless that is genesis.
        missed: number of the first requirement that it does not meet.
        misses: a task whose requirements it misses.
        first: nonce to begin at.
    """
    segment = segment_after(workload, parent, below.post if below else workload.initial)
    task, train, test = workload.task, workload.train, workload.test
    before = workload.evaluator.correct(segment.end, test.images, test.labels)
    for nonce in range(first, first + 10_000):
        drawn = seed(task.rules, task.id, parent, miner, nonce)
        indices = batch(drawn, task.batch_size, task.train_count)
        result = workload.stepper.run(segment.end, train.images[list(indices)], train.labels[list(indices)])
        most = requirements(task.rules, drawn, most_bits(difficulty), task.eligible_count, task.mask_size)
        if missed is None and unmet(workload, most, segment.end, result.post) is not None:
            continue  # before anything is hashed, which takes longer than the step
        draft = replace(BLANK, parent=parent, miner=miner, nonce=nonce, indices=indices, segment_root=segment.root)
        header = replace(draft, pre_root=segment.end.root, post_root=result.post.root)
        if unmet(workload, requirements_of(workload, header, difficulty), segment.end, result.post) != missed:
            continue
        if misses and unmet(misses, requirements_of(misses, header, difficulty), segment.end, result.post) is None:
            continue
        after = workload.evaluator.correct(result.post, test.images, test.labels)
        if after.sum() <= before.sum():
            continue
        step = Traced(workload.stepper.program, result.trace.tensors(), result.trace.roots)
        tree = AccuracyTree.of(before, after)
        made = Forgery(workload, header, segment, segment.end, result.post, step, tree, below)
        return made.with_trace(step).with_accuracy(tree)
    raise AssertionError("no proof in 10,000 tries")
