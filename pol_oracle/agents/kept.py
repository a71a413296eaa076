"""A verifier's own copies of the weights it attested to: a miner that served them may stop, and be silent on L1."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pol_oracle.canonical.state import State
from pol_oracle.store import StateStore
from pol_oracle.store.states import file_name


class KeptStates:
    """A folder of states.

    Args:
        folder: made when the first state is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._store = StateStore([folder])

    def keep(self, state: State) -> None:
        """Keeps a state.

        Raises:
            StoreError: it cannot be written.
        """
        if not self._store.has(state.root):
            self._store.put(state.root, state.to_bytes())

    def retain(self, roots: Collection[bytes]) -> None:
        """Forgets all states but these."""
        wanted = {file_name(root) for root in roots}
        for path in self.folder.glob("*"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)
