"""The grouped search: what it finds stands, it sees what Algorithm 1 sees, and it trains."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pol_oracle.canonical.eligible import eligible_weights
from pol_oracle.canonical.models import MODEL_NAMES, build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.errors import ArithmeticFault, InputError, RuleError
from pol_oracle.protocol.rules import HARDENED
from pol_oracle.search import GroupedSearch, Plan, Progress, build_module, load_state
from pol_oracle.search.attempt import Attempt, Block, Nonces, Weights
from pol_oracle.search.draws import Integers
from pol_oracle.search.group_norm import BUFFER_MOMENTUM
from pol_oracle.search.grouped_network import GroupedNetwork, Slopes
from pol_oracle.search.live_convolution import LiveConv2d
from pol_oracle.search.optimiser import AveragedSGD
from pol_oracle.search.passes import FIRST_LOOK, MARGIN, Groups, Passes, _clearly_wrong
from pol_oracle.search.proof import Watch
from pol_oracle.search.torch_models import images_to_torch, torch_position
from tests.search.replay import Parent, stands
from tests.task.workloads import MINER, small_workload

CPU = torch.device("cpu")
PLAN = Plan(groups=8)
S = 4


def batch(groups: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Random samples, sample-major."""
    numbers = np.random.default_rng(seed)
    images = numbers.integers(0, 256, (S * groups, 32, 32, 3)).astype(np.uint8)
    return images_to_torch(images, CPU), torch.from_numpy(numbers.integers(0, 10, S * groups))


def weights(name: str, groups: int, count: int) -> tuple[Integers, Integers]:
    """Eligible weights for every group, from all over the network."""
    eligible = eligible_weights(build_model(name), HARDENED)
    numbers = np.random.default_rng(1).integers(0, eligible.count, (groups, count))
    located = np.array([[eligible.locate(int(number)) for number in row] for row in numbers])
    return located[..., 0], located[..., 1]


