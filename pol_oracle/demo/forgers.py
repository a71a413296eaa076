"""What each cheating miner does to a proof. A forger returns what to propose, what to publish, and what to answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from struct import pack, unpack
from typing import TYPE_CHECKING, Protocol

from pol_oracle.protocol import derivation
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Tree
from pol_oracle.protocol.task import Task

from .cast import Part

if TYPE_CHECKING:
    from pol_oracle.agents.blocks import BlockView
    from pol_oracle.canonical.accuracy import AccuracyTree
    from pol_oracle.canonical.state import State
    from pol_oracle.evidence import Answer, Discloser, Traced
    from pol_oracle.protocol.positions import Position
    from pol_oracle.search import Proof
    from pol_oracle.store import StateStore
    from pol_oracle.task import Workload

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Forgery:
    """A proposal that must not win.

    Attributes:
        header: what is proposed.
        publish: what the proposer publishes: root -> content.
        answer: answers a demand; None: it never does.
    """

    header: Header
    publish: Mapping[bytes, bytes] = field(default_factory=dict)
    answer: Callable[[Position], Answer] | None = None


class Forger(Protocol):
    """Makes a forgery on top of a block."""

    def __call__(self, target: BlockView, cancelled: Callable[[], bool]) -> Forgery:
        """Forges; ``target`` is the block to build on, or for the thief the block to steal."""


@dataclass(frozen=True)
class Bench:
    """What the forgers that compute work with."""

    workload: Workload
    store: StateStore
    me: str
    difficulty: int

    def state_of(self, block: BlockView) -> State:
        """The weights a block left behind."""
        from pol_oracle.task import fetch_state

        if block.header is None:
            return self.workload.initial
        return fetch_state(self.store, self.workload.model, block.header.post_root)

    def proof(self, block: BlockView, cancelled: Callable[[], bool]) -> Proof:
        """An honest miner's proof on top of a block: training and search."""
        from pol_oracle.agents.job import Job
        from pol_oracle.agents.knowledge import Parent
        from pol_oracle.agents.production import Production
        from pol_oracle.search import search_for

        parent = Parent(block.id, block.correct_after, block.header.post_root if block.header else None)
        produce = Production(self.workload, self.store, search_for(self.workload))
        return produce(Job(parent, self.me, self.difficulty), cancelled)


def forger_of(part: Part, bench: Bench) -> Forger:
    """Returns the forger of a cheat that computes; the thief only copies, see :func:`steal`."""
    forgers = {Part.ULP: one_ulp, Part.TRACE: wrong_value, Part.SKIP: no_search, Part.WITHHOLD: no_weights}
    forge = forgers[part]
    return lambda target, cancelled: forge(bench, target, cancelled)


def one_ulp(bench: Bench, parent: BlockView, cancelled: Callable[[], bool]) -> Forgery:
    """A real proof, but one weight of W' is the next float32: the smallest lie there is. All of it is published."""
    proof = bench.proof(parent, cancelled)
    forged = with_post(proof, nudged(proof.post))
    return Forgery(forged.header, published(forged))


def wrong_value(bench: Bench, parent: BlockView, cancelled: Callable[[], bool]) -> Forgery:
    """A real proof, but one value inside the step is the next float32. W, W' and the roots of the step's tensors are
    published; the tensor with the wrong value is shown on L1 only, as it was committed to."""
    from pol_oracle.evidence import HonestDiscloser, answer_to, traced_step

    proof = bench.proof(parent, cancelled)
    lie = altered(traced_step(bench.workload, proof.header, proof.pre))
    header = replace(proof.header, trace_root=lie.roots.root)
    truth = HonestDiscloser(bench.workload, header, proof.pre)
    told = Liar(lie, truth)
    programs = bench.workload.programs
    forged = replace(proof, header=header, roots=lie.roots)
    return Forgery(header, published(forged), lambda position: answer_to(position, programs, told))


