"""Text of strangers, made safe to show: what a node, a store or a contract says may steer a terminal. And amounts."""

from __future__ import annotations

from decimal import Decimal

WEI = 10**18
LONGEST = 400  # characters


def printable(text: object, longest: int = LONGEST) -> str:
    """Returns a text in one line, without control characters (ESC, C1, bidirectional marks), and not too long."""
    shown = str(text)[: 4 * longest]
    line = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def amount(wei: int) -> str:
    """Returns an amount of ETH or LEARN as an exact decimal, without trailing zeros."""
    text = format(Decimal(wei) / WEI, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
