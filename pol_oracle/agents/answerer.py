"""Answers to demands, computed again from a block's W, and what goes with a demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pol_oracle.evidence import Answer, HonestDiscloser, ShownTrees, answer_to, bits_answer
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.positions import Item, Position
from pol_oracle.store import StateStore
from pol_oracle.task import Workload

from .blocks import BlockView
from .knowledge import Describe
from .worker import Cancelled


def describer(workload: Workload) -> Describe:
    """Returns what opens the descriptors of a task's program."""
    return lambda position: workload.programs.open(position.tree, position.tensor).abi()


@dataclass(frozen=True)
class StoreAnswerer:
    """Answers demands about right blocks of one task.

    Attributes:
        workload: the task.
        store: where W is read; for a verifier its own copies come first, since a miner that has served one may stop.
    """

    workload: Workload
    store: StateStore

    def __call__(self, block: BlockView, position: Position, cancelled: Callable[[], bool]) -> Answer:
        """Computes one answer; see :data:`pol_oracle.agents.verdicts.Answerer`."""
        if block.header is None:
            raise StoreError("nothing of genesis can be demanded")
        shown = ShownTrees(self.workload, block.header, self.store, {})
        served = shown.words() if position.item is Item.BITS else None
        if served is not None:  # counting again may take longer than the deadline allows
            return bits_answer(served)
        discloser = HonestDiscloser(self.workload, block.header, shown.pre(insist=False), _until(cancelled))
        return answer_to(position, self.workload.programs, discloser)


def _until(cancelled: Callable[[], bool]) -> Callable[[int], None]:
    def progress(_: int) -> None:
        if cancelled():
            raise Cancelled

    return progress
