"""Everything a task computes with, and what L1 commits to of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pol_oracle.canonical.eligible import eligible_weights
from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.models import Model, build_model
from pol_oracle.canonical.programs.tree import ProgramTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.data import Samples, load
from pol_oracle.protocol.difficulty import most_bits
from pol_oracle.protocol.eligible import EligibleWeights
from pol_oracle.protocol.errors import CorruptState, InputError, StoreError
from pol_oracle.protocol.rules import Rules, rules_of
from pol_oracle.protocol.task import Task
from pol_oracle.store import StateStore
from pol_oracle.task_file import TaskSpec

MAX_TERMS = 4608  # of a reduction: even values that defeat the Court's fast sums then stay under a transaction's gas


@dataclass(frozen=True, eq=False)
class Workload:
    """A task, ready to compute with.

    Attributes:
        spec: the task file.
        task: what L1 commits to.
        model: the network.
        train: training set D.
        test: test set E.
        initial: genesis's weights.
        eligible: what R may name.
        stepper: the canonical step.
        evaluator: the canonical evaluation.
        programs: their descriptors, as the task commits to them.
    """

    spec: TaskSpec
    task: Task
    model: Model
    train: Samples
    test: Samples
    initial: State
    eligible: EligibleWeights
    stepper: Stepper
    evaluator: Evaluator
    programs: ProgramTree

    @property
    def rules(self) -> Rules:
        """The rules of the task's rule set."""
        return self.task.rules


def build_workload(spec: TaskSpec, cache: Path, threads: int = 1, store: StateStore | None = None) -> Workload:
    """Builds model, programs and data of a task.

    Args:
        spec: the task file.
        cache: folder for finished data sets.
        threads: that share the work of a step and of an evaluation; no bit depends on it.
        store: holds the initial state, where the task file names one.

    Raises:
        InputError: the parts of the task do not fit together.
        StoreError: no usable copy of the initial state was found.
        DataError: the data set is missing.
    """
    model = build_model(spec.model)
    rules = rules_of(spec.rule_set)
    train, test = load(spec.data, cache)
    eligible = eligible_weights(model, rules)
    if spec.batch_size > len(train):
        raise InputError(f"batch_size {spec.batch_size} is more than the {len(train)} training samples")
    if most_bits(spec.parameters().max_difficulty) > eligible.count:
        raise InputError(
            f"difficulty may reach more bits than there are eligible places ({eligible.count}): lower max_bits"
        )
    stepper = Stepper(model, spec.batch_size, spec.learning_rate_bits, threads)
    evaluator = Evaluator(model, threads)
    _check_provable(spec, stepper, evaluator)
    programs = ProgramTree(stepper, evaluator)
    initial = _initial(spec, model, store)
    task = Task(
        rule_set=spec.rule_set,
        batch_size=spec.batch_size,
        train_count=len(train),
        test_count=len(test),
        training_steps=spec.steps,
        mask_size=spec.counted_weights,
        learning_rate=spec.learning_rate_bits,
        eligible_count=eligible.count,
        eligible_hash=eligible.hash,
        program_root=programs.root,
        train_root=train.root,
        test_root=test.root,
        initial_root=initial.root,
    )
    return Workload(spec, task, model, train, test, initial, eligible, stepper, evaluator, programs)


def _initial(spec: TaskSpec, model: Model, store: StateStore | None) -> State:
    if spec.initial is None:
        return State.initial(model, spec.seed)
    if store is None:
        raise InputError("the task begins with a given state: name a store that has it")
    return fetch_state(store, model, bytes.fromhex(spec.initial.removeprefix("0x")))


def _check_provable(spec: TaskSpec, stepper: Stepper, evaluator: Evaluator) -> None:
    longest = max(op.terms for op in stepper.program.operations + evaluator.program.operations)
    if longest > MAX_TERMS:
        raise InputError(
            f"batch_size {spec.batch_size} makes sums of {longest} terms, and one of more than {MAX_TERMS} "
            "could not be proven in one transaction: use a smaller batch"
        )


def fetch_state(store: StateStore, model: Model, root: bytes) -> State:
    """Reads a state from the first place of the store that has the right one.

    Raises:
        CorruptState: what was found is damaged, or is another state.
        StoreError: nothing was found.
    """
    for data in store.candidates(root, model.state_bytes):
        try:
            state = State.from_bytes(model, data)
        except CorruptState:
            continue
        if state.root == root:
            return state
    raise StoreError(f"no usable copy of state {root.hex()}")  # not reached: candidates() raises when it runs out
