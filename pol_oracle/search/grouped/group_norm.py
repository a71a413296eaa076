"""Batch norm whose batch is a group of a larger batch, with the rectifier that follows it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .cpu_loops import in_lanes, normalise, normalise_back


class GroupNorm:
    """Batch norm of every group in training mode; its running statistics decide nothing about a step.

    Args:
        norm: the ordinary batch norm, whose parameters it uses.
        rectify: whether a ReLU follows that this layer does along.
    """

    def __init__(self, norm: nn.BatchNorm2d, *, rectify: bool) -> None:
        self._norm, self._rectify = norm, rectify
        self._statistics = torch.empty(0)

    def forward(self, x: Tensor, groups: int) -> Tensor:
        """[G * S, C, H, W], the same."""
        rows, norm = in_groups(x, groups), self._norm
        if x.device.type == "cpu":
            y, self._statistics = torch.empty_like(rows), torch.empty(2, groups, rows.shape[2])
            given = in_lanes(rows), norm.weight.detach().numpy(), norm.bias.detach().numpy()
            normalise(*given, np.float32(norm.eps), self._rectify, in_lanes(y), self._statistics.numpy())
        else:
            from .gpu_loops import normalise as kernel

            y, self._statistics = kernel(rows, norm.weight.detach(), norm.bias.detach(), norm.eps, self._rectify)
        return as_images(y, x)

    def backward(self, gradient: Tensor, chosen: Tensor, x: Tensor) -> Tensor:
        """Returns the gradient at the input of some groups.

        Args:
            gradient: at their results, [A * S, C, H, W].
            chosen: int64 [A], their numbers.
            x: what all groups were given in the last forward pass.
        """
        groups = self._statistics.shape[1]
        given, rows = in_groups(gradient, len(chosen)), in_groups(x, groups)
        weight, bias = self._norm.weight.detach(), self._norm.bias.detach()
        if x.device.type == "cpu":
            made = torch.empty_like(given)
            parameters = weight.numpy(), bias.numpy(), self._statistics.numpy()
            normalise_back(in_lanes(given), in_lanes(rows), chosen.numpy(), *parameters, self._rectify, in_lanes(made))
        else:
            from .gpu_loops import normalise_back as kernel

            made = kernel(given, rows, chosen, weight, bias, self._statistics, self._rectify)
        return as_images(made, gradient)


def in_groups(images: Tensor, groups: int) -> Tensor:
    """[G * S, C, H, W] -> [G, S * H * W, C], contiguous: of channels-last a view."""
    rows = images.detach().permute(0, 2, 3, 1)
    return rows.reshape(groups, -1, rows.shape[3]).contiguous()


def as_images(rows: Tensor, like: Tensor) -> Tensor:
    """The way back: of the shape of ``like`` but for the number of samples, channels-last."""
    _, c, h, w = like.shape
    return rows.view(-1, h, w, c).permute(0, 3, 1, 2)
