"""Names beside addresses: of own keys and agents, and of the devnet's accounts. What is printed can be typed back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pol_oracle.protocol.errors import InputError

from . import given

if TYPE_CHECKING:
    from .settings import Settings

SHORTEST_PREFIX = 6  # hexadecimal digits that stand for a whole address


class Names:
    """Who is behind an address, as far as this machine knows.

    Args:
        known: name by checksummed address.
    """

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    @classmethod
    def of(cls, settings: Settings, devnet: bool) -> Names:
        """Reads the names: of keys, else of agents that ran here, else of the devnet's accounts.

        Args:
            settings: of the user.
            devnet: L1 is one, so that its well-known accounts mean something.
        """
        known = dict(_dev()) if devnet else {}
        return cls({**known, **dict(_agents(settings.agents)), **dict(_keys(settings.keys))})

    @property
    def known(self) -> Mapping[str, str]:
        """Checksummed address -> name."""
        return self._known

    def name(self, address: str) -> str:
        """Returns the name of an address, or ""."""
        return self._known.get(address, "")

    def label(self, address: str) -> str:
        """Returns the name of an address, or its first digits; ``find`` takes both."""
        return self.name(address) or address[:12]

    def full(self, address: str) -> str:
        """Returns an address with its name in front, if it has one."""
        return f"{self.name(address)} {address}".lstrip()

    def find(self, text: str, others: Iterator[str] | None = None) -> str:
        """Returns the address that was meant.

        Args:
            text: an address, a name, or the first digits of a known address.
            others: addresses that are known besides, such as those that L1 tells of.

        Raises:
            InputError: it is none of these, or could be several.
        """
        from eth_utils.address import is_address

        if is_address(text):
            return given.address(text)
        addresses = {*self._known, *(others or ())}
        digits = text.lower().rstrip("…")
        begins = digits.startswith("0x") and len(digits) >= 2 + SHORTEST_PREFIX
        found: set[str] = {a for a in addresses if self.name(a) == text or (begins and a.lower().startswith(digits))}
        if len(found) == 1:
            return found.pop()
        what = "several accounts go by" if found else "no account is known by"
        raise InputError(f"{what} {text!r}: give the whole address (0x and 40 hexadecimal digits), or a name of a key")


def _dev() -> Iterator[tuple[str, str]]:
    from pol_oracle.l1.devnet.accounts import DEV_ADDRESSES

    for index, address in enumerate(DEV_ADDRESSES):
        yield address, f"dev-{index}"


def _agents(folder: Path) -> Iterator[tuple[str, str]]:
    """What agents' status files say; one that is just being replaced, or of another version, names nobody."""
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError):
            content = json.loads(path.read_text(encoding="utf-8"))
            yield str(content["address"]), str(content["name"])


def _keys(folder: Path) -> Iterator[tuple[str, str]]:
    from pol_oracle.l1.keys import list_keys

    for key in list_keys(folder):
        if key.address:
            yield key.address, key.name
