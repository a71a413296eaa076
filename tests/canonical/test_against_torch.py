"""The canonical step is the same mathematics as torch's: logits, gradients, directions, buffers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, max_pool2d, relu

from pol_oracle.canonical.layers.graph import PIXEL_MEAN, PIXEL_SCALE
from pol_oracle.canonical.models import build_model
from pol_oracle.canonical.state import State
from pol_oracle.canonical.step import Stepper
from pol_oracle.protocol.rules import PAPER

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

RATE_BITS = 0x3D4CCCCD  # 0.05


def conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Cnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for i, (a, b) in enumerate(((3, 16), (16, 32), (32, 64)), 1):
            setattr(self, f"conv{i}", conv(a, b, 3, 2))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for i in (1, 2, 3):
            x = relu(getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(x)))
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = conv(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs)
        projection = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.downsample = projection if stride != 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.bn1(self.conv1(x)))
        out: Tensor = relu(self.bn2(self.conv2(y)) + self.downsample(x))
        return out


class ResNet18(nn.Module):
    def __init__(self, big_stem: bool) -> None:
        super().__init__()
        self.big_stem = big_stem
        self.conv1, self.bn1 = conv(3, 64, 7, 2) if big_stem else conv(3, 64, 3, 1), nn.BatchNorm2d(64)
        for i, (a, b) in enumerate(((64, 64), (64, 128), (128, 256), (256, 512)), 1):
            setattr(self, f"layer{i}", nn.Sequential(Block(a, b, 1 if i == 1 else 2), Block(b, b, 1)))
        self.fc = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.bn1(self.conv1(x)))
        x = max_pool2d(x, 3, 2, 1) if self.big_stem else x
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
        out: Tensor = self.fc(x.mean((2, 3)))
        return out


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "cnn": Cnn,
    "resnet18": lambda: ResNet18(False),
    "resnet18-7x7": lambda: ResNet18(True),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def torch_step(name: str, state: State, images: Bytes, labels: Bytes) -> tuple[nn.Module, Floats]:
    """One forward and backward pass in float64; returns the network with its gradients, and the logits."""
    network = NETWORKS[name]().double().train()
    tensors = {k: torch.from_numpy(v).double() for k, v in state.to_torch().items()}
    keys = network.load_state_dict(tensors, strict=False)
    assert not keys.unexpected_keys
    assert all("num_batches_tracked" in k for k in keys.missing_keys)
    x = (torch.from_numpy(images).double().permute(0, 3, 1, 2) - PIXEL_MEAN) * PIXEL_SCALE
    logits = network(x)
    loss: Any = cross_entropy(logits, torch.from_numpy(labels).long())
    loss.backward()
    return network, logits.detach().numpy()


@pytest.mark.parametrize("name", NETWORKS)
def test_one_step_agrees_with_torch_in_double_precision(name: str) -> None:
    """Against float64, so that what is measured is our rounding alone.

    Where a rounding carries some activation across a ReLU's zero, gradients differ by more (torch's float32 has the
    same trouble, more often); with this seed none does. Two samples are enough where the last layer has 16 pixels.
    """
    model, samples = build_model(name), 2 if name == "resnet18" else 4
    state, stepper = State.initial(model, 7), Stepper(model, PAPER, samples, RATE_BITS)
    images = np.random.default_rng(7).integers(0, 256, (samples, 32, 32, 3), dtype=np.uint8)
    labels = np.array([1, 7, 3, 7], np.uint8)[:samples]
    result = stepper.run(state, images, labels)
    network, logits = torch_step(name, state, images, labels)

    operations, tensors = stepper.program.operations, result.trace.tensors()
    trace = {o.label: t for o, t in zip(operations, tensors[stepper.program.first :], strict=True)}
    assert np.abs(trace["logits"] - logits).max() <= 1e-5 * np.abs(logits).max()
    pre, post = state.to_torch(), result.post.to_torch()
    agree = total = 0
    for weight, parameter in network.named_parameters():
        assert parameter.grad is not None
        gradient = parameter.grad.numpy()
        label = f"{weight} gradient" if f"{weight} gradient" in trace else f"{weight[:-7]} weight gradient"
        axes = next(w.to_torch for w in model.parameters if w.name == weight)
        ours = trace[label].transpose(axes) if axes else trace[label]
        assert np.linalg.norm(ours - gradient) <= 1e-3 * np.linalg.norm(gradient), weight
        moved = post[weight] != pre[weight]
        agree += int((np.sign(post[weight] - pre[weight]) == -np.sign(gradient))[moved].sum())
        total += int(moved.sum())
    assert agree >= 0.995 * total
    for key, buffer in network.named_buffers():
        if "num_batches" not in key:
            np.testing.assert_allclose(post[key], buffer.numpy(), rtol=2e-4, atol=1e-5)
