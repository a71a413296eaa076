"""What a run shows: a line per block, and on a terminal one more that moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status

from .folder import BlockEntry
from .mining import Standing


class RunLines:
    """A line per block; on a terminal, a progress line below.

    Args:
        console: where to print.
        blocks: how many the chain shall have.
        status: the progress line; None where there is no terminal.
    """

    def __init__(self, console: Console, blocks: int, status: Status | None) -> None:
        self._console, self._blocks, self._status = console, blocks, status
        self._height, self._accuracy, self._seconds = 0, 0.0, 0.0

    def begin(self, chain: list[BlockEntry]) -> None:
        """Says where the run begins."""
        if chain:
            self._note(chain)
            self._say(f"going on after block {self._height}, accuracy {self._accuracy:.1%}")

    def step(self, now: Standing, evaluating: bool) -> None:
        """Moves the progress line."""
        if self._status is None:
            return
        left = (self._blocks - self._height) * self._seconds / self._height if self._height else 0.0
        ahead = f" · some {left / 60:.0f} min left" if left else ""
        doing = "counting accuracy" if evaluating else "training"
        self._status.update(
            f"block {self._height + 1} of {self._blocks} · accuracy {self._accuracy:.1%} · {now.tries} steps, "
            f"{now.candidates} met R, {now.seconds:.0f} s · {doing}{ahead}"
        )

    def block(self, block: BlockEntry) -> None:
        """Prints the block."""
        self._note([block])
        self._say(
            f"block {block.height:>3} of {self._blocks}  {block.block_id[:8]}  accuracy {block.accuracy:6.1%} "
            f"({block.correct_before} -> {block.correct_after})  {block.tries} steps, {block.candidates} met R, "
            f"{block.seconds:.0f} s"
        )

    def _note(self, chain: list[BlockEntry]) -> None:
        self._height, self._accuracy = chain[-1].height, chain[-1].accuracy
        self._seconds += sum(block.seconds for block in chain)

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def open_screen(console: Console, blocks: int) -> Iterator[RunLines]:
    """Opens the screen that fits the console."""
    if not console.is_terminal:
        yield RunLines(console, blocks, None)
        return
    with console.status("building the task") as status:
        yield RunLines(console, blocks, status)
