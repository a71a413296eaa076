"""States on disk: of blocks that may be built on, in an agent's own folder, and of final ones, for others to find."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

import structlog

from pol_oracle.protocol.errors import StoreError
from pol_oracle.store import StateStore, file_name

from .view import View

log = structlog.get_logger(__name__)

SERVED = 4  # newest final states that stay in the store


class KeptStates:
    """An agent's own folder of states, which holds no more than live blocks and other pending ones need.

    Args:
        folder: of the states.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tip: bytes | None = None

    def tidy(self, view: View, wanted: Iterable[bytes] = ()) -> None:
        """Forgets what nothing pending can build or stand on, each time another block is final.

        Args:
            view: all confirmed events; by old ones alone everything newer would go.
            wanted: roots of further states to keep.
        """
        if view.finalized_tip == self._tip:
            return
        self._tip = view.finalized_tip
        below = (view.blocks[block.parent] for block in view.pending)  # a block that lost its race must be answered for
        needed = {block.header.post_root for block in (*view.live.values(), *below) if block.header is not None}
        names = {file_name(root) for root in needed.union(wanted, self._newest(view))}
        for path in self._folder.glob("*.f32"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    def _newest(self, view: View) -> list[bytes]:
        """The newest final state that is here: a long way to the tip goes on from it after an interruption."""
        headers = (view.blocks[block_id].header for block_id in reversed(view.finalized))
        roots = (header.post_root for header in headers if header is not None)
        return next(([root] for root in roots if (self._folder / file_name(root)).exists()), [])


class FinalStates:
    """Puts final states where late joiners and users of the network find them: the newest few.

    Args:
        own: where the agent keeps its states.
        served: the network's store; its first place is written to.
        size: bytes of a state.
    """

    def __init__(self, own: StateStore, served: StateStore, size: int) -> None:
        self._own, self._served, self._size = own, served, size
        self._tip: bytes | None = None
        self._put: deque[bytes] = deque()
        self._refused = False

    def turn(self, view: View) -> None:
        """Serves the finalized tip, if it is a new one and a right one by this agent's own replay."""
        header = view.blocks[view.finalized_tip].header
        if header is None or view.finalized_tip == self._tip or not self._own.has(header.post_root):
            return
        self._tip = view.finalized_tip
        try:
            if not self._served.has(header.post_root):
                self._served.put(header.post_root, self._own.get(header.post_root, self._size))
                self._put.append(header.post_root)
            while len(self._put) > SERVED:
                self._served.remove(self._put.popleft())
        except StoreError as error:
            if not self._refused:
                self._refused = True
                log.warning("final states are not served by this agent", reason=str(error))
