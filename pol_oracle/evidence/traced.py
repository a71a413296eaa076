"""All tensors of one trace, ready to be opened."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pol_oracle.canonical.commitments.trees import LEAF, Slice, TensorTree, tensor_root
from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.programs.program import Program
from pol_oracle.canonical.programs.traces import TraceRoots
from pol_oracle.canonical.state import State
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.positions import Tree
from pol_oracle.task import Workload, segment_batch

from .proofs import TraceId

_KEPT_TREES = 16


@dataclass(frozen=True, eq=False)
class Traced:
    """One trace. Large: a step of ResNet-18 fills 120 MB and more.

    Attributes:
        program: what made it.
        tensors: float32 each, by number.
        roots: of these tensors.
    """

    program: Program
    tensors: tuple[FloatArray, ...]
    roots: TraceRoots
    _trees: OrderedDict[int, TensorTree] = field(default_factory=OrderedDict, init=False, repr=False)

    @staticmethod
    def of(program: Program, tensors: Sequence[FloatArray]) -> Traced:
        """Takes tensors and computes their roots."""
        return Traced(program, tuple(tensors), TraceRoots(program, tuple(tensor_root(t) for t in tensors)))

    def tree(self, tensor: int) -> TensorTree:
        """Returns the tree of a tensor; the last few are kept."""
        if tensor not in self._trees:
            self._trees[tensor] = TensorTree(self.tensors[tensor])
        self._trees.move_to_end(tensor)
        while len(self._trees) > _KEPT_TREES:
            self._trees.popitem(last=False)
        return self._trees[tensor]

    def open(self, tensor: int, elements: Iterable[int]) -> Slice:
        """Opens the leaves that hold some elements, by flat index in the tensor of this number."""
        return self.tree(tensor).open(tensor, (element // LEAF for element in elements))


def samples_of(workload: Workload, header: Header, trace: TraceId) -> tuple[int, ...]:
    """Returns which samples a trace of a block takes: of the training set, or of the test set in an evaluation."""
    if trace.tree.evaluates:
        return (trace.index,)
    return header.indices if trace.tree is Tree.STEP else segment_batch(workload, header.parent, trace.index)


def traced(workload: Workload, header: Header, trace: TraceId, state: State) -> Traced:
    """Computes a trace of a block.

    Args:
        workload: the task.
        header: the block.
        trace: which trace.
        state: that it starts from.

    Raises:
        InputError: the header names another number of samples.
    """
    chosen = list(samples_of(workload, header, trace))
    if trace.tree.evaluates:
        image, label = workload.test.images[chosen[0]], int(workload.test.labels[chosen[0]])
        return Traced.of(workload.evaluator.program, workload.evaluator.tensors(state, image, label))
    result = workload.stepper.run(state, workload.train.images[chosen], workload.train.labels[chosen])
    return Traced(workload.stepper.program, result.trace.tensors(), result.trace.roots)
