"""A verifier's own copies of what it attested to: a miner that served it may stop, and be silent on L1."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

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

    def keep(self, contents: Mapping[bytes, bytes]) -> None:
        """Keeps what stands behind some roots.

        Raises:
            StoreError: it cannot be written.
        """
        for root, content in contents.items():
            if not self._store.has(root):
                self._store.put(root, content)

    def retain(self, roots: Collection[bytes]) -> None:
        """Forgets all but these."""
        wanted = {file_name(root) for root in roots}
        for path in self.folder.glob("*"):
            if path.name not in wanted:
                path.unlink(missing_ok=True)
