"""What a requirement may name, found from the layers: leaves of 64 weights, or, under the paper's rules, weights.

A tap of a convolution is dead if it sees only padding, for every output pixel: its weights never get a gradient and
never move. (Layer 4 of torchvision's ResNet-18 is 1x1 at 32x32 input: eight of nine taps of its kernels are dead.) A
leaf that holds a dead weight is not eligible, nor is one that is not full.

A layer whose maps have few pixels, or few for its many channels, is left out as a whole. There, a channel's ReLU is
often shut for all samples of a batch, and then none of its weights moves: an even parity would be met for nothing.
"""

from __future__ import annotations

from itertools import groupby
from math import prod

import numpy as np
from numpy.typing import NDArray

from pol_oracle.protocol.derivation import LEAF_WEIGHTS
from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.rules import Rules

from .layers.graph import Geometry, live_taps
from .models import Model

# of maps that a batch hardly ever shuts (`pol bench search --only hits`)
LEAST_PIXELS = 16
MOST_CHANNELS = 8  # per pixel


def eligible_weights(model: Model, rules: Rules) -> EligibleWeights:
    """Returns what R may name, in declaration order.

    Hardened: full leaves of live taps of the convolutions whose maps have at least 16 pixels, and one per 8 channels;
    no norm parameters, and not the last layer, whose directions follow from the labels. Paper: all parameters, one by
    one. Buffers are never named.
    """
    if not rules.parities:
        sizes = [prod(w.shape) for w in model.parameters]
        return EligibleWeights(tuple(EligibleRange(i, 0, n, n, 1) for i, n in enumerate(sizes)))
    numbers = {w.name: i for i, w in enumerate(model.parameters)}
    ranges: list[EligibleRange] = []
    for geometry in model.geometries:
        number = numbers[geometry.weight]
        shape = model.parameters[number].shape
        pixels = geometry.output_height * geometry.output_width
        if pixels >= max(LEAST_PIXELS, shape[0] / MOST_CHANNELS):
            ranges += ranges_of(number, np.flatnonzero(live_leaves(shape, geometry)))
    return EligibleWeights(tuple(ranges))


def live_leaves(shape: tuple[int, ...], geometry: Geometry) -> NDArray[np.bool_]:
    """Returns which leaves of a convolution's weight are full and hold live weights only, bool [leaves].

    Args:
        shape: of the weight, [out, ky, kx, in].
        geometry: of its convolution.
    """
    live = np.zeros(shape, np.bool_)
    rows = live_taps(geometry.height, shape[1], geometry.stride, geometry.padding)
    columns = live_taps(geometry.width, shape[2], geometry.stride, geometry.padding)
    live[:, np.array(rows)[:, None], columns] = True
    full = live.size // LEAF_WEIGHTS * LEAF_WEIGHTS
    return np.asarray(live.reshape(-1)[:full].reshape(-1, LEAF_WEIGHTS).all(axis=1))


def ranges_of(tensor: int, places: NDArray[np.int64]) -> list[EligibleRange]:
    """Returns ascending places of a tensor as ranges: neighbouring runs of one length and distance make one."""
    runs = [[int(place) for _, place in group] for _, group in groupby(enumerate(places), lambda at: at[1] - at[0])]
    ranges: list[EligibleRange] = []
    for first, length in ((run[0], len(run)) for run in runs):
        last = ranges[-1] if ranges else None
        if last is not None and last.run == length:
            step = first - (last.start + (last.repeats - 1) * last.stride)
            if last.repeats == 1 or step == last.stride:
                ranges[-1] = EligibleRange(tensor, last.start, length, step, last.repeats + 1)
                continue
        ranges.append(EligibleRange(tensor, first, length, length, 1))
    return ranges
