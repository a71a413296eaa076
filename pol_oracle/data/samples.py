"""A set of labelled images."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import DataError

SIZE = 32
CHANNELS = 3
CLASSES = 10


class Samples:
    """Images and labels, read-only.

    Args:
        images: uint8 [N,32,32,3].
        labels: uint8 [N], each below 10.

    Raises:
        DataError: shapes, types or labels are not these.
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> None:
        if images.dtype != np.uint8 or images.shape[1:] != (SIZE, SIZE, CHANNELS) or not len(images):
            raise DataError(f"images must be uint8 [N,{SIZE},{SIZE},{CHANNELS}], not {images.dtype} {images.shape}")
        if labels.dtype != np.uint8 or labels.shape != images.shape[:1] or labels.max() >= CLASSES:
            raise DataError(f"labels must be uint8 [N] below {CLASSES}, one per image")
        self.images = np.ascontiguousarray(images)
        self.labels = np.ascontiguousarray(labels)
        self.images.setflags(write=False)
        self.labels.setflags(write=False)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def root(self) -> bytes:
        """Root of the Merkle tree over the samples, 32 bytes."""
        from pol_oracle.canonical.commitments.trees import sample_root  # whose kernels take a while to load

        return sample_root(self.images, self.labels)
