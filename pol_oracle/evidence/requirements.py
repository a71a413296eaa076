"""Requirements: which are not met, and the proof of it, which needs no trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pol_oracle.canonical.commitments.trees import Opening
from pol_oracle.canonical.state import State
from pol_oracle.protocol.eligible import packed
from pol_oracle.protocol.errors import RuleError
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.task import Workload, requirements_of, unmet, weights_of

from .proofs import FraudProof


@dataclass(frozen=True)
class RequirementEvidence:
    """Mirror of ``struct RequirementEvidence`` in ``ICourt.sol``.

    Attributes:
        requirement: its number in R, from 0.
        eligible: the task's eligible ranges, 32 bytes each.
        tensors: of a state.
        opening: of its leaf in W, and in W', whose tensors are numbered on from those of W.
    """

    requirement: int
    eligible: tuple[bytes, ...]
    tensors: int
    opening: Opening

    def abi(self) -> tuple[Any, ...]:
        """The evidence as the ABI takes it."""
        return self.requirement, list(self.eligible), self.tensors, self.opening.abi()


def first_unmet(workload: Workload, header: Header, difficulty: int, pre: State, post: State) -> int | None:
    """Returns the number of the first requirement that W' does not meet, or None if it meets them all.

    Args:
        workload: the task.
        header: the block; its seed names the requirements.
        difficulty: the block's, in 1/1024 bit.
        pre: W.
        post: W'.
    """
    return unmet(workload, requirements_of(workload, header, difficulty), pre, post)


def requirement_proof(
    workload: Workload, header: Header, difficulty: int, pre: State, post: State, number: int
) -> FraudProof:
    """Opens the leaf of one requirement in W and in W'.

    Args:
        workload: the task.
        header: the block.
        difficulty: the block's, in 1/1024 bit.
        pre: the state behind ``header.pre_root``.
        post: the state behind ``header.post_root``.
        number: which requirement, from 0.

    Raises:
        RuleError: there is no such requirement, or the states are not the header's, so the Court would refuse.
    """
    required = requirements_of(workload, header, difficulty)
    if not 0 <= number < len(required):
        raise RuleError(f"requirement {number} does not exist: the block has {len(required)}")
    if (pre.root, post.root) != (header.pre_root, header.post_root):
        raise RuleError("evidence must open the states that the block committed to")
    tensor, (element, *_) = weights_of(workload, required[number])
    ranges = tuple(packed(workload.eligible.ranges))
    afterwards = replace(post.open(tensor, element), tensor=len(pre) + tensor)
    opening = Opening((pre.open(tensor, element), afterwards), (*pre.path(tensor), *post.path(tensor)))
    evidence = RequirementEvidence(number, ranges, len(pre), opening)
    return FraudProof(EvidenceKind.REQUIREMENT, "proveRequirement", (header.astuple(), evidence.abi()))
