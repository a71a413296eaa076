"""Filters that predict what a nonce's step raises, cheaper than the step: with early layers cached, or by labels alone.

A filter sees W, or an older one, and the nonce's samples. The devnet's network only: three convolutions, each with
batch norm and ReLU.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pol_oracle.canonical.layers.normalisation import EPSILON
from pol_oracle.canonical.state import State
from pol_oracle.search.torch_models import images_to_torch
from pol_oracle.task import Workload

LAYERS = 3
SAMPLES = 4  # of a step
_CPU = torch.device("cpu")

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]  # [nonces, S]


class Filter(Protocol):
    """What predicts."""

    def gradients(self, chosen: Indices) -> Floats:
        """Returns how far each weight of the convolutions would rise, in any unit.

        float32 [nonces, weights]; 0 where it cannot tell.
        """

    def evaluate(self, chosen: Indices) -> object:
        """Does the part of :meth:`gradients` whose cost counts: not gradients that no requirement asks for."""


class BatchNetwork:
    """The forward and backward pass over many batches of four at once.

    Args:
        state: the weights.
        first: the layer to begin with; what it is given are the layer's inputs.
    """

    def __init__(self, state: State, first: int = 0) -> None:
        self._weights = {name: torch.from_numpy(tensor.copy()) for name, tensor in state.to_torch().items()}
        self._first = first

    def backward(self, x: Tensor, labels: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Returns what each layer was given, and the loss's slope at what its convolution gave.

        Args:
            x: the first layer's input [4 * nonces, C, H, W].
            labels: int64 [4 * nonces].
        """
        inputs, outputs = [], []
        for layer in range(self._first, LAYERS):
            inputs.append(x.detach())
            y = functional.conv2d(x, self._weights[f"conv{layer + 1}.weight"], stride=2, padding=1).requires_grad_()
            outputs.append(y)
            x = self._normalised(y, layer)
        logits = functional.linear(x.mean((2, 3)), self._weights["fc.weight"], self._weights["fc.bias"])
        loss = functional.cross_entropy(logits, labels, reduction="sum") / SAMPLES
        return inputs, list(torch.autograd.grad(loss, outputs))

    def early(self, images: Tensor) -> Tensor:
        """Returns the first layer's input of single samples, batch norm by its running statistics: what is cached."""
        x = images
        with torch.no_grad():
            for layer in range(self._first):
                y = functional.conv2d(x, self._weights[f"conv{layer + 1}.weight"], stride=2, padding=1)
                mean, variance, gamma, beta = self._norm(layer, "running_mean", "running_var", "weight", "bias")
                x = functional.relu((y - mean) * torch.rsqrt(variance + EPSILON) * gamma + beta)
        return x

    def _normalised(self, y: Tensor, layer: int) -> Tensor:
        """Batch norm over each four samples, and ReLU."""
        grouped = _by_nonce(y)
        variance, mean = torch.var_mean(grouped, dim=(1, 3, 4), correction=0, keepdim=True)
        gamma, beta = self._norm(layer, "weight", "bias")
        scaled = (grouped - mean) * torch.rsqrt(variance + EPSILON) * gamma + beta
        return functional.relu(scaled).flatten(0, 1)

    def _norm(self, layer: int, *names: str) -> list[Tensor]:
        """Values of a batch norm, one per channel."""
        return [self._weights[f"bn{layer + 1}.{name}"][:, None, None] for name in names]


class CachedLayers:
    """Predicts with what the first layers gave for each training sample, under W or an older one.

    Args:
        workload: the task.
        state: W.
        cached: the state whose first layers are cached.
        layers: how many; 0 makes it the whole step.
    """

    def __init__(self, workload: Workload, state: State, cached: State, layers: int) -> None:
        train = workload.train
        self._labels = torch.from_numpy(train.labels.astype(np.int64))
        self._network, self._skipped = BatchNetwork(state, layers), layers
        early = BatchNetwork(cached, layers)
        parts = [early.early(images_to_torch(train.images[at : at + 512], _CPU)) for at in range(0, len(train), 512)]
        self._cache = torch.cat(parts)
        self._sizes = [workload.model.parameters[i].shape for i in convolutions(workload)]

    def evaluate(self, chosen: Indices) -> tuple[list[Tensor], list[Tensor]]:
        """One pass over what is left of the network."""
        flat = torch.from_numpy(chosen.reshape(-1))
        return self._network.backward(self._cache[flat], self._labels[flat])

    def gradients(self, chosen: Indices) -> Floats:
        """A weight rises against its gradient."""
        nothing = [np.zeros((len(chosen), int(np.prod(shape))), np.float32) for shape in self._sizes[: self._skipped]]
        return np.concatenate([*nothing, *map(_gradient, *self.evaluate(chosen))], axis=1)


def _gradient(given: Tensor, slope: Tensor) -> Floats:
    """Minus the gradient of a kernel by nonces, in canonical layout [nonces, out * ky * kx * in]."""
    patches = _by_nonce(functional.unfold(given, 3, padding=1, stride=2))
    kernel = torch.einsum("gsop,gsip->goi", _by_nonce(slope.flatten(2)), patches)
    laid_out = kernel.view(*kernel.shape[:2], -1, 3, 3).permute(0, 1, 3, 4, 2)
    return np.asarray(-laid_out.flatten(1).numpy())


def _by_nonce(x: Tensor) -> Tensor:
    return x.reshape(-1, SAMPLES, *x.shape[1:])


class Labels:
    """Predicts from the labels of P alone, by a regression on the steps of other nonces.

    Args:
        workload: the task.
        chosen: samples of these nonces.
        moved: W' - W of each.
    """

    def __init__(self, workload: Workload, chosen: Indices, moved: Floats) -> None:
        self._labels = workload.train.labels
        counts = self._counts(chosen)
        self._gradients = np.linalg.lstsq(
            counts.T @ counts + np.eye(10, dtype=np.float32), counts.T @ moved, rcond=None
        )[0]

    def evaluate(self, chosen: Indices) -> Floats:
        """The gradients of as many weights as a dozen requirements name."""
        return np.asarray(self._counts(chosen) @ self._gradients[:, : 12 * 64])

    def gradients(self, chosen: Indices) -> Floats:
        """Linear in how often each class occurs."""
        return np.asarray(self._counts(chosen) @ self._gradients)

    def _counts(self, chosen: Indices) -> Floats:
        classes = np.arange(10, dtype=np.uint8)
        return np.asarray((self._labels[chosen][:, :, None] == classes).sum(axis=1), np.float32)


def convolutions(workload: Workload) -> list[int]:
    """Returns the numbers of the kernels in the state, first layer first."""
    names = [weight.name for weight in workload.model.parameters]
    return [names.index(f"conv{layer + 1}.weight") for layer in range(LAYERS)]
