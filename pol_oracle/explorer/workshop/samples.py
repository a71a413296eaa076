"""Pictures of samples: PNG, as they are stored."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TILE, GAP = 12, 2  # pixels of a filter, and between two


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Returns a picture, uint8 [height, width, 3], as PNG."""
    data = BytesIO()
    Image.fromarray(pixels).save(data, "PNG", optimize=True)
    return data.getvalue()


def filters_png(weights: NDArray[np.float32], columns: int = 8) -> bytes:
    """Returns the filters of a first layer, float32 [out, ky, kx, 3], side by side; each in its own range."""
    count, height, width, _ = weights.shape
    scale = TILE // max(height, width) or 1
    rows = -(-count // columns)
    sheet = np.full((rows * (height * scale + GAP) - GAP, columns * (width * scale + GAP) - GAP, 3), 128, np.uint8)
    for number, one in enumerate(weights):
        most = float(np.abs(one).max()) or 1.0
        grey = np.clip(127.5 + 127.5 * one / most, 0, 255).astype(np.uint8)
        big = np.kron(grey, np.ones((scale, scale, 1), np.uint8))
        y, x = (number // columns) * (height * scale + GAP), (number % columns) * (width * scale + GAP)
        sheet[y : y + height * scale, x : x + width * scale] = big
    return png(sheet)
