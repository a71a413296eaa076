"""Training diverges after a block: the segment is as the operations have it, and not finite. No child can be right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from eth_account.signers.local import LocalAccount

from pol_oracle.canonical.commitments.accuracy import AccuracyTree
from pol_oracle.canonical.state import State
from pol_oracle.evidence import TraceId, traced
from pol_oracle.protocol.derivation import batch, seed
from pol_oracle.protocol.lifecycle import EvidenceKind
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import Workload
from tests.adversaries.arena import Arena
from tests.adversaries.conftest import deployed
from tests.adversaries.forging import BLANK, Forgery, segment_after
from tests.e2e.stage import Stage


def diverging(workload: Workload) -> Workload:
    """The task from other initial weights: the first convolution's products are finite, its sums are not."""
    flat = workload.initial.flat.copy()
    flat[: workload.initial.tensors[0].size] = 3e38
    initial = State(workload.model, flat)
    return replace(workload, initial=initial, task=replace(workload.task, initial_root=initial.root))


def unsearched(workload: Workload, genesis: bytes, miner: str) -> Forgery:
    """A block on the right segment; its accuracy is invented."""
    segment, task = segment_after(workload, genesis, workload.initial), workload.task
    assert not segment.finite
    drawn = seed(task.rules, task.id, genesis, miner, 0)
    indices = batch(drawn, task.batch_size, task.train_count)
    header = replace(BLANK, parent=genesis, miner=miner, indices=indices)
    step, numbers = traced(workload, header, TraceId(Tree.STEP), segment.end), np.arange(task.test_count)
    bits = AccuracyTree.of(numbers < 0, numbers < 1)
    made = Forgery(workload, header, segment, segment.end, segment.end, step, bits)
    return made.standing_on(segment).with_accuracy(bits)


def test_block_on_a_dead_end(
    workload: Workload,
    accounts: list[LocalAccount],
    colluders: list[LocalAccount],
    anvil: str,
    mine: Callable[..., None],
    tmp_path: Path,
) -> None:
    broken = diverging(workload)
    deployment = deployed(anvil, accounts[13], colluders, broken, tmp_path / "store")
    stage = Stage(tmp_path, anvil, deployment, mine)
    forgery = unsearched(broken, bytes.fromhex(deployment.genesis_id[2:]), accounts[1].address)
    arena = Arena(stage, broken, forgery, accounts[1], accounts[2], colluders)

    arena.convicts(forgery, EvidenceKind.STEP, demands=0)
    stage.close()
