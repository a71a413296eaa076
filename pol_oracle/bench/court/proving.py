"""Elements of real traces before the Court: right ones hold, corrupted ones are proven wrong by one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from pol_oracle.canonical.commitments.segments import SegmentEntry, SegmentList
from pol_oracle.canonical.commitments.trees import LEAF, Slice, TensorTree
from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.programs.traces import TraceRoots
from pol_oracle.canonical.state import State
from pol_oracle.evidence import ClaimedTrace, SegmentStep, Traced, TraceId, traced
from pol_oracle.evidence.operations import input_proof, operation_proof
from pol_oracle.evidence.proofs import FraudProof
from pol_oracle.fixtures.l1 import L1, running
from pol_oracle.l1.client import STOP, Request
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import Segment, Workload, build_workload, state_before, train_segment
from pol_oracle.task_file import TaskSpec

GAS_CAP = 1 << 24  # of one transaction (EIP-7825)
SAMPLES = 64  # of either data set: the Court's work does not depend on it beyond a path's length
STEPS = 2  # of the segment: its first and its last are shown in different ways
EVALUATION = TraceId(Tree.BEFORE, 3)  # one sample with W
SUBNORMAL = np.float32(1e-40)
FLIPS = ("one ulp", "one bit", "sign", "any bits", "infinity", "not a number")


@dataclass(frozen=True, eq=False)
class Harness:
    """One honest block of a model, on genesis, and its traces, with a Court to bring them before.

    Attributes:
        l1: with the task's contracts.
        workload: the task.
        header: of the block, as far as traces go.
        segment: that it stands on.
        traces: of the step, of one sample's evaluation with W and with W', and of the segment's steps.
    """

    l1: L1
    workload: Workload
    header: Header
    segment: Segment
    traces: dict[TraceId, Traced]

    def holds(self, trace: TraceId, tensor: int, element: int) -> bool:
        """Says whether the Court finds an honest element right."""
        own = self.traces[trace]
        claim = self.claim(trace, own.roots)
        try:
            self._check(self._proof(claim, own, own.open(tensor, [element]), element), claim)
        except Reverted as error:
            return error.name == "ElementHolds"
        return False

    def corrupted(self, trace: TraceId, tensor: int, element: int, bits: int) -> tuple[FraudProof, ClaimedTrace]:
        """Proves that an element with these bits is wrong; returns the proof, and what the block would claim.

        Raises:
            Reverted: the Court does not see it.
        """
        own = self.traces[trace]
        wrong = own.tensors[tensor].copy()
        wrong.reshape(-1).view(np.uint32)[element] = bits
        tree = TensorTree(wrong)
        tensors = (*own.roots.tensors[:tensor], tree.root, *own.roots.tensors[tensor + 1 :])
        claim = self.claim(trace, TraceRoots(own.program, tensors))
        proof = self._proof(claim, own, tree.open(tensor, [element // LEAF]), element)
        self._check(proof, claim)
        return proof, claim

    def gas(self, proof: FraudProof, claim: ClaimedTrace) -> int:
        """Gas of a transaction with evidence about a claimed trace, without the slash that follows."""
        return self.l1.client.estimate_gas(self._request(proof), self._sender, code=self._stand_ins(claim))

    def claim(self, trace: TraceId, roots: TraceRoots) -> ClaimedTrace:
        """What the block would claim if one of its traces had these roots."""
        if trace.tree is not Tree.SEGMENT:
            header = self.header
            if trace.tree is Tree.STEP:
                header = replace(header, trace_root=roots.root, post_root=roots.post_root)
            return ClaimedTrace(header, trace, roots)
        entries, listed = self._entries(trace, roots), self.listed(trace, roots)
        header = replace(self.header, segment_root=listed.root, pre_root=entries[-1].state_root)
        neighbours = entries[max(trace.index - 1, 0) : trace.index + 1]
        return ClaimedTrace(header, trace, roots, SegmentStep(None, neighbours, listed.path(trace.index)))

    def listed(self, trace: TraceId, roots: TraceRoots) -> SegmentList:
        """The list of the segment if one of its steps had these roots."""
        return SegmentList.of(self._entries(trace, roots))

    def _entries(self, trace: TraceId, roots: TraceRoots) -> tuple[SegmentEntry, ...]:
        if trace.tree is not Tree.SEGMENT:
            return self.segment.entries
        own = SegmentEntry(roots.batch_root, roots.inner_root, roots.post_root)
        return (*self.segment.entries[: trace.index], own, *self.segment.entries[trace.index + 1 :])

    def _proof(self, claim: ClaimedTrace, own: Traced, claimed: Slice, element: int) -> FraudProof:
        if claimed.tensor < own.program.first:
            return input_proof(claim, self.workload, claimed, element)
        return operation_proof(claim, self.workload.programs, own, claimed, element)

    def _check(self, proof: FraudProof, claim: ClaimedTrace) -> None:
        """Calls the Court with no more gas than a transaction may have."""
        self.l1.client.simulate(self._request(proof), self._sender, gas=GAS_CAP, code=self._stand_ins(claim))

    @property
    def _sender(self) -> str:
        return str(self.l1.account(1).address)

    def _request(self, proof: FraudProof) -> Request:
        return self.l1.client.request_for("Court", proof.function, (*proof.arguments, ZERO))

    def _stand_ins(self, claim: ClaimedTrace) -> dict[str, bytes]:
        """Code for the time of a call: no commitment is asked for, and an evaluation counts as explained."""
        client = self.l1.client
        code = {client.address_of(name): STOP for name in ("Bounties", "Explanations")}
        if claim.trace.tree.evaluates:
            words = (claim.roots.state_root, ZERO, claim.roots.root)
            stores = (b"\x7f" + word + b"\x60" + bytes([32 * at]) + b"\x52" for at, word in enumerate(words))
            code[client.address_of("Reveals")] = b"".join(stores) + bytes.fromhex("60605ff3")  # RETURN of 96 bytes
        return code


@contextmanager
def harness(scratch: Path, model: str, *, expensive: bool = False) -> Iterator[Harness]:
    """Opens a Court for one block of a model.

    Args:
        scratch: an empty folder.
        model: its name.
        expensive: let the last factor of every convolution's sums, forwards and backwards, be too small for the Court's
            fast way, which sees it when all but that is done and has to begin again.
    """
    data = {"train": SAMPLES, "test": SAMPLES}
    chain = {"difficulty_bits": 4}  # as many tries as there are batches
    values = {"name": "court", "model": model, "training_steps": STEPS, "data": data, "chain": chain}
    workload = build_workload(TaskSpec.model_validate(values), scratch / "data", threads=2)
    with running(scratch / "l1", workload.task) as l1:
        genesis = l1.client.finalized_tip()
        segment = train_segment(workload, genesis, workload.initial)
        pre = _expensive(segment.end) if expensive else segment.end
        header = replace(l1.header(genesis, 1), segment_root=segment.root, pre_root=pre.root)
        step = traced(workload, header, TraceId(Tree.STEP), pre)
        header = replace(header, post_root=step.roots.post_root, trace_root=step.roots.root)
        post = State(workload.model, np.concatenate([t.reshape(-1) for t in step.tensors[step.program.posts_from :]]))
        starts = {EVALUATION: pre, TraceId(Tree.AFTER, 5): post}
        for number in range(STEPS):
            before = state_before(workload, genesis, workload.initial, number)
            starts[TraceId(Tree.SEGMENT, number)] = before
        traces = {which: traced(workload, header, which, state) for which, state in starts.items()}
        yield Harness(l1, workload, header, segment, {TraceId(Tree.STEP): step, **traces})


def _expensive(state: State) -> State:
    flat, at = state.flat.copy(), 0
    for weight in state.model.state:
        size = prod(weight.shape)
        if len(weight.shape) == 4:  # [out, ky, kx, in]; an input gradient reads it from the other end
            kernel = flat[at : at + size].reshape(weight.shape)
            kernel[:, -1, -1, -1] = kernel[-1, 0, 0, :] = SUBNORMAL
        at += size
    return State(state.model, flat)


def draw(dock_: Harness, random: np.random.Generator) -> tuple[TraceId, int, int]:
    """Draws a trace (the step in two of five cases), a tensor that is not of the state, and an element of it."""
    step, *others = dock_.traces
    trace = step if random.random() < 2 / 5 else others[int(random.integers(len(others)))]
    own = dock_.traces[trace]
    tensor = int(random.integers(len(own.program.state), len(own.tensors)))
    return trace, tensor, int(random.integers(own.tensors[tensor].size))


def flip(tensor: FloatArray, element: int, how: str, random: np.random.Generator) -> int:
    """Returns other bits for an element."""
    bits = int(tensor.reshape(-1).view(np.uint32)[element])
    match how:
        case "one ulp":
            return bits ^ 1
        case "one bit":
            return bits ^ (1 << int(random.integers(32)))
        case "sign":
            return bits ^ 0x80000000
        case "infinity":
            return 0x7F800000 if bits != 0x7F800000 else 0xFF800000
        case "not a number":
            return 0x7FC00000 | int(random.integers(1, 1 << 22))
    other: Any = int(random.integers(1 << 32))
    return int(other) if other != bits else bits ^ 1
