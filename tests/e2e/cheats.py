"""Miners that cheat, each in one way, and are honest in all others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pol_oracle.agents.job import Job
from pol_oracle.agents.worker import Cancelled
from pol_oracle.canonical.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.protocol.derivation import batch, requirements, seed
from pol_oracle.protocol.difficulty import needed_bits
from pol_oracle.protocol.header import Header
from pol_oracle.search import Proof
from pol_oracle.task import Workload, unmet


def as_found(proof: Proof) -> Proof:
    """Leaves a proof as it is."""
    return proof


def one_ulp_off(proof: Proof) -> Proof:
    """W' differs from the step's in the last bit of one weight. The trace ends in that W'."""
    weights = proof.post.flat.copy()
    weights[0] = np.nextafter(weights[0], np.float32(np.inf))
    post = State(proof.post.model, weights)
    roots = TraceRoots.of(proof.roots.program, proof.pre.tensor_roots, proof.roots.between, post.tensor_roots)
    header = replace(proof.header, post_root=post.root, trace_root=roots.root)
    return replace(proof, header=header, post=post, roots=roots)


def flattered(proof: Proof) -> Proof:
    """Claims five more correct samples than there are."""
    return replace(proof, header=replace(proof.header, correct_after=proof.header.correct_after + 5))


@dataclass
class Cheat:
    """Makes one bad proof on the initial weights, then idles.

    Attributes:
        workload: the task.
        searched: the step meets the requirements; else the first nonce that does not is taken.
        twist: what is done to the proof.
        trained: W is not the task's initial weights, which everybody has.
    """

    workload: Workload
    searched: bool
    twist: Callable[[Proof], Proof] = as_found
    trained: bool = False
    done: bool = False

    def __call__(self, job: Job, cancelled: Callable[[], bool]) -> Proof:
        """Makes the proof; see :data:`pol_oracle.agents.miner.Produce`."""
        if self.done:
            raise Cancelled
        proof = next(p for nonce in range(1000) if (p := self._try(job, nonce)) is not None)
        self.done = True
        return self.twist(proof)

    def _try(self, job: Job, nonce: int) -> Proof | None:
        workload, task = self.workload, self.workload.task
        pre, train = workload.initial, workload.train
        if self.trained:
            pre = workload.stepper.run(pre, train.images[:4], train.labels[:4]).post
        drawn = seed(task.rules, task.id, job.parent.id, job.miner, pre.root, nonce)
        indices = batch(drawn, task.batch_size, task.train_count)
        chosen = list(indices)
        result = workload.stepper.run(pre, workload.train.images[chosen], workload.train.labels[chosen])
        needed = needed_bits(job.difficulty, drawn, result.post.root)
        required = requirements(drawn, needed, workload.eligible.count)
        if (unmet(workload, required, pre, result.post) is None) != self.searched:
            return None
        test, count = workload.test, workload.evaluator.correct
        tree = AccuracyTree.of(*(count(state, test.images, test.labels) for state in (pre, result.post)))
        header = Header(
            parent=job.parent.id,
            miner=job.miner,
            nonce=nonce,
            indices=indices,
            pre_root=pre.root,
            post_root=result.post.root,
            trace_root=result.trace.root,
            eval_root=tree.root.hash,
            correct_before=min(tree.root.before, tree.root.after - 1),  # the registry wants an increase
            correct_after=tree.root.after,
        )
        return Proof(header, pre, result.post, result.trace.roots, tree)
