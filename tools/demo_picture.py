"""Draws docs/demo.svg from what a real run printed: ``pol demo | tools/demo_picture.py > docs/demo.svg``.

Of the lines it keeps the start, what becomes of the cheats, one walk of demands down to a wrong float, and the first
attacks of the colluders.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence

from rich.console import Console

HEAD = 4
# what is shown of the lines before the table, and how often at most
TOLD = (
    (r"colluder-\d demands", 2),
    (r"refuses a call of colluder", 2),
    (r"refuses a call of thief", 1),
    (r"colluder-1 loses", 1),
    (r"slashed|loses 1 ETH", 99),
)
WALKED = "wrong-segment"  # whose block's walk is shown, as one verifier takes it
COLOURS = {"slashed": "red", "loses": "red", "refuses": "yellow", "demands": "yellow", "shows": "yellow"}
WIDTH = 160


def chosen(lines: Sequence[str]) -> list[str]:
    """Returns the lines to show; "after N s" begins the table, which is shown whole."""
    table = next(i for i, line in enumerate(lines) if line.startswith("after "))
    shown = set(range(HEAD))
    for pattern, most in TOLD:
        shown.update([i for i, line in enumerate(lines[:table]) if re.search(pattern, line)][:most])
    shown.update(walk(lines[:table]))
    return [*(lines[i] for i in sorted(shown)), "   ...", *lines[table:]]


def walk(lines: Sequence[str]) -> list[int]:
    """Returns which lines tell of the walk to what is wrong with a block; several verifiers may take it at once."""
    proposal = next(i for i, line in enumerate(lines) if f"{WALKED} proposes" in line)
    block = lines[proposal].partition("proposes ")[2]
    told = [i for i, line in enumerate(lines) if block in line and re.search(rf"{WALKED}|verifier-1", line)]
    seen = dict[str, int]()
    for i in told:
        seen.setdefault(lines[i].partition("s  ")[2], i)
    return list(seen.values())


def main() -> None:
    """Reads the run from stdin and writes the picture to stdout."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False)
    console.print("$ make demo", style="bold")
    for line in chosen([line.rstrip() for line in sys.stdin]):
        style = next((colour for word, colour in COLOURS.items() if word in line and "│" not in line), None)
        console.print(line[:WIDTH], style=style, markup=False)
    sys.stdout.write(console.export_svg(title="pol-oracle"))


if __name__ == "__main__":
    main()
