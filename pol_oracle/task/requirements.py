"""Which requirements a block has, and which of them its W' does not meet."""

from __future__ import annotations

from collections.abc import Sequence

from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import Requirement, requirements, seed
from pol_oracle.protocol.difficulty import needed_bits
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.rules import satisfies

from .workload import Workload


def requirements_of(workload: Workload, header: Header, difficulty: int) -> tuple[Requirement, ...]:
    """Returns R of a block: as many requirements as its difficulty needs, drawn from the seed of its header."""
    task = workload.task
    drawn = seed(task.rules, task.id, header.parent, header.miner, header.pre_root, header.nonce)
    return requirements(drawn, needed_bits(difficulty, drawn, header.post_root), workload.eligible.count)


def unmet(workload: Workload, required: Sequence[Requirement], pre: State, post: State) -> int | None:
    """Returns the number of the first requirement that W' does not meet, or None if it meets them all.

    Args:
        workload: the task.
        required: R.
        pre: W.
        post: W'.
    """
    for number, requirement in enumerate(required):
        tensor, element = workload.eligible.locate(requirement.weight)
        before, after = float(pre.tensors[tensor].flat[element]), float(post.tensors[tensor].flat[element])
        if not satisfies(workload.rules, before, after, requirement.up):
            return number
    return None
