"""All values of a tensor are right, and what fills up its last leaf is not zero: another root, and no wrong float."""

from __future__ import annotations

import numpy as np

from pol_oracle.canonical.commitments.trees import LEAF, TensorTree, counted_root
from pol_oracle.evidence import Traced
from pol_oracle.protocol.lifecycle import EvidenceKind
from tests.adversaries.arena import Arena
from tests.adversaries.forging import with_root


class Padded(Traced):
    """A trace with ones behind the last element of each tensor."""

    def tree(self, tensor: int) -> TensorTree:
        values = self.tensors[tensor].reshape(-1)
        tree = TensorTree(np.concatenate([values, np.ones(-values.size % LEAF, np.float32)]))
        tree.elements = values.size
        return tree


def test_nonzero_padding(arena: Arena) -> None:
    step = arena.made.step
    tensor = next(t for t in range(step.program.first, len(step.tensors)) if step.tensors[t].size % LEAF)
    padded = Padded(step.program, step.tensors, step.roots)
    root = padded.tree(tensor).root
    assert root == counted_root(step.tensors[tensor].size, padded.tree(tensor).levels[-1][0].tobytes())
    assert root != step.roots.tensors[tensor]

    arena.convicts(arena.made.with_trace(with_root(padded, tensor, root)), EvidenceKind.WITHHELD, demands=2)
    assert "BadOpening" in arena.refused  # not for want of an answer
