"""The canonical models as torch modules: same parameter names, same geometry, torch's own arithmetic."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pol_oracle.canonical.layers.graph import PIXEL_MEAN, PIXEL_SCALE
from pol_oracle.canonical.models import Model, Weight
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, named as in torchvision."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """[N,C,H,W] -> [N,C',H/stride,W/stride]."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + shortcut)


class ResNet18(nn.Module):
    """ResNet-18 (He et al., 2016) with torchvision's parameter names.

    Args:
        wide_stem: torchvision's stem (7×7, stride 2, max-pool); else 3×3, stride 1, as usual at 32×32.
    """

    def __init__(self, wide_stem: bool) -> None:
        super().__init__()
        stem = (7, 2, 3) if wide_stem else (3, 1, 1)
        self.conv1 = nn.Conv2d(3, 64, *stem, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1) if wide_stem else nn.Identity()
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2), BasicBlock(128, 128, 1))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, 2), BasicBlock(256, 256, 1))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, 2), BasicBlock(512, 512, 1))
        self.fc = nn.Linear(512, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images [N,3,32,32] -> logits [N,10]."""
        x = self.maxpool(functional.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


class Cnn(nn.Module):
    """The devnet's network: three strided 3×3 convolutions, global average pool, linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32)
        self.conv3, self.bn3 = nn.Conv2d(32, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images [N,3,32,32] -> logits [N,10]."""
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.relu(self.bn2(self.conv2(x)))
        x = functional.relu(self.bn3(self.conv3(x)))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


class Vgg(nn.Module):
    """A small VGG with batch norm, named as in torchvision."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for channels in (32, 64, 128):
            for _ in range(2):
                layers += [nn.Conv2d(inputs, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
                inputs = channels
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(inputs, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Images [N,3,32,32] -> logits [N,10]."""
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits


_MODULES: dict[str, Callable[[], nn.Module]] = {
    "cnn": Cnn,
    "resnet18": lambda: ResNet18(wide_stem=False),
    "resnet18-7x7": lambda: ResNet18(wide_stem=True),
    "vgg": Vgg,
}


def pick_device(local: int = 0) -> torch.device:
    """Returns a GPU if there is one, and Triton for our kernels (gpu_loops.py), else the CPU.

    Args:
        local: number of this process on its machine; those of one machine take its GPUs in turn.
    """
    if not torch.cuda.is_available() or find_spec("triton") is None:
        return torch.device("cpu")
    return torch.device("cuda", local % torch.cuda.device_count())


def set_up_torch(threads: int) -> None:
    """Settles how torch uses the CPU in this process: how many threads, and that freed memory is kept.

    Every pass needs the same large tensors again. By default glibc hands each back to the kernel, and to get it again
    page by page costs some passes a tenth of their time. Other C libraries are left as they are.
    """
    torch.set_num_threads(threads)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def exact_float32() -> AbstractContextManager[None]:
    """Multiplies in float32 as asked: by default convolutions on a GPU round to TF32's 10 bits.

    A parity over the signs of many gradients would be noise then, and small margins of logits would be lost.
    """
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def build_module(model: Model) -> nn.Module:
    """Returns a canonical model as a torch module. Its weights are not set: see :func:`load_state`.

    Raises:
        InputError: there is no torch twin of this model.
    """
    if model.name not in _MODULES:
        raise InputError(f"the search does not know the model {model.name!r}")
    return _MODULES[model.name]()


def load_state(module: nn.Module, state: State) -> None:
    """Copies a state into a module, which stays on its device."""
    module.load_state_dict({name: torch.from_numpy(tensor) for name, tensor in state.to_torch().items()})


def read_state(module: nn.Module, model: Model) -> State:
    """Copies parameters and buffers out of a module."""
    return State.from_torch(model, {name: tensor.cpu().numpy() for name, tensor in module.state_dict().items()})


def in_canonical_layout(weight: Weight, tensor: Tensor) -> Tensor:
    """Returns torch's tensor of a weight, or of its gradient, as a view in canonical layout."""
    return tensor if weight.to_torch is None else tensor.permute(*np.argsort(weight.to_torch).tolist())


def images_to_torch(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Scales uint8 images [N,32,32,3] as the canonical programs do: float32 [N,3,32,32]."""
    return scaled(torch.from_numpy(images.copy()).to(device))


def scaled(images: Tensor) -> Tensor:
    """The same for a uint8 tensor that is on its device already."""
    return (images.permute(0, 3, 1, 2) - PIXEL_MEAN).mul_(PIXEL_SCALE)
