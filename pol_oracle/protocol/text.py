"""Text: of strangers, made safe to show (what a node, a store or a contract says may steer a terminal); amounts."""

from __future__ import annotations

from decimal import Decimal

LONGEST = 400  # characters


def printable(text: object, longest: int = LONGEST) -> str:
    """Returns a text in one line, without control characters (ESC, C1, bidirectional marks), and not too long."""
    shown = str(text)[: 4 * longest]
    line = " ".join("".join(c if c.isprintable() else " " for c in shown).split())
    return line if len(line) <= longest else f"{line[:longest]}…"


def ether(wei: int) -> str:
    """Returns an amount of 1e-18 ETH or LEARN as an exact decimal, without trailing zeros."""
    text = format(Decimal(wei).scaleb(-18), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
