"""Every model: golden digests, kernels against the reference, bounds on proofs, agreement with torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from pol_oracle.canonical.commitments.trees import LEAF
from pol_oracle.canonical.eligible import eligible_weights
from pol_oracle.canonical.evaluate import Evaluator
from pol_oracle.canonical.execution.execute import Workspace
from pol_oracle.canonical.layers.graph import live_taps
from pol_oracle.canonical.models import MODEL_NAMES, Model, build_model
from pol_oracle.canonical.operations import Kind, Operation
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.programs.reference import reference
from pol_oracle.canonical.programs.tree import ProgramTree
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper, StepResult
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.hashing import keccak
from pol_oracle.protocol.rules import HARDENED

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

RATE = 0x3D4CCCCD  # 0.05
MODEL_ELEMENTS = 5000  # compared with the reference, at least, per model: 20,000 in all
GOLDEN = {
    "cnn": {
        "initial": "d6c35fcef118b86966f71c1310008a827d9becaf9d280639026ef3ef4a9dbd00",
        "post": "9bf241653db3c4321ffa10dffb3b01ff1d2b31b932b6443445dafcfb4bf75fe0",
        "trace": "40c02b491a9fcf8b54f76430205e46aa25218be97514f9a4ecfc103903c05428",
        "program": "7b6e4f3c79d1da1295712961e9ba41df64fdbe5c84173490d776ee1cab1bb75a",
        "fifty steps": "8abda0e4e96b745c748e1bd63aa09d9476f4ad02fa5a34b8689b3b76bcae16c3",
        "logits": "da3acd3a8ce800a51be9c950b02a3b3880aaccaa9abd678a28345a1df87a813b",
    },
    "resnet18": {
        "initial": "2e6b8028ef28d8f3cc2754cc48f935f481e265be1880f4de61dc158dd109bed9",
        "post": "2b791ab93e6298da24d71f28ef96f1fbc11c7b95cc4b42e126e51fd487e97fac",
        "trace": "d0ba57241ca24151f9280b4a5d84a135f4e064b2597a8a5a52b9fcb8b67d4eb1",
        "program": "ef3b1dd0f45829d3b3f61ad7cd728635965f4f52f13063e02f95643a66d6abe8",
        "fifty steps": "1dce9deb5bc962754c1ee6d4a55c5661b952edd4532ba3b5db29bf70d7063da5",
        "logits": "6c3f2734a00c0d5f099a5a0fed9f0646d0d820671d56f61779843bcf32fe994f",
    },
    "resnet18-7x7": {
        "initial": "d07772f8fb5764bf73e25b22e358b54f5906dedeaf04241981d91503204de1c6",
        "post": "9a88759409a003ab74ea3ea5704f4534d9ba9942ca800a74cf910dfc5d6d17c6",
        "trace": "cffca5ac31df9ae7fe97b308a14d3296f847a10d9023b93e6ae39e59ab02cf7a",
        "program": "a9723b9070a38a838c1869b89f02cde39859f31eabad3253434eeb51f9295deb",
        "fifty steps": "f834e257fda15bbe7da9d400be0b8b4509233e2170c98350acb37f664184b164",
        "logits": "cf4e90d56280d4cec7e33a59d4b2957180d004f8ddee8de62cf83b390266ad34",
    },
    "vgg": {
        "initial": "d2ea667b785a4319fe22d4a56364e32ec8e23d498f6d5c939d5c2e29881d0837",
        "post": "1f82f4aaa124cf6285a87bea8caa32da5ba1f552bfcfe863f50f638afa1f32cc",
        "trace": "d543c0c3ba3b4baf2bb56e24065afb391e9683da0d5c444b34a3fab64f940855",
        "program": "066e5f268b07ed659337e223e42d9f0197ff2fd7b15c111b53828b809afea74e",
        "fifty steps": "4f39b55a3e18a016c751917484a9d43ea948e37c9408891f3129c27bf43ac392",
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
    state, stepper = State.initial(model, 1), Stepper(model, 4, RATE)
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
    """They change only with a version of the arithmetic, and a decision (docs/decisions)."""
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


def test_dead_taps_get_no_gradient_and_eligible_leaves_do(case: Case) -> None:
    """Weights that only ever see padding do not move; those that R may name mostly do."""
    model = case.state.model
    moved = {w.name: case.state[w.name] != case.result.post[w.name] for w in model.parameters}
    for geometry in model.geometries:
        kernel = moved[geometry.weight]
        rows, columns = (
            [tap in live_taps(extent, geometry.kernel, geometry.stride, geometry.padding) for tap in taps]
            for extent, taps in ((geometry.height, range(kernel.shape[1])), (geometry.width, range(kernel.shape[2])))
        )
        assert not kernel[:, ~np.outer(rows, columns)].any(), geometry.weight
    for r in eligible_weights(model, HARDENED).ranges:
        leaves = (r.start + r.stride * np.arange(r.repeats)[:, None] + np.arange(r.run)).reshape(-1)
        weights = (LEAF * leaves[:, None] + np.arange(LEAF)).reshape(-1)
        assert moved[model.state[r.tensor].name].reshape(-1)[weights].mean() > 0.5, model.state[r.tensor].name


def test_a_trace_s_roots_are_the_same_whoever_hashed_the_new_state_first() -> None:
    model = build_model("cnn")
    stepper, state = Stepper(model, 4, RATE, threads=2), State.initial(model, 1)
    early, late = (stepper.run(state, *batch(4)) for _ in range(2))
    assert early.post.root == State(model, early.post.flat.copy()).root
    assert early.trace.roots == late.trace.roots
    assert (late.post.root, late.post.hashed) == (early.post.root, True)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_number_of_threads_changes_nothing(case: Case, threads: int) -> None:
    model = case.state.model
    result = Stepper(model, 4, RATE, threads).run(case.state, *batch(4))
    assert result.post.root.hex() == GOLDEN[model.name]["post"]
    assert result.trace.root.hex() == GOLDEN[model.name]["trace"]
    images, _ = batch(40)
    logits = Evaluator(model, threads).logits(case.state, images)
    alone = Evaluator(model).logits(case.state, images[:1])
    assert logits[:1].tobytes() == alone.tobytes()


def test_callers_on_several_threads_get_the_same_bits() -> None:
    model = build_model("cnn")
    state, stepper = State.initial(model, 2), Stepper(model, 4, RATE)
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


def test_a_step_moves_running_statistics_as_torch_does(case: Case) -> None:
    """A tenth of the way to the batch's own; they start at 0 and 1."""
    for weight in case.state.model.buffers:
        old, new = case.state[weight.name], case.result.post[weight.name]
        assert (old != new).all(), weight.name
        if weight.name.endswith("var"):
            assert (new >= np.float32(0.9)).all(), weight.name


