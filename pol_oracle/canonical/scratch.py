"""Memory that the operations of one workspace take turns using."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Scratch:
    """Named buffers that grow; what was handed out earlier stays valid."""

    def __init__(self) -> None:
        self._buffers: dict[str, NDArray[Any]] = {}

    def take(self, name: str, size: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Returns ``size`` elements of buffer ``name``; their content is arbitrary."""
        if name not in self._buffers or self._buffers[name].size < size:
            self._buffers[name] = np.zeros(size, dtype)
        return self._buffers[name][:size]
