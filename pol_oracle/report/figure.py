"""The paper's Figure 1: accuracy and block interval over block height, from chain data alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from pol_oracle.protocol.errors import InputError

from .history import FinalBlock


def draw(chain: Sequence[FinalBlock], test_count: int, path: Path) -> None:
    """Writes the figure as PNG, whole or not at all.

    Args:
        chain: finalized blocks in order of height.
        test_count: |E|, samples in the test set.
        path: file to write; its folder must exist.

    Raises:
        InputError: no block is finalized yet.
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
    interval = accuracy.twinx()
    interval.bar(heights, [b.interval_s for b in chain], width=0.6, color="tab:orange", alpha=0.35)
    accuracy.plot(heights, [100 * b.correct_after / test_count for b in chain], color="tab:blue", marker="o")
    accuracy.set_zorder(interval.get_zorder() + 1)
    accuracy.patch.set_visible(False)
    accuracy.set_xlabel("block height")
    accuracy.set_ylabel(f"test accuracy (%), {test_count} samples", color="tab:blue")
    interval.set_ylabel("block interval (s)", color="tab:orange")
    accuracy.xaxis.set_major_locator(MaxNLocator(integer=True))
    accuracy.set_title("Accuracy and block interval of the finalized chain")
    picture = BytesIO()
    figure.savefig(picture, dpi=150, format="png")
    try:
        write(path, picture.getvalue())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def write(path: Path, data: bytes) -> None:
    """Writes beside the target, syncs, renames: on a full disk the old picture stays, and no empty one."""
    target = path.resolve()
    if target.exists() and not target.is_file():  # a device or a pipe; nothing to rename onto
        with target.open("wb") as file:
            file.write(data)
        return
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
