"""Several processes, on one machine or many, that search with one W: a leader and its helpers.

The leader is the miner. It alone trains, so it alone has anything to lose; helpers join and leave at any time. A round:

    leader -> helpers    what is searched for, the first nonce, W and its root             broadcast
    all                  one pass each, over nonces of their own
    helpers -> leader    gradients and running statistics, as a mean over all groups       reduce
                         nonces of candidates                                              gather
    leader               confirms candidates, takes the optimiser's step

Processes meet at a key-value store (torch's TCPStore), at MASTER_ADDR and MASTER_PORT; RANK 0 leads. ``torchrun`` sets
these. Who is in the group is fixed per *generation*. A new one begins when a helper knocks, and when a collective fails
because somebody died: whoever is alive signs up for it within a grace period, and the next round goes on with those. Of
the failed round the leader's own pass remains. (torchrun itself ends all processes when one fails; started one by one,
with the same variables, the others go on.)

Collectives run over gloo, and through the memory of the host where a GPU computes: nccl has its process ended when a
peer dies, and would take the leader along.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

import structlog
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import PrefixStore, Store, TCPStore  # type: ignore[attr-defined]

from pol_oracle.protocol.errors import InputError, ProcessLost, Unreachable

log = structlog.get_logger(__name__)

GRACE_S = 3.0  # in which the living sign up for a new generation
ABSENCE_S = 600.0  # after which a helper without a generation gives the leader up; an evaluation may take minutes
IDLE = timedelta(hours=6)  # a leader may have nothing to search for that long; the dead are noticed by their sockets
PATIENCE = timedelta(seconds=90)  # of the leader with a helper that stopped, or cannot be reached
MEETING = timedelta(seconds=60)
_TASK, _KNOCKS, _GENERATION = "task", "knocks", "generation"
_ORDER = struct.Struct("<?QQQ?32s20s32s2x")  # travels with W, as float32 too


@dataclass(frozen=True)
class Order:
    """What a helper is to do.

    Attributes:
        search: make a pass; False: a new generation begins.
        difficulty: of the block, in 1/1024 bit.
        nonce: first of the round; rank r takes ``groups`` nonces from ``nonce + r * groups``.
        groups: G of every process.
        mixed: sieve in bfloat16.
        parent, miner, root: the block to build on, the proposer's 20 bytes, and W's root.
    """

    search: bool
    difficulty: int = 0
    nonce: int = 0
    groups: int = 0
    mixed: bool = False
    parent: bytes = bytes(32)
    miner: bytes = bytes(20)
    root: bytes = bytes(32)

    def pack(self) -> Tensor:
        """Returns the order's bytes, as float32 of no meaning."""
        fields = (self.search, self.difficulty, self.nonce, self.groups, self.mixed, self.parent, self.miner, self.root)
        return torch.frombuffer(bytearray(_ORDER.pack(*fields)), dtype=torch.float32)

    @staticmethod
    def unpack(data: Tensor) -> Order:
        """Reads what :meth:`pack` wrote."""
        return Order(*_ORDER.unpack(data.cpu().numpy().tobytes()))


@dataclass(frozen=True)
class Meeting:
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
    def of(environment: Mapping[str, str]) -> Meeting | None:
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
        return Meeting(rank, environment["MASTER_ADDR"], port, hosted, local, restarts)

    def store(self) -> Store:
        """Opens the store.

        Raises:
            Unreachable: nobody keeps it.
        """
        master = self.rank == 0 and not self.hosted
        try:
            store = TCPStore(self.host, self.port, is_master=master, wait_for_workers=False, timeout=MEETING)
        except (RuntimeError, TimeoutError) as error:
            raise Unreachable(f"no leader at {self.host}:{self.port}: start rank 0 first ({error})") from error
        return PrefixStore(f"run/{self.restarts}", store)


