"""What to pay for a transaction (EIP-1559), and how much at most.

What a node says of the market may be wrong or a lie, and a stranger's tip is no market. So a call of each kind has a
cap in wei: its gas limit times its highest fee never exceeds it, whatever the node says, and L1 itself enforces both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from statistics import median
from types import MappingProxyType

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.types import Wei

from ..node.node import Node
from ..records import L1Block

GWEI = 10**9
ETH = 10**18


class CallKind(StrEnum):
    """What a call is for."""

    PROVE = "prove"  # commit to a proof, show it, convict by silence
    ANSWER = "answer"  # reveal, explain
    DEMAND = "demand"
    FILLER = "filler"  # of the sender's own: an empty transaction that frees those behind it
    PROPOSE = "propose"
    ATTEST = "attest"
    BOND = "bond"
    DEPLOY = "deploy"
    HOUSEKEEPING = "housekeeping"

    @property
    def urgent(self) -> bool:
        """Says whether a clock of L1 runs against it: such calls go before all others."""
        return self in (CallKind.PROVE, CallKind.ANSWER, CallKind.DEMAND)

    @property
    def rank(self) -> int:
        """The order in which calls leave: what is urgent, then the rest, then housekeeping."""
        return 0 if self.urgent else 2 if self is CallKind.HOUSEKEEPING else 1


CAPS: Mapping[CallKind, int] = MappingProxyType(
    {
        CallKind.PROVE: ETH * 9 // 50,  # the smallest bounty is a little more
        CallKind.ANSWER: ETH // 5,  # an attester's bond is a quarter; agents reckon with what they have at stake
        CallKind.DEMAND: ETH // 50,  # as much as the fee
        CallKind.FILLER: ETH // 100,
        CallKind.PROPOSE: ETH // 20,
        CallKind.ATTEST: ETH // 50,
        CallKind.BOND: ETH // 50,
        CallKind.DEPLOY: ETH // 4,  # each contract
        CallKind.HOUSEKEEPING: ETH // 100,
    }
)


def kind_of(name: str) -> CallKind:
    """Returns what a call is for.

    Args:
        name: "contract.function".
    """
    contract, _, function = name.partition(".")
    if contract == "BondVault":
        return CallKind.BOND
    if contract == "Court" or function in ("commit", "expire", "contest", "reopen"):
        return CallKind.PROVE
    if function.startswith(("reveal", "explain")):
        return CallKind.ANSWER
    plain = {"demand": CallKind.DEMAND, "propose": CallKind.PROPOSE, "attest": CallKind.ATTEST, "gap": CallKind.FILLER}
    return plain.get(function or contract, CallKind.HOUSEKEEPING)


@dataclass(frozen=True)
class FeePolicy:
    """How much to offer.

    Attributes:
        caps: never let one call of a kind cost more than this, in wei; it waits until L1 is cheaper.
        max_price: never offer more than this for any call, in wei per gas.
        least_priority: offer the proposer at least this, in wei per gas.
        blocks: L1 blocks of history to look at.
        percentile: of the priority fees that were paid in them.
        multiple: a transaction that is stuck is never raised above so many times what the market asks.
        fixed: kinds whose caps the operator has set.
    """

    caps: Mapping[CallKind, int] = field(default_factory=lambda: CAPS)
    max_price: int = 200 * GWEI
    least_priority: int = GWEI
    blocks: int = 8
    percentile: int = 50
    multiple: int = 4
    fixed: frozenset[CallKind] = frozenset()

    @classmethod
    def of(cls, caps: str | None = None, max_gwei: float | None = None) -> FeePolicy:
        """Returns the policy that an operator asks for.

        Args:
            caps: in ETH per call, such as "prove=0.4,housekeeping=0.002"; the other kinds keep theirs.
            max_gwei: for any call, in gwei per gas.

        Raises:
            InputError: there is no such kind, or no such amount.
        """
        wanted, fixed = dict(CAPS), set[CallKind]()
        for entry in filter(None, (caps or "").split(",")):
            name, _, amount = entry.partition("=")
            try:
                wanted[kind := CallKind(name.strip())] = wei = int(Decimal(amount) * ETH)
                fixed.add(kind)
                if wei < 0:
                    raise ValueError("less than nothing")
            except (ValueError, InvalidOperation) as error:
                kinds = ", ".join(CallKind)
                raise InputError(f"{entry!r} is no cap on fees: give KIND=ETH, where KIND is one of {kinds}") from error
        if max_gwei is not None and not 0 < max_gwei < 10**9:
            raise InputError(f"the highest price of gas must be more than 0 gwei, and no nonsense: not {max_gwei:g}")
        highest = cls.max_price if max_gwei is None else int(max_gwei * GWEI)
        return cls(wanted, highest, fixed=frozenset(fixed))

    def answering_for(self, bond: int) -> FeePolicy:
        """Returns the same for whoever loses so many wei if it does not answer.

        One answer may cost most of that, unless the operator has set a cap.
        """
        if CallKind.ANSWER in self.fixed:
            return self
        return dataclasses.replace(self, caps={**self.caps, CallKind.ANSWER: bond * 4 // 5})

    def ceiling(self, kind: CallKind, gas: int) -> int:
        """The most that a call of a kind with a gas limit may offer, in wei per gas."""
        return min(self.max_price, self.caps[kind] // gas)


@dataclass(frozen=True)
class Fees:
    """An offer, in wei per gas."""

    max_fee: int
    priority: int


@dataclass(frozen=True)
class Market:
    """What L1 asks now, in wei per gas: the next block's base fee, and what proposers are paid on top."""

    base: int
    priority: int

    @property
    def offer(self) -> Fees:
        """An offer that survives a few full L1 blocks."""
        return Fees(2 * self.base + self.priority, self.priority)


