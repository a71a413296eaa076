"""Proofs that one element of a trace is wrong: its operands are opened, and the Court recomputes it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from pol_oracle.canonical.commitments.trees import Slice, sample_path
from pol_oracle.canonical.operations import Kind
from pol_oracle.canonical.programs.reference import reference
from pol_oracle.canonical.programs.tree import ProgramTree
from pol_oracle.data import Samples
from pol_oracle.task import Workload

from .proofs import FraudProof
from .shown import ClaimedTrace
from .traced import Traced, samples_of

LABEL_BYTES = 8


def operation_proof(
    claim: ClaimedTrace, programs: ProgramTree, operands: Traced, claimed: Slice, element: int
) -> FraudProof:
    """Proves that an element is not what its operation gives.

    Args:
        claim: the claimed trace.
        programs: of the task.
        operands: tensors to open the operands from; those that the operation reads must be the claimed trace's.
        claimed: opens the wrong element in the claimed trace.
        element: flat index of it.
    """
    opening = programs.open(claim.trace.tree, claimed.tensor)
    operation = operands.program.operation_of(claimed.tensor)
    copied = operation is not None and operation.kind is Kind.GATHER
    # what is not finite is wrong by itself, unless it was only copied
    needed = copied or bool(np.isfinite(claimed.value(element)))
    reads = _reads(operands, claimed.tensor, element) if needed else {}
    slices = [operands.open(tensor, elements) for tensor, elements in reads.items()]
    evidence = (claimed.tensor, element, opening.abi(), claim.roots.open([claimed, *slices]).abi())
    return claim.proof("proveOperation", evidence)


def input_proof(claim: ClaimedTrace, workload: Workload, claimed: Slice, element: int) -> FraudProof:
    """Proves that an element of a trace's images or labels is not the data set's.

    Args:
        claim: the claimed trace.
        workload: the task.
        claimed: opens the wrong element in the claimed trace.
        element: flat index of it.
    """
    trace = claim.trace
    data = workload.test if trace.tree.evaluates else workload.train
    samples = samples_of(workload, claim.header, trace)
    index = samples[element // (claimed.elements // len(samples))]
    opening = workload.programs.open(trace.tree, claimed.tensor)
    shown = claim.roots.open([claimed]).abi()
    path = sample_path(data.images, data.labels, index)
    evidence = (claimed.tensor, element, opening.abi(), shown, _sample(data, index), b"".join(path))
    return claim.proof("proveInput", evidence)


def first_difference(claimed: Slice, own: Slice) -> int:
    """Returns the flat index of the first element whose bits differ between two openings of the same leaves."""
    different = claimed.floats().view(np.uint32) != own.floats().view(np.uint32)
    return 64 * claimed.places[0] + int(np.argmax(different.reshape(-1)))


def _reads(traced: Traced, tensor: int, element: int) -> dict[int, list[int]]:
    """The elements that one element follows from, by tensor."""
    found: dict[int, list[int]] = defaultdict(list)

    def read(source: int, index: int) -> Any:
        return traced.tensors[source].flat[index]

    for source, index in reference(traced.program, tensor, element, read).reads:
        found[source].append(index)
    return found


def _sample(data: Samples, index: int) -> bytes:
    """What the data set's tree hashes of a sample: pixels, and the label in 8 bytes."""
    pixels: bytes = data.images[index].tobytes()
    return pixels + int(data.labels[index]).to_bytes(LABEL_BYTES, "big")
