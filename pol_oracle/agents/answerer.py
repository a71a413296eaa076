"""Answers to demands, computed again from what a block stands on, and what goes with a demand."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.evidence import Answer, HonestDiscloser, answer_to
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.positions import Position
from pol_oracle.task import Workload

from .blocks import BlockView
from .follow import Ask, Follower
from .knowledge import Describe
from .lineage import Lineage


def describer(workload: Workload) -> Describe:
    """Returns what opens the descriptors of a task's program."""
    return lambda position: workload.programs.open(position.tree, position.tensor).abi()


@dataclass(frozen=True)
class HonestAnswerer:
    """Answers demands about right blocks of one task.

    Attributes:
        follower: computes what blocks stand on.
    """

    follower: Follower

    def __call__(self, block: BlockView, lineage: Lineage, position: Position, cancelled: Ask) -> Answer:
        """Computes one answer; see :data:`pol_oracle.agents.verdicts.Answerer`."""
        header, workload = block.header, self.follower.workload
        if header is None:
            raise InputError("nothing of genesis can be demanded")
        grounds = self.follower.grounds(header, lineage, cancelled)
        discloser = HonestDiscloser(workload, header, grounds, lambda state: self.follower.count(state, cancelled))
        return answer_to(position, workload.programs, discloser)
