"""What the demo prints at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from .verdict import DemoOutcome


def print_ending(console: Console, ending: DemoOutcome, files: Sequence[str]) -> None:
    """Prints who won and lost what and why, and whether the demo passed."""
    table = Table(title=f"after {ending.seconds:.0f} s", title_justify="left")
    for column in ("party", "part", "ETH", "LEARN", "why"):
        table.add_column(column, justify="right" if column in ("ETH", "LEARN") else "left")
    for name, row in ending.as_dict()["balances"].items():
        table.add_row(name, row["part"], f"{row['net_eth']:+.3g}", f"{row['learn']:.4g}", row["why"])
    console.print(table)
    told: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}  # paths and commands stay whole
    console.print(f"{ending.scene.honest_finalized} honest blocks finalized; wrote {', '.join(files)}", **told)
    if learned := ending.learned:
        first, last = (f"{100 * share:.1f} %" for share in learned)
        console.print(f"the network classified {first} of the test set after the first block, {last} after the last")
    for problem in ending.problems():
        console.print(f"FAILED: {problem}", style="red", **told)
