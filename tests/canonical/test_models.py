"""Every model: golden digests, kernels against the reference, bounds on proofs, agreement with torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.canonical.eligible import eligible_weights
from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.execute import Workspace
from pol_oracle.canonical.models import MODEL_NAMES, Model, build_model
from pol_oracle.canonical.operations import Kind, Operation
from pol_oracle.canonical.programs import Program, program_root
from pol_oracle.canonical.reference import reference
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper, StepResult
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.rules import HARDENED, PAPER

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

RATE = 0x3D4CCCCD  # 0.05
ELEMENTS = {"cnn": 8, "resnet18": 1, "resnet18-7x7": 1}  # random elements compared per operation
GOLDEN = {
    "cnn": {
        "initial": "d6c35fcef118b86966f71c1310008a827d9becaf9d280639026ef3ef4a9dbd00",
        "post": "f0ea85fa7643fa5a05b1e9fec8f98aaf8049066348205a9e30356af6977df2e6",
        "trace": "5837ebb067a7224fad3c1f8dd2f1d77ba407b551095349d0cf622dd50e8472a2",
        "program": "6a83faec315cf6ccf43570a60280849e3063c7f4d45ef5759e1044094661cd97",
    },
    "resnet18": {
        "initial": "2e6b8028ef28d8f3cc2754cc48f935f481e265be1880f4de61dc158dd109bed9",
        "post": "4831944934eb484af68cd947da4485f905812362fbc772f536a5c4cd617d7b78",
        "trace": "ca89f27869c2b9754a3c3e1534066e91deb1edb4824eaebd886da1200218d316",
        "program": "fde7941038ff2b25ee4caa3cf1dbbf5b9e5f0d9d73d8c5fc468102efe1cdf315",
    },
    "resnet18-7x7": {
        "initial": "d07772f8fb5764bf73e25b22e358b54f5906dedeaf04241981d91503204de1c6",
        "post": "09d2c06e07a51732fd3f77f9d3c67cef8578149798affa51bd1266198b67606d",
        "trace": "dc14cb850836ede1208a887c4442c0da89e450b422948d807a0699fcec1b0a76",
        "program": "08f0b729e5c9356621813999a3c36919fd53eba2764b612896eb82a726196958",
    },
}


def batch(samples: int) -> tuple[Bytes, Bytes]:
    rng = np.random.Generator(np.random.PCG64(5))
    images = rng.integers(0, 256, (samples, 32, 32, 3)).astype(np.uint8)
    return images, rng.integers(0, 10, samples).astype(np.uint8)


@dataclass
class Case:
    """One model with one step done."""

    state: State
    stepper: Stepper
    result: StepResult
    tensors: list[Floats]  # flat


@pytest.fixture(scope="module", params=MODEL_NAMES)
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    model = build_model(request.param)
    state, stepper = State.initial(model, 1), Stepper(model, HARDENED, 4, RATE)
    result = stepper.run(state, *batch(4))
    yield Case(state, stepper, result, [t.reshape(-1) for t in result.trace.tensors()])


def compare(program: Program, tensors: list[Floats], count: int) -> None:
    """Recomputes ``count`` random elements of every operation's tensor."""
    rng = np.random.default_rng(len(tensors))
    for number, operation in enumerate(program.operations, program.first):
        for index in rng.integers(0, operation.size, count):
            value = reference(program, number, int(index), lambda t, e: np.float32(tensors[t][e])).value
            assert value.view(np.uint32) == tensors[number][index].view(np.uint32), (operation.label, index)


def test_digests_are_golden(case: Case) -> None:
    name = case.state.model.name
    evaluator = Evaluator(case.state.model)
    digests = {
        "initial": case.state.root.hex(),
        "post": case.result.post.root.hex(),
        "trace": case.result.trace.root.hex(),
        "program": program_root(case.stepper, evaluator).hex(),
    }
    assert digests == GOLDEN[name]
    assert case.result.finite


def test_every_step_operation_equals_the_reference(case: Case) -> None:
    compare(case.stepper.program, case.tensors, ELEMENTS[case.state.model.name])


def test_every_evaluation_operation_equals_the_reference(case: Case) -> None:
    images, labels = batch(2)
    program = case.state.model.evaluation_program(2)
    workspace = Workspace(program)
    workspace.state[:] = case.state.flat
    workspace.tensors[program.first - 2][:] = images
    workspace.tensors[program.first - 1][:] = labels
    assert workspace.run()
    compare(program, [t.reshape(-1) for t in workspace.tensors], ELEMENTS[case.state.model.name])


def runs(operation: Operation) -> int:
    """Contiguous runs that the reduction of one output element reads, over all operands."""
    total = 0
    for view in operation.operands:
        index = np.zeros(1, np.int64)
        for extent, stride in zip(operation.reduction, view.red, strict=True):
            index = (index[:, None] + stride * np.arange(extent)).reshape(-1)
        total += 1 + int((np.diff(index) != 1).sum())
    return total


def test_any_element_can_be_proven_in_one_transaction(case: Case) -> None:
    """Every reduction reads few contiguous runs, and every tensor but the inputs has exactly one operation."""
    for program in (case.stepper.program, Evaluator(case.state.model).program):
        for operation in program.operations:
            assert operation.terms <= 4608, operation.label
            if operation.kind in (Kind.DOT, Kind.SUM):
                assert runs(operation) <= 12, operation.label
        assert len(program.shapes) == program.first + len(program.operations)


