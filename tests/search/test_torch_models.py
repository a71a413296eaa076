"""The torch twins of the canonical models: same names, same function, same gradients up to rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pol_oracle.canonical.models import MODEL_NAMES, Model, build_model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.search import build_module, load_state, pick_device, read_state
from pol_oracle.search.torch_models import images_to_torch, in_canonical_layout

RATE = np.float32(0.01)
CPU = torch.device("cpu")


def samples(count: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    numbers = np.random.default_rng(7)
    return numbers.integers(0, 256, (count, 32, 32, 3), np.uint8), numbers.integers(0, 10, count, np.uint8)


def loaded(model: Model, state: State) -> torch.nn.Module:
    module = build_module(model)
    load_state(module, state)
    return module


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_names_and_shapes_are_the_canonical_ones(name: str) -> None:
    model = build_model(name)
    module = build_module(model)
    assert [n for n, _ in module.named_parameters()] == [w.name for w in model.parameters]
    buffers = [n for n, _ in module.named_buffers() if not n.endswith("num_batches_tracked")]
    assert sorted(buffers) == sorted(w.name for w in model.buffers)
    assert read_state(loaded(model, State.initial(model, 1)), model).root == State.initial(model, 1).root


def test_resnet18_takes_torchvisions_own_names() -> None:
    """A state dict of torchvision's ResNet-18 with ten classes would load as it is."""
    names = {w.name for w in build_model("resnet18-7x7").state}
    for name in ("conv1.weight", "layer1.0.bn2.running_var", "layer2.0.downsample.0.weight", "layer4.1.conv2.weight"):
        assert name in names
    assert len(names) == 102


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_one_step_in_torch_is_the_canonical_step_up_to_rounding(name: str) -> None:
    """Against torch in double precision; the buffers' update is compared as well."""
    model = build_model(name)
    state = State.initial(model, 3)
    images, labels = samples(4)
    result = Stepper(model, 4, int(RATE.view(np.uint32))).run(state, images, labels)

    module = loaded(model, state).double().train()
    logits = module(images_to_torch(images, CPU).double())
    functional.cross_entropy(logits, torch.from_numpy(labels.astype(np.int64))).backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD(module.parameters(), float(RATE)).step()
    post = read_state(module, model)

    assert result.finite
    for weight in model.state:
        before, ours, theirs = state[weight.name], result.post[weight.name], post[weight.name]
        change = np.linalg.norm(ours - before)
        assert change > 0, weight.name
        # A sum within rounding of zero flips a ReLU, and with it a little of every gradient below.
        assert np.linalg.norm(ours - theirs) < 1e-2 * change, weight.name


@pytest.mark.parametrize("name", ["cnn", "resnet18-7x7"])
def test_every_weight_is_found_where_torch_keeps_it(name: str) -> None:
    model = build_model(name)
    state = State(model, np.random.default_rng(1).standard_normal(model.elements, np.float32))
    kept = loaded(model, state).state_dict()
    for weight in model.state:
        assert np.array_equal(in_canonical_layout(weight, kept[weight.name]).numpy(), state[weight.name])


def test_pixels_are_scaled_and_moved_to_torchs_layout() -> None:
    images, _ = samples(2)
    pixels: Sequence[float] = images_to_torch(images, CPU)[1, :, 5, 6].tolist()
    assert pixels == [(float(value) - 121.0) / 64.0 for value in images[1, 5, 6]]


def test_the_device_is_cuda_where_there_is_one() -> None:
    assert pick_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
