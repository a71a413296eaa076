"""Batch norm whose batch is a group of a larger batch, with the rectifier that follows it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from .cpu_loops import in_lanes, normalise, normalise_back
from .torch_models import has_kernels

BUFFER_MOMENTUM = 0.5  # a pass has groups enough for a good estimate, and W has moved since the last (torch: 0.1)


class GroupNorm2d(nn.Module):
    """Batch norm whose batch is a group. Takes parameters and buffers over from ordinary batch norm.

    Args:
        norm: the ordinary batch norm.

    Attributes:
        groups: G, to be set before a pass.
        learn: whether a pass moves the running statistics.
        rectify: whether a ReLU follows that this layer does along.
    """

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = norm.weight, norm.bias, norm.eps
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", norm.running_mean)
        self.register_buffer("running_var", norm.running_var)
        self.groups, self.learn, self.rectify = 1, True, False

    def forward(self, x: Tensor) -> Tensor:
        """[S * G, C, H, W], the same. Moves the running statistics towards the mean of the groups'."""
        n, _, h, w = x.shape
        function = _OnCpu if x.device.type == "cpu" else _OnGpu if has_kernels(x.device) else _Anywhere
        given = (x, self.weight, self.bias, self.groups, self.eps, self.rectify)
        y, moments = function.apply(*given)  # type: ignore[no-untyped-call]
        if self.learn:
            count = n // self.groups * h * w
            self.running_mean.lerp_(moments[0], BUFFER_MOMENTUM)
            self.running_var.lerp_(moments[1] * (count / (count - 1)), BUFFER_MOMENTUM)  # unbiased, as torch's
        return cast(Tensor, y)


class _Anywhere(torch.autograd.Function):
    """Batch norm of every group in training mode; returns y, and the groups' mean mean and biased variance [2, C]."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float, rectify: bool
    ) -> tuple[Tensor, Tensor]:
        rows = _by_group(x, groups)
        count = len(rows) * rows.shape[2]
        mean = _per_group(rows) / count
        centred = rows - mean[:, None]
        var = _per_group(centred.square()) / count
        inverse = (var + eps).rsqrt()
        y = torch.addcmul(bias, centred, (weight * inverse)[:, None])
        if rectify:
            y.relu_()
        ctx.save_for_backward(centred, weight, inverse, y if rectify else None)
        moments = torch.stack((mean.mean(0), var.mean(0)))
        ctx.mark_non_differentiable(moments)
        return _as_images(y, x), moments

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        centred, weight, inverse, y = ctx.saved_tensors
        rows = _by_group(gradients[0], len(inverse))
        if y is not None:
            rows = torch.where(y <= 0, 0, rows)
        count = len(rows) * rows.shape[2]
        total, slope = _per_group(rows), _per_group(rows * centred) * inverse
        scale = weight * inverse
        share = -scale * inverse * slope / count
        rest = torch.addcmul((-scale * total / count)[:, None], centred, share[:, None])
        x = torch.addcmul(rest, rows, scale[:, None])
        return _as_images(x, gradients[0]), slope.sum(0), total.sum(0), None, None, None


class _OnCpu(torch.autograd.Function):
    """The same by compiled loops."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float, rectify: bool
    ) -> tuple[Tensor, Tensor]:
        rows = _by_group(x, groups)
        y, statistics = torch.empty_like(rows), torch.empty(3, groups, rows.shape[3])
        given = (in_lanes(rows), weight.detach().numpy(), bias.detach().numpy(), np.float32(eps), rectify)
        normalise(*given, in_lanes(y), statistics.numpy())
        ctx.rectify = rectify
        ctx.save_for_backward(rows, weight, bias, statistics)
        moments = statistics[:2].mean(1)
        ctx.mark_non_differentiable(moments)
        return _as_images(y, x), moments

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, bias, statistics = ctx.saved_tensors
        gradient, x = _by_group(gradients[0], rows.shape[1]), torch.empty_like(rows)
        own = torch.empty(2, *statistics.shape[1:])
        given = (weight.detach().numpy(), bias.detach().numpy(), statistics.numpy(), ctx.rectify)
        made = (in_lanes(x), own.numpy())
        normalise_back(in_lanes(gradient), in_lanes(rows), *given, *made)
        sums = own.sum(1)
        return _as_images(x, gradients[0]), sums[0], sums[1], None, None, None


class _OnGpu(torch.autograd.Function):
    """The same by kernels of its own; numbers stay in the type they come in, sums are of float32."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float, rectify: bool
    ) -> tuple[Tensor, Tensor]:
        from .gpu_loops import normalise as kernel

        rows = _rows(x, groups).contiguous()
        y, statistics = kernel(rows, weight.detach(), bias.detach(), eps, rectify)
        ctx.rectify = rectify
        ctx.save_for_backward(rows, weight, bias, statistics)
        moments = statistics[:2].mean(1)
        ctx.mark_non_differentiable(moments)
        return _as_images(y, x), moments

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        from .gpu_loops import normalise_back as kernel

        rows, weight, bias, statistics = ctx.saved_tensors
        given = _rows(gradients[0], rows.shape[1]).to(rows.dtype).contiguous()
        x, own = kernel(given, rows, weight.detach(), bias.detach(), statistics, ctx.rectify)
        sums = own.sum(1)
        return _as_images(x, gradients[0]), sums[0], sums[1], None, None, None


def _by_group(images: Tensor, groups: int) -> Tensor:
    """[S * G, C, H, W] -> float32 [S, G, H * W, C], contiguous: of channels-last float32 a view."""
    return _rows(images, groups).float().contiguous()


def _rows(images: Tensor, groups: int) -> Tensor:
    """[S * G, C, H, W] -> [S, G, H * W, C], of the same type."""
    n, c, h, w = images.shape
    return images.detach().permute(0, 2, 3, 1).reshape(n // groups, groups, h * w, c)


def _per_group(rows: Tensor) -> Tensor:
    """Sums over samples and pixels: [S, G, H * W, C] -> [G, C]."""
    return rows.sum(2).sum(0)


def _as_images(rows: Tensor, like: Tensor) -> Tensor:
    """The way back: of the same shape and type as ``like``, channels-last."""
    n, c, h, w = like.shape
    return rows.view(n, h, w, c).permute(0, 3, 1, 2).to(like.dtype)
