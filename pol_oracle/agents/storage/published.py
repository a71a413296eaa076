"""The store under the paper's rules, where W is the miner's choice and has to be found for as long as it is judged."""

from __future__ import annotations

import structlog

from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.lifecycle import Status
from pol_oracle.protocol.types import Root
from pol_oracle.store import StateStore
from pol_oracle.task.proof import Proof
from pol_oracle.view import View

from .kept import SERVED

log = structlog.get_logger(__name__)


class PublishedStates:
    """Writes W and W' of a miner's proofs to the store, and removes those of blocks that are settled.

    Args:
        store: its first place is written to.
        initial: root of the first state, which stays.
    """

    def __init__(self, store: StateStore, initial: Root) -> None:
        self._store, self._initial = store, initial
        self._tip: bytes | None = None

    def publish(self, proof: Proof) -> None:
        """Writes a proof's states.

        Raises:
            StoreError: they cannot be written.
        """
        for state in (proof.pre, proof.post):
            self._store.put(state.root, state.to_bytes())

    def tidy(self, view: View) -> None:
        """Removes what nobody goes on from, each time another block is final; what L1 does not show yet stays."""
        if view.finalized_tip == self._tip:
            return
        self._tip = view.finalized_tip
        try:
            for root in self._store.roots() & spent_roots(view, SERVED) - {self._initial}:
                self._store.remove(root)
        except StoreError as error:
            log.warning("states of settled blocks stay in the store", reason=str(error))


def needed_roots(view: View, keep: int) -> set[Root]:
    """Returns the roots of states that somebody may go on from.

    Args:
        view: all confirmed events.
        keep: how many of the newest final blocks keep theirs; pending ones do.
    """
    ids = {*view.finalized[-keep:], *(b.id for b in view.blocks.values() if b.status is Status.PENDING)}
    return _roots(view, ids)


def spent_roots(view: View, keep: int) -> set[Root]:
    """Returns the roots of all other blocks' states."""
    return _roots(view, set(view.blocks)) - needed_roots(view, keep)


def _roots(view: View, ids: set[bytes]) -> set[Root]:
    headers = [view.blocks[block_id].header for block_id in ids]
    return {root for h in headers if h is not None for root in (h.pre_root, h.post_root)}
