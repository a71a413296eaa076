"""Who takes part in the demo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pol_oracle.protocol.errors import InputError
from pol_oracle.protocol.lifecycle import EvidenceKind


class DemoRole(StrEnum):
    """What a party does; the value is what reports call it."""

    MINER = "honest miner"
    VERIFIER = "honest verifier"
    LAZY = "lazy verifier: attests without replaying"
    ULP = "cheat: one weight of W' is one ulp off"
    SKIP = "cheat: skips the search"
    TRACE = "cheat: a wrong value inside the step"
    SEGMENT = "cheat: a wrong weight half-way through its segment"
    BATCH = "cheat: the last step of its segment takes other samples"
    THIEF = "cheat: posts another miner's proof as its own"
    COLLUDER = "colluder: attests to every cheat, attacks honest blocks"

    @property
    def honest(self) -> bool:
        """Whether this party must never lose money."""
        return self in (DemoRole.MINER, DemoRole.VERIFIER)

    @property
    def mines(self) -> bool:
        """Whether this party proposes blocks; the others attest."""
        return self not in (DemoRole.VERIFIER, DemoRole.LAZY, DemoRole.COLLUDER)

    @property
    def cheats(self) -> bool:
        """Whether this party proposes blocks that must be slashed."""
        return self.mines and not self.honest

    @property
    def found_by(self) -> frozenset[EvidenceKind]:
        """What a cheat's block may be slashed for: what is wrong with it, and nothing else."""
        return frozenset(_FOUND_BY.get(self, ()))


# the first nonce that comes along can meet every requirement by luck; then its evaluation cannot be shown
_FOUND_BY = {
    DemoRole.ULP: (EvidenceKind.STEP,),
    DemoRole.TRACE: (EvidenceKind.STEP,),
    DemoRole.SEGMENT: (EvidenceKind.STEP,),
    DemoRole.BATCH: (EvidenceKind.STEP,),
    DemoRole.SKIP: (EvidenceKind.REQUIREMENT, EvidenceKind.WITHHELD),
    DemoRole.THIEF: (EvidenceKind.WITHHELD,),  # its trace is not that of its own batch, so it has nothing to show of it
}


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
    part: DemoRole
    dev: int
    address: str


# account 0 deploys
ROLES: tuple[tuple[str, DemoRole], ...] = (
    ("miner-1", DemoRole.MINER),
    ("miner-2", DemoRole.MINER),
    ("verifier-1", DemoRole.VERIFIER),
    ("verifier-2", DemoRole.VERIFIER),
    ("lazy", DemoRole.LAZY),
    ("one-ulp", DemoRole.ULP),
    ("wrong-value", DemoRole.TRACE),
    ("no-search", DemoRole.SKIP),
    ("wrong-segment", DemoRole.SEGMENT),
    ("thief", DemoRole.THIEF),
    ("colluder-1", DemoRole.COLLUDER),
    ("colluder-2", DemoRole.COLLUDER),
    ("colluder-3", DemoRole.COLLUDER),
    ("other-batch", DemoRole.BATCH),
)


def cheats() -> tuple[str, ...]:
    """Returns the names of those that can be let loose on a network."""
    return tuple(name for name, part in ROLES if not part.honest)


def check_cheats(names: Sequence[str]) -> None:
    """Refuses names that no cheat has.

    Raises:
        InputError: there is one.
    """
    if unknown := [name for name in names if name not in cheats()]:
        raise InputError(f"there is no cheat {unknown[0]!r}; choose from: {', '.join(cheats())}")


def assemble(address_of: dict[int, str]) -> tuple[Party, ...]:
    """Returns the cast, given the addresses of the devnet's accounts from 1 on."""
    return tuple(Party(name, part, dev, address_of[dev]) for dev, (name, part) in enumerate(ROLES, start=1))
