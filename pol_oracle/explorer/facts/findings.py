"""What the workshop finds: evidence recomputed, a block replayed, what the network has learned."""

from __future__ import annotations

from pydantic import Field

from .common import PageFacts


class LayerFacts(PageFacts):
    """A layer: its tensors belong together by name.

    Attributes:
        weights: of all its learnable tensors.
        shape: of the first of them.
        eligible: requirements may name its weights.
    """

    name: str
    kind: str
    shape: list[int]
    weights: int
    eligible: bool


class ModelFacts(PageFacts):
    """The network; class names are digits."""

    name: str
    weights: int
    layers: list[LayerFacts]


class FloatFacts(PageFacts):
    """A binary32: shortest decimal, hex of its bits, the 32 bits."""

    decimal: str
    hex: str
    bits: str


class OperandFacts(PageFacts):
    """One number that the wrong one follows from."""

    tensor: str
    place: list[int]
    value: str


class WeightFacts(PageFacts):
    """One weight of a requirement, before the step and after it."""

    place: list[int]
    before: str
    after: str
    rose: bool


class PathStep(PageFacts):
    """A node on the way from what was opened to what the block committed to; hex without 0x.

    Attributes:
        tree: what it is a node of; of a root, what it is the root of.
        level: from the leaves, 0, up; None for a root.
        place: in its level.
        hash: of the node.
        sibling: what it is hashed with: zeros where there is none, "" for a root.
    """

    tree: str
    level: int | None = None
    place: int | None = None
    hash: str
    sibling: str = ""


class EvidenceFacts(PageFacts):
    """What a call of the Court showed.

    Attributes:
        function: of the Court.
        trace: whose trace, in words; "" where there is none.
        tensor: the tensor's name in the program; of a requirement, the weight's.
        layer: the layer it belongs to.
        operation: how the number is made.
        place: coordinates in that tensor.
        claimed, true: what the block says, and what follows.
        operands: the first of what it follows from.
        reads: of how many numbers it follows.
        weights: of a requirement.
        rises: how many of these rose; ``odd``: whether it had to be an odd number.
        said, sums: of the accuracy tree: [before, after] as claimed for a node, and as they lie below it.
        hashes: that lead from what was opened to what the header commits to.
        opened: leaves of 64 numbers that were opened.
        committed: what the block committed to, by its hash, as far as the call names it.
        path: the way up from the wrong number, of the requirement's weights in W', or from the node of the sums.
    """

    function: str
    trace: str = ""
    tensor: str = ""
    layer: str = ""
    operation: str = ""
    shape: list[int] = Field(default_factory=list)
    place: list[int] = Field(default_factory=list)
    claimed: FloatFacts | None = None
    true: FloatFacts | None = None
    operands: list[OperandFacts] = Field(default_factory=list)
    reads: int = 0
    requirement: int | None = None
    weights: list[WeightFacts] = Field(default_factory=list)
    rises: int = 0
    odd: bool = False
    said: list[int] = Field(default_factory=list)
    sums: list[int] = Field(default_factory=list)
    node: list[int] = Field(default_factory=list)
    hashes: int = 0
    opened: int = 0
    path: list[PathStep] = Field(default_factory=list)
    committed: dict[str, str] = Field(default_factory=dict)


class WrongSample(PageFacts):
    """A test sample, what it is, what the network takes it for, and how sure it is (softmax, in per cent)."""

    sample: int
    label: int
    taken_for: int
    sure: float


class Learned(PageFacts):
    """What a state has learned.

    Attributes:
        confusion: numbers of test samples, a row per class that they are of, a column per class they are taken for.
        by_class: accuracy per class in per cent.
        wrong: the surest mistakes first.
    """

    root: str
    correct: int
    total: int
    confusion: list[list[int]]
    by_class: list[float]
    wrong: list[WrongSample]


class ReplayedRequirement(PageFacts):
    """One requirement with the weights it counts, in W and in W'."""

    tensor: str
    odd: bool
    rises: int
    met: bool
    weights: list[WeightFacts]


class Replayed(PageFacts):
    """A block, replayed.

    Attributes:
        valid: the replay gives the same bits.
        words: the verdict in words.
        requirements: empty if the step could not be computed from a right W.
        losses: mean cross entropy along the segment, over runs of steps of equal length.
        step_loss: of the block's own batch.
    """

    valid: bool
    words: str
    requirements: list[ReplayedRequirement]
    losses: list[float]
    step_loss: float | None


class ProofCall(PageFacts):
    """The transaction that proved a block wrong.

    Attributes:
        function: which it calls.
        fee: what it cost its sender, in ETH.
        size: bytes of calldata.
    """

    sender: str
    contract: str
    function: str
    gas: int
    fee: str
    size: int


class LearnedState(PageFacts):
    """A state that is at hand, of a final block."""

    height: int
    block: str
    root: str


class LearningFacts(PageFacts):
    """What the network has learned by now.

    Attributes:
        words: why there is nothing to see, or that it is being worked out; "" otherwise.
        states: final blocks whose networks are at hand, oldest first.
        shown: which of them is.
    """

    words: str
    states: list[LearnedState]
    shown: LearnedState | None
    learned: Learned | None
