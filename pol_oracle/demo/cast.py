"""Who takes part in the demo."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What a party does; the value is what reports call it."""

    MINER = "honest miner"
    VERIFIER = "honest verifier"
    LAZY = "lazy verifier: attests without replaying"
    ULP = "cheat: one weight of W' is one ulp off"
    SKIP = "cheat: skips the search"
    WITHHOLD = "cheat: publishes no weights"
    THIEF = "cheat: posts another miner's proof as its own"

    @property
    def honest(self) -> bool:
        """Whether this party must never lose money."""
        return self in (Part.MINER, Part.VERIFIER)

    @property
    def mines(self) -> bool:
        """Whether this party proposes blocks; the others attest."""
        return self not in (Part.VERIFIER, Part.LAZY)

    @property
    def cheats(self) -> bool:
        """Whether this party proposes blocks that must be slashed."""
        return self.mines and not self.honest


@dataclass(frozen=True)
class Party:
    """One participant.

    Attributes:
        name: short and unique, also the name of its journal and log.
        part: what it does.
        dev: its account among the devnet's well-known ones.
        address: checksummed.
    """

    name: str
    part: Part
    dev: int
    address: str


# account 0 deploys
ROLES: tuple[tuple[str, Part], ...] = (
    ("miner-1", Part.MINER),
    ("miner-2", Part.MINER),
    ("verifier-1", Part.VERIFIER),
    ("verifier-2", Part.VERIFIER),
    ("lazy", Part.LAZY),
    ("one-ulp", Part.ULP),
    ("no-search", Part.SKIP),
    ("no-weights", Part.WITHHOLD),
    ("thief", Part.THIEF),
)


def assemble(address_of: dict[int, str]) -> tuple[Party, ...]:
    """Returns the cast, given the addresses of the devnet's accounts 1 to 9."""
    return tuple(Party(name, part, dev, address_of[dev]) for dev, (name, part) in enumerate(ROLES, start=1))
