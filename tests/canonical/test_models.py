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
from pol_oracle.canonical.programs import Program, ProgramTree
from pol_oracle.canonical.reference import reference
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper, StepResult
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.rules import HARDENED, PAPER

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

RATE = 0x3D4CCCCD  # 0.05
MODEL_ELEMENTS = 5000  # compared with the reference, at least, per model: 20,000 in all
GOLDEN = {
    "cnn": {
        "initial": "d6c35fcef118b86966f71c1310008a827d9becaf9d280639026ef3ef4a9dbd00",
        "post": "f0ea85fa7643fa5a05b1e9fec8f98aaf8049066348205a9e30356af6977df2e6",
        "trace": "16bc096490b288a37df2c57ebb1b3bd1272011afd555fea4db748712c7fa6542",
        "program": "a2ec668b7d6feff0cfe72e65e41c8465ac8ac86eba6e544d59d6e9a174122404",
        "fifty steps": "b865ce647cef108a5d18ab2de133ce203c8145afb5293f379c2ec9244470a5bb",
        "logits": "da3acd3a8ce800a51be9c950b02a3b3880aaccaa9abd678a28345a1df87a813b",
    },
    "resnet18": {
        "initial": "2e6b8028ef28d8f3cc2754cc48f935f481e265be1880f4de61dc158dd109bed9",
        "post": "4831944934eb484af68cd947da4485f905812362fbc772f536a5c4cd617d7b78",
        "trace": "279af138ef5c88dd249e4f597912b2849a401de64d62cdb228f939fcf41e819e",
        "program": "2ae6686ec33ddb9aaa0938e9cde1016ff0ca8ef320a4c72cb0bf17ff4a698578",
        "fifty steps": "ce9f903356c05ce83231b126785cc9bffec7989195676a4760675f6f9a582e8a",
        "logits": "6c3f2734a00c0d5f099a5a0fed9f0646d0d820671d56f61779843bcf32fe994f",
    },
    "resnet18-7x7": {
        "initial": "d07772f8fb5764bf73e25b22e358b54f5906dedeaf04241981d91503204de1c6",
        "post": "09d2c06e07a51732fd3f77f9d3c67cef8578149798affa51bd1266198b67606d",
        "trace": "1eb01df75447f4d6520f08fa95e22d13a8ec6991075cbdab3de9a0e7bf9c6a89",
        "program": "5e881fc75d197ca27775a7dc9a71980de399b3b6a775a629d19a03c3971c1add",
        "fifty steps": "6027cf5497b2e0f2dc11adb6e2ac161fe6d16e9f47f58cd7d07d52d934d55f49",
        "logits": "cf4e90d56280d4cec7e33a59d4b2957180d004f8ddee8de62cf83b390266ad34",
    },
    "vgg": {
        "initial": "d2ea667b785a4319fe22d4a56364e32ec8e23d498f6d5c939d5c2e29881d0837",
        "post": "48d564c2781d056bc015c3249b54a54ddb21ab2dc48490281d22102324d28b5e",
        "trace": "1b6a3be3b6af25e6cb4b9ec42d8c462f3eeee75d6edb91bf21c000ea9bfb55ed",
        "program": "897ecbedfc03d45e91790375a67d89a09d36b6b762eb23f2a55ce4d0e20d1983",
        "fifty steps": "9d18044a00eae32f12a9544de07859780eae2c4f724ec93e5730615f8fec3136",
        "logits": "b6e2fdf9bb534eb250dd270a198e43754decfac088142af7322524f22534204d",
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


def logits_digest(state: State) -> str:
    """Hash of the logits of nine images."""
    return keccak(Evaluator(state.model).logits(state, batch(9)[0]).astype(">f4").tobytes()).hex()


def compare(program: Program, tensors: list[Floats]) -> int:
    """Recomputes random elements of every operation's tensor, more where that is quick; returns how many."""
    rng, total = np.random.default_rng(len(tensors)), 0
    for number, operation in enumerate(program.operations, program.first):
        count = int(np.clip(1000 // operation.terms, 2, 24))
        for index in rng.integers(0, operation.size, count):
            value = reference(program, number, int(index), lambda t, e: np.float32(tensors[t][e])).value
            assert value.view(np.uint32) == tensors[number][index].view(np.uint32), (operation.label, index)
        total += count
    return total


def test_digests_are_golden(case: Case) -> None:
    """They change only with a version of the arithmetic, and a line in DECISIONS.md."""
    state, stepper = case.state, case.stepper
    digests = {
        "initial": state.root.hex(),
        "post": case.result.post.root.hex(),
        "trace": case.result.trace.root.hex(),
        "program": ProgramTree(stepper, Evaluator(state.model)).root.hex(),
    }
    for _ in range(50):
        result = stepper.run(state, *batch(4))
        assert result.finite
        state = result.post
    digests |= {"fifty steps": state.root.hex(), "logits": logits_digest(case.state)}
    assert digests == GOLDEN[state.model.name]


def test_every_operation_equals_the_reference(case: Case) -> None:
    images, labels = batch(2)
    program = case.state.model.evaluation_program(2)
    workspace = Workspace(program)
    workspace.state[:] = case.state.flat
    workspace.tensors[program.first - 2][:] = images
    workspace.tensors[program.first - 1][:] = labels
    assert workspace.run()
    total = compare(case.stepper.program, case.tensors)
    total += compare(program, [t.reshape(-1) for t in workspace.tensors])
    assert total >= (MODEL_ELEMENTS if case.state.model.name.startswith("resnet18") else MODEL_ELEMENTS // 4)


def runs(operation: Operation) -> int:
    """Contiguous runs that the reduction of one output element reads, over all operands."""
    total = 0
    for view in operation.reduced:
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


def test_the_trace_commits_no_more_than_proofs_need(case: Case) -> None:
    """Every inner tensor is an operand of a later operation."""
    program = case.stepper.program
    read = {view.tensor for operation in program.operations for view in operation.operands}
    inner = range(program.first, len(program.shapes) - program.posts)
    assert [program.operations[n - program.first].label for n in inner if n not in read] == []


def test_dead_taps_get_no_gradient(case: Case) -> None:
    """Weights that eligible.py leaves out of a convolution that it names do not move; those it names mostly do."""
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
        if mask.any():
            assert len(weight.shape) == 4, weight.name
            assert not moved[~mask].any(), weight.name
            assert moved[mask].mean() > 0.5, weight.name


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_number_of_threads_changes_nothing(case: Case, threads: int) -> None:
    model = case.state.model
    result = Stepper(model, HARDENED, 4, RATE, threads).run(case.state, *batch(4))
    assert result.post.root.hex() == GOLDEN[model.name]["post"]
    assert result.trace.root.hex() == GOLDEN[model.name]["trace"]
    images, _ = batch(40)
    logits = Evaluator(model, threads).logits(case.state, images)
    alone = Evaluator(model).logits(case.state, images[:1])
    assert logits[:1].tobytes() == alone.tobytes()


def test_callers_on_several_threads_get_the_same_bits() -> None:
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
        build_model("alexnet")
    with pytest.raises(InputError):
        Evaluator(model).correct(state, images, labels[:2], None)


def test_the_program_root_names_every_choice() -> None:
    """Model, rules, batch size and learning rate each change it; building twice does not."""
    model, other = build_model("cnn"), build_model("resnet18-7x7")
    roots = [
        ProgramTree(Stepper(model, HARDENED, 4, RATE), Evaluator(model)).root,
        ProgramTree(Stepper(model, PAPER, 4, RATE), Evaluator(model)).root,
        ProgramTree(Stepper(model, HARDENED, 8, RATE), Evaluator(model)).root,
        ProgramTree(Stepper(model, HARDENED, 4, RATE + 1), Evaluator(model)).root,
        ProgramTree(Stepper(other, HARDENED, 4, RATE), Evaluator(other)).root,
    ]
    assert len(set(roots)) == len(roots)
    assert roots[0] == ProgramTree(Stepper(build_model("cnn"), HARDENED, 4, RATE), Evaluator(build_model("cnn"))).root
