"""Workloads: what L1 commits to, and states from the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from pol_oracle.canonical.commitments.trees import LEAF
from pol_oracle.canonical.state import State
from pol_oracle.data import DataSpec
from pol_oracle.protocol.errors import CorruptState, InputError, RuleError, StoreError
from pol_oracle.store import StateStore
from pol_oracle.task import build_workload, fetch_state
from pol_oracle.task_file import ChainSpec, TaskSpec
from tests.task.workloads import STEPS, small_spec, small_workload


def test_the_task_commits_to_every_part() -> None:
    workload = small_workload()
    task = workload.task
    assert (task.train_count, task.test_count, task.batch_size) == (256, 256, 4)
    assert (task.training_steps, task.mask_size) == (STEPS, 16)
    assert (task.train_root, task.test_root) == (workload.train.root, workload.test.root)
    assert task.initial_root == workload.initial.root == State.initial(workload.model, 1).root
    assert task.eligible_hash == workload.eligible.hash
    assert task.rules == workload.rules
    assert 0 < task.eligible_count < workload.model.elements // LEAF


@pytest.mark.parametrize(
    "wrong",
    [{"training_steps": 0}, {"rules": "paper", "training_steps": 4}, {"rules": "paper", "mask_size": 16}],
    ids=str,
)
def test_segments_and_masks_fit_the_rules(tmp_path: Path, wrong: dict[str, object]) -> None:
    spec = TaskSpec.model_validate(small_spec().model_dump() | {"training_steps": None} | wrong)
    with pytest.raises(RuleError, match=f"{list(wrong)[-1]} must be"):
        build_workload(spec, tmp_path)


def test_pitfall_06_every_hyper_parameter_is_in_the_task_id(tmp_path: Path) -> None:
    """A prover cannot choose learning rate, batch size, segment, rules, seed or data: another value is another task."""
    base = small_spec().model_dump()
    changes: list[dict[str, object]] = [
        {},
        {"learning_rate": 0.002},
        {"batch_size": 8},
        {"rules": "paper", "training_steps": None},
        {"seed": 2},
        {"training_steps": 5},
        {"mask_size": 32},
        {"data": DataSpec(train=256, test=256, seed=6).model_dump()},
        {"data": DataSpec(train=128, test=256, seed=5).model_dump()},
    ]
    ids = {build_workload(TaskSpec.model_validate(base | change), tmp_path).task.id for change in changes}
    assert len(ids) == len(changes)


def test_building_twice_gives_the_same_task(tmp_path: Path) -> None:
    assert build_workload(small_spec(), tmp_path).task == small_workload().task


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    spec = TaskSpec(name="x", batch_size=32, data=DataSpec(train=16, test=16))
    with pytest.raises(InputError, match="more than the 16 training samples"):
        build_workload(spec, tmp_path)


def test_a_state_is_fetched_by_its_root(tmp_path: Path) -> None:
    model, state = small_workload().model, small_workload().initial
    store = StateStore([tmp_path])
    store.put(state.root, state.to_bytes())
    assert fetch_state(store, model, state.root).root == state.root


def test_pitfall_03_a_wrong_state_under_the_right_name_is_refused(tmp_path: Path) -> None:
    model, state = small_workload().model, small_workload().initial
    other = State.initial(model, 99)
    store = StateStore([tmp_path])
    store.put(state.root, other.to_bytes())
    with pytest.raises(CorruptState, match="another root"):
        fetch_state(store, model, state.root)


def test_pitfall_03_an_honest_copy_is_found_behind_a_wrong_one(tmp_path: Path) -> None:
    model, state = small_workload().model, small_workload().initial
    StateStore([tmp_path / "a"]).put(state.root, State.initial(model, 99).to_bytes())
    StateStore([tmp_path / "b"]).put(state.root, state.to_bytes())
    assert fetch_state(StateStore([tmp_path / "a", tmp_path / "b"]), model, state.root).root == state.root


def test_pitfall_05_a_state_with_a_nan_is_read_as_what_it_is(tmp_path: Path) -> None:
    """It has the root that the miner committed to, so it is evidence, not a bad copy."""
    model, state = small_workload().model, small_workload().initial
    for poison in (b"\x7f\xc0\x00\x00", b"\x7f\x80\x00\x00", b"\xff\x80\x00\x00"):
        data = poison + state.to_bytes()[4:]
        root = State.from_bytes(model, data).root
        StateStore([tmp_path]).put(root, data)
        assert not fetch_state(StateStore([tmp_path]), model, root).finite


def test_pitfall_03_a_withheld_state_is_not_called_damaged(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as error:
        fetch_state(StateStore([tmp_path]), small_workload().model, bytes(32))
    assert not isinstance(error.value, CorruptState)


def test_a_batch_whose_sums_no_transaction_could_prove_is_refused(tmp_path: Path) -> None:
    spec = small_spec().model_copy(update={"batch_size": 32, "chain": ChainSpec(difficulty_bits=3)})
    with pytest.raises(InputError, match="use a smaller batch"):
        build_workload(spec, tmp_path)
