"""Proofs about the accuracy tree: a sum that is not that of what lies below, or a bit against its evaluation."""

from __future__ import annotations

from pol_oracle.canonical.accuracy import SAMPLES_PER_LEAF, AccuracyTree
from pol_oracle.canonical.programs import ProgramTree
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree

from .proofs import FraudProof, TraceId
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


def bit_proof(
    programs: ProgramTree, header: Header, trace: TraceId, evaluation: Traced, tree: AccuracyTree
) -> FraudProof:
    """Proves that the bit of a sample is not the last tensor of its evaluation.

    Args:
        programs: of the task.
        header: the block.
        trace: which evaluation; the miner must have revealed its root.
        evaluation: the revealed trace.
        tree: what the miner committed to.
    """
    last = len(evaluation.tensors) - 1
    leaf = trace.index // SAMPLES_PER_LEAF
    content = tree.content(0, leaf)
    evidence = (
        [content[:32], content[32:]],
        [node.abi() for node in tree.siblings(0, leaf)],
        programs.open(Tree.BEFORE, last).abi(),
        evaluation.roots.open([evaluation.open(last, [0])]).abi(),
    )
    return FraudProof(trace.kind, "proveBit", (header.astuple(), trace.abi(), evidence))
