"""Our kernels on a GPU against torch's operations and against the canonical trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pol_oracle.canonical.models import MODEL_NAMES, Model, build_model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.hashing import keccak
from pol_oracle.search import GroupedSearch, Plan, recorder
from pol_oracle.search.group_norm import _Anywhere, _OnGpu
from pol_oracle.search.grouped_network import GroupedNetwork
from pol_oracle.search.live_convolution import LiveConv2d, Wanted
from pol_oracle.search.torch_models import has_kernels
from pol_oracle.task import Workload, unmet
from tests.task.workloads import MINER, small_workload

GPU = torch.device("cuda", max(0, torch.cuda.device_count() - 1))  # where there are several, not the current one
S = 4

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not (torch.cuda.is_available() and has_kernels(GPU)), reason="needs a GPU and Triton"),
]


def random(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(GPU, dtype)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_roots_are_the_canonical_ones(name: str) -> None:
    model = build_model(name)
    network = GroupedNetwork(model, GPU, S)
    for seed in (1, 2):
        state = State.initial(model, seed)
        network.load(state)
        snapshot = network.snapshot(lambda _: pytest.fail("the host was asked"))
        assert snapshot is not None
        assert snapshot.root == state.root
        assert snapshot.read() == state


def test_what_is_not_finite_has_no_snapshot() -> None:
    model = build_model("cnn")
    network = GroupedNetwork(model, GPU, S)
    network.load(State(model, np.full(model.elements, np.nan, np.float32)))
    assert network.snapshot(lambda _: []) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize("shape", [(3, 7, 5, 5), (8, 64, 32, 32), (2, 512, 4, 4), (5, 96, 2, 2)])
def test_batch_norm_is_that_of_torchs_operations(
    shape: tuple[int, int, int, int], rectify: bool, dtype: torch.dtype
) -> None:
    groups, channels, height, width = shape
    x = random(S * groups, channels, height, width, dtype=dtype).to(memory_format=torch.channels_last) * 2 + 3
    weight, bias, given = random(channels) + 1, random(channels, seed=2), random(*x.shape, dtype=dtype, seed=1)
    made = []
    for function in (_Anywhere, _OnGpu):
        leaves = [t.detach().clone().requires_grad_() for t in (x, weight, bias)]
        y, moments = function.apply(*leaves, groups, 1e-5, rectify)  # type: ignore[no-untyped-call]
        made.append([y, moments, *torch.autograd.grad(y, leaves, given)])
    near = 2e-2 if dtype is torch.bfloat16 else 1e-4
    for ours, theirs in zip(made[1], made[0], strict=True):
        assert torch.linalg.vector_norm((ours - theirs).float()) <= near * torch.linalg.vector_norm(theirs.float())


@pytest.mark.parametrize("name", MODEL_NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_slopes_are_those_of_torchs_operations(name: str, dtype: torch.dtype) -> None:
    groups, asks, draw = 5, 40, np.random.default_rng(3)
    model = build_model(name)
    network = GroupedNetwork(model, GPU, S)
    for weight, layer in network._convolutions.items():
        shape = model.parameters[network._numbers[weight]].shape
        assert isinstance(layer, LiveConv2d)
        places = np.stack([draw.integers(0, extent, asks) for extent in shape], axis=1)
        places[:, 1] = draw.integers(layer.taps[0].start, layer.taps[0].stop, asks)
        places[:, 2] = draw.integers(layer.taps[1].start, layer.taps[1].stop, asks)
        slots = np.arange(asks)
        others = np.where(slots % 7, layer.number, layer.number + 1)  # some ask another convolution
        asked = torch.from_numpy(np.column_stack((slots, slots % groups, places, others))).to(GPU)
        layer.groups, side = groups, 9
        x = random(S * groups, side, side, shape[3], dtype=dtype)
        outputs = layer(x.permute(0, 3, 1, 2).float()).shape
        gradient = random(outputs[0], *outputs[2:], shape[0], dtype=dtype)
        kernel = layer.weight.detach().permute(0, 2, 3, 1).contiguous()
        found = [torch.zeros(3, asks, device=GPU) for _ in range(2)]
        layer._look_by_places(Wanted(found[0], asked[asked[:, 6] == layer.number]), x, gradient, kernel)
        layer._look_by_kernel(Wanted(found[1], asked), x, gradient, kernel)
        assert torch.allclose(found[0], found[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("name", MODEL_NAMES)
def test_recorded_passes_give_the_same_bits_and_outlive_looks(name: str, mixed: bool) -> None:
    model, made = build_model(name), []
    tensors = np.array([[network_weight(model)] * 6 for _ in range(8)])
    elements = np.arange(48).reshape(8, 6)
    images, labels = random(S * 8, 3, 32, 32), torch.arange(S * 8, device=GPU) % 10
    for recorded in (True, False):
        network = GroupedNetwork(model, GPU, S)
        if not recorded:
            network._recorder = None
        network.load(State.initial(model, 1))
        for groups in (2, 8):
            few = images[: S * groups], labels[: S * groups], tensors[:groups], elements[:groups]
            network.look(*few)
            slopes, loss = network.train(*few, mixed=mixed)
            network.look(*few)
            network.look(images[:S], labels[:S], tensors[:1], elements[:1])
        made.append([slopes.value, float(loss), *(p.grad.cpu().numpy() for p in network.module.parameters())])  # type: ignore[union-attr]
        made[-1].append(network.read().flat)
    for ours, theirs in zip(*made, strict=True):
        assert np.array_equal(ours, theirs)


def network_weight(model: Model) -> int:
    """Number of the first convolution's weight."""
    return next(i for i, weight in enumerate(model.parameters) if len(weight.shape) == 4)


class _Genesis:
    id, correct_after = keccak(b"genesis"), 0


def test_what_was_used_last_is_kept_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_KEPT", 3)
    model, elements = build_model("cnn"), np.arange(6).reshape(1, 6)
    network = GroupedNetwork(model, GPU, S)
    network.load(State.initial(model, 1))
    kept = network._recorder
    assert kept is not None

    def look(groups: int) -> np.ndarray[Any, Any]:
        images, labels = random(S * groups, 3, 32, 32), torch.arange(S * groups, device=GPU) % 10
        tensors = np.full((groups, 6), network_weight(model))
        return network.look(images, labels, tensors, elements.repeat(groups, 0)).value

    made = [look(groups) for groups in (1, 2, 3, 1, 4, 1)]
    assert [given[1][0] // S for _, given in kept._recordings] == [3, 4, 1]
    assert np.array_equal(made[0], made[3])
    assert np.array_equal(made[0], made[5])


@pytest.mark.parametrize("plan", [Plan(64), Plan(64, mixed=True), None])
def test_search_finds_proofs(plan: Plan | None) -> None:
    workload: Workload = small_workload()
    search = GroupedSearch(workload, plan, GPU)
    proof = search.search(_Genesis(), MINER, workload.initial, 3 * BIT)
    assert proof is not None
    chosen = list(proof.header.indices)
    result = workload.stepper.run(proof.pre, workload.train.images[chosen], workload.train.labels[chosen])
    assert result.post.root == proof.header.post_root
    assert proof.pre.root == proof.header.pre_root
    assert unmet(workload, (), proof.pre, proof.post) is None
