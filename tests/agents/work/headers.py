"""What a replay is given: a block of which the header is all that is known."""

from __future__ import annotations

from pol_oracle.protocol.difficulty import BIT
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload
from pol_oracle.view.blocks import BlockView
from tests.task.workloads import MINER, small_workload

BITS = 2
WORKLOAD = small_workload()


def never() -> bool:
    return False


def block(header: Header, workload: Workload = WORKLOAD) -> BlockView:
    block_id = header.id(workload.task.id)
    return BlockView(block_id, header, MINER, header.parent, 1, BITS * BIT, 1, 1, 0, header.correct_after)