def no_search(bench: Bench, parent: BlockView, cancelled: Callable[[], bool]) -> Forgery:
    """The first nonce, whatever its requirements say, and an accuracy that was never measured."""
    pre, task = bench.state_of(parent), bench.workload.task
    before = min(parent.correct_after, task.test_count - 1)
    invented = keccak(b"never evaluated")
    draft = Header(parent.id, bench.me, 0, (), pre.root, invented, invented, invented, before, before + 1)
    indices = own_indices(task, draft)
    train, chosen = bench.workload.train, list(indices)
    result = bench.workload.stepper.run(pre, train.images[chosen], train.labels[chosen])
    header = replace(draft, indices=indices, post_root=result.post.root, trace_root=result.trace.root)
    return Forgery(header, {state.root: state.to_bytes() for state in (pre, result.post)})


def no_weights(bench: Bench, parent: BlockView, cancelled: Callable[[], bool]) -> Forgery:
    """A real proof, and neither W nor W' in the store."""
    return Forgery(bench.proof(parent, cancelled).header)


def steal(task: Task, victim: Header, me: str, *, adapted: bool) -> Header:
    """Another miner's proof under one's own address: verbatim, or with the batch that one's own seed demands."""
    copy = replace(victim, miner=me)
    return replace(copy, indices=own_indices(task, copy)) if adapted else copy


def own_indices(task: Task, header: Header) -> tuple[int, ...]:
    """Returns P of the header's own seed."""
    drawn = derivation.seed(task.rules, task.id, header.parent, header.miner, header.pre_root, header.nonce)
    return derivation.batch(drawn, task.batch_size, task.train_count)


def with_post(proof: Proof, post: State) -> Proof:
    """Returns a proof that claims another W', and a trace that ends in it."""
    roots = type(proof.roots).of(proof.roots.program, proof.pre.tensor_roots, proof.roots.between, post.tensor_roots)
    header = replace(proof.header, post_root=post.root, trace_root=roots.root)
    return replace(proof, header=header, post=post, roots=roots)


def published(proof: Proof) -> dict[bytes, bytes]:
    """What an honest miner publishes of a proof."""
    states = {state.root: state.to_bytes() for state in (proof.pre, proof.post)}
    return states | {
        proof.header.trace_root: proof.roots.between,
        proof.header.eval_root: proof.accuracy.words,
    }


@dataclass(frozen=True)
class Liar:
    """Shows a false step, and what is true besides; see :class:`~pol_oracle.evidence.Discloser`."""

    step: Traced
    truth: Discloser

    def trace(self, tree: Tree, sample: int) -> Traced:
        """The false step, or a true evaluation."""
        return self.step if tree is Tree.STEP else self.truth.trace(tree, sample)

    def accuracy(self) -> AccuracyTree:
        """The true bits."""
        return self.truth.accuracy()


def altered(step: Traced) -> Traced:
    """Returns a step's trace with one unit in the last place changed in the middle of its largest dot product."""
    from pol_oracle.canonical.operations import Kind
    from pol_oracle.evidence import Traced

    program = step.program
    inner = range(program.first, program.posts_from)
    dots = [t for t in inner if (made := program.operation_of(t)) is not None and made.kind is Kind.DOT]
    tensor = max(dots, key=lambda t: step.tensors[t].size)
    wrong = step.tensors[tensor].copy()
    wrong.reshape(-1).view("u4")[wrong.size // 2] ^= 1
    return Traced.of(program, (*step.tensors[:tensor], wrong, *step.tensors[tensor + 1 :]))


def nudged(state: State) -> State:
    """Returns the state with one weight moved by one unit in the last place.

    It is the last of the learnable parameters: in the last layer, which no requirement names.
    """
    learnable = sum(prod(weight.shape) for weight in state.model.parameters)
    at = FLOAT_BYTES * (learnable - 1)
    data = bytearray(state.to_bytes())
    (bits,) = unpack(">I", data[at : at + FLOAT_BYTES])
    data[at : at + FLOAT_BYTES] = pack(">I", bits ^ 1)  # the lowest bit of a float32 is its last place
    return type(state).from_bytes(state.model, bytes(data))
