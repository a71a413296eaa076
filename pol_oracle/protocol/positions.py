"""What can be demanded on L1: one answer's worth of a committed tree. Mirror of ``Position`` in ``IDemands.sol``."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

from .hashing import ZERO, keccak_abi
from .types import BlockId, DemandId

LEAF_GROUP = 256  # leaves of one answer: 64 KiB, well inside what nodes relay in one transaction
MAX_NODES = 2048  # nodes of one answer: 64 KiB as well
QUEUE_SHARE = 16  # each open demand adds this part of the answer window to the deadline of a further one

POSITION_TYPE = "(uint8,uint8,uint32,uint32,uint32,bytes32)"


class Item(IntEnum):
    """What is demanded."""

    ROOTS = 0
    NODES = 1
    LEAVES = 2
    BITS = 3
    STEPS = 4


class Tree(IntEnum):
    """Whose trace: the block's own step's, that of a sample's evaluation with W or W', or a step's of its segment."""

    STEP = 0
    BEFORE = 1
    AFTER = 2
    SEGMENT = 3

    @property
    def evaluates(self) -> bool:
        """It is of an evaluation, not of a step."""
        return self in (Tree.BEFORE, Tree.AFTER)


@dataclass(frozen=True, order=True)
class Position:
    """One answer's worth of a block's trees. It is demanded and answered once, for all.

    The roots of an evaluation are its *explanation*: whoever gives one answers for it with a bond, and what is demanded
    of its tensors is about that explanation. L1 knows it by tree and sample alone (``IExplanations.sol``).

    Attributes:
        item: roots of all tensors of a trace; nodes of a tensor; leaves of a tensor; bits of the accuracy tree; hashes
            of all steps of the segment.
        tree: whose trace; STEP for bits and steps.
        index: sample of the test set, or step of the segment; 0 for the block's own step.
        tensor: its number in the program; 0 unless nodes or leaves are demanded.
        group: which group of ``LEAF_GROUP`` leaves; 0 unless leaves are demanded.
        explanation: trace root of the explanation that it is about; zeros for all but tensors of an evaluation.
    """

    item: Item
    tree: Tree = Tree.STEP
    index: int = 0
    tensor: int = 0
    group: int = 0
    explanation: bytes = ZERO

    def __str__(self) -> str:
        """What is demanded, in words."""
        if self.item is Item.BITS:
            return "all bits of the evaluation"
        if self.item is Item.STEPS:
            return "the steps of the segment"
        if self.explains:
            return f"an explanation of {self._whose}"
        if self.item is Item.ROOTS:
            return f"the roots of {self._whose}"
        part = "nodes" if self.item is Item.NODES else f"leaf group {self.group}"
        return f"{part} of tensor {self.tensor} of {self._whose}"

    @property
    def explains(self) -> bool:
        """It is an explanation."""
        return self.item is Item.ROOTS and self.tree.evaluates

    @property
    def above(self) -> tuple[Position, ...]:
        """What has to be shown before it can be demanded.

        It is one of these, the nearest first; nothing of what hangs on the header itself.
        """
        if self.item in (Item.STEPS, Item.BITS):
            return ()
        if self.item is Item.ROOTS:
            return () if self.tree is Tree.STEP else (Position(Item.BITS if self.explains else Item.STEPS),)
        roots = Position(Item.ROOTS, self.tree, self.index)
        if self.item is Item.NODES:
            return (roots,)
        return Position(Item.NODES, self.tree, self.index, self.tensor, 0, self.explanation), roots

    @property
    def _whose(self) -> str:
        if self.tree is Tree.STEP:
            return "the step"
        if self.tree is Tree.SEGMENT:
            return f"step {self.index} of the segment"
        return f"sample {self.index} {self.tree.name.lower()} the step"

    def demand_id(self, block_id: BlockId) -> DemandId:
        """Id of the demand for it; L1 has none for an explanation."""
        return keccak_abi(["bytes32", POSITION_TYPE], [block_id, self.abi()])

    def abi(self) -> tuple[Any, ...]:
        """The position as the ABI takes it."""
        *numbers, explanation = astuple(self)
        return *map(int, numbers), explanation

    @staticmethod
    def of(values: tuple[int, int, int, int, int, bytes]) -> Position:
        """Reads what the ABI gave."""
        item, tree, index, tensor, group, explanation = values
        return Position(Item(item), Tree(tree), index, tensor, group, explanation)


@dataclass(frozen=True)
class MissingItem:
    """What has to be demanded.

    Attributes:
        position: what is to be shown.
        opening: what shows L1 that there is such a thing, as the ABI takes it: for an explanation the words of the
            sample's leaf and what leads from them to the header, else the descriptor of the tensor.
        reason: why, one clause.
    """

    position: Position
    opening: tuple[Any, ...]
    reason: str = ""


def deadline(now: int, answer_window: int, open_demands: int) -> int:
    """Returns until when a demand can be answered that is made now, or hastened.

    Args:
        now: L1 time in seconds.
        answer_window: of the deployment.
        open_demands: how many others wait for an answer, of all blocks together.
    """
    return now + answer_window + max(answer_window // QUEUE_SHARE, 1) * open_demands
