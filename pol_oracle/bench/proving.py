"""Elements of real traces before the Court: right ones hold, corrupted ones are proven wrong by one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.canonical.trees import LEAF, Slice, TensorTree
from pol_oracle.chain.client import STOP, Request
from pol_oracle.evidence import Traced, TraceId, traced_sample, traced_step
from pol_oracle.evidence.operations import input_proof, operation_proof
from pol_oracle.evidence.proofs import FraudProof
from pol_oracle.protocol.errors import Reverted
from pol_oracle.protocol.hashing import ZERO
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import TaskSpec, Workload, build_workload

from .l1 import L1, running

GAS_CAP = 1 << 24  # of one transaction (EIP-7825)
SAMPLES = 64  # of either data set: the Court's work does not depend on it beyond a path's length
EVALUATION = TraceId(Tree.BEFORE, 3)  # one sample with W
SUBNORMAL = np.float32(1e-40)
FLIPS = ("one ulp", "one bit", "sign", "any bits", "infinity", "not a number")


@dataclass(frozen=True, eq=False)
class Dock:
    """One honest block of a model and its traces, with a Court to bring them before.

    Attributes:
        l1: with the task's contracts.
        workload: the task.
        header: of the block, as far as traces go.
        traces: of the step, and of one sample's evaluation with W and with W'.
    """

    l1: L1
    workload: Workload
    header: Header
    traces: dict[TraceId, Traced]

    def holds(self, trace: TraceId, tensor: int, element: int) -> bool:
        """Says whether the Court finds an honest element right."""
        own = self.traces[trace]
        claimed = own.open(tensor, [element])
        proof = self._proof(self.header, trace, own, own.roots, claimed, element)
        try:
            self._check(proof, own.roots.root)
        except Reverted as error:
            return error.name == "ElementHolds"
        return False

    def corrupted(self, trace: TraceId, tensor: int, element: int, bits: int) -> tuple[FraudProof, bytes]:
        """Proves that an element with these bits is wrong; returns the proof, and the root of the wrong trace.

        Raises:
            Reverted: the Court does not see it.
        """
        own = self.traces[trace]
        wrong = own.tensors[tensor].copy()
        wrong.reshape(-1).view(np.uint32)[element] = bits
        tree = TensorTree(wrong)
        tensors = (*own.roots.tensors[:tensor], tree.root, *own.roots.tensors[tensor + 1 :])
        roots = TraceRoots(own.program, tensors)
        header = self.header
        if trace.tree is Tree.STEP:
            header = replace(header, trace_root=roots.root, post_root=roots.post_root)
        claimed = tree.open(tensor, [element // LEAF])
        proof = self._proof(header, trace, own, roots, claimed, element)
        self._check(proof, roots.root)
        return proof, roots.root

    def gas(self, proof: FraudProof, root: bytes) -> int:
        """Gas of a transaction with evidence about a trace of this root, without the slash that follows."""
        return self.l1.client.estimate_gas(self._request(proof), self._sender, code=self._stand_ins(root))

    def _proof(
        self, header: Header, trace: TraceId, own: Traced, roots: TraceRoots, claimed: Slice, element: int
    ) -> FraudProof:
        if claimed.tensor < own.program.first:
            return input_proof(self.workload, header, trace, roots, claimed, element)
        return operation_proof(self.workload.programs, header, trace, own, roots, claimed, element)

    def _check(self, proof: FraudProof, root: bytes) -> None:
        """Calls the Court with no more gas than a transaction may have."""
        self.l1.client.simulate(self._request(proof), self._sender, gas=GAS_CAP, code=self._stand_ins(root))

    @property
    def _sender(self) -> str:
        return str(self.l1.account(1).address)

    def _request(self, proof: FraudProof) -> Request:
        return self.l1.client.request_for("Court", proof.function, (*proof.arguments, ZERO))

    def _stand_ins(self, root: bytes) -> dict[str, bytes]:
        """Code for the time of a call: no commitment is asked for, and this is the root revealed of an evaluation."""
        client = self.l1.client
        returned = bytes.fromhex("7f" + root.hex() + "5f5260205ff3")  # PUSH32, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN
        return {client.address_of("Bounties"): STOP, client.address_of("Demands"): returned}


@contextmanager
def dock(scratch: Path, model: str, *, dear: bool = False) -> Iterator[Dock]:
    """Opens a Court for one block of a model.

    Args:
        scratch: an empty folder.
        model: its name.
        dear: let the last factor of every convolution's sums, forwards and backwards, be too small for the Court's fast
            way, which sees it when all but that is done and has to begin again.
    """
    data = {"train": SAMPLES, "test": SAMPLES}
    chain = {"difficulty_bits": 4}  # as many tries as there are batches
    spec = TaskSpec.model_validate({"name": "court", "model": model, "data": data, "chain": chain})
    workload = build_workload(spec, scratch / "data", threads=2)
    if dear:
        workload = replace(workload, initial=_dear(workload.initial))
    with running(scratch / "l1", workload.task) as l1:
        header = replace(l1.header(l1.client.finalized_tip(), 1), pre_root=workload.initial.root)
        step = traced_step(workload, header, workload.initial)
        chosen = list(header.indices)
        post = workload.stepper.run(workload.initial, workload.train.images[chosen], workload.train.labels[chosen]).post
        header = replace(header, post_root=post.root, trace_root=step.roots.root)
        yield Dock(
            l1,
            workload,
            header,
            {
                TraceId(Tree.STEP): step,
                EVALUATION: traced_sample(workload, workload.initial, EVALUATION.sample),
                TraceId(Tree.AFTER, 5): traced_sample(workload, post, 5),
            },
        )


def _dear(state: State) -> State:
    flat, at = state.flat.copy(), 0
    for weight in state.model.state:
        size = prod(weight.shape)
        if len(weight.shape) == 4:  # [out, ky, kx, in]; an input gradient reads it from the other end
            kernel = flat[at : at + size].reshape(weight.shape)
            kernel[:, -1, -1, -1] = kernel[-1, 0, 0, :] = SUBNORMAL
        at += size
    return State(state.model, flat)


def draw(dock_: Dock, random: np.random.Generator) -> tuple[TraceId, int, int]:
    """Draws a trace (the step in two of three cases), a tensor that is not of the state, and an element of it."""
    step, *evaluations = dock_.traces
    trace = step if random.random() < 2 / 3 else evaluations[int(random.integers(len(evaluations)))]
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
