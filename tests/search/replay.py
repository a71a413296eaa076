"""What a proof claims, recomputed from W and the indices."""

from __future__ import annotations

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.protocol.derivation import batch, requirements, seed
from pol_oracle.protocol.difficulty import most_bits, needed_bits
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.header import Header
from pol_oracle.search import Base, Job, Proof
from pol_oracle.task import Workload, unmet
from tests.task.workloads import MINER

SEGMENT_ROOT = keccak(b"segment")


def base(state: State) -> Base:
    """Something to build on."""
    return Base(SEGMENT_ROOT, state)


def job(difficulty: int, parent: bytes = keccak(b"parent")) -> Job:
    """Something to search for."""
    return Job(parent, MINER, difficulty)


def draw(workload: Workload, header: Header, bits: int) -> tuple[object, object]:
    """R and P of a block under hardened rules, straight from the protocol."""
    task = workload.task
    drawn = seed(task.rules, task.id, header.parent, header.miner, header.nonce)
    required = requirements(task.rules, drawn, bits, task.eligible_count, task.mask_size)
    return required, batch(drawn, task.batch_size, task.train_count)


def stands(workload: Workload, proof: Proof, difficulty: int) -> None:
    """Fails unless everything the header claims is so."""
    header, task = proof.header, workload.task
    drawn = seed(task.rules, task.id, header.parent, header.miner, header.nonce)
    assert header.indices == batch(drawn, task.batch_size, task.train_count)
    assert header.segment_root == SEGMENT_ROOT
    assert header.pre_root == proof.pre.root
    chosen = list(header.indices)
    result = workload.stepper.run(proof.pre, workload.train.images[chosen], workload.train.labels[chosen])
    assert result.finite
    assert (result.post.root, result.trace.root) == (header.post_root, header.trace_root)
    required = requirements(task.rules, drawn, most_bits(difficulty), task.eligible_count, task.mask_size)
    needed = needed_bits(difficulty, drawn, header.post_root)
    assert unmet(workload, required[:needed], proof.pre, result.post) is None

    test = workload.test
    before, after = (workload.evaluator.correct(s, test.images, test.labels) for s in (proof.pre, proof.post))
    assert (header.correct_before, header.correct_after) == (before.sum(), after.sum())
    assert header.eval_root == AccuracyTree.of(before, after).root.hash
    assert header.correct_after > header.correct_before
