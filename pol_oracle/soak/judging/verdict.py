"""From what L1 says at the end to what was lost. Pure, so that tests can judge made-up runs."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from pol_oracle.demo.cast import Party
from pol_oracle.l1.events.typed import (
    Awarded,
    BlockFinalized,
    BlockOrphaned,
    BlockProposed,
    BlockSlashed,
    Credited,
    Deposited,
    Event,
    Forfeited,
    Unbonded,
)
from pol_oracle.report.ledger import Unit, kind_name, ledger

from .audit import Payment
from .resources import Growth

WEI = 10**18


@dataclass(frozen=True)
class Purse:
    """What an honest account had before it did anything, and has at the end; in wei.

    Attributes:
        start: in its wallet, at first.
        wallet: in its wallet now.
        bonds: bonded, free and locked.
        credit: that it may collect.
    """

    start: int
    wallet: int
    bonds: int
    credit: int


@dataclass(frozen=True)
class BondOrder:
    """Money that somebody asked ``pol bond`` to move.

    Attributes:
        account: whose.
        event: what it makes L1 log.
        amount: in wei; no two orders have the same.
        code: exit code of the command, given for the last time; None: it has not ended.
        words: its last line.
    """

    account: str
    event: type[Deposited | Unbonded]
    amount: int
    code: int | None = None
    words: str = ""


@dataclass(frozen=True)
class UnexpectedExit:
    """An agent that ended though nobody had ended it.

    Attributes:
        name: of the agent.
        at: seconds from the start.
        words: how, and what it said last.
        excused: why that was in order; "": it was not.
    """

    name: str
    at: float
    words: str
    excused: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that the verdict rests on.

    Attributes:
        honest: agents that must lose nothing but gas.
        cheats: miners whose blocks are all wrong.
        events: that L1 holds at the end.
        purses: name -> purse, of honest agents and of the saver.
        addresses: name -> address, of the same.
        payments: of the same.
        orders: of the saver, and the deposits before the start.
        vault: wei that the vault has.
        owed: wei of all bonds and credits together.
        first: L1 block from which on the chain should go on.
        last: the newest L1 block.
        patience: L1 blocks that may pass between two final blocks.
        whole: the run was not cut short.
        endings: of agents.
        trouble: what else went wrong, as sentences.
        growth: of what agents take of the machine.
    """

    honest: tuple[Party, ...]
    cheats: tuple[Party, ...]
    events: tuple[Event, ...]
    purses: Mapping[str, Purse]
    addresses: Mapping[str, str]
    payments: tuple[Payment, ...]
    orders: tuple[BondOrder, ...]
    vault: int
    owed: int
    first: int
    last: int
    patience: int
    whole: bool = True
    endings: tuple[UnexpectedExit, ...] = ()
    trouble: tuple[str, ...] = ()
    growth: tuple[Growth, ...] = field(default=())

    @property
    def final(self) -> tuple[BlockFinalized, ...]:
        """Final blocks, in order."""
        return tuple(e for e in self.events if isinstance(e, BlockFinalized))

    @property
    def longest_pause(self) -> int:
        """The most L1 blocks from one final block to the next, or to the end."""
        times = [self.first, *(e.at.l1_block for e in self.final if e.at.l1_block > self.first), self.last]
        return max(later - earlier for earlier, later in pairwise(times))


Check = Callable[[Facts], list[str]]


def problems(facts: Facts, cap: Callable[[Payment], int]) -> tuple[str, ...]:
    """Returns one sentence for each thing that was lost; empty: nothing was.

    Args:
        facts: what L1 says.
        cap: the most that a payment may have offered, in wei per gas.
    """
    checks: tuple[Check, ...] = (
        honest_blocks, wrong_blocks, money, orders, lambda f: fees(f, cap), solvency, progress, endings, bounds,
    )  # fmt: skip
    return (*(told for check in checks for told in check(facts)), *facts.trouble)


def honest_blocks(facts: Facts) -> list[str]:
    """No block of an honest miner is slashed."""
    names = {party.address: party.name for party in facts.honest}
    slashed = [e for e in facts.events if isinstance(e, BlockSlashed) and e.miner in names]
    return [f"{_block(e.block_id)} of {names[e.miner]} was slashed for {kind_name(e.kind)}" for e in slashed]


