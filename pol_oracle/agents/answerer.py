"""Answers to demands, computed from the states that the block's miner published, and what goes with a demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.positions import Position
from pol_oracle.store import StateStore
from pol_oracle.task import Workload

from .blocks import BlockView
from .knowledge import Describe

if TYPE_CHECKING:
    from pol_oracle.evidence import Answer


def describer(workload: Workload) -> Describe:
    """Returns what opens the descriptors of a task's program."""
    return lambda position: workload.programs.open(position.tree, position.tensor).abi()


@dataclass(frozen=True)
class StoreAnswerer:
    """Answers demands about blocks of one task.

    Attributes:
        workload: the task.
        store: where W and W' are read.
    """

    workload: Workload
    store: StateStore

    def __call__(self, block: BlockView, position: Position, cancelled: Callable[[], bool]) -> Answer:
        """Computes one answer; see :data:`pol_oracle.agents.verdicts.Answerer`."""
        raise StoreError(f"answers are not computed yet: {position}")  # TODO: evidence builds them
