"""An L1 in memory with made-up blocks, that has thrown old logs away; and an agent's view of it."""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from functools import cache
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

from eth_abi.abi import encode
from eth_utils.abi import event_abi_to_log_topic, get_abi_input_types

from pol_oracle.agents.joining import Joining
from pol_oracle.agents.rules.actions import Attest
from pol_oracle.agents.rules.decide import choose_parent, decide_verifier
from pol_oracle.agents.rules.knowledge import Miner, Verifier
from pol_oracle.agents.rules.policy import Policy
from pol_oracle.agents.rules.verdicts import Valid
from pol_oracle.l1.client import Client
from pol_oracle.l1.contracts.artifacts import load_artifact
from pol_oracle.l1.events.logs import EMITTERS, Log, snake_case
from pol_oracle.l1.events.typed import Event
from pol_oracle.l1.records import BlockRecord, Bond, L1Block
from pol_oracle.protocol.errors import ChainError, StoreError, Unreachable
from pol_oracle.protocol.hashing import ZERO, keccak
from pol_oracle.protocol.header import Header
from pol_oracle.protocol.lifecycle import Role
from pol_oracle.protocol.positions import Position
from pol_oracle.store.headers import HeaderStore
from pol_oracle.view import History, View
from pol_oracle.view.blocks import BlockView
from tests.agents.scene import GENESIS, PARAMETERS, TASK, V1, Scene

RETARGETED = replace(PARAMETERS, target_interval=20, half_life=40)
OLDEST = 1  # L1 block of the registry; the first contract came in the one before, in the same second


class PrunedL1(Scene):
    """A scene, and a node that shows it but for old logs. The newest L1 block is not there before it is full.

    Args:
        earlier: for how long before the tip's proposal logs are kept, in seconds.
    """

    def __init__(self, earlier: int = 0) -> None:
        self.earlier = earlier
        self._salt = count()
        self.times, self.hashes = dict[int, int](), dict[int, bytes]()
        super().__init__(parameters=RETARGETED)
        self.node = PrunedNode(self)

    def hash(self) -> bytes:
        if self.l1_block not in self.hashes:
            self.hashes[self.l1_block] = keccak(b"%d %d" % (self.l1_block, next(self._salt)))
            self.times[self.l1_block] = self.now
        return self.hashes[self.l1_block]

    def wait(self, seconds: int = 1) -> None:
        self.hash()
        super().wait(seconds)

    def reorg(self, to: int) -> None:
        """Every L1 block above another one is replaced by an empty one; none is lost."""
        self.history.update(to, [], self.l1_block, self.now)
        for number in [number for number in self.hashes if number > to]:
            self.hashes[number] = keccak(b"%d %d" % (number, next(self._salt)))

    def prune(self, *, refuses: bool = False) -> None:
        """Throws all logs away but those since the finalized tip was proposed, or somewhat earlier."""
        since = self.view.blocks[self.view.finalized_tip].proposed_at - self.earlier
        self.node.kept = min(number for number, time in self.times.items() if time >= since)
        self.node.refuses = refuses

    def full(self) -> View:
        """What somebody knows who has read everything."""
        newest = self.node.latest()
        return History(GENESIS).update(None, self.history.events, newest.number, newest.timestamp)


