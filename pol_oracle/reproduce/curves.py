"""Accuracy over samples: the chain's network and plain training, on the test set and on a third one."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pol_oracle.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .learning import LearningRow

SETS = {"": "test set E, which chooses blocks", "_third": "third set, which chooses nothing"}
KINDS = {"chain": ("tab:blue", "-", "the chain"), "plain": ("tab:orange", "--", "plain SGD, same batches")}


def draw(rows: Sequence[LearningRow], path: Path, title: str) -> None:
    """Writes the curves as PNG, whole or not at all.

    Args:
        rows: of all seeds.
        path: file to write; its folder must exist.
        title: above the figure.

    Raises:
        OSError: the file cannot be written.
    """
    # the object interface: pyplot would look for a display and keep global state
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    for (end, name), axes in zip(SETS.items(), figure.subplots(1, len(SETS), sharey=True), strict=True):
        _panel(axes, rows, end)
        axes.set_title(name, fontsize=10)
    figure.suptitle(title)
    picture = BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    write_whole(path, picture.getvalue())


def _panel(axes: Axes, rows: Sequence[LearningRow], end: str) -> None:
    seeds = sorted({row.seed for row in rows})
    for kind, (colour, style, label) in KINDS.items():
        for seed in seeds:
            of_seed = [row for row in rows if row.seed == seed]
            accuracy = [100 * getattr(row, kind + end) for row in of_seed]
            shown = label if seed == seeds[0] else None
            axes.plot([row.samples for row in of_seed], accuracy, color=colour, ls=style, lw=1.1, label=shown)
    axes.set_xlabel("samples trained on")
    axes.set_ylabel("accuracy (%)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
