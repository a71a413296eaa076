"""Several processes, on one machine or many, that search for one block: a leader and its helpers.

The leader is the miner. It writes on a board what is searched for; every process takes nonces from a common counter,
pass by pass, and helpers write down the nonces of their candidates, which the leader confirms. W is not sent around: it
follows from the parent, and every process computes it by itself, from L1 and, for blocks on their way there, from
headers that the leader hands over. Nobody waits for anybody, so helpers join, leave and
die at any time; of one that dies the nonces of one pass are lost.

The board is a key-value store (torch's TCPStore) at MASTER_ADDR and MASTER_PORT; RANK 0 leads. ``torchrun`` sets these.
(It ends all processes when one fails; started one by one, with the same variables, the others go on.)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Protocol

from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from pol_oracle.protocol.errors import InputError, Unreachable
from pol_oracle.protocol.header import Header
from pol_oracle.task.proof import Base, Job

HANDED = 8  # headers that an order holds: more than a miner can be ahead of what L1 shows its helpers
RENDEZVOUS_LIMIT = timedelta(seconds=60)
_TASK, _ORDER, _ORDERS = "task", "order", "orders"
_IDLE, _GONE = "idle", "gone"
_DIGITS = 16  # of a nonce
_FIELDS = struct.Struct(">QQQ32s20s32s")


@dataclass(frozen=True)
class SearchOrder:
    """What is searched for.

    Attributes:
        number: of the order; counter and candidates of each are its own.
        difficulty: of the block, in 1/1024 bit.
        nonce: the first one.
        parent, miner, root: the block to build on, the proposer's 20 bytes, and the root of W.
        headers: of the newest blocks up to the parent, as the leader says: L1 may not show them yet.
    """

    number: int
    difficulty: int
    nonce: int
    parent: bytes
    miner: bytes
    root: bytes
    headers: tuple[Header, ...] = ()

    def pack(self) -> str:
        """Returns the order as it stands on the board."""
        fields = self.number, self.difficulty, self.nonce, self.parent, self.miner, self.root
        return "\n".join((_FIELDS.pack(*fields).hex(), *(header.dumps() for header in self.headers)))

    @staticmethod
    def unpack(data: str) -> SearchOrder:
        """Reads what :meth:`pack` wrote.

        Raises:
            InputError: it is no order.
        """
        fields, *headers = data.split("\n", HANDED + 1)
        try:
            number, difficulty, nonce, parent, miner, root = _FIELDS.unpack(bytes.fromhex(fields))
        except (ValueError, struct.error) as error:
            raise InputError(f"this is no order: {fields[:100]!r}") from error
        return SearchOrder(number, difficulty, nonce, parent, miner, root, tuple(map(Header.loads, headers)))


@dataclass(frozen=True)
class Rendezvous:
    """Where the processes of a crew meet.

    Attributes:
        rank: 0 leads.
        host, port: of the store.
        hosted: somebody else keeps the store (torchrun's agent); else the leader does.
        local: number of the process on its machine, and so of its GPU.
        restarts: how often torchrun began anew; what earlier runs left in the store is not looked at.
    """

    rank: int
    host: str
    port: int
    hosted: bool = False
    local: int = 0
    restarts: int = 0

    @staticmethod
    def of(environment: Mapping[str, str]) -> Rendezvous | None:
        """Reads the variables that torchrun sets; None without them.

        Raises:
            InputError: some are set and others are missing or no numbers.
        """
        names = ("RANK", "MASTER_ADDR", "MASTER_PORT")
        given = [name for name in names if name in environment]
        if not given:
            return None
        if len(given) < len(names):
            missing = ", ".join(sorted(set(names) - set(given)))
            raise InputError(f"{given[0]} is set but not {missing}: start the ranks with torchrun, or set all of them")
        numbers = {name: environment[name] for name in ("RANK", "MASTER_PORT")}
        numbers |= {name: environment.get(name, "0") for name in ("LOCAL_RANK", "TORCHELASTIC_RESTART_COUNT")}
        if wrong := [f"{name}={value!r}" for name, value in numbers.items() if not value.isdecimal()]:
            raise InputError(f"these must be numbers: {', '.join(wrong)}")
        rank, port, local, restarts = (int(value) for value in numbers.values())
        hosted = environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
        return Rendezvous(rank, environment["MASTER_ADDR"], port, hosted, local, restarts)

    def store(self) -> Store:
        """Opens the store.

        Raises:
            Unreachable: nobody keeps it.
        """
        master = self.rank == 0 and not self.hosted
        try:
            store = TCPStore(self.host, self.port, is_master=master, wait_for_workers=False, timeout=RENDEZVOUS_LIMIT)
        except (RuntimeError, TimeoutError) as error:
            raise Unreachable(f"no leader at {self.host}:{self.port}: start rank 0 first ({error})") from error
        return PrefixStore(f"run/{self.restarts}", store)


class Board:
    """What the processes tell each other.

    All methods raise :class:`Unreachable` if the store is gone.

    Args:
        rendezvous: where it is.
        task: id of what is searched for, the same for all.

    Raises:
        InputError: the leader mines another task.
    """

    def __init__(self, rendezvous: Rendezvous, task: bytes) -> None:
        self._store = rendezvous.store()
        with _reached():
            if rendezvous.rank == 0:
                self._store.set(_TASK, task.hex())
                self._store.set(_ORDER, _IDLE)
            theirs = self._store.get(_TASK).decode()
        if theirs != task.hex():
            raise InputError(f"the leader mines task 0x{theirs}, and this process has 0x{task.hex()}")

    def number(self) -> int:
        """Returns a number for a new order."""
        with _reached():
            return int(self._store.add(_ORDERS, 1))

    def give(self, order: SearchOrder | None) -> None:
        """Writes an order down, or that there is none."""
        with _reached():
            self._store.set(_ORDER, _IDLE if order is None else order.pack())
            self._settle()

    def leave(self) -> None:
        """Writes down that there will be no more orders."""
        with _reached():
            self._store.set(_ORDER, _GONE)
            self._settle()

    def order(self) -> SearchOrder | None:
        """Returns the present order, if there is one.

        Raises:
            InputError: what stands there is no order.
            Unreachable: the leader has left.
        """
        with _reached():
            data = self._store.get(_ORDER).decode()
        if data == _GONE:
            raise Unreachable("the leader has left")
        return None if data == _IDLE else SearchOrder.unpack(data)

    def claim(self, order: SearchOrder, count: int) -> range:
        """Takes the next nonces of an order."""
        with _reached():
            end = order.nonce + int(self._store.add(f"claimed/{order.number}", count))
        return range(end - count, end)

    def tell(self, order: SearchOrder, nonce: int) -> None:
        """Writes the nonce of a candidate down."""
        with _reached():
            self._store.append(f"found/{order.number}", f"{nonce:0{_DIGITS}x}")  # type: ignore[attr-defined]
            self._settle()

    def _settle(self) -> None:
        """Waits until others can read what was written: the store answers a question, but no ``set`` or ``append``."""
        self._store.check([_TASK])

    def told(self, order: SearchOrder) -> list[int]:
        """Returns the nonces of all candidates of helpers."""
        key = f"found/{order.number}"
        with _reached():
            data = self._store.get(key).decode() if self._store.check([key]) else ""
        return [int(data[at : at + _DIGITS], 16) for at in range(0, len(data), _DIGITS)]

    def forget(self, order: SearchOrder) -> None:
        """Wipes what belongs to an order that is done."""
        with _reached():
            for key in ("claimed", "found"):
                self._store.delete_key(f"{key}/{order.number}")


class CoordinatedSearch(Protocol):
    """A search for one block, as its leader sees it.

    Attributes:
        claimed: nonces that were taken since the last claim of the leader's began, by all processes.
    """

    claimed: int

    def claim(self, count: int) -> range:
        """Takes the next nonces."""

    def found(self) -> list[int]:
        """Returns nonces of candidates of helpers that were not returned before."""


class SoloSearch:
    """No helpers, and no board."""

    @contextmanager
    def on(self, job: Job, base: Base, nonce: int) -> Iterator[CoordinatedSearch]:
        """See :meth:`Coordinator.on`."""
        yield _Counter(nonce)

    def close(self) -> None:
        """Has nobody to let go."""


class _Counter:
    """The shift of a process alone."""

    def __init__(self, nonce: int) -> None:
        self._next, self.claimed = nonce, 0

    def claim(self, count: int) -> range:
        self._next, self.claimed = self._next + count, count
        return range(self._next - count, self._next)

    def found(self) -> list[int]:
        return []


class Coordinator:
    """The leader's side.

    Args:
        rendezvous: where helpers find it.
        task: id of what is searched for.

    Raises:
        Unreachable: there is no store.
    """

    def __init__(self, rendezvous: Rendezvous, task: bytes) -> None:
        self._board = Board(rendezvous, task)

    @contextmanager
    def on(self, job: Job, base: Base, nonce: int) -> Iterator[CoordinatedSearch]:
        """Has helpers search along.

        Args:
            job: what for.
            base: what it stands on.
            nonce: the first one.
        """
        number, miner, root = self._board.number(), bytes.fromhex(job.miner[2:]), base.state.root
        newest = tuple(islice(reversed(job.lineage), HANDED))[::-1]
        order = SearchOrder(number, job.difficulty, nonce, job.parent, miner, root, newest)
        self._board.give(order)
        try:
            yield _Shared(self._board, order)
        finally:
            self._board.give(None)
            self._board.forget(order)

    def close(self) -> None:
        """Lets the helpers go."""
        self._board.leave()


class _Shared:
    """A shift with helpers."""

    def __init__(self, board: Board, order: SearchOrder) -> None:
        self._board, self._order = board, order
        self._end, self._known, self.claimed = order.nonce, 0, 0

    def claim(self, count: int) -> range:
        taken = self._board.claim(self._order, count)
        self.claimed, self._end = taken.stop - self._end, taken.stop
        return taken

    def found(self) -> list[int]:
        told = self._board.told(self._order)
        new, self._known = told[self._known :], len(told)
        return new


@contextmanager
def _reached() -> Iterator[None]:
    """All that torch says when the store is gone is a RuntimeError."""
    try:
        yield
    except (RuntimeError, TimeoutError) as error:
        text = str(error).splitlines() or [type(error).__name__]
        raise Unreachable(f"the crew's board is gone: {text[0]}") from error