def wrong_blocks(facts: Facts) -> list[str]:
    """Every wrong block is slashed or orphaned, and none is final."""
    names = {party.address: party.name for party in facts.cheats}
    fates = {e.block_id: type(e) for e in facts.events if isinstance(e, BlockFinalized | BlockSlashed | BlockOrphaned)}
    told = []
    for block in (e for e in facts.events if isinstance(e, BlockProposed) and e.miner in names):
        fate = fates.get(block.block_id)
        if fate is BlockFinalized:
            told.append(f"the wrong {_block(block.block_id)} of {names[block.miner]} is final")
        elif fate is None and facts.whole:
            told.append(f"the wrong {_block(block.block_id)} of {names[block.miner]} is neither slashed nor orphaned")
    return told


def money(facts: Facts) -> list[str]:
    """Bonds + credits + wallet = start + what L1 says was won - gas; and nobody honest lost a bond or a fee."""
    names = {address: name for name, address in facts.addresses.items()}
    entries = [e for e in ledger(facts.events) if e.unit is Unit.ETH and e.party in names]
    told = [f"{names[e.party]} lost {-e.amount / WEI:g} ETH: {e.reason}" for e in entries if e.amount < 0]
    for name, purse in facts.purses.items():
        account = facts.addresses[name]
        gas = sum(p.fee for p in facts.payments if p.account == account)
        have = purse.wallet + purse.bonds + purse.credit
        if missing := purse.start + won(facts, account) - gas - have:
            told.append(f"{name} has {missing / WEI:g} ETH less than it should: it began with {purse.start / WEI:g}")
    return told


def won(facts: Facts, account: str) -> int:
    """Wei that an account won by others' bonds and fees, less what it lost of its own."""
    total = 0
    for event in facts.events:
        match event:
            case Credited(account=who) if who == account:
                total += event.amount
            case Forfeited(account=who) if who == account:
                total -= event.amount
            case Awarded() if event.account != event.beneficiary:
                total += event.amount * ((event.beneficiary == account) - (event.account == account))
    return total


def orders(facts: Facts) -> list[str]:
    """What a command moves is moved once if it says so, and never twice; nothing is moved that nobody asked for."""
    honest = set(facts.addresses.values())
    moved = Counter(
        (e.account, type(e), e.amount)
        for e in facts.events
        if isinstance(e, Deposited | Unbonded) and e.account in honest
    )
    told = []
    for order in facts.orders:
        times = moved.pop((order.account, order.event, order.amount), 0)
        what = f"{order.amount / WEI:.6f} ETH ({order.event.__name__})"  # they differ in the last places
        if times > 1:
            told.append(f"{what} moved {times} times instead of once")
        elif order.code == 0 and times == 0:
            told.append(f"{what} did not move, but the command said it had: {order.words}")
        elif order.code not in (0, 1, -signal.SIGKILL, None):
            told.append(f"the command that was to move {what} ended with {order.code}: {order.words}")
    return told + [f"{amount / WEI:g} ETH moved ({kind.__name__}) that nobody asked for" for _, kind, amount in moved]


def fees(facts: Facts, cap: Callable[[Payment], int]) -> list[str]:
    """No offer for gas is above its cap."""
    over = [p for p in facts.payments if p.price > cap(p)]
    return [f"{p.call or 'a call'} offered {p.price / 1e9:g} gwei, above {cap(p) / 1e9:g}: {p.tx_hash}" for p in over]


def solvency(facts: Facts) -> list[str]:
    """The vault has what it owes."""
    if facts.vault == facts.owed:
        return []
    return [f"the vault has {facts.vault / WEI:g} ETH and owes {facts.owed / WEI:g}"]


def progress(facts: Facts) -> list[str]:
    """The chain went on."""
    if not facts.final and facts.whole:
        return ["no block became final"]
    if facts.longest_pause > facts.patience:
        return [f"for {facts.longest_pause} L1 blocks no block became final; {facts.patience} are in order"]
    return []


def endings(facts: Facts) -> list[str]:
    """No agent ends by itself without a reason."""
    return [f"{e.name} ended by itself after {e.at:.0f} s ({e.words})" for e in facts.endings if not e.excused]


def bounds(facts: Facts) -> list[str]:
    """What agents take of the machine is bounded."""
    return [f"{g.name}: {g.figure} grew from {g.before:g} to {g.after:g}" for g in facts.growth if not g.ok]


def _block(block_id: bytes) -> str:
    return f"block {block_id.hex()[:8]}"
