"""States on disk: of blocks that may be built on, in an agent's own folder, and of final ones, for others to find.

With the latter go the headers of all final blocks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from pathlib import Path

import structlog

from pol_oracle.canonical.models import Model
from pol_oracle.canonical.state import State
from pol_oracle.protocol.errors import StoreError
from pol_oracle.protocol.types import BlockId, Root
from pol_oracle.store import StateStore, file_name
from pol_oracle.store.headers import HeaderStore
from pol_oracle.task import fetch_state
from pol_oracle.view import View

log = structlog.get_logger(__name__)

SERVED = 4  # newest final states that stay in the store
HEADERS = 8  # that are looked for, and put there, in one turn of an agent


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
        here = {path.name for path in self._folder.glob("*.f32")}
        headers = (view.blocks[block_id].header for block_id in reversed(view.finalized) if here)
        roots = (header.post_root for header in headers if header is not None)
        return next(([root] for root in roots if file_name(root) in here), [])


class FinalStates:
    """Puts final states where late joiners and users of the network find them: the newest few.

    Args:
        own: where the agent keeps its states.
        served: the network's store; its first place is written to.
        model: whose states they are.
    """

    def __init__(self, own: StateStore, served: StateStore, model: Model) -> None:
        self._own, self._served, self._model = own, served, model
        self._tip: bytes | None = None
        self._put: deque[bytes] | None = None
        self._refused = False

    def turn(self, view: View) -> None:
        """Serves the finalized tip, if it is a new one and a right one by this agent's own replay."""
        header = view.blocks[view.finalized_tip].header
        if header is None or view.finalized_tip == self._tip or not self._own.has(header.post_root):
            return
        self._tip, root = view.finalized_tip, header.post_root
        if self._put is None:  # an earlier life's states would else stay for good
            self._put = self._there(view)
        try:
            if (state := _right(self._own, self._model, root)) is None:
                log.warning("a final state is damaged here, and not served", root=root.hex())
            elif _right(self._served, self._model, root) is None:
                self._served.put(root, state.to_bytes())
                self._put.append(root)
            while len(self._put) > SERVED:
                self._served.remove(self._put.popleft())
        except StoreError as error:
            if not self._refused:
                self._refused = True
                log.warning("final states are not served by this agent", reason=str(error))

    def _there(self, view: View) -> deque[bytes]:
        """Final states that are in the store, oldest first."""
        headers = (view.blocks[block_id].header for block_id in view.finalized)
        there = self._served.roots()
        return deque(header.post_root for header in headers if header is not None and header.post_root in there)


class FinalHeaders:
    """Puts the headers of all final blocks where whoever joins on a node without old logs finds them.

    After a start all of them are looked for, a few at a time, and those that are missing or damaged are put there.

    Args:
        served: the network's store; its first place alone.
    """

    def __init__(self, served: HeaderStore) -> None:
        self._served = served
        self._height = 0  # up to which all are there
        self._last: BlockId | None = None  # the block at that height
        self._refused_at: BlockId | None = None  # the finalized tip when the store took nothing

    def turn(self, view: View) -> None:
        """Serves the next few."""
        if self._served.read_only or view.finalized_tip == self._refused_at:
            return
        if view.finalized[self._height : self._height + 1] != [self._last]:  # the beginning, or L1 was reorganised
            self._height, self._last = 0, view.finalized[0]
        try:
            for block_id in view.finalized[self._height + 1 : self._height + 1 + HEADERS]:
                header = view.blocks[block_id].header
                if header is not None and not self._served.has(block_id):
                    self._served.put(header)
                self._height, self._last = self._height + 1, block_id
        except StoreError as error:
            if self._refused_at is None:
                log.warning("headers are not served by this agent", reason=str(error))
            self._refused_at = view.finalized_tip


def _right(store: StateStore, model: Model, root: Root) -> State | None:
    """A state that has the root it is named by, if there is one."""
    if not store.has(root):
        return None
    try:
        return fetch_state(store, model, root)
    except StoreError:
        return None
