"""What each cheating miner does to a proof. A forger returns what to propose, and what to answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from pol_oracle.agents.rules.knowledge import Parent
from pol_oracle.agents.work.follow import Follower
from pol_oracle.agents.work.worker import Cancelled
from pol_oracle.evidence import (
    Answer,
    Grounds,
    HonestDiscloser,
    Traced,
    TraceId,
    answer_to,
    traced,
)
from pol_oracle.fixtures.forged import (
    STEP,
    Liar,
    altered,
    derailed,
    largest_dot,
    nudged,
    own_indices,
    redrawn,
    with_post,
)
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Position, Tree
from pol_oracle.task import Segment, Workload
from pol_oracle.task.proof import Base, Job, Proof

from .cast import DemoRole

Ask = Callable[[], bool]


@dataclass(frozen=True)
class Forgery:
    """A proposal that must not win.

    Attributes:
        header: what is proposed.
        answer: answers a demand; None: it never does.
    """

    header: Header
    answer: Callable[[Position], Answer] | None = None


class Forger(Protocol):
    """Makes a forgery on top of a block."""

    def __call__(self, target: Parent, cancelled: Ask) -> Forgery:
        """Forges; ``target`` is the block to build on, or for the thief the block to steal."""


@dataclass(frozen=True)
class Bench:
    """What the forgers that compute work with."""

    follower: Follower
    me: str
    difficulty: int

    @property
    def workload(self) -> Workload:
        """The task."""
        return self.follower.workload

    def proof(self, parent: Parent, cancelled: Ask) -> Proof:
        """An honest miner's proof on top of a block."""
        from pol_oracle.agents.production import Production
        from pol_oracle.search import search_for

        produce = Production(self.follower, search_for(self.workload))
        return produce(self._job(parent), cancelled)

    def on_another_w(self, parent: Parent, false: Segment, step: int, lie: Traced, cancelled: Ask) -> Forgery:
        """An honest miner's search, after a segment that is wrong in one step."""
        from pol_oracle.search import search_for

        base = Base(false.root, false.end)
        found = search_for(self.workload).search(self._job(parent), base, should_stop=cancelled)
        if found is None:
            raise Cancelled
        grounds = Grounds(false.end, false, parent.lineage[-1] if parent.lineage else None)
        return self.telling(found.header, grounds, TraceId(Tree.SEGMENT, step), lie)

    def _job(self, parent: Parent) -> Job:
        return Job(parent.id, self.me, self.difficulty, parent.lineage)

    def telling(self, header: Header, grounds: Grounds, trace: TraceId, lie: Traced) -> Forgery:
        """Proposes a header, and answers what is demanded of it with one false trace and true ones besides."""
        truth = HonestDiscloser(self.workload, header, grounds, lambda state: self.follower.count(state, _never))
        told = Liar(trace, lie, truth)
        return Forgery(header, lambda position: answer_to(position, self.workload.programs, told))


def _never() -> bool:
    return False


def forger_of(part: DemoRole, bench: Bench) -> Forger:
    """Returns the forger of a cheat that computes; the thief only copies, see :func:`steal`."""
    forgers = {
        DemoRole.ULP: one_ulp,
        DemoRole.TRACE: wrong_value,
        DemoRole.SEGMENT: wrong_segment,
        DemoRole.BATCH: other_batch,
        DemoRole.SKIP: no_search,
    }
    forge = forgers[part]
    return lambda target, cancelled: forge(bench, target, cancelled)


def one_ulp(bench: Bench, parent: Parent, cancelled: Ask) -> Forgery:
    """A real proof, but one weight of W' is the next float32: the smallest lie there is."""
    proof = bench.proof(parent, cancelled)
    grounds = bench.follower.grounds(proof.header, parent.lineage, cancelled)
    lie = with_post(traced(bench.workload, proof.header, STEP, proof.pre), nudged(proof.post))
    header = replace(proof.header, post_root=lie.roots.post_root, trace_root=lie.roots.root)
    return bench.telling(header, grounds, STEP, lie)


def wrong_value(bench: Bench, parent: Parent, cancelled: Ask) -> Forgery:
    """A real proof, but one value inside the step is the next float32."""
    proof = bench.proof(parent, cancelled)
    grounds = bench.follower.grounds(proof.header, parent.lineage, cancelled)
    lie = altered(traced(bench.workload, proof.header, STEP, proof.pre), largest_dot(bench.workload.stepper.program))
    return bench.telling(replace(proof.header, trace_root=lie.roots.root), grounds, STEP, lie)


def wrong_segment(bench: Bench, parent: Parent, cancelled: Ask) -> Forgery:
    """A real proof, but on another W: half-way through the segment one weight was the next float32."""
    false, lie = derailed(bench.workload, bench.follower.segment(parent.id, parent.lineage, cancelled))
    return bench.on_another_w(parent, false, len(false.entries) // 2, lie, cancelled)


def other_batch(bench: Bench, parent: Parent, cancelled: Ask) -> Forgery:
    """A real proof, but on another W: the segment's last step took samples of the cheat's choice."""
    false, lie = redrawn(bench.workload, bench.follower.segment(parent.id, parent.lineage, cancelled))
    return bench.on_another_w(parent, false, len(false.entries) - 1, lie, cancelled)


def no_search(bench: Bench, parent: Parent, cancelled: Ask) -> Forgery:
    """The first nonce, whatever its requirements say, and an accuracy that was never measured."""
    task, train = bench.workload.task, bench.workload.train
    segment = bench.follower.segment(parent.id, parent.lineage, cancelled)
    before = min(parent.lineage[-1].correct_after, task.test_count - 1) if parent.lineage else 0
    invented = keccak(b"never evaluated")
    roots = segment.root, segment.end.root, invented, invented, invented
    draft = Header(parent.id, bench.me, 0, (), *roots, before, before + 1)
    indices = own_indices(task, draft)
    result = bench.workload.stepper.run(segment.end, train.images[list(indices)], train.labels[list(indices)])
    return Forgery(replace(draft, indices=indices, post_root=result.post.root, trace_root=result.trace.root))
