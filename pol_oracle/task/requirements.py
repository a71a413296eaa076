"""Which requirements a block has, and which of them its W' does not meet."""

from __future__ import annotations

from collections.abc import Sequence

from pol_oracle.canonical.commitments.trees import LEAF
from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import Requirement, requirements, seed
from pol_oracle.protocol.difficulty import needed_bits
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.rules import satisfies

from .workload import Workload


def requirements_of(workload: Workload, header: Header, difficulty: int) -> tuple[Requirement, ...]:
    """Returns R of a block: as many requirements as its difficulty needs, drawn from the seed of its header."""
    task = workload.task
    drawn = seed(task.rules, task.id, header.parent, header.miner, header.nonce)
    bits = needed_bits(difficulty, drawn, header.post_root)
    return requirements(task.rules, drawn, bits, task.eligible_count, task.mask_size)


def unmet(workload: Workload, required: Sequence[Requirement], pre: State, post: State) -> int | None:
    """Returns the number of the first requirement that W' does not meet, or None if it meets them all.

    Args:
        workload: the task.
        required: R.
        pre: W.
        post: W'.
    """
    for number, requirement in enumerate(required):
        tensor, elements = weights_of(workload, requirement)
        before, after = (state.tensors[tensor].reshape(-1)[elements].tolist() for state in (pre, post))
        if not satisfies(workload.rules, before, after, requirement.odd):
            return number
    return None


def weights_of(workload: Workload, requirement: Requirement) -> tuple[int, list[int]]:
    """Returns the tensor and the flat elements of it that a requirement counts, in canonical layout."""
    tensor, place = workload.eligible.locate(requirement.number)
    leaf, mask = requirement.within(workload.rules, place)
    return tensor, [LEAF * leaf + bit for bit in range(LEAF) if mask >> bit & 1]