class PrunedNode:
    """Quacks like ``Client``, as far as joining asks.

    Attributes:
        kept: the oldest L1 block whose logs are there.
        refuses: it refuses to tell of older ones, where it would show none.
        away: what it does not answer.
        limited: it refuses to tell of any logs.
        drops: how many more questions for L1 blocks it answers before it drops one; negative: it drops none.
        work: total work that it says all blocks have; None: what they have.
    """

    def __init__(self, l1: PrunedL1) -> None:
        self._l1 = l1
        self.kept, self.refuses, self.away = OLDEST, False, set[str]()
        self.limited, self.drops = False, -1
        self.work: int | None = None
        self.rpc = SimpleNamespace(place="http://pruned")
        names = {"deployed_at": OLDEST - 1, "genesis_id": "0x" + GENESIS.hex(), "parameters": RETARGETED}
        self.deployment = SimpleNamespace(**names)

    def latest(self) -> L1Block:
        return cast(L1Block, self.block(self._l1.l1_block - 1))

    def block(self, number: int) -> L1Block | None:
        self._asks("block")
        self.drops -= 1
        if self.drops == -1:
            raise Unreachable("no answer")
        if number >= self._l1.l1_block:
            return None
        if number < OLDEST:
            return L1Block(number, ZERO, ZERO, self._l1.times[OLDEST], 0)
        hashes = self._l1.hashes
        return L1Block(number, hashes[number], hashes.get(number - 1, ZERO), self._l1.times[number], 0)

    def verify(self) -> None: ...

    def finalized_tip(self, at: int | None = None) -> bytes:
        return (self._l1.view if at is None else self._after(at)).finalized_tip

    def block_record(self, block_id: bytes) -> BlockRecord:
        self._asks("record")
        view = self._l1.view
        block = view.blocks[block_id]
        place = block.parent, ZERO, block.total_work if self.work is None else self.work, block.height, block.sequence
        born = block.miner, block.proposed_at, block.status, block.difficulty, len(block.attestations), 0
        return BlockRecord(*born, *place, 0, view.child_difficulty(block_id, RETARGETED), False, 0, 0)

    def bond(self, account: str, role: Role, at: int | str = "latest") -> Bond:
        self._asks("bond")
        bond = self._after(at).bond(account, role)
        return Bond(bond.free, bond.locked)

    def credit(self, account: str, at: int) -> int:
        self._asks("credit")
        return self._after(at).credits.get(account, 0)

    def attestation(self, block_id: bytes, verifier: str) -> int:
        made = self._l1.view.blocks[block_id].attestations.get(verifier)
        return 0 if made is None else 2 if made.settled else 1

    def logs(self, first: int, last: int) -> list[Log]:
        self._asks("logs")
        if self.limited:
            raise ChainError("L1 at http://pruned refused eth_getLogs: limit exceeded")
        if first < self.kept and self.refuses:
            raise ChainError("L1 at http://pruned refused eth_getLogs: pruned history unavailable")
        shown = range(max(first, self.kept), last + 1)
        found = [event for event in self._l1.history.events if event.at.l1_block in shown]
        hashes = self._l1.hashes
        return [log_of(replace(event, at=replace(event.at, l1_hash=hashes[event.at.l1_block]))) for event in found]

    def logs_of(self, block: L1Block) -> list[Log]:
        return self.logs(block.number, block.number)

    def _after(self, l1_block: int | str) -> View:
        events = [e for e in self._l1.history.events if l1_block == "latest" or e.at.l1_block <= int(l1_block)]
        return History(GENESIS).update(None, events, 0, 0)

    def _asks(self, what: str) -> None:
        if what in self.away:
            raise Unreachable("no answer")


class Headers:
    """A store of headers that serves those of final blocks, as far as it is not told otherwise."""

    def __init__(self, l1: PrunedL1) -> None:
        self._l1 = l1
        self.missing: set[bytes] = set()
        self.read = 0

    def get(self, block_id: bytes) -> Header:
        self.read += 1
        header = self._l1.view.blocks[block_id].header
        if header is None or block_id in self.missing or block_id not in self._l1.view.finalized:
            raise StoreError(f"no usable copy of header {block_id.hex()}")
        return header


class Joiner:
    """An agent that reads events and does nothing."""

    def __init__(self, l1: PrunedL1, me: str = V1) -> None:
        self.headers = Headers(l1)
        self.source = Joining(cast(Client, l1.node), 0, me, lambda: cast(HeaderStore, self.headers))
        self.history = History(GENESIS)
        self.rolled_back = 0

    def poll(self) -> bool:
        """Looks once; says whether something was told."""
        if (update := self.source.poll()) is None:
            return False
        self.rolled_back += update.rollback_to is not None
        assert update.whole
        self.history.update(update.rollback_to, update.events, update.l1_block, update.timestamp)
        return True

    def view(self) -> View:
        """Looks until something is told."""
        for _ in range(100):
            if self.poll():
                return self.history.view
        raise AssertionError("nothing was told")


