"""All tensors of one trace, ready to be opened."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pol_oracle.canonical.expressions import FloatArray
from pol_oracle.canonical.programs import Program
from pol_oracle.canonical.state import State
from pol_oracle.canonical.traces import TraceRoots
from pol_oracle.canonical.trees import LEAF, Slice, TensorTree, tensor_root
from pol_oracle.protocol.header import Header
from pol_oracle.task import Workload

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


def traced_step(workload: Workload, header: Header, pre: State) -> Traced:
    """Computes the step of a block from its W.

    Raises:
        InputError: the header names another number of samples.
    """
    chosen, train = list(header.indices), workload.train
    trace = workload.stepper.run(pre, train.images[chosen], train.labels[chosen]).trace
    return Traced(workload.stepper.program, trace.tensors(), trace.roots)


def traced_sample(workload: Workload, state: State, sample: int) -> Traced:
    """Computes the evaluation of one test sample."""
    image, label = workload.test.images[sample], int(workload.test.labels[sample])
    tensors = workload.evaluator.tensors(state, image, label)
    return Traced.of(workload.evaluator.program, tensors)