def own_gradients(name: str, state: State, images: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
    """Torch's gradients of one group alone, in float64: in float32 it takes a ReLU next to zero for another now and
    then."""
    module = build_module(state.model).train()
    load_state(module, state)
    module, images = module.double(), images.double()
    parameters = dict(module.named_parameters())
    loss = functional.cross_entropy(module(images), labels)
    return dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_slopes_and_gradients_are_those_of_each_group_alone(name: str) -> None:
    groups, model = 3, build_model(name)
    state, network = State.initial(model, 1), GroupedNetwork(model, CPU, S)
    network.load(state)
    (images, labels), (tensors, elements) = batch(groups, seed=1), weights(name, groups, 24)
    slopes, _ = network.train(images, labels, tensors, elements)
    again = network.look(images, labels, tensors, elements)

    alone = [own_gradients(name, state, images[g::groups], labels[g::groups]) for g in range(groups)]
    for group in range(groups):
        places = [torch_position(model, t, e) for t, e in zip(tensors[group], elements[group], strict=True)]
        expected = np.array([alone[group][weight][at].item() for weight, at in places])
        near = 1e-2 * slopes.scale[group] + 1e-7  # a ReLU next to zero may differ
        assert (np.abs(slopes.value[group] - expected) <= near).all()
        assert (np.abs(again.value[group] - expected) <= near).all()
        held = [state.tensors[t].flat[e] for t, e in zip(tensors[group], elements[group], strict=True)]
        assert np.array_equal(slopes.weight[group], np.array(held, np.float32))
    for weight, parameter in network.module.named_parameters():
        mean = torch.stack([own[weight] for own in alone]).mean(0)
        layer = network.module.get_submodule(weight.rpartition(".")[0])
        live = mean[:, :, *layer.taps] if isinstance(layer, LiveConv2d) else mean
        assert parameter.grad is not None
        assert torch.linalg.vector_norm(parameter.grad - live) <= 1e-2 * torch.linalg.vector_norm(live)
        if isinstance(layer, LiveConv2d):  # nothing but zeros was left out
            assert torch.count_nonzero(mean) == torch.count_nonzero(live)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_states_go_in_and_out_unchanged(name: str) -> None:
    model = build_model(name)
    state, other, network = State.initial(model, 1), State.initial(model, 2), GroupedNetwork(model, CPU, S)
    network.load(state)
    assert network.read() == state
    network.load(other)
    assert network.read() == other


def test_a_look_changes_nothing() -> None:
    model = build_model("cnn")
    state, network = State.initial(model, 1), GroupedNetwork(model, CPU, S)
    network.load(state)
    network.look(*batch(2), *weights("cnn", 2, 3))
    assert network.read() == state
    assert all(parameter.grad is None for parameter in network.module.parameters())


def test_no_convolution_may_round_to_tf32() -> None:
    """By default a GPU's would, forward and backward."""
    network, allowed = GroupedNetwork(build_model("cnn"), CPU, 4), list[bool]()

    def note(*_: object) -> None:
        allowed.append(torch.backends.cudnn.allow_tf32)

    inner = network.module.get_submodule("conv2")
    inner.register_forward_hook(note)
    inner.register_full_backward_hook(note)
    tensors, elements = weights("cnn", 2, 1)
    network.look(*batch(2), tensors, elements)
    network.train(*batch(2), tensors, elements)
    assert allowed == 4 * [False]
    assert torch.backends.cudnn.allow_tf32


def test_running_statistics_move_towards_the_groups() -> None:
    model = build_model("cnn")
    state, network = State.initial(model, 1), GroupedNetwork(model, CPU, S)
    network.load(state)
    images, labels = batch(2)
    network.train(images, labels, *weights("cnn", 2, 1))
    after = network.read()
    apart = []
    for group in range(2):
        module = build_module(model).train()
        load_state(module, state)
        for norm in module.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.momentum = BUFFER_MOMENTUM
        module(images[group::2])
        apart.append({name: tensor.numpy() for name, tensor in module.state_dict().items()})
    for buffer in model.buffers:
        expected = (apart[0][buffer.name] + apart[1][buffer.name]) / 2
        assert np.allclose(after[buffer.name], expected, rtol=1e-4, atol=1e-6)


def test_a_proof_stands_up_to_a_replay_and_training_moved_w() -> None:
    workload, difficulty = small_workload(), 4 * BIT + BIT // 2
    proof = GroupedSearch(workload, PLAN).search(Parent(), MINER, workload.initial, difficulty)
    assert proof is not None
    stands(workload, proof, difficulty)
    assert (proof.header.nonce >= PLAN.groups) == (proof.pre != workload.initial)


def test_a_mixed_search_finds_proofs_that_stand() -> None:
    workload = small_workload()
    proof = GroupedSearch(workload, Plan(groups=8, mixed=True)).search(Parent(), MINER, workload.initial, 3 * BIT)
    assert proof is not None
    stands(workload, proof, 3 * BIT)


def test_searching_is_training() -> None:
    workload, seen = small_workload(), list[Progress]()
    search = GroupedSearch(workload, PLAN)
    enough = lambda: len(seen) >= 120  # noqa: E731
    unreachable = Parent(correct_after=10**6)
    search.search(unreachable, MINER, workload.initial, 30 * BIT, should_stop=enough, on_progress=seen.append)
    assert seen[-1].trained == 120 * PLAN.groups * S
    losses = [progress.loss for progress in seen if progress.loss is not None]
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.1


def test_progress_counts_every_try() -> None:
    workload, seen = small_workload(), list[Progress]()
    proof = GroupedSearch(workload, PLAN).search(
        Parent(), MINER, workload.initial, 3 * BIT, start_nonce=5, on_progress=seen.append
    )
    assert proof is not None
    last = seen[-1]
    assert last.nonce == 5 + last.tries
    assert last.nonce > proof.header.nonce >= last.nonce - PLAN.groups
    assert last.tries >= last.passed >= last.confirmed >= 1
    assert last.correct == proof.header.correct_after
    assert all(a.tries <= b.tries for a, b in pairwise(seen))


def test_a_search_stops_when_told() -> None:
    workload, seen = small_workload(), list[Progress]()
    found = GroupedSearch(workload, PLAN).search(
        Parent(), MINER, workload.initial, 30 * BIT, should_stop=lambda: len(seen) >= 2, on_progress=seen.append
    )
    assert found is None
    assert [progress.tries for progress in seen] == [8, 16]


def test_a_search_goes_on_where_its_last_proof_left_off() -> None:
    """The optimiser remembers where it has been, unless the next search begins elsewhere."""
    workload = small_workload()
    search = GroupedSearch(workload, PLAN)
    proof = search.search(Parent(), MINER, workload.initial, 8 * BIT)
    assert proof is not None
    known = search._optimiser
    assert known.state
    search._begin(proof.post)
    assert search._optimiser is known
    search._begin(workload.initial)
    assert not search._optimiser.state


def test_a_proof_below_the_parents_accuracy_is_none() -> None:
    """The chain would refuse it, so the search goes on, and does not count again before it has trained as long."""
    workload, seen = small_workload(), list[Progress]()
    search = GroupedSearch(workload, PLAN)
    enough = lambda: bool(seen) and seen[-1].tries >= 400  # noqa: E731
    high = Parent(correct_after=10**6)
    assert search.search(high, MINER, workload.initial, BIT, should_stop=enough, on_progress=seen.append) is None
    assert 1 <= seen[-1].confirmed < seen[-1].passed


def test_the_papers_rules_are_refused() -> None:
    with pytest.raises(InputError, match="hardened"):
        GroupedSearch(small_workload("paper"), PLAN)


def test_divergence_is_an_error_and_no_proof() -> None:
    workload = small_workload()
    search = GroupedSearch(workload, PLAN, make_optimiser=lambda p: torch.optim.SGD(p, 1e30))
    with pytest.raises(RuleError, match="smaller learning rate"):
        search.search(Parent(correct_after=10**6), MINER, workload.initial, 30 * BIT)


def test_after_a_divergence_training_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the optimiser would have gone on: what it remembers is not finite either."""
    workload = small_workload()
    search = GroupedSearch(workload, PLAN)
    proof = search.search(Parent(), MINER, workload.initial, 3 * BIT)
    assert proof is not None

    def explode(self: AveragedSGD) -> None:
        for weight in self.param_groups[0]["params"]:
            self.state[weight]["fast"].fill_(float("inf"))
            weight.data.fill_(float("inf"))

    with monkeypatch.context() as patch, pytest.raises(RuleError, match="diverged"):
        patch.setattr(AveragedSGD, "step", explode)
        search.search(Parent(correct_after=10**6), MINER, proof.post, 30 * BIT)
    assert search.search(Parent(), MINER, proof.post, 3 * BIT) is not None


class Better:
    """Finds every W' right about everything, and W about nothing."""

    def __init__(self, w: State) -> None:
        self._w = w

    def correct(
        self, state: State, images: object, labels: NDArray[np.uint8], progress: object = None
    ) -> NDArray[np.bool_]:
        return np.full(len(labels), state is not self._w)


def test_a_root_that_is_not_that_of_w_makes_no_proof() -> None:
    """As a GPU that hashes wrongly would give; nobody could fetch the W of such a block."""
    workload = small_workload()
    block, judge = Block(workload, Parent(), MINER, 0), Better(workload.initial)
    attempt = Attempt(block, Weights(bytes(32), lambda: workload.initial), (judge,))
    with pytest.raises(ArithmeticFault, match="hashed W wrongly"):
        attempt.confirm(attempt.nonces.draw(0), Watch(Progress(0), None, None))


def test_any_optimiser_of_torch_will_do() -> None:
    workload = small_workload()
    search = GroupedSearch(workload, PLAN, make_optimiser=lambda p: torch.optim.Adam(p, 1e-3))
    assert search.search(Parent(), MINER, workload.initial, 3 * BIT) is not None


def test_pitfall_05_a_dead_network_passes_nothing() -> None:
    """Pruned channels have zero gradients: their weights satisfy no requirement."""
    workload, seen = small_workload(), list[Progress]()
    dead = {n: t * np.float32(0 if n.startswith("bn") else 1) for n, t in workload.initial.to_torch().items()}
    state = State.from_torch(workload.model, dead)
    search = GroupedSearch(workload, PLAN, make_optimiser=lambda p: torch.optim.SGD(p, 0.0))
    search.search(Parent(), MINER, state, BIT, should_stop=lambda: len(seen) >= 4, on_progress=seen.append)
    assert seen[-1].passed == 0


def test_the_average_follows_its_definition() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimiser = AveragedSGD([weight], lr=0.5, momentum=0.8, share=0.25, weight_decay=0.0, warm_up=1)
    fast = average = 1.0
    for gradient in (0.5, -1.0, 2.0):
        weight.grad = torch.tensor([gradient])
        optimiser.step()
        fast -= 0.5 * gradient
        average += 0.25 * (fast - average)
        assert weight.item() == pytest.approx(0.2 * fast + 0.8 * average)


def test_a_sieve_keeps_what_is_not_clearly_wrong() -> None:
    value = np.array([[-1.0, 1.0, 0.1, 1.0]], np.float32)
    scale = np.array([[1.0, 1.0, 1.0, 1.0 / MARGIN]], np.float32)
    none = np.zeros((1, 4), np.int64)
    groups = Groups(none, none, np.ones((1, 4), np.bool_), none)
    assert _clearly_wrong(groups, Slopes(value, value, scale)).tolist() == [[False, True, False, False]]


@pytest.mark.parametrize(
    ("samples", "lr", "share"), [(64, 1.0, 0.02), (256, 2.0, 0.04), (1024, 4.0, 0.08), (4096, 4.0, 0.08)]
)
def test_larger_batches_take_longer_steps_but_not_too_long_ones(samples: int, lr: float, share: float) -> None:
    optimiser = AveragedSGD([torch.nn.Parameter(torch.zeros(1))])
    optimiser.suit(samples)
    assert (optimiser.param_groups[0]["lr"], optimiser.param_groups[0]["share"]) == (lr, share)


def test_steps_suit_the_rounds() -> None:
    """Helpers may join or leave between them."""
    workload, seen = small_workload(), list[Progress]()
    search = GroupedSearch(workload, Plan(groups=64))
    search.search(
        Parent(correct_after=10**6),
        MINER,
        workload.initial,
        30 * BIT,
        should_stop=lambda: bool(seen),
        on_progress=seen.append,
    )
    assert search._optimiser.param_groups[0]["lr"] == 2.0


def test_the_pass_that_finds_a_proof_trains_too(monkeypatch: pytest.MonkeyPatch) -> None:
    workload, seen, steps = small_workload(), list[Progress](), list[int]()
    suit = AveragedSGD.suit

    def note(self: AveragedSGD, samples: int) -> None:
        steps.append(samples)
        suit(self, samples)

    monkeypatch.setattr(AveragedSGD, "suit", note)
    search = GroupedSearch(workload, PLAN)
    assert search.search(Parent(), MINER, workload.initial, 3 * BIT, on_progress=seen.append) is not None
    assert sum(steps) == seen[-1].trained


def test_the_learning_rate_warms_up() -> None:
    weight = torch.nn.Parameter(torch.tensor([0.0]))
    optimiser = AveragedSGD([weight], lr=1.0, momentum=0.0, weight_decay=0.0, warm_up=4)
    reached = []
    for _ in range(6):
        weight.grad = torch.tensor([-1.0])
        optimiser.step()
        reached.append(weight.item())  # without momentum W is the fast point
    assert np.diff([0.0, *reached]).tolist() == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("mixed", [False, True])
def test_a_group_that_passes_its_first_look_is_looked_at_as_a_whole(mixed: bool) -> None:
    """Groups that ask for what happens are found; one whose last weight goes the other way is not."""
    workload, bits = small_workload(), FIRST_LOOK + 2
    network = GroupedNetwork(workload.model, CPU, S)
    network.load(workload.initial)
    passes = Passes(workload, network, CPU)
    nonces = Nonces(Block(workload, Parent(), MINER, bits * BIT), workload.initial.root)
    drawn = passes.groups(nonces.drawn(0, 4))
    up = passes.look(drawn).value < 0
    up[1, -1] ^= True
    up[2, 0] ^= True
    found, _ = passes.train(replace(drawn, up=up), mixed=mixed)
    assert found.tolist() == [0, 3]