def assert_same(joined: View, full: View, me: str) -> None:
    """All that rules use for live blocks is the same."""
    assert (joined.l1_block, joined.now) == (full.l1_block, full.now)
    assert (joined.head, joined.head_since) == (full.head, full.head_since)
    assert joined.finalized == full.finalized
    assert list(joined.live) == list(full.live)
    for block_id in full.live:
        assert told(joined.blocks[block_id]) == told(full.blocks[block_id])
        assert tuple(joined.lineage(block_id)) == tuple(full.lineage(block_id))
        assert joined.child_difficulty(block_id, RETARGETED) == full.child_difficulty(block_id, RETARGETED)
    assert joined.best(joined.live) == full.best(full.live)
    assert joined.rivals & joined.live.keys() == full.rivals & full.live.keys()
    unheard_of = [block for block in full.pending if block.id not in joined.blocks]
    if not any(me in block.attestations for block in unheard_of):  # for which it would keep something back
        assert choices(joined, me) == choices(full, me)
    live = [demand for demand in full.open_demands if demand.block_id in full.live]
    assert [demand for demand in joined.open_demands if demand.block_id in full.live] == live
    for role in Role:
        assert joined.bond(me, role) == full.bond(me, role)
    for (account, role), bond in joined.bonds.items():
        assert bond == full.bond(account, role)
    assert all(credit == full.credits.get(account, 0) for account, credit in joined.credits.items())
    assert joined.credits.get(me, 0) == full.credits.get(me, 0)
    owed = {b.id for b in full.unsettled if b.id in full.finalized and me in b.attestations}
    owed = {block_id for block_id in owed if not full.blocks[block_id].attestations[me].settled}
    assert owed <= {block.id for block in joined.unsettled}


def choices(view: View, me: str) -> tuple[object, ...]:
    """What a verifier attests to that finds everything right, and what a miner builds on."""
    right = {block_id: Valid(block_id) for block_id in view.live}
    actions = decide_verifier(view, Verifier(me, right, {}), RETARGETED, Policy(walks=1))
    attests = [action for action in actions if isinstance(action, Attest)]
    parent, _ = choose_parent(view, Miner(me, TASK, {}, set(right)))
    return attests, parent.id, tuple(parent.lineage)


def told(block: BlockView) -> dict[str, Any]:
    """What is known of a block, but for the numbers that count blocks which a joiner never hears of."""
    return {name: value for name, value in vars(block).items() if name not in ("sequence", "slashes_before")}


def log_of(event: Event) -> Log:
    """The log that an event came from."""
    entry = _entries()[type(event).__name__]
    types = get_abi_input_types(cast(Any, entry))
    values = [_plain(getattr(event, snake_case(item["name"]))) for item in entry["inputs"]]
    inputs = list(zip(entry["inputs"], types, values, strict=True))
    indexed = [encode([type_], [value]) for item, type_, value in inputs if item["indexed"]]
    rest = [(type_, value) for item, type_, value in inputs if not item["indexed"]]
    data = encode([type_ for type_, _ in rest], [value for _, value in rest])
    return Log((event_abi_to_log_topic(cast(Any, entry)), *indexed), data, event.at)


@cache
def _entries() -> dict[str, Any]:
    found = (entry for name in EMITTERS for entry in load_artifact(name).abi if entry["type"] == "event")
    return {entry["name"]: entry for entry in found}


def _plain(value: Any) -> Any:
    if isinstance(value, Header):
        return value.astuple()
    if isinstance(value, Position):
        return value.abi()
    if isinstance(value, IntEnum):
        return int(value)
    return value
