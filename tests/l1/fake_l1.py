"""An L1 in memory that reorganises, goes away and loses blocks on command, for the monitor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from eth_abi.abi import encode
from eth_utils.abi import event_signature_to_log_topic

from pol_oracle.l1.events.logs import Log
from pol_oracle.l1.events.typed import LogPosition
from pol_oracle.l1.records import L1Block
from pol_oracle.protocol.errors import ChainError, NodeTrouble, Unreachable
from pol_oracle.protocol.hashing import keccak

HEAD_CHANGED = event_signature_to_log_topic("HeadChanged(bytes32,uint96)")


@dataclass(frozen=True)
class Made:
    """One block and the numbers that its events carry as total work."""

    block: L1Block
    works: tuple[int, ...]


class FakeL1:
    """Quacks like ``Client`` as far as the monitor asks. Every event carries a number of its own."""

    def __init__(self, longest: int = 10**9) -> None:
        self.chain: list[Made] = []
        self.longest = longest  # blocks per request that it accepts
        self.lag = 0  # newest blocks that whoever answers for logs does not have yet
        self.slow_from = 10**9  # blocks per request that take it too long
        self.trouble = 0  # requests for logs that it cannot answer just now
        self.down_after: int | None = None  # calls until it goes away
        self.interrupt: Callable[[], None] | None = None  # done once, before the call after next
        self.verified = 0
        self._salt = count()
        self._works = count(1)
        self.mine(1)

    def mine(self, blocks: int = 1, events: int = 0) -> None:
        """Adds blocks with so many events each."""
        for _ in range(blocks):
            parent = self.chain[-1].block if self.chain else None
            number = parent.number + 1 if parent else 0
            new = keccak(b"%d %d" % (number, next(self._salt)))
            block = L1Block(number, new, parent.hash if parent else bytes(32), 1000 + number, 0)
            self.chain.append(Made(block, tuple(next(self._works) for _ in range(events))))

    def drop(self, blocks: int) -> None:
        """Forgets the newest blocks, but never the first."""
        del self.chain[max(1, len(self.chain) - blocks) :]

    def reorg(self, depth: int, events: int = 0, longer: int = 0) -> None:
        """Replaces the newest blocks by as many others (or more)."""
        before = len(self.chain)
        self.drop(depth)
        self.mine(before - len(self.chain) + longer, events)

    def works(self, up_to: int) -> list[int]:
        """What the events up to that block carry, in order."""
        return [work for made in self.chain[: up_to + 1] for work in made.works]

    # --- as Client ---

    def verify(self) -> None:
        self._called()
        self.verified += 1

    def latest(self) -> L1Block:
        self._called()
        return self.chain[-1].block

    def block(self, number: int) -> L1Block | None:
        self._called()
        return self.chain[number].block if number < len(self.chain) else None

    def logs(self, first: int, last: int) -> list[Log] | None:
        self._called()
        if self.trouble:
            self.trouble -= 1
            raise NodeTrouble("request rate limited")
        if last - first + 1 > self.longest:
            raise ChainError("too many blocks")
        last = min(last, len(self.chain) - 1 - self.lag)
        if last - first + 1 >= self.slow_from:
            raise Unreachable("timed out")
        return [log for made in self.chain[first : last + 1] for log in self._logs_of(made)]

    def logs_of(self, block: L1Block) -> list[Log]:
        self._called()
        if not self.longest:
            raise ChainError("too many blocks")
        known = self.chain[: len(self.chain) - self.lag]
        if block.number >= len(known) or known[block.number].block.hash != block.hash:
            raise ChainError("unknown block")
        return self._logs_of(known[block.number])

    def _logs_of(self, made: Made) -> list[Log]:
        return [
            Log(
                (HEAD_CHANGED, bytes(32)),
                encode(["uint96"], [work]),
                LogPosition(made.block.number, made.block.hash, at, made.block.timestamp, bytes(32)),
            )
            for at, work in enumerate(made.works)
        ]

    def _called(self) -> None:
        if self.down_after is not None:
            self.down_after -= 1
            if self.down_after < 0:
                raise Unreachable("gone")
        if self.interrupt is not None:
            act, self.interrupt = self.interrupt, None
            act()
