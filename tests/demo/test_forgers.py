"""What the cheats do to a proof is what they say, and no more."""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.demo.forgers import nudged, own_indices, steal
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.task import Task

VICTIM, THIEF = "0x" + "11" * 20, "0x" + "22" * 20


def proof(task: Task) -> Header:
    roots = [bytes([n]) * 32 for n in range(4)]
    draft = Header(bytes(32), VICTIM, 7, (), roots[0], roots[1], roots[2], roots[3], 10, 11)
    return Header(bytes(32), VICTIM, 7, own_indices(task, draft), roots[0], roots[1], roots[2], roots[3], 10, 11)


def test_nudge_moves_one_weight_by_one_ulp() -> None:
    state = State.initial(build_model("cnn"), 1)

    before = np.frombuffer(state.to_bytes(), ">f4").astype(np.float32)
    after = np.frombuffer(nudged(state).to_bytes(), ">f4").astype(np.float32)

    (moved,) = np.flatnonzero(before.view(np.uint32) != after.view(np.uint32))
    assert abs(int(before.view(np.uint32)[moved]) - int(after.view(np.uint32)[moved])) == 1
    assert nudged(state).root != state.root
    assert nudged(nudged(state)).root == state.root


def test_verbatim_theft_has_a_batch_that_is_not_the_thiefs(task: Task) -> None:
    stolen = steal(task, proof(task), THIEF, adapted=False)

    assert stolen.miner == THIEF
    assert stolen.indices == proof(task).indices
    assert stolen.indices != own_indices(task, stolen)


def test_adapted_theft_has_the_thiefs_batch_and_the_victims_claims(task: Task) -> None:
    stolen = steal(task, proof(task), THIEF, adapted=True)

    assert stolen.indices == own_indices(task, stolen)
    assert (stolen.pre_root, stolen.post_root) == (proof(task).pre_root, proof(task).post_root)
    assert stolen.correct_after == proof(task).correct_after
