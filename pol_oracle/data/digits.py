"""The digits set: CIFAR-10's shape without a network, made from scikit-learn's 1,797 handwritten digits.

Training and test samples come from disjoint originals (8×8 pixels, 0 .. 16). Each sample is one original, resampled to
32×32 by a random affine map, painted in two random colours, under noise. Everything is integer arithmetic, so every
machine gets the same bytes and the same root. The noise is strong against the contrast: a small network stays
well under 100 %, and accuracy keeps moving.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.errors import DataError

from .integers import Integers
from .samples import CHANNELS, SIZE, Samples

TEST_ORIGINALS = 500
ONE = 1024  # fixed point: one pixel of the original

# Ranges of the random transforms, both ends included.
EXTENT = (22, 32)  # how many output pixels the original spans
SHEAR = (-200, 200)  # ONE-ths of a pixel per pixel
SHIFT = (-3, 3)  # output pixels
BACKGROUND = (60, 140)  # brightness, 0 .. 255
CONTRAST = (35, 130)  # ink is brighter than the background by this much
TINT = (-16, 16)  # per channel, on background and on ink
NOISE = (8, 90)  # amplitude of the noise, per sample
CHUNK = 256  # samples made at once, to bound memory

Images = NDArray[np.uint8]


def make(train: int, test: int, seed: int) -> tuple[Samples, Samples]:
    """Makes the training set and the test set.

    Args:
        train: number of training samples.
        test: number of test samples.
        seed: another seed gives another set.

    Raises:
        DataError: scikit-learn does not hold the digits as expected.
    """
    originals, labels = _originals()
    theirs, ours = _split(len(labels), seed)
    return (
        _render(originals[ours], labels[ours], train, Integers(seed, "digits/train")),
        _render(originals[theirs], labels[theirs], test, Integers(seed, "digits/test")),
    )


def make_third(count: int, seed: int) -> Samples:
    """Makes samples that are in neither set: other pictures of the test set's originals.

    Args:
        count: how many.
        seed: that of the two sets.
    """
    originals, labels = _originals()
    theirs, _ = _split(len(labels), seed)
    return _render(originals[theirs], labels[theirs], count, Integers(seed, "digits/third"))


def _split(count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns which originals test and which train."""
    order = Integers(seed, "digits/split").permutation(count)
    return order[:TEST_ORIGINALS], order[TEST_ORIGINALS:]


def _originals() -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    from sklearn.datasets import load_digits  # slow to import, and only needed to fill the cache

    bunch = load_digits()
    pixels = np.asarray(bunch.images)
    if pixels.shape != (1797, 8, 8) or not np.array_equal(pixels, np.clip(np.rint(pixels), 0, 16)):
        raise DataError("scikit-learn's digits are not the 1,797 integer images expected; install scikit-learn 1.9")
    return pixels.astype(np.int64), np.asarray(bunch.target).astype(np.uint8)


def _render(originals: NDArray[np.int64], labels: NDArray[np.uint8], count: int, integers: Integers) -> Samples:
    chosen = integers.between(0, len(labels) - 1, (count,))
    images = np.empty((count, SIZE, SIZE, CHANNELS), np.uint8)
    for at in range(0, count, CHUNK):
        part = chosen[at : at + CHUNK]
        images[at : at + CHUNK] = _paint(_warp(originals[part], integers), integers)
    return Samples(images, labels[chosen])


def _warp(originals: NDArray[np.int64], integers: Integers) -> NDArray[np.int64]:
    """Resamples [n,8,8] to [n,32,32] by a random affine map, bilinear; 0 .. 255."""
    n = len(originals)
    step_y, step_x = 8 * ONE // integers.between(*EXTENT, (2, n, 1, 1))
    shear_y, shear_x = integers.between(*SHEAR, (2, n, 1, 1))
    shift_y, shift_x = integers.between(*SHIFT, (2, n, 1, 1))
    # Twice the distance from the middle of the image, so that halves stay integers.
    y = (2 * np.arange(SIZE) - (SIZE - 1))[None, :, None] - 2 * shift_y
    x = (2 * np.arange(SIZE) - (SIZE - 1))[None, None, :] - 2 * shift_x
    source_y = (y * step_y + (x * step_x * shear_y >> 10) + 7 * ONE) >> 1
    source_x = (x * step_x + (y * step_y * shear_x >> 10) + 7 * ONE) >> 1
    padded = np.pad(originals, ((0, 0), (1, 2), (1, 2)))
    row = np.clip((source_y >> 10) + 1, 0, 9)
    column = np.clip((source_x >> 10) + 1, 0, 9)
    part_y, part_x = source_y & (ONE - 1), source_x & (ONE - 1)
    inside = (source_y >= -ONE) & (source_y < 8 * ONE) & (source_x >= -ONE) & (source_x < 8 * ONE)
    sample = np.arange(n)[:, None, None]
    upper = padded[sample, row, column] * (ONE - part_x) + padded[sample, row, column + 1] * part_x
    lower = padded[sample, row + 1, column] * (ONE - part_x) + padded[sample, row + 1, column + 1] * part_x
    ink = upper * (ONE - part_y) + lower * part_y  # 0 .. 16 * ONE**2
    return np.where(inside, ink * 255 >> 24, 0)


def _paint(ink: NDArray[np.int64], integers: Integers) -> Images:
    """Paints [n,32,32] ink in two colours under triangular noise: uint8 [n,32,32,3]."""
    n = len(ink)
    colour = (n, 1, 1, CHANNELS)
    background = integers.between(*BACKGROUND, (n, 1, 1, 1)) + integers.between(*TINT, colour)
    contrast = integers.between(*CONTRAST, (n, 1, 1, 1)) + integers.between(*TINT, colour)
    amplitude = integers.between(*NOISE, (n, 1, 1, 1))
    noise = integers.triangular((n, SIZE, SIZE, CHANNELS))
    painted = background + (contrast * ink[..., None] >> 8) + (amplitude * noise >> 8)
    images: Images = np.clip(painted, 0, 255).astype(np.uint8)
    return images
