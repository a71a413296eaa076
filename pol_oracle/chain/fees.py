"""What to pay for a transaction (EIP-1559)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from pol_oracle.chain.client import Client

GWEI = 10**9


@dataclass(frozen=True)
class FeePolicy:
    """How much to offer.

    Attributes:
        cap: never offer more than this, in wei per gas; a transaction waits until L1 is cheaper.
        least_priority: offer the proposer at least this, in wei per gas.
        blocks: L1 blocks of history to look at.
        percentile: of the priority fees that were paid in them.
    """

    cap: int = 1000 * GWEI
    least_priority: int = GWEI
    blocks: int = 8
    percentile: int = 50


@dataclass(frozen=True)
class Fees:
    """An offer, in wei per gas."""

    max_fee: int
    priority: int


def suggest(client: Client, policy: FeePolicy) -> Fees | None:
    """Returns an offer that survives a few full L1 blocks, or None if L1 is dearer than the cap."""
    base, rewards = client.fee_history(policy.blocks, policy.percentile)
    paid = [reward for reward in rewards if reward]
    priority = max(int(median(paid)) if paid else 0, policy.least_priority)
    if base + policy.least_priority > policy.cap:
        return None
    max_fee = min(2 * base + priority, policy.cap)
    return Fees(max_fee, min(priority, max_fee - base))


def replace(old: Fees, offer: Fees | None, policy: FeePolicy) -> Fees | None:
    """Returns an offer that nodes accept in place of ``old`` (both fees 12.5 % higher), None if over the cap."""
    priority = max(_raised(old.priority), offer.priority if offer else 0)
    max_fee = max(_raised(old.max_fee), offer.max_fee if offer else 0)
    return Fees(max_fee, min(priority, max_fee)) if max_fee <= policy.cap else None


def _raised(fee: int) -> int:
    return fee + -(-fee // 8)
