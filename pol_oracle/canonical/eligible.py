"""Which weights a requirement may name, found from the model's layers.

A tap of a convolution is dead if it sees only padding, for every output pixel: its weights never get a gradient and
never move. (Layer 4 of torchvision's ResNet-18 is 1x1 at 32x32 input: eight of nine taps of its kernels are dead.)
"""

from __future__ import annotations

from itertools import groupby
from math import prod

from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.rules import Rules

from .layers.graph import Geometry, live_taps
from .models import Model


def eligible_weights(model: Model, rules: Rules) -> EligibleWeights:
    """Returns the eligible weights of a task, in declaration order.

    Hardened: live taps of all convolutions; no norm parameters, and not the last layer, whose directions follow from
    the labels. Paper: all parameters. Buffers are never named.
    """
    if not rules.convolutions_only:
        sizes = [prod(w.shape) for w in model.parameters]
        return EligibleWeights(tuple(EligibleRange(i, 0, n, n, 1) for i, n in enumerate(sizes)))
    numbers = {w.name: i for i, w in enumerate(model.parameters)}
    ranges: list[EligibleRange] = []
    for geometry in model.geometries:
        number = numbers[geometry.weight]
        ranges += _live_ranges(number, model.parameters[number].shape, geometry)
    return EligibleWeights(tuple(ranges))


def _live_ranges(number: int, shape: tuple[int, ...], geometry: Geometry) -> list[EligibleRange]:
    """Ranges over a weight [out, ky, kx, in]: one per block of neighbouring live taps, one for all if none is dead."""
    out, high, wide, channels = shape
    rows = live_taps(geometry.height, high, geometry.stride, geometry.padding)
    columns = live_taps(geometry.width, wide, geometry.stride, geometry.padding)
    live = [ky * wide + kx for ky in rows for kx in columns]
    if len(live) == high * wide:
        return [EligibleRange(number, 0, prod(shape), prod(shape), 1)]
    blocks = [[tap for _, tap in group] for _, group in groupby(enumerate(live), lambda pair: pair[1] - pair[0])]
    stride = high * wide * channels
    return [EligibleRange(number, b[0] * channels, len(b) * channels, stride, out) for b in blocks]
