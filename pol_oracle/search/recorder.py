"""Passes as CUDA graphs: recorded once for each kind and shape, and replayed.

A pass of ResNet-18 is a thousand kernels, and to start them one by one takes longer than they do. A replay gives the
same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

_KEPT = 24  # recordings, of the latest used. A plan tries some sizes and kinds, and looks come in some more


@dataclass(frozen=True)
class Kind:
    """What kind of pass: one that sets gradients and moves statistics, or a look; in bfloat16 or not."""

    learn: bool
    mixed: bool


Compute = Callable[..., Tensor]
"""Makes a pass: takes its kind, where its answers go, and what it is given; returns the loss."""


@dataclass(frozen=True)
class _Recording:
    """A pass as a graph: what it is given, and where it leaves what."""

    graph: Any
    given: tuple[Tensor, ...]
    loss: Tensor
    answers: Tensor
    gradients: list[Tensor | None]


class Recorder:
    """Records and replays the passes of one module.

    Args:
        module: whose parameters get gradients, and whose buffers move.
        device: of CUDA.
    """

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        self._module, self._device = module, device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # of all that is recorded
        self._recordings: dict[tuple[Kind, tuple[torch.Size, ...]], _Recording] = {}
        self._pools: dict[bool, Any] = {}

    def replay(self, kind: Kind, compute: Compute, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Makes a pass, and records it first if it is new.

        Args:
            kind: of pass.
            compute: makes it. It may do nothing that waits for the device.
            given: what it is given; the last one has a row for each answer.

        Returns:
            What ``compute`` returns, and the answers, float32 [3, rows]. The next replay overwrites both.
        """
        with torch.cuda.device(self._device):  # where graphs are recorded, and kernels of our own run
            recording = self._recording(kind, compute, given)
            for theirs, ours in zip(recording.given, given, strict=True):
                theirs.copy_(ours)
            recording.graph.replay()
        if kind.learn:
            for parameter, gradient in zip(self._module.parameters(), recording.gradients, strict=True):
                parameter.grad = gradient
        return recording.loss, recording.answers

    def _recording(self, kind: Kind, compute: Compute, like: tuple[Tensor, ...]) -> _Recording:
        """The recording of a pass, made if it is new; it is the last one to be forgotten."""
        shape = kind, tuple(tensor.shape for tensor in like)
        found = self._recordings.pop(shape, None)
        if found is None:
            while len(self._recordings) >= _KEPT:
                del self._recordings[next(iter(self._recordings))]
            found = self._record(kind, compute, like)
        self._recordings[shape] = found
        return found

    def _record(self, kind: Kind, compute: Compute, like: tuple[Tensor, ...]) -> _Recording:
        """Records a pass. What has to be compiled or chosen is so in passes before, which leave no trace."""
        given = tuple(tensor.clone() for tensor in like)
        answers = torch.zeros(3, len(given[-1]), device=self._device)
        kept = [buffer.clone() for buffer in self._module.buffers()]
        here, aside = torch.cuda.current_stream(self._device), self._stream
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            for _ in range(2):
                compute(kind, answers, *given)
        here.wait_stream(aside)
        with torch.no_grad():
            for buffer, before in zip(self._module.buffers(), kept, strict=True):
                buffer.copy_(before)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool(kind), stream=self._stream):
            loss = compute(kind, answers, *given)
        gradients = [parameter.grad for parameter in self._module.parameters()] if kind.learn else []
        return _Recording(graph, given, loss, answers, gradients)

    def _pool(self, kind: Kind) -> Any:
        """The memory that recordings of a kind share, and so overwrite each other's results. Looks have another, since
        they must leave a pass's gradients alone. It ends with the last recording in it."""
        if not any(other.learn == kind.learn for other, _ in self._recordings):
            self._pools[kind.learn] = torch.cuda.graph_pool_handle()
        return self._pools[kind.learn]
