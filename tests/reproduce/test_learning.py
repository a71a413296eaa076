"""The chain's training beside plain training: same batches, same accuracy, and a run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.canonical.state import State
from pol_oracle.data import DataSpec
from pol_oracle.protocol.errors import CorruptState, DataError, InputError
from pol_oracle.reproduce import learning
from pol_oracle.reproduce.chain import genesis, grow
from pol_oracle.reproduce.learning import LearningPlan, LearningResult, LearningRow, learn
from pol_oracle.reproduce.plain import PlainTraining
from pol_oracle.task_file import TaskSpec, load_spec
from tests.task.workloads import small_spec, small_workload

Bytes = NDArray[np.uint8]
STEPS = 8
BLOCK = 4 * (STEPS + 1)  # samples


def spec(**changes: object) -> TaskSpec:
    data = DataSpec(train=256, test=64, seed=5)  # every try is evaluated on the test samples
    return small_spec().model_copy(update={"data": data, "training_steps": STEPS, **changes})


def run(
    out: Path,
    blocks: int,
    seeds: tuple[int, ...] = (1,),
    task: TaskSpec | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> LearningResult:
    plan = LearningPlan(task or spec(), blocks * BLOCK, seeds, out, out.parent / "data")
    return learn(plan, lambda row: None, should_stop)


@pytest.fixture(autouse=True)
def _a_row_per_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "ROW_SAMPLES", 1)


def test_a_block_is_a_segment_and_one_step_that_improves() -> None:
    workload = small_workload()
    grown = grow(workload, genesis(workload), lambda: None)

    assert len(grown.batches) == workload.task.training_steps + 1
    state = workload.initial
    for indices in grown.batches:
        chosen = list(indices)
        before, state = state, workload.stepper.run(state, *_samples(chosen)).post
    assert state == grown.tip.post
    assert _correct(before) < _correct(state) == grown.tip.correct


def test_plain_training_follows_the_same_steps() -> None:
    workload = small_workload()
    grown = grow(workload, genesis(workload), lambda: None)
    plain = PlainTraining(workload, workload.initial)

    plain.train(grown.batches[:8])

    state = workload.initial
    for indices in grown.batches[:8]:
        state = workload.stepper.run(state, *_samples(list(indices))).post
    assert np.allclose(plain.state.flat, state.flat, atol=1e-4)


def test_every_row_has_both_networks_on_both_sets(tmp_path: Path) -> None:
    result = run(tmp_path / "run", 2, seeds=(1, 2))

    assert [(row.seed, row.samples, row.blocks) for row in result.rows] == [
        (seed, blocks * BLOCK, blocks) for seed in (1, 2) for blocks in (1, 2)
    ]
    for row in result.rows:
        assert row.tries >= row.blocks
        assert all(0 < value < 1 for value in (row.chain, row.plain, row.chain_third, row.plain_third))
    assert result.png is not None
    assert result.png.read_bytes().startswith(b"\x89PNG")


def test_a_run_that_was_stopped_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", 3)
    stopped = run(tmp_path / "run", 3, should_stop=(tmp_path / "run" / "learning.csv").exists)
    assert len(stopped.rows) == 1

    assert run(tmp_path / "run", 3).rows == whole.rows


def test_rows_beyond_the_state_are_made_again(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out, 1)
    state = (out / "seed-1.npz").read_bytes()
    whole = run(out, 2)
    (out / "seed-1.npz").write_bytes(state)

    assert run(out, 2).rows == whole.rows


def test_another_tasks_folder_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "run", 1)
    with pytest.raises(InputError, match="of another task: choose another --out"):
        run(tmp_path / "run", 1, task=spec(learning_rate=0.1))


def test_a_damaged_state_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "run", 1)
    path = tmp_path / "run" / "seed-1.npz"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CorruptState, match=r"seed-1\.npz is damaged"):
        run(tmp_path / "run", 2)


def test_the_papers_rules_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="W does not follow from a chain"):
        run(tmp_path / "run", 1, task=small_spec("paper"))


def test_a_set_without_a_third_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no third set"):
        run(tmp_path / "run", 1, task=spec(data=DataSpec(kind="cifar10")))


def test_the_default_task_is_the_devnets_network() -> None:
    task = load_spec(learning.TASK)
    assert (task.model, task.rules, task.batch_size, task.steps) == ("cnn", "hardened", 4, 256)


def test_the_columns_are_the_rows_fields(tmp_path: Path) -> None:
    header = run(tmp_path / "run", 1).csv.read_text().splitlines()[0]
    assert header.split(",") == list(LearningRow.__dataclass_fields__)


def _samples(chosen: list[int]) -> tuple[Bytes, Bytes]:
    train = small_workload().train
    return train.images[chosen], train.labels[chosen]


def _correct(state: State) -> int:
    workload = small_workload()
    return int(workload.evaluator.correct(state, workload.test.images, workload.test.labels).sum())
