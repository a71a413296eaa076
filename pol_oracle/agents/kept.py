"""A verifier's own copies of what blocks in judgement are made from: a miner that served it may stop, and be silent on
L1. They outlive a view that falls back, since what is forgotten may not be served again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pol_oracle.protocol.lifecycle import Status
from pol_oracle.store import StateStore, file_name

from .blocks import BlockView
from .view import View


class KeptStates:
    """A folder of states.

    Args:
        folder: made when the first state is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = StateStore([folder])
        self._open: set[bytes] = set()  # ids of the blocks in judgement when it was last tidied
        self._tidied: set[bytes] = set()

    def keep(self, contents: Mapping[bytes, bytes]) -> None:
        """Keeps what stands behind some roots.

        Raises:
            StoreError: it cannot be written.
        """
        for root, content in contents.items():
            if not self._store.has(root):
                self._store.put(root, content)

    def tidy(self, view: View, judged: Iterable[BlockView]) -> None:
        """Forgets what stands behind blocks in a final state, unless it stands behind one in judgement too. What is
        merely not in the view stays: L1 may reorganise, or a node lag, and it may not be served again."""
        open_ = {block.id: block for block in judged}
        if open_.keys() == self._open:
            return
        self._open = set(open_)
        wanted = {root for block in open_.values() for root in _roots(block)}
        for block in view.blocks.values():
            done = block.status is not Status.PENDING and block.id not in open_ and block.id not in self._tidied
            if done and wanted.isdisjoint(_roots(block)):
                self._tidied.add(block.id)
                for root in _roots(block):
                    (self.folder / file_name(root)).unlink(missing_ok=True)


def _roots(block: BlockView) -> tuple[bytes, ...]:
    """Roots behind which something of a block is kept."""
    return () if block.header is None else (block.header.pre_root, block.header.eval_root)
