"""What our contracts logged on L1, each event once, and roll-backs when L1 changed its mind.

The monitor remembers the hashes of L1 blocks that it has passed. When the newest of them is no longer on the chain,
it goes back to the newest that still is, tells so, and reads on from there. Its position moves only with what
:meth:`Monitor.poll` returns, so an error on the way costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import structlog

from pol_oracle.advice import pol
from pol_oracle.protocol.errors import ChainError, NodeTrouble, Unreachable, WrongChain
from pol_oracle.protocol.types import Seconds

from .client import Client
from .events.logs import Log, decode
from .events.typed import Event
from .records import L1Block

CHUNK = 2000  # L1 blocks per request; fewer while the endpoint finds that too long
NEWEST = 8  # L1 blocks whose logs are asked for by hash: a node that lags refuses, where it would find none by number
REMEMBERED = 1024  # L1 blocks whose hashes are kept

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Update:
    """What is new.

    Attributes:
        rollback_to: forget every event of L1 blocks above this number (and only then take ``events``); None: keep all.
        events: new ones, in the order of L1.
        l1_block: number of the newest L1 block that is covered now.
        timestamp: of that block, in seconds.
        whole: nothing that L1 has confirmed is left to be read: it went away in the middle else.
        l1_hash: of that block.
        firm: L1 time of the oldest L1 block that a later update may go back to, in seconds, unless to before all
            events.
    """

    rollback_to: int | None
    events: tuple[Event, ...]
    l1_block: int
    timestamp: Seconds
    whole: bool = True
    l1_hash: bytes = field(default=b"", compare=False)
    firm: Seconds = field(default=0, compare=False)


@dataclass(frozen=True)
class _Mark:
    """An L1 block that was passed."""

    number: int
    hash: bytes
    timestamp: Seconds


class Monitor:
    """Reads our contracts' events as L1 confirms them.

    Args:
        client: connected to a deployment.
        start_block: L1 block of the deployment; earlier ones hold nothing of ours.
        confirmations: how many L1 blocks must follow one before its events count.
        chunk: L1 blocks per request.
    """

    def __init__(self, client: Client, start_block: int, confirmations: int = 1, *, chunk: int = CHUNK) -> None:
        self._client = client
        self._anchor = max(start_block - 1, 0)
        self._confirmations = confirmations
        self._wanted = self._most = self._chunk = chunk  # L1 blocks per request: at best, at most just now, and now
        self._trail: tuple[_Mark, ...] = ()
        self._again = False

    def reread(self) -> None:
        """Lets the next :meth:`poll` go back to the deployment and read everything anew: something was missing."""
        self._again = True

    def poll(self) -> Update:
        """Returns what is new since the last poll; nothing is lost or doubled when it raises.

        When L1 goes away in the middle of a long history, what was read so far is returned, and the next poll raises.

        Raises:
            Unreachable: L1 does not answer.
            WrongChain: L1 no longer holds the deployment (a devnet started without its state).
        """
        trail = self._trail or (self._start(),)
        rollback_to = None
        if self._again and self._trail:
            trail = (self._start(),)
            rollback_to = trail[-1].number
        elif not self._stands(trail[-1]):
            trail = self._common(trail)
            rollback_to = trail[-1].number
            log.warning("l1 reorganised", rollback_to=rollback_to)
        before = trail[-1]
        latest = self._client.latest()
        target = latest.number - self._confirmations
        events: list[Event] = []
        while trail[-1].number < target:
            try:
                read = self._read(trail[-1], self._next_end(trail[-1].number, target))
            except Unreachable:
                if rollback_to is None and trail[-1] == before:
                    raise
                break
            if read is None:
                break
            found, marks = read
            events += found
            trail = _remember(trail, marks)
            self._most = min(self._most + max(1, self._most // 8), self._wanted)
            self._chunk = min(2 * self._chunk, self._most)
        self._trail, self._again = trail, False
        whole = trail[-1].number >= target
        tip = trail[-1]
        firm = trail[1].timestamp if len(trail) > 1 else 0  # what the first of the trail goes back to is the start
        return Update(rollback_to, tuple(events), tip.number, tip.timestamp, whole, tip.hash, firm)

    def _start(self) -> _Mark:
        block = self._client.block(self._anchor)
        if block is None and self._client.latest().number >= self._anchor:
            raise NodeTrouble(f"L1 does not show its block {self._anchor}; check the RPC address")
        if block is None:
            raise WrongChain(
                f"L1 has no block {self._anchor}, after which the contracts were deployed; has the devnet lost its "
                f"state? Run {pol('deploy')} or give another deployment file"
            )
        return _mark(block)

    def _stands(self, mark: _Mark) -> bool:
        """Whether a passed L1 block is on the chain; that a node with newer ones does not show it proves nothing."""
        block = self._client.block(mark.number)
        if block is None and self._client.latest().number >= mark.number:
            raise NodeTrouble(f"L1 does not show its block {mark.number}; check the RPC address")
        return block is not None and block.hash == mark.hash

    def _common(self, trail: tuple[_Mark, ...]) -> tuple[_Mark, ...]:
        """The part of the trail that is still on the chain; the contracts must be there as well."""
        self._client.verify()
        for length in range(len(trail) - 1, 0, -1):
            if self._stands(trail[length - 1]):
                return trail[:length]
        return (self._start(),)

    def _read(self, tip: _Mark, last: int) -> tuple[list[Event], list[_Mark]] | None:
        """Events of the L1 blocks after ``tip`` up to ``last``, or None if L1 reorganised meanwhile."""
        block = self._client.block(last)
        if block is None:
            return None
        logs = self._logs_of(block) if last == tip.number + 1 else self._logs(tip.number + 1, last)
        if logs is None:
            return None
        # one chain all the way: the end has not changed while the logs were read, and it grew out of our tip
        grown = block.parent_hash == tip.hash if last == tip.number + 1 else self._stands(tip)
        if not grown or not self._stands(_mark(block)):
            return None
        marks = {log.at.l1_block: _Mark(log.at.l1_block, log.at.l1_hash, log.at.timestamp) for log in logs}
        marks[last] = _mark(block)
        events = [event for event in map(decode, logs) if event is not None]
        return events, [marks[number] for number in sorted(marks)]

    def _next_end(self, tip: int, target: int) -> int:
        """Up to where to read next: the newest L1 blocks one by one."""
        if tip >= target - NEWEST:
            return tip + 1
        return min(tip + self._chunk, target - NEWEST)

    def _logs_of(self, block: L1Block) -> list[Log] | None:
        try:
            return self._client.logs_of(block)
        except (Unreachable, WrongChain):
            raise
        except ChainError:
            if self._stands(_mark(block)):
                raise
            return None

    def _logs(self, first: int, last: int) -> list[Log] | None:
        """Like ``Client.logs``, in as many requests as the endpoint wants."""
        found: list[Log] = []
        while first <= last:
            end = min(last, first + self._chunk - 1)
            half = max(1, (end - first + 1) // 2)
            try:
                part = self._client.logs(first, end)
            except WrongChain:
                raise
            except Unreachable:  # so many blocks may be what takes too long: the next poll asks for fewer
                self._chunk = half
                raise
            except ChainError as error:
                if first == end:
                    raise
                self._chunk = self._most = half
                log.info("fewer L1 blocks per request", blocks=self._chunk, reason=str(error))
                continue
            if part is None:
                return None
            found, first = found + part, end + 1
        return found


def _mark(block: L1Block) -> _Mark:
    return _Mark(block.number, block.hash, block.timestamp)


def _remember(trail: tuple[_Mark, ...], marks: list[_Mark]) -> tuple[_Mark, ...]:
    """Appends, and drops the oldest but the first."""
    longer = (*trail, *marks)
    return longer if len(longer) <= REMEMBERED else (longer[0], *longer[1 - REMEMBERED :])
