"""What pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from .. import output
from ..names import Names

if TYPE_CHECKING:
    from pol_oracle.view import View
    from pol_oracle.view.blocks import BlockView

STYLES = {"finalized": "green", "pending": "yellow", "slashed": "bold red", "orphaned": "dim"}
NARROW = 100  # columns of a terminal below which what can be left out is left out


def table(columns: Sequence[str], right: Sequence[str] = (), wrapped: Sequence[str] = ()) -> Table:
    """Returns an empty table without lines.

    Args:
        columns: their titles.
        right: those of numbers.
        wrapped: those of sentences, which take several lines where there is no room; ids are never cut.
    """
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", no_wrap=name not in wrapped)
    return made


def heading(text: str) -> None:
    """Prints the title of a part."""
    output.console().print(Text(f"\n{text}", "bold"), soft_wrap=True)


def status(block: BlockView, view: View) -> Text:
    """Returns where a block is in its life; "head" where it is that."""
    word = block.status.name.lower()
    return Text(f"{word}, head" if block.id == view.head else word, STYLES[word])


def accuracy(correct: int, of: int) -> str:
    """Returns a share of the test set."""
    return f"{100 * correct / of:.1f} %"


def named(block: BlockView) -> str:
    """Returns a block by height and the digits that commands take."""
    return f"block {block.height} ({output.short(block.id)})" if block.header else "genesis"


def account(address: str, names: Names) -> str:
    """Returns an account by name, or by address where it has none and there is room for it."""
    if output.console().width >= NARROW:
        return names.name(address) or address
    return names.label(address)
