"""What can be demanded on L1: one answer's worth of a committed tree. Mirror of ``Position`` in ``IDemands.sol``."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import IntEnum
from typing import Any

LEAF_GROUP = 256  # leaves of one answer: 64 KiB, well inside what nodes relay in one transaction
MAX_NODES = 2048  # nodes of one answer: 64 KiB as well
MAX_LATE = 8  # demands about a block that one account may make after its challenge window, each following an answer

POSITION_TYPE = "(uint8,uint8,uint32,uint32,uint32)"


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
    """One answer's worth of a block's trees.

    Attributes:
        item: roots of all tensors of a trace; nodes of a tensor; leaves of a tensor; bits of the accuracy tree; hashes
            of all steps of the segment.
        tree: whose trace; STEP for bits and steps.
        index: sample of the test set, or step of the segment; 0 for the block's own step.
        tensor: its number in the program; 0 unless nodes or leaves are demanded.
        group: which group of ``LEAF_GROUP`` leaves; 0 unless leaves are demanded.
    """

    item: Item
    tree: Tree = Tree.STEP
    index: int = 0
    tensor: int = 0
    group: int = 0

    def __str__(self) -> str:
        """What is demanded, in words."""
        if self.item is Item.BITS:
            return "all bits of the evaluation"
        if self.item is Item.STEPS:
            return "the steps of the segment"
        if self.item is Item.ROOTS:
            return f"the roots of {self._whose}"
        part = "nodes" if self.item is Item.NODES else f"leaf group {self.group}"
        return f"{part} of tensor {self.tensor} of {self._whose}"

    @property
    def _whose(self) -> str:
        if self.tree is Tree.STEP:
            return "the step"
        if self.tree is Tree.SEGMENT:
            return f"step {self.index} of the segment"
        return f"sample {self.index} {self.tree.name.lower()} the step"

    def abi(self) -> tuple[Any, ...]:
        """The position as the ABI takes it."""
        return tuple(int(value) for value in astuple(self))

    @staticmethod
    def of(values: tuple[int, int, int, int, int]) -> Position:
        """Reads what the ABI gave."""
        item, tree, index, tensor, group = values
        return Position(Item(item), Tree(tree), index, tensor, group)
