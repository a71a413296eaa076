"""A run writes its chain and its figure, and an interrupted one goes on as if nothing had happened."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from pol_oracle.data import DataSpec
from pol_oracle.protocol.errors import CorruptState, InputError
from pol_oracle.protocol.header import Header
from pol_oracle.reproduce import figure1
from pol_oracle.reproduce.figure1 import Figure1Result, default_task
from pol_oracle.reproduce.folder import Folder, Identity
from pol_oracle.reproduce.mining import MINER, Standing, genesis_of
from pol_oracle.task_file import TaskSpec
from tests.reproduce.runs import Watcher, mined, paper_spec, rows, run
from tests.task.workloads import small_workload

BLOCKS = 4
HEADER = (
    "height,block_id,tries,candidates,seconds,cpu_seconds,correct_before,correct_after,test_count,accuracy,indices,"
    "pre_root,post_root,trace_root,eval_root"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Figure1Result:
    """A run that nobody interrupted."""
    return run(tmp_path_factory.mktemp("whole") / "run", BLOCKS)


def test_the_csv_has_a_row_per_block(whole: Figure1Result) -> None:
    assert whole.csv.read_text().splitlines()[0] == HEADER
    assert [int(row["height"]) for row in rows(whole.csv)] == list(range(1, BLOCKS + 1))
    for row, block in zip(rows(whole.csv), whole.chain, strict=True):
        assert row["block_id"] == block.block_id
        assert int(row["tries"]) >= int(row["candidates"]) >= 1
        assert int(row["correct_after"]) > int(row["correct_before"])
        assert float(row["accuracy"]) == round(int(row["correct_after"]) / int(row["test_count"]), 4)
        assert float(row["seconds"]) >= 0
        assert float(row["cpu_seconds"]) >= 0


def test_a_blocks_id_is_the_hash_of_its_row_and_of_the_block_before(whole: Figure1Result) -> None:
    task = small_workload("paper").task  # its id has no k in it
    parent = genesis_of(task)
    for row in rows(whole.csv):
        header = Header(
            parent=parent,
            miner=MINER,
            nonce=int(row["tries"]) - 1,
            indices=tuple(map(int, row["indices"].split())),
            segment_root=bytes(32),
            pre_root=bytes.fromhex(row["pre_root"]),
            post_root=bytes.fromhex(row["post_root"]),
            trace_root=bytes.fromhex(row["trace_root"]),
            eval_root=bytes.fromhex(row["eval_root"]),
            correct_before=int(row["correct_before"]),
            correct_after=int(row["correct_after"]),
        )
        parent = header.id(task.id)
        assert row["block_id"] == parent.hex()


def test_the_figure_is_a_png_with_an_honest_title(whole: Figure1Result) -> None:
    assert whole.png is not None
    assert whole.png.read_bytes().startswith(b"\x89PNG")
    for word in ("cnn", "digits", "k = 3", f"{BLOCKS} blocks", "1 thread", "CPU core"):
        assert word in whole.title


def test_a_run_of_enough_blocks_draws_and_mines_nothing(whole: Figure1Result, tmp_path: Path) -> None:
    out = Path(shutil.copytree(whole.csv.parent, tmp_path / "run"))
    (out / "figure1.png").unlink()
    watcher = Watcher()
    again = run(out, 1, watcher=watcher)
    assert len(again.chain) == len(watcher.began) == BLOCKS
    assert watcher.seen == []
    assert (out / "figure1.png").exists()


@pytest.mark.parametrize("steps", [1, 7])
def test_a_stopped_run_goes_on_to_the_same_chain(whole: Figure1Result, tmp_path: Path, steps: int) -> None:
    """Stopped again and again, also during evaluations."""
    for _ in range(1000):
        watcher = Watcher()
        result = run(tmp_path / "run", BLOCKS, watcher=watcher, should_stop=lambda: len(watcher.seen) >= steps)  # noqa: B023
        if len(result.chain) == BLOCKS:
            break
        steps += 5  # or an evaluation would never end
    assert mined(result.csv) == mined(whole.csv)


def test_a_stopped_search_goes_on_at_the_next_step(tmp_path: Path) -> None:
    first, second = Watcher(), Watcher()
    run(tmp_path / "run", 1, paper_spec(bits=20), first, should_stop=lambda: len(first.seen) >= 5)
    run(tmp_path / "run", 1, paper_spec(bits=20), second, should_stop=lambda: len(second.seen) >= 1)
    assert second.seen[0].tries == 5
    assert second.seen[0].state.root != first.seen[-1].state.root
    assert second.seen[0].cpu_seconds > first.seen[-1].cpu_seconds > 0


def test_a_folder_as_it_was_at_any_moment_leads_to_the_same_chain(
    whole: Figure1Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a killed process leaves is the folder as it was."""
    monkeypatch.setattr(figure1, "SAVE_S", 0)  # after every step
    moments: list[Path] = []

    def copy() -> None:
        moments.append(Path(shutil.copytree(tmp_path / "run", tmp_path / f"moment{len(moments)}" / "run")))

    run(tmp_path / "run", 2, watcher=Watcher(copy))
    for moment in moments[:: max(1, len(moments) // 5)]:
        assert mined(run(moment, BLOCKS).csv) == mined(whole.csv)


def test_killed_between_row_and_state_a_run_finds_the_same_block_again(whole: Figure1Result, tmp_path: Path) -> None:
    out = run(tmp_path / "run", 1).csv.parent
    (out / "figure1.csv").write_bytes(whole.csv.read_bytes())  # rows that the state knows nothing of
    watcher = Watcher()
    result = run(out, BLOCKS, watcher=watcher)
    assert (len(watcher.began), len(watcher.blocks)) == (1, BLOCKS - 1)
    assert mined(result.csv) == mined(whole.csv)


def test_a_full_disk_leaves_a_folder_that_goes_on(
    whole: Figure1Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = run(tmp_path / "run", 1).csv.parent

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken, pytest.raises(OSError, match="No space left"):
        broken.setattr("os.fsync", full)
        run(out, BLOCKS)
    assert mined(run(out, BLOCKS).csv) == mined(whole.csv)


def test_what_was_mined_before_counts_towards_the_interval(tmp_path: Path) -> None:
    stopped, on = Watcher(), Watcher()
    run(tmp_path / "run", 1, watcher=stopped, should_stop=lambda: len(stopped.seen) >= 3)
    result = run(tmp_path / "run", 1, watcher=on)
    spent = on.seen[0].cpu_seconds
    assert spent > 0
    assert result.chain[0].cpu_seconds >= round(spent, 2)
    assert result.chain[0].interval_s == result.chain[0].cpu_seconds


def test_without_a_block_there_is_no_figure(tmp_path: Path) -> None:
    result = run(tmp_path / "run", 1, should_stop=lambda: True)
    assert (result.chain, result.png) == ((), None)
    assert not result.csv.exists()


@pytest.mark.parametrize("other", [paper_spec(seed=2), paper_spec(bits=4)], ids=["task", "bits"])
def test_another_chains_folder_is_refused(whole: Figure1Result, other: TaskSpec) -> None:
    before = whole.csv.read_bytes()
    with pytest.raises(InputError, match=r"holds a chain of task 0x\w+ with k = 3, not of .*: choose another --out"):
        run(whole.csv.parent, BLOCKS + 1, other)
    assert whole.csv.read_bytes() == before


def test_hardened_rules_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rule set paper"):
        run(tmp_path / "run", 1, paper_spec(rules="hardened"))


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    workload = small_workload("paper")
    folder = Folder(tmp_path / "run", Identity(workload.task.id.hex(), 3), workload.model)
    with folder.locked(), pytest.raises(InputError, match="another run works in"):
        run(tmp_path / "run", 1)


@pytest.fixture
def started(whole: Figure1Result, tmp_path: Path) -> Path:
    """A copy of the run's folder."""
    return Path(shutil.copytree(whole.csv.parent, tmp_path / "run"))


@pytest.mark.parametrize("keep", [0, 1000, -100])
def test_a_damaged_state_is_refused(started: Path, keep: int) -> None:
    state = started / "state.npz"
    state.write_bytes(state.read_bytes()[:keep])
    with pytest.raises(CorruptState, match=r"state\.npz is damaged"):
        run(started, BLOCKS + 1)


def test_weights_that_do_not_have_their_root_are_refused(started: Path) -> None:
    workload = small_workload("paper")
    folder = Folder(started, Identity(workload.task.id.hex(), 3), workload.model)
    chain, now = folder.load()
    assert now is not None
    now.state.root  # noqa: B018  (known before the weights are changed under it)
    now.state.flat.flags.writeable = True
    now.state.flat[0] += 1
    folder.save(chain, now)
    with pytest.raises(CorruptState, match="do not have their root"):
        folder.load()


def test_a_csv_without_its_state_is_refused(started: Path) -> None:
    (started / "state.npz").unlink()
    with pytest.raises(InputError, match=r"no state\.npz beside it"):
        run(started, BLOCKS + 1)


def test_a_csv_that_lacks_rows_is_refused(started: Path) -> None:
    table = started / "figure1.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="does not belong to"):
        run(started, BLOCKS + 1)


def test_a_csv_that_is_none_is_refused(started: Path) -> None:
    (started / "figure1.csv").write_text("height,block_id\none,two\n")
    with pytest.raises(InputError, match="is not what a run wrote"):
        run(started, BLOCKS + 1)


def test_without_cifar10_the_figure_is_mined_on_the_digits(tmp_path: Path) -> None:
    spec = default_task(tmp_path)
    assert (spec.model, spec.rules, spec.batch_size, spec.learning_rate) == ("resnet18-7x7", "paper", 4, 0.001)
    assert spec.data.kind == "digits"


def test_with_cifar10_at_hand_it_is_mined_on_that(tmp_path: Path) -> None:
    (tmp_path / "cifar10" / "cifar-10-batches-py").mkdir(parents=True)
    assert default_task(tmp_path).data == DataSpec(kind="cifar10")


def test_blocks_build_on_each_other(whole: Figure1Result) -> None:
    """Between two blocks W moves on, so a block's W is not the one before it left, unless one step made the block."""
    for before, block in pairwise(whole.chain):
        assert (block.pre_root == before.post_root) == (block.tries == 1)


def test_a_search_under_way_is_saved_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure1, "SAVE_S", 0)
    workload = small_workload("paper")
    folder = Folder(tmp_path / "run", Identity(workload.task.id.hex(), 20), workload.model)
    saved: list[Standing | None] = []
    watcher = Watcher(lambda: saved.append(folder.load()[1]))
    run(tmp_path / "run", 1, paper_spec(bits=20), watcher, should_stop=lambda: len(saved) >= 4)
    assert [now.tries for now in saved if now is not None] == [0, 1, 2, 3]
