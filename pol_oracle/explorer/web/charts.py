"""Drawings made on the server, as numbers for templates: what needs no JavaScript to be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..facts.book import TreeSnapshot
from ..facts.home import Point

WIDTH, HEIGHT = 960.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 44.0, 14.0, 30.0
NEWEST = 28  # heights of the tree that are drawn
ROW, MARGIN = 40.0, 24.0
LEAST_CELL, MOST_CELL, ROOM = 34.0, 62.0, 1000.0  # from a height to the next; what a screen has
_MOST_LANES = 9


@dataclass(frozen=True)
class Tick:
    """A mark at an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """A block's interval: left edge, top, width, height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class FigureDrawing:
    """Figure 1: accuracy as a line, intervals as bars."""

    line: str
    area: str
    dots: list[tuple[float, float]]
    bars: list[Bar]
    accuracies: list[Tick]
    intervals: list[Tick]
    heights: list[Tick]


@dataclass(frozen=True)
class TreeNode:
    """A block of the drawn tree."""

    x: float
    y: float
    status: int
    id: str
    height: int
    head: bool


@dataclass(frozen=True)
class TreeDrawing:
    """The newest part of the tree."""

    width: float
    height: float
    nodes: list[TreeNode]
    edges: list[tuple[str, int]]
    heights: list[Tick]


def draw_figure(points: Sequence[Point]) -> FigureDrawing:
    """Places the points of Figure 1 in a drawing of ``WIDTH`` by ``HEIGHT``."""
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    most = _round_up(max([p.accuracy for p in points] or [1]), 100)
    longest = _round_up(max([p.interval for p in points] or [1]))
    step = wide / max(len(points), 1)
    spots = [(LEFT + step * (i + 0.5), TOP + high * (1 - p.accuracy / most)) for i, p in enumerate(points)]
    line = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(spots))
    base = TOP + high
    area = f"{line} L{spots[-1][0]:.1f} {base:.1f} L{spots[0][0]:.1f} {base:.1f} Z" if spots else ""
    width = min(step * 0.62, 26.0)
    bars = []
    for (x, _), p in zip(spots, points, strict=True):
        tall = high * min(p.interval / longest, 1.0)
        bars.append(Bar(round(x - width / 2, 1), round(base - tall, 1), round(width, 1), round(tall, 1)))
    marks = [Tick(round(TOP + high * (1 - i / 4), 1), f"{most * i / 4:g}") for i in range(5)]
    waits = [Tick(round(TOP + high * (1 - i / 4), 1), f"{longest * i / 4:g}") for i in range(5)]
    every = max(1, math.ceil(len(points) / 10))
    heights = [Tick(round(spots[i][0], 1), str(points[i].height)) for i in range(0, len(points), every)]
    return FigureDrawing(line, area, spots if len(spots) <= 60 else [], bars, marks, waits, heights)


def draw_tree(tree: TreeSnapshot) -> TreeDrawing:
    """Draws the newest heights of the tree, oldest on the left."""
    highest = max((row.height for row in tree.rows), default=0)
    lowest = max(0, highest - NEWEST)
    chosen = [i for i, row in enumerate(tree.rows) if row.height > lowest and tree.lanes[i] < _MOST_LANES]
    rows = max((tree.lanes[i] for i in chosen), default=0) + 1
    cell = min(max(ROOM / max(highest - lowest, 1), LEAST_CELL), MOST_CELL)
    head = tree.heads[-1][1] if tree.heads else b""

    def spot(height: int, lane: int) -> tuple[float, float]:
        return MARGIN + cell * (height - lowest), MARGIN + ROW * lane

    nodes, edges = [], []
    for i in chosen:
        row = tree.rows[i]
        x, y = spot(row.height, tree.lanes[i])
        nodes.append(TreeNode(x, y, row.status, "0x" + row.id.hex(), row.height, row.id == head))
        parent = tree.parents[i]
        px, py = spot(row.height - 1, tree.lanes[parent] if parent >= 0 else 0)
        edges.append((_curve(px, py, x, y), row.status))
    width = 2 * MARGIN + cell * (highest - lowest)
    every = 1 if highest - lowest <= 10 else 5
    marks = [Tick(spot(h, 0)[0], str(h)) for h in range(lowest, highest + 1) if h % every == 0]
    return TreeDrawing(max(width, 300), 2 * MARGIN + ROW * (rows - 1) + 18, nodes, edges, marks)


def draw_curve(values: Sequence[float], width: float = 600.0, height: float = 110.0) -> str:
    """Returns a line through values as the path of a drawing of that size; 0 is at its bottom."""
    most = max([*values, 1e-9])
    step = width / max(len(values) - 1, 1)
    spots = [(step * i, height - (height - 6) * value / most) for i, value in enumerate(values)]
    return " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(spots))


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    middle = (x1 + x2) / 2
    return f"M{x1:g} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}"


def _round_up(value: float, most: float = math.inf) -> float:
    """The next number that four marks divide well."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    found = next(unit * step for step in (1, 2, 4, 6, 8, 10) if unit * step >= value)
    return min(found, most)
