"""What each cheating miner does to a proof. A forger returns what to propose and which states to publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from struct import pack, unpack
from typing import TYPE_CHECKING, Protocol

from pol_oracle.protocol import derivation
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.task import Task

from .cast import Part

if TYPE_CHECKING:
    from pol_oracle.agents.blocks import BlockView
    from pol_oracle.canonical.state import State
    from pol_oracle.search import Proof
    from pol_oracle.store import StateStore
    from pol_oracle.task import Workload

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Forgery:
    """A proposal that must not win, and what its proposer publishes: root -> content."""

    header: Header
    publish: Mapping[bytes, bytes] = field(default_factory=dict)


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
    bits: int

    def state_of(self, block: BlockView) -> State:
        """The weights a block left behind."""
        from pol_oracle.task import fetch_state

        if block.header is None:
            return self.workload.initial
        return fetch_state(self.store, self.workload.model, block.header.post_root)

    def proof(self, block: BlockView, cancelled: Callable[[], bool]) -> Proof:
        """An honest miner's proof on top of a block: training and search."""
        from pol_oracle.agents.config import AgentConfig
        from pol_oracle.agents.job import Job
        from pol_oracle.agents.knowledge import Parent
        from pol_oracle.agents.production import Production

        parent = Parent(block.id, block.correct_after, block.header.post_root if block.header else None)
        produce = Production(self.workload, self.store, AgentConfig.training_steps)
        return produce(Job(parent, self.me, self.bits), cancelled)


def forger_of(part: Part, bench: Bench) -> Forger:
    """Returns the forger of a cheat that computes; the thief only copies, see :func:`steal`."""
    forgers = {Part.ULP: one_ulp, Part.SKIP: no_search, Part.WITHHOLD: no_weights}
    forge = forgers[part]
    return lambda target, cancelled: forge(bench, target, cancelled)


def one_ulp(bench: Bench, parent: BlockView, cancelled: Callable[[], bool]) -> Forgery:
    """A real proof, but one weight of W' is the next float32: the smallest lie there is. All of it is published."""
    proof = bench.proof(parent, cancelled)
    forged = with_post(proof, nudged(proof.post))
    return Forgery(forged.header, published(forged))


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
