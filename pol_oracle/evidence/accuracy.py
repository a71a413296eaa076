"""Proofs about the accuracy tree: a sum that is not that of what lies below, or a bit against its explanation."""

from __future__ import annotations

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.programs.tree import ProgramTree
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree

from .proofs import FraudProof
from .shown import ClaimedTrace
from .traced import Traced


def sums_proof(header: Header, tree: AccuracyTree, level: int, index: int, before: int, after: int) -> FraudProof:
    """Proves that a node of the accuracy tree claims other sums than lie below it.

    Args:
        header: the block.
        tree: what the miner committed to.
        level: of the node, 0 for leaves.
        index: of the node in its level.
        before: what is claimed for W: by the node's parent, or for the root by the header.
        after: what is claimed for W'.
    """
    siblings = [node.abi() for node in tree.siblings(level, index)]
    evidence = (level, index, before, after, tree.content(level, index), siblings)
    return FraudProof(EvidenceKind.ACCURACY, "proveSums", (header.astuple(), evidence))


def bit_proof(programs: ProgramTree, claim: ClaimedTrace, evaluation: Traced) -> FraudProof:
    """Refutes an explanation whose last tensor is not the bit that the block claims of the sample.

    Args:
        programs: of the task.
        claim: the explanation.
        evaluation: the explained trace, which is our own.
    """
    last = len(evaluation.tensors) - 1
    opening = evaluation.roots.open([evaluation.open(last, [0])])
    evidence = programs.open(Tree.BEFORE, last).abi(), opening.abi()
    arguments = claim.header.astuple(), claim.trace.abi(), evidence
    return FraudProof(None, "proveBit", arguments, claim.explanation)