def flat_offset(model: Model, name: str) -> int:
    names = [w.name for w in model.state]
    return sum(int(np.prod(w.shape)) for w in model.state[: names.index(name)])


def test_pitfall_05_a_nan_or_an_infinity_anywhere_makes_the_step_not_finite() -> None:
    model = build_model("cnn")
    state, stepper = State.initial(model, 3), Stepper(model, 4, RATE)
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
    state, stepper = State.initial(model, 3), Stepper(model, 4, RATE)
    images, labels = batch(4)
    for bad in ((images[:3], labels), (images.astype(np.float32), labels), (images, labels[:3])):
        with pytest.raises(InputError):
            stepper.run(state, *bad)
    with pytest.raises(InputError):
        Stepper(model, 1, RATE)
    with pytest.raises(InputError):
        build_model("alexnet")
    with pytest.raises(InputError):
        Evaluator(model).correct(state, images, labels[:2], None)


def test_the_program_root_names_every_choice() -> None:
    """Model, batch size and learning rate each change it; building twice does not."""
    model, other = build_model("cnn"), build_model("resnet18-7x7")
    roots = [
        ProgramTree(Stepper(model, 4, RATE), Evaluator(model)).root,
        ProgramTree(Stepper(model, 8, RATE), Evaluator(model)).root,
        ProgramTree(Stepper(model, 4, RATE + 1), Evaluator(model)).root,
        ProgramTree(Stepper(other, 4, RATE), Evaluator(other)).root,
    ]
    assert len(set(roots)) == len(roots)
    assert roots[0] == ProgramTree(Stepper(build_model("cnn"), 4, RATE), Evaluator(build_model("cnn"))).root
