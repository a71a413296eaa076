"""Keeps the index up with L1: a thread that polls, and says when there is something new.

It trusts nothing that it wrote: what L1 does not confirm any more is rolled back, a file that is damaged, deleted or
replaced is made anew, and an L1 that does not answer is asked again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.deployment import Deployment
from pol_oracle.l1.monitor import Monitor
from pol_oracle.protocol.errors import ChainError, PolError, WrongChain

from .index.reading import IndexReader
from .index.writing import REACH, Inconsistent, IndexWriter

POLL_S = 0.25

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class IndexState:
    """Where the index stands.

    Attributes:
        version: grows with everything that changes a page.
        l1_block: last L1 block that is in.
        now: its timestamp in seconds.
        ready: L1's past has been read.
        trouble: why the index does not follow L1 just now, in words; "" if it does.
        notice: why the file was made anew, in words; "" if it was not.
    """

    version: int = 0
    l1_block: int = 0
    now: int = 0
    ready: bool = False
    trouble: str = ""
    notice: str = ""


class IndexKeeper(threading.Thread):
    """The thread.

    Args:
        deployment: what to watch.
        connect: reaches L1; called again after trouble.
        writer: of the index; this thread's from :meth:`start` on.
        reader: of the same file; told when it is another one.
        tell: called by this thread with every new state.
        poll_s: seconds between two looks.
    """

    def __init__(
        self,
        deployment: Deployment,
        connect: Callable[[], Client],
        writer: IndexWriter,
        reader: IndexReader,
        tell: Callable[[IndexState], None] = lambda state: None,
        poll_s: float = POLL_S,
    ) -> None:
        super().__init__(name="explorer-watch", daemon=True)
        self._deployment, self._connect, self._writer, self._reader = deployment, connect, writer, reader
        self.tell, self._poll_s = tell, poll_s
        self._ended = threading.Event()
        self._monitor: Monitor | None = None
        self._anchor = 0
        self._nudged = threading.Event()
        self._doubted = threading.Event()
        self.state = IndexState(notice=writer.notice)

    def run(self) -> None:
        """Looks at L1 until told to stop."""
        while True:
            self.look()
            if self._ended.wait(self._poll_s):
                break
        self._writer.close()

    def stop(self) -> None:
        """Ends the thread, and waits for it."""
        self._ended.set()
        if self.is_alive():
            self.join(timeout=30)

    def nudge(self) -> None:
        """Something else that pages show has changed; any thread may call this."""
        self._nudged.set()

    def doubt(self) -> None:
        """A page could not be read from the file: the next look checks it; any thread may call this."""
        self._doubted.set()

    def look(self) -> None:
        """Takes in what is new on L1; what goes wrong becomes part of the state."""
        try:
            self._look()
        except (OSError, sqlite3.OperationalError) as error:  # locked, read-only or full: the file itself is sound
            self._say(trouble=f"the index cannot be written: {error}")
        except ChainError as error:
            kept = self.state.ready and not isinstance(error, WrongChain)  # another L1 is met anew
            self._monitor = self._monitor if kept else None
            self._say(trouble=str(error))
        except PolError as error:
            self._monitor = None
            self._say(trouble=str(error))
        except Exception as error:  # a thread that ended would leave pages that stand still and do not say so
            if str(error) != self.state.trouble:
                log.exception("the explorer failed")
            self._monitor = None
            self._say(trouble=f"the explorer failed ({type(error).__name__}); its log says more")

    def _look(self) -> None:
        try:
            if self._writer.lost:
                self._rebuild("it was deleted")
            if self._doubted.is_set():
                self._doubted.clear()
                self._writer.check()
            self._follow()
        except sqlite3.OperationalError:
            raise
        except Inconsistent:
            if self._writer.passed():  # what is missing may lie anywhere below
                self._rebuild("L1's events did not add up")
            raise
        except sqlite3.DatabaseError as error:
            log.warning("the index is made anew", reason=str(error))
            self._rebuild("it was damaged")

    def _follow(self) -> None:
        monitor = self._monitor = self._monitor or self._resume()
        update = monitor.poll()
        self._monitor = None  # it tells nothing twice: what it has told and is not in is read by another one
        changed = bool(update.events) or update.rollback_to is not None
        if changed or update.l1_block != self.state.l1_block:
            self._writer.apply(update)
        if update.rollback_to is None or update.rollback_to > self._anchor:
            self._monitor = monitor  # else what it began with may be gone as well
        state = replace(self.state, l1_block=update.l1_block, now=update.timestamp, ready=update.whole, trouble="")
        state = replace(state, notice=self._writer.notice)
        self._tell(replace(state, version=state.version + changed))

    def _resume(self) -> Monitor:
        """A monitor that begins a little below the newest L1 block which the index knows and which still stands."""
        client = self._connect()
        self._recognise(client)
        passed = self._writer.passed()
        start = max(self._deployment.deployed_at - 1, 0)
        standing = next((n for n, known in passed if _stands(client, n, known)), start)
        if passed and standing < passed[0][0]:
            self._writer.roll_back(standing)
        self._anchor = next((number for number, _ in passed if number <= standing - REACH), start)
        self._writer.forget(self._anchor)
        return Monitor(client, self._anchor + 1, 0)

    def _recognise(self, client: Client) -> None:
        """A devnet that began anew may have the same deployment: its blocks tell, and the index begins anew as well."""
        name = client.identity()
        if self._writer.l1 not in ("", name):
            self._rebuild("L1 began anew")
        self._writer.l1 = name

    def _rebuild(self, why: str) -> None:
        self._writer.rebuild(why)
        self._reader.reopen()
        self._monitor = None
        self._tell(replace(self.state, version=self.state.version + 1, ready=False, notice=why))

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self.state.trouble:
            log.warning("the index does not follow L1", reason=trouble)
        self._tell(replace(self.state, trouble=trouble))

    def _tell(self, state: IndexState) -> None:
        changed = bool(self.state.trouble) != bool(state.trouble) or state.ready != self.state.ready
        if self._nudged.is_set() or changed:
            self._nudged.clear()
            state = replace(state, version=max(state.version, self.state.version + 1))
        if state != self.state:
            self.state = state
            self.tell(state)


def _stands(client: Client, number: int, known: bytes) -> bool:
    block = client.block(number)
    return block is not None and block.hash == known
