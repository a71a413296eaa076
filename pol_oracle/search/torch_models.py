"""The canonical models as torch modules: same parameter names, same geometry, torch's own arithmetic."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import InputError


class BatchNorm(nn.BatchNorm2d):
    """Batch norm without torch's count of batches, which canonical states do not hold."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.num_batches_tracked = None


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, named as in torchvision."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = BatchNorm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = BatchNorm(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), BatchNorm(outputs))

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
        self.bn1 = BatchNorm(64)
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
