"""What the cheats do to a proof is what they say, and no more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.demo.forgers import altered, derailed, largest_dot, nudged, own_indices, steal, with_post
from pol_oracle.evidence import Traced
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.task import Task
from pol_oracle.task import segment_step, state_before, train_segment
from tests.task.workloads import small_workload

VICTIM, THIEF = "0x" + "11" * 20, "0x" + "22" * 20
BLOCK = bytes([7]) * 32


def proof(task: Task) -> Header:
    segment, pre, post, trace, evaluation = (bytes([n]) * 32 for n in range(5))
    draft = Header(bytes(32), VICTIM, 7, (), segment, pre, post, trace, evaluation, 10, 11)
    return replace(draft, indices=own_indices(task, draft))


def bits(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return values.reshape(-1).view(np.uint32).astype(np.int64)


def step() -> Traced:
    workload = small_workload()
    result = segment_step(workload, BLOCK, 0, workload.initial)
    return Traced(workload.stepper.program, result.trace.tensors(), result.trace.roots)


def test_nudge_moves_one_weight_by_one_ulp() -> None:
    state = State.initial(build_model("cnn"), 1)

    (moved,) = np.flatnonzero(bits(state.flat) != bits(nudged(state).flat))
    assert abs(bits(state.flat)[moved] - bits(nudged(state).flat)[moved]) == 1
    assert nudged(state).root != state.root
    assert nudged(nudged(state)).root == state.root


def test_another_state_changes_a_trace_at_its_end_alone() -> None:
    right, program = step(), small_workload().stepper.program
    post = nudged(small_workload().initial)

    lie = with_post(right, post)

    assert lie.roots.post_root == post.root
    assert lie.roots.tensors[: program.posts_from] == right.roots.tensors[: program.posts_from]


def test_one_value_of_a_step_is_altered_by_one_ulp() -> None:
    right = step()
    tensor = largest_dot(right.program)

    lie = altered(right, tensor)

    assert right.program.first <= tensor < right.program.posts_from
    pairs = enumerate(zip(lie.roots.tensors, right.roots.tensors, strict=True))
    assert [number for number, (ours, theirs) in pairs if ours != theirs] == [tensor]
    assert np.abs(bits(lie.tensors[tensor]) - bits(right.tensors[tensor])).sum() == 1


def test_a_derailed_segment_is_right_up_to_its_middle_step_and_consistent_from_there() -> None:
    workload = small_workload()
    right = train_segment(workload, BLOCK, workload.initial)
    middle = len(right.entries) // 2

    false, lie = derailed(workload, right)

    assert false.entries[:middle] == right.entries[:middle]
    assert false.entries[middle].batch_root == right.entries[middle].batch_root
    assert false.entries[middle].inner_root == right.entries[middle].inner_root
    assert lie.roots.post_root == false.entries[middle].state_root != right.entries[middle].state_root
    assert lie.roots.state_root == state_before(workload, BLOCK, workload.initial, middle).root
    assert len(false.entries) == len(right.entries)
    assert false.end.root == false.entries[-1].state_root != right.end.root


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