class Crew:
    """One process's part in the collectives of a generation.

    All methods raise :class:`ProcessLost` if another process of the generation is gone, or silent for too long.

    Args:
        meeting: where and as what it takes part.
        task: id of what is searched for, the same for all.

    Raises:
        Unreachable: there is no leader.
        InputError: the leader mines another task.
    """

    def __init__(self, meeting: Meeting, task: bytes) -> None:
        self._leads = meeting.rank == 0
        self._store = meeting.store()
        self._agree(task)
        self._generation = 0
        self._knocks = 0
        self.size = 1
        self.rank = 0

    def close(self) -> None:
        """Leaves."""
        if dist.is_initialized():
            dist.destroy_process_group()

    def knocked(self) -> bool:
        """Leader: says whether a helper waits at the door."""
        with _lost():
            return int(self._store.add(_KNOCKS, 0)) > self._knocks

    def assemble(self) -> None:
        """Leader: begins a generation with all who sign up within the grace period."""
        self.close()
        self._knocks = int(self._store.add(_KNOCKS, 0))
        self._generation += 1
        name = f"{_GENERATION}/{self._generation}"
        self._store.set(_GENERATION, str(self._generation))
        time.sleep(GRACE_S)
        self.size = 1 + int(self._store.add(f"{name}/signed", 0))
        self._store.set(f"{name}/size", str(self.size))
        self._form(name)

    def join(self, *, knock: bool, should_stop: Callable[[], bool]) -> bool:
        """Helper: takes part in the next generation.

        Args:
            knock: ask the leader for one; else it is known to come.
            should_stop: asked while it waits.

        Returns:
            False if ``should_stop`` said so.

        Raises:
            Unreachable: the leader is gone.
        """
        self.close()
        try:
            if knock:
                self._generation = self._current()
                self._store.add(_KNOCKS, 1)
            if not self._await_generation(should_stop):
                return False
            current = self._current()
            self._generation, name = current, f"{_GENERATION}/{current}"
            self.rank = int(self._store.add(f"{name}/signed", 1))
            self._store.wait([f"{name}/size"], timedelta(seconds=10 * GRACE_S))
            self.size = int(self._store.get(f"{name}/size"))
        except (RuntimeError, TimeoutError) as error:
            raise Unreachable(f"the leader is gone: {error}") from error
        if self.rank >= self.size:  # signed up a moment too late
            return self.join(knock=True, should_stop=should_stop)
        self._form(name)
        return True

    def share(self, order: Order | None, module: nn.Module) -> Order:
        """Passes the leader's order and weights on to all.

        Args:
            order: the leader's; None in a helper.
            module: the network that gives, or gets, the weights.
        """
        tensors, head = _weights(module), (order or Order(False)).pack()
        room = len(head) + sum(tensor.numel() for tensor in tensors)
        flat = _flat([head, *tensors], tensors[0].device) if self._leads else torch.empty(room)
        with _lost():
            dist.broadcast(flat, 0)
        if not self._leads:
            _spread(flat[len(head) :], tensors)
        return Order.unpack(flat[: len(head)])

    def collect(self, module: nn.Module, candidates: Sequence[int], tries: int) -> list[int]:
        """Turns the leader's gradients and running statistics into the mean of all, and tells it all candidates.

        Args:
            module: the network.
            candidates: which of the round's tries are.
            tries: how many the round has, of all processes.
        """
        tensors = [*(p.grad for p in module.parameters() if p.grad is not None), *module.buffers()]
        hits = torch.zeros(tries)
        hits[list(candidates)] = 1.0
        flat = _flat([*tensors, hits], tensors[0].device)
        with _lost():
            dist.reduce(flat, 0)
        if not self._leads:
            return []
        _spread(flat[:-tries] / self.size, tensors)
        return [int(number) for number in flat[-tries:].nonzero()]

    def _await_generation(self, should_stop: Callable[[], bool]) -> bool:
        patience = time.monotonic() + ABSENCE_S
        while self._current() <= self._generation:
            if should_stop():
                return False
            if time.monotonic() > patience:
                raise Unreachable(f"the leader has begun nothing for {ABSENCE_S:.0f} s")
            time.sleep(0.1)
        return True

    def _current(self) -> int:
        return int(self._store.get(_GENERATION)) if self._store.check([_GENERATION]) else 0

    def _agree(self, task: bytes) -> None:
        """The leader says what it mines; a helper of another task would spoil its training."""
        try:
            if self._leads:
                self._store.set(_TASK, task.hex())
            theirs = self._store.get(_TASK).decode()
        except (RuntimeError, TimeoutError) as error:
            raise Unreachable(f"the leader does not say what it mines: {error}") from error
        if theirs != task.hex():
            raise InputError(f"the leader mines task 0x{theirs}, and this process has 0x{task.hex()}")

    def _form(self, name: str) -> None:
        store, patience = PrefixStore(name, self._store), PATIENCE if self._leads else IDLE
        with _lost():
            # who signed up and died since is missed here; in torch's own forming helpers would wait for it for hours
            store.set(f"here{self.rank}", "1")
            store.wait([f"here{rank}" for rank in range(self.size)], PATIENCE)
            dist.init_process_group("gloo", store=store, rank=self.rank, world_size=self.size, timeout=patience)
        log.info("crew", generation=self._generation, processes=self.size, rank=self.rank)


def _weights(module: nn.Module) -> list[Tensor]:
    return [t.detach() for t in chain(module.parameters(), module.buffers())]


def _flat(tensors: Sequence[Tensor], device: torch.device) -> Tensor:
    """All in one, in the memory of the host, brought there at once from where most of them are."""
    return torch.cat([t.reshape(-1).to(device) for t in tensors]).cpu()


@contextmanager
def _lost() -> Iterator[None]:
    """All that torch says when a process of the group is gone is a RuntimeError."""
    try:
        yield
    except (RuntimeError, TimeoutError) as error:
        text = str(error).splitlines() or [type(error).__name__]
        raise ProcessLost(f"a process of the crew is gone: {text[0]}") from error


@torch.no_grad()
def _spread(flat: Tensor, tensors: Sequence[Tensor]) -> None:
    parts = torch.split(flat.to(tensors[0].device), [t.numel() for t in tensors])
    for part, tensor in zip(parts, tensors, strict=True):
        tensor.copy_(part.view_as(tensor))
