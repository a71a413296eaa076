"""Answers to demands, computed again from what a block stands on."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.evidence import Answer, HonestDiscloser, answer_to
from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.positions import Position
from pol_oracle.view.blocks import BlockView
from pol_oracle.view.lineage import Lineage

from .follow import Ask, Follower


@dataclass(frozen=True)
class HonestAnswerer:
    """Answers demands about right blocks of one task.

    Attributes:
        follower: computes what blocks stand on.
    """

    follower: Follower

    def __call__(self, block: BlockView, lineage: Lineage, position: Position, cancelled: Ask) -> Answer:
        """Computes one answer; see :data:`pol_oracle.agents.rules.verdicts.Answerer`."""
        header, workload = block.header, self.follower.workload
        if header is None:
            raise InputError("nothing of genesis can be demanded")
        grounds = self.follower.grounds(header, lineage, cancelled)
        discloser = HonestDiscloser(workload, header, grounds, lambda state: self.follower.count(state, cancelled))
        return answer_to(position, workload.programs, discloser)
