"""A scenario as a picture: block interval, orphan rate, honest share of rewards."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

from .results import Panel, ScenarioResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(told: ScenarioResult) -> bytes:
    """Returns the panels side by side, as PNG."""
    # the object interface: pyplot would look for a display and keep global state
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, axes in zip(told.panels, figure.subplots(1, len(told.panels)), strict=True):
        _draw(panel, axes)
    figure.suptitle(told.title)
    picture = BytesIO()
    figure.savefig(picture, dpi=90, format="png")
    return picture.getvalue()


def _draw(panel: Panel, axes: Axes) -> None:
    marker = "o" if max(len(curve.x) for curve in panel.curves) <= 10 else ""
    for curve in panel.curves:
        axes.plot(curve.x, curve.y, label=curve.label or None, marker=marker, markersize=4, linewidth=1.2)
    if panel.level is not None:
        axes.axhline(panel.level, color="gray", linestyle="--", linewidth=0.8)
    if panel.logarithmic:
        axes.set_xscale("log")
        at = panel.curves[0].x
        axes.set_xticks(at, [f"{x:,.0f}" for x in at])
        axes.minorticks_off()
    axes.margins(y=0.15)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(panel.x)
    axes.set_ylabel(panel.y)
    if len(panel.curves) > 1:
        axes.legend(fontsize=8)
