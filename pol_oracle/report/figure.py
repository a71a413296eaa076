"""The paper's Figure 1: accuracy and block interval over block height."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol

from pol_oracle.files import write_whole
from pol_oracle.protocol.errors import InputError


class Plotted(Protocol):
    """What the figure needs to know of a block."""

    @property
    def height(self) -> int:
        """1 for the first block after genesis."""

    @property
    def correct_after(self) -> int:
        """Test samples that W' classifies correctly."""

    @property
    def interval_s(self) -> float:
        """Seconds since the parent."""


def draw(
    chain: Sequence[Plotted],
    test_count: int,
    path: Path,
    *,
    title: str = "Accuracy and block interval of the finalized chain",
    interval: str = "block interval (s)",
) -> None:
    """Writes the figure as PNG, whole or not at all.

    Args:
        chain: blocks in order of height.
        test_count: |E|, samples in the test set.
        path: file to write; its folder must exist.
        title: above the figure.
        interval: what the interval counts, and its unit.

    Raises:
        InputError: there is no block yet.
        OSError: the file cannot be written; it names ``path``.
    """
    if not chain:
        raise InputError("no block is finalized yet, so there is nothing to plot: wait for the first one")
    # the object interface: pyplot would look for a display and keep global state
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    heights = [b.height for b in chain]
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    accuracy = figure.add_subplot()
    bars = accuracy.twinx()
    bars.bar(heights, [b.interval_s for b in chain], width=0.6, color="tab:orange", alpha=0.35)
    dots = "o" if len(chain) <= 50 else ""
    accuracy.plot(heights, [100 * b.correct_after / test_count for b in chain], color="tab:blue", marker=dots)
    accuracy.set_zorder(bars.get_zorder() + 1)
    accuracy.patch.set_visible(False)
    accuracy.set_xlabel("block height")
    accuracy.set_ylabel(f"test accuracy (%), {test_count} samples", color="tab:blue")
    bars.set_ylabel(interval, color="tab:orange")
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    accuracy.set_title(title)
    picture = BytesIO()
    figure.savefig(picture, dpi=150, format="png")
    write_whole(path, picture.getvalue())
