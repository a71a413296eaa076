"""Who takes part in a soak, and with which of the devnet's accounts."""

from __future__ import annotations

from dataclasses import dataclass

from pol_oracle.demo.cast import DemoRole, Party
from pol_oracle.l1.devnet.accounts import dev_account
from pol_oracle.protocol.lifecycle import Role

ACCOUNTS = 64  # of the devnet
_FIRST_CHEAT = 20  # account of the first cheat; each has one of its own, as each loses its bond
_CHEATS = (DemoRole.ULP, DemoRole.SKIP, DemoRole.TRACE, DemoRole.THIEF, DemoRole.SEGMENT, DemoRole.BATCH)


@dataclass(frozen=True)
class Saver:
    """A user that deposits and withdraws by hand, and has nothing else to do.

    Attributes:
        name: names its files.
        dev: its account among the devnet's.
        role: of its bond.
    """

    name: str = "saver"
    dev: int = 15
    role: Role = Role.VERIFIER

    @property
    def address(self) -> str:
        """Checksummed."""
        return str(dev_account(self.dev).address)


def honest() -> tuple[Party, ...]:
    """The agents that must lose nothing: accounts 1 to 5."""
    parts = (("miner", DemoRole.MINER, 2), ("verifier", DemoRole.VERIFIER, 3))
    names = [(f"{name}-{n}", part) for name, part, count in parts for n in range(1, count + 1)]
    return tuple(_party(name, part, dev) for dev, (name, part) in enumerate(names, start=1))


def cheat(number: int) -> Party | None:
    """The cheat number 0, 1, ...; None when the devnet has no account left for it."""
    dev = _FIRST_CHEAT + number
    return _party(f"cheat-{number + 1}", _CHEATS[number % len(_CHEATS)], dev) if dev < ACCOUNTS else None


def _party(name: str, part: DemoRole, dev: int) -> Party:
    return Party(name, part, dev, str(dev_account(dev).address))