def market_of(node: Node, policy: FeePolicy, latest: L1Block) -> Market:
    """Returns what L1 asks now.

    A block in which nobody paid counts as one of the least price, and what others pay counts up to the base fee, or a
    few times the least: a stranger's tip in an empty block is no market. A base fee that cannot follow that of the
    newest block (EIP-1559: it falls by an eighth at most) is not believed, or no offer would ever be mined.
    """
    told, rewards = node.fee_history(policy.blocks, policy.percentile)
    base = max(told, latest.base_fee * 7 // 8)
    paid = [max(reward, policy.least_priority) for reward in rewards]
    most = max(base, policy.multiple * policy.least_priority)
    return Market(base, min(int(median(paid)) if paid else policy.least_priority, most))


def offer(market: Market, policy: FeePolicy, kind: CallKind, gas: int) -> Fees | None:
    """Returns what to offer for a call, or None if L1 is dearer than its cap."""
    ceiling = policy.ceiling(kind, gas)
    if market.base + policy.least_priority > ceiling:
        return None
    wanted = market.offer
    max_fee = min(wanted.max_fee, ceiling)
    return Fees(max_fee, min(wanted.priority, max_fee - market.base))


def replace(old: Fees, market: Market, policy: FeePolicy, kind: CallKind, gas: int) -> Fees | None:
    """Returns an offer that nodes accept in place of ``old``.

    Both fees are 12.5 % higher. None if that were over the cap, or more than a few times what the market asks: then the
    price is not what keeps it.
    """
    wanted = market.offer
    max_fee = max(_raised(old.max_fee), min(wanted.max_fee, policy.ceiling(kind, gas)))
    priority = max(_raised(old.priority), min(wanted.priority, max_fee))
    most_fee = min(policy.ceiling(kind, gas), policy.multiple * wanted.max_fee)
    if max_fee > most_fee or priority > policy.multiple * wanted.priority:
        return None
    return Fees(max_fee, min(priority, max_fee))


def _raised(fee: Wei) -> int:
    return fee + -(-fee // 8)