def test_dead_taps_get_no_gradient(case: Case) -> None:
    """Weights that eligible.py leaves out of a convolution do not move; those it names mostly do."""
    eligible = eligible_weights(case.state.model, HARDENED)
    live = [np.zeros(t.size, np.bool_) for t in case.state.tensors]
    for r in eligible.ranges:
        starts = r.start + r.stride * np.arange(r.repeats)[:, None] + np.arange(r.run)
        assert not live[r.tensor][starts].any()
        live[r.tensor][starts] = True
    assert sum(int(x.sum()) for x in live) == eligible.count
    for weight, before, after, mask in zip(
        case.state.model.state, case.state.tensors, case.result.post.tensors, live, strict=True
    ):
        moved = (before != after).reshape(-1)
        if len(weight.shape) == 4:
            assert not moved[~mask].any(), weight.name
            assert moved[mask].mean() > 0.5, weight.name
        else:
            assert not mask.any(), weight.name


def test_the_number_of_threads_changes_nothing() -> None:
    model = build_model("cnn")
    state, stepper = State.initial(model, 2), Stepper(model, PAPER, 4, RATE)
    expected = stepper.run(state, *batch(4)).post
    found: list[State] = []
    threads = [threading.Thread(target=lambda: found.append(stepper.run(state, *batch(4)).post)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_sample_by_sample_evaluation_gives_the_same_bits() -> None:
    model = build_model("cnn")
    state, evaluator = State.initial(model, 2), Evaluator(model)
    images, labels = batch(150)
    seen: list[int] = []
    bits = evaluator.correct(state, images, labels, seen.append)
    assert seen[-1] == 150
    assert seen == sorted(seen)
    one_by_one = [evaluator.correct(state, images[i : i + 1], labels[i : i + 1], None)[0] for i in range(0, 150, 7)]
    assert bits[::7].tolist() == one_by_one
    program = evaluator.program
    alone, logits = Workspace(program), {}
    alone.state[:] = state.flat
    for i in (0, 149):
        alone.tensors[program.first - 2][:] = images[i]
        alone.tensors[program.first - 1][:] = labels[i]
        alone.run()
        logits[i] = alone.tensors[-1][0]
    assert [logits[0] == 1, logits[149] == 1] == [bits[0], bits[149]]


def test_hardened_steps_leave_buffers_alone_and_paper_steps_move_them() -> None:
    model = build_model("cnn")
    state = State.initial(model, 3)
    for rules in (HARDENED, PAPER):
        post = Stepper(model, rules, 4, RATE).run(state, *batch(4)).post
        for weight in model.buffers:
            assert np.array_equal(post[weight.name], state[weight.name]) == rules.freeze_buffers


def flat_offset(model: Model, name: str) -> int:
    names = [w.name for w in model.state]
    return sum(int(np.prod(w.shape)) for w in model.state[: names.index(name)])


def test_pitfall_05_a_nan_or_an_infinity_anywhere_makes_the_step_not_finite() -> None:
    model = build_model("cnn")
    state, stepper = State.initial(model, 3), Stepper(model, HARDENED, 4, RATE)
    assert stepper.run(state, *batch(4)).finite
    cases = [("conv1.weight", 3e38), ("bn2.weight", 3e38), ("fc.bias", np.nan), ("bn1.running_mean", np.inf)]
    for name, value in cases:
        flat = state.flat.copy()
        at = flat_offset(model, name)
        flat[at : at + 2] = value
        broken = State(model, flat)
        result = stepper.run(broken, *batch(4))
        assert not result.finite, name


def test_wrong_inputs_are_refused() -> None:
    model = build_model("cnn")
    state, stepper = State.initial(model, 3), Stepper(model, HARDENED, 4, RATE)
    images, labels = batch(4)
    for bad in ((images[:3], labels), (images.astype(np.float32), labels), (images, labels[:3])):
        with pytest.raises(InputError):
            stepper.run(state, *bad)
    with pytest.raises(InputError):
        Stepper(model, HARDENED, 1, RATE)
    with pytest.raises(InputError):
        build_model("vgg")
    with pytest.raises(InputError):
        Evaluator(model).correct(state, images, labels[:2], None)


def test_the_program_root_names_every_choice() -> None:
    """Model, rules, batch size and learning rate each change it; building twice does not."""
    model, other = build_model("cnn"), build_model("resnet18-7x7")
    roots = [
        program_root(Stepper(model, HARDENED, 4, RATE), Evaluator(model)),
        program_root(Stepper(model, PAPER, 4, RATE), Evaluator(model)),
        program_root(Stepper(model, HARDENED, 8, RATE), Evaluator(model)),
        program_root(Stepper(model, HARDENED, 4, RATE + 1), Evaluator(model)),
        program_root(Stepper(other, HARDENED, 4, RATE), Evaluator(other)),
    ]
    assert len(set(roots)) == len(roots)
    assert roots[0] == program_root(Stepper(build_model("cnn"), HARDENED, 4, RATE), Evaluator(build_model("cnn")))
