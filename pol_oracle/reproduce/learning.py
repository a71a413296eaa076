"""What the hardened chain's network learns, beside plain training on the same batches."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.selftest import self_test
from pol_oracle.canonical.state import State
from pol_oracle.data import Samples, load_third
from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import CorruptState, InputError
from pol_oracle.task import Workload, build_workload
from pol_oracle.task_file import TaskSpec

from .chain import Tip, genesis, grow
from .curves import draw
from .files import locked, read_table, write_table
from .plain import PlainTraining

TASK = Path(__file__).with_name("learning.toml")
ROW_SAMPLES = 10_000  # trained on between two rows


@dataclass(frozen=True)
class LearningRow:
    """A row of the CSV: accuracies after so many samples.

    Attributes:
        seed: of the initial weights, and so of the chain.
        samples: trained on.
        blocks: height.
        tries: steps that were looked at for the blocks' own.
        chain: accuracy of the chain's W' on the test set E, by which blocks are chosen.
        plain: of plain training on E.
        chain_third: of W' on samples that choose nothing.
        plain_third: of plain training on these.
    """

    seed: int
    samples: int
    blocks: int
    tries: int
    chain: float
    plain: float
    chain_third: float
    plain_third: float


@dataclass(frozen=True)
class LearningPlan:
    """What to do.

    Attributes:
        spec: the task, of the hardened rules; the seeds take its place in turn.
        samples: to train on, per seed.
        seeds: of the initial weights.
        out: the run's folder.
        cache: folder of finished data sets.
        threads: of the canonical arithmetic.
    """

    spec: TaskSpec
    samples: int
    seeds: tuple[int, ...]
    out: Path
    cache: Path
    threads: int = 1


@dataclass(frozen=True)
class LearningResult:
    """What a run leaves.

    Attributes:
        rows: all so far.
        csv: their file.
        png: the figure; None as long as there is no row.
    """

    rows: tuple[LearningRow, ...]
    csv: Path
    png: Path | None


class RunStoppedError(Exception):
    """The caller wants no more."""


def learn(
    plan: LearningPlan, tell: Callable[[LearningRow], None], should_stop: Callable[[], bool] = lambda: False
) -> LearningResult:
    """Trains until every seed has so many samples, or until told to stop, and draws the curves.

    Args:
        plan: what to do.
        tell: told every row.
        should_stop: asked before every step and during evaluations.

    Raises:
        InputError: the task is not one of the hardened rules, or the folder holds another run.
        CorruptState: the folder's files are damaged.
        DataError: the data set is missing, or has no third set.
        RuleError: training diverged.
        OSError: a file cannot be written.
    """
    if plan.spec.rules != "hardened":
        raise InputError(f"under the rules of task {plan.spec.name} ({plan.spec.rules}) W does not follow from a chain")
    self_test()
    plan.out.mkdir(parents=True, exist_ok=True)
    table, figure = plan.out / "learning.csv", plan.out / "learning.png"

    def look() -> None:
        if should_stop():
            raise RunStoppedError

    with locked(plan.out):
        rows = read_table(table, LearningRow)
        third = load_third(plan.spec.data)
        try:
            for seed in plan.seeds:
                spec = plan.spec.model_copy(update={"seed": seed})
                run = _LearningRun(
                    build_workload(spec, plan.cache, plan.threads), third, plan.out / f"seed-{seed}.npz", seed
                )
                rows = [row for row in rows if row.seed != seed or row.samples <= run.samples]
                for row in run.rows(plan.samples, look):
                    rows.append(row)
                    write_table(table, LearningRow, rows)
                    run.save()
                    tell(row)
        except RunStoppedError:
            pass
        if rows:
            draw(rows, figure, _title(plan))
    return LearningResult(tuple(rows), table, figure if rows else None)


def _title(plan: LearningPlan) -> str:
    spec = plan.spec
    return f"{spec.model}, S = {spec.batch_size}, N = {spec.steps}, learning rate {spec.learning_rate:g}"


class _LearningRun:
    """One seed's chain, and plain training beside it. A file keeps both where the last row found them."""

    def __init__(self, workload: Workload, third: Samples, path: Path, seed: int) -> None:
        self._workload, self._third, self._path, self._seed = workload, third, path, seed
        self._tip, plain = _load(path, workload) if path.exists() else (genesis(workload), workload.initial)
        self._plain = PlainTraining(workload, plain)

    @property
    def samples(self) -> int:
        """Trained on so far."""
        task = self._workload.task
        return self._tip.height * (task.training_steps + 1) * task.batch_size

    def rows(self, samples: int, look: Callable[[], None]) -> Iterator[LearningRow]:
        """Trains on, and yields a row for every so many samples, the last included."""
        while self.samples < samples:
            wanted = min(samples, self.samples - self.samples % ROW_SAMPLES + ROW_SAMPLES)
            while self.samples < wanted:
                grown = grow(self._workload, self._tip, look)
                self._plain.train(grown.batches)
                self._tip = grown.tip
            yield self._row()

    def save(self) -> None:
        """Keeps both networks.

        Raises:
            OSError: the file cannot be written.
        """
        tip, plain = self._tip, self._plain.state
        facts = {
            "task": self._workload.task.id.hex(),
            "block_id": tip.block_id.hex(),
            "height": tip.height,
            "tries": tip.tries,
            "correct": tip.correct,
            "roots": [tip.post.root.hex(), plain.root.hex()],
        }
        packed = io.BytesIO()
        encoded = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez(packed, chain=tip.post.flat, plain=plain.flat, facts=encoded)
        write_whole(self._path, packed.getvalue())

    def _row(self) -> LearningRow:
        tip, tests, plain = self._tip, len(self._workload.test), self._plain.state
        return LearningRow(
            seed=self._seed,
            samples=self.samples,
            blocks=tip.height,
            tries=tip.tries,
            chain=round(tip.correct / tests, 4),
            plain=self._accuracy(plain, self._workload.test),
            chain_third=self._accuracy(tip.post, self._third),
            plain_third=self._accuracy(plain, self._third),
        )

    def _accuracy(self, state: State, samples: Samples) -> float:
        right = self._workload.evaluator.correct(state, samples.images, samples.labels)
        return round(float(right.mean()), 4)


def _load(path: Path, workload: Workload) -> tuple[Tip, State]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            facts, chain, plain = json.loads(bytes(archive["facts"])), archive["chain"], archive["plain"]
        if facts["task"] != workload.task.id.hex():
            raise InputError(f"{path} is of another task: choose another --out")
        states = [_state(workload.model, flat, root) for flat, root in zip((chain, plain), facts["roots"], strict=True)]
        tip = Tip(bytes.fromhex(facts["block_id"]), facts["height"], facts["tries"], states[0], facts["correct"])
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, CorruptState) as error:
        raise CorruptState(f"{path} is damaged ({error}): choose another --out to begin anew") from error
    return tip, states[1]


def _state(model: Model, flat: NDArray[np.float32], root: str) -> State:
    state = State(model, flat)
    if state.root.hex() != root:
        raise CorruptState("its weights do not have their root")
    return state
