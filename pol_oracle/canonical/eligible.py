"""Which weights a requirement may name, found from the model's layers.

A tap of a convolution is dead if it sees only padding, for every output pixel: its weights never get a gradient and
never move. (Layer 4 of torchvision's ResNet-18 is 1x1 at 32x32 input: eight of nine taps of its kernels are dead.)

A layer whose maps have few pixels, or few for its many channels, is left out as a whole. There, a channel's ReLU is
often shut for all samples of a batch, and then none of its weights moves, whichever way R asks for: the search would
be harder than 2^k.
"""

from __future__ import annotations

from itertools import groupby
from math import prod

from pol_oracle.protocol.eligible import EligibleRange, EligibleWeights
from pol_oracle.protocol.rules import Rules

from .layers.graph import Geometry, live_taps
from .models import Model

# of maps that a batch hardly ever shuts (`pol bench search --only hits`)
LEAST_PIXELS = 16
MOST_CHANNELS = 8  # per pixel


def eligible_weights(model: Model, rules: Rules) -> EligibleWeights:
    """Returns the eligible weights of a task, in declaration order.

    Hardened: live taps of the convolutions whose maps have at least 16 pixels, and one per 8 channels; no norm
    parameters, and not the last layer, whose directions follow from the labels. Paper: all parameters. Buffers are
    never named.
    """
    if not rules.convolutions_only:
        sizes = [prod(w.shape) for w in model.parameters]
        return EligibleWeights(tuple(EligibleRange(i, 0, n, n, 1) for i, n in enumerate(sizes)))
    numbers = {w.name: i for i, w in enumerate(model.parameters)}
    ranges: list[EligibleRange] = []
    for geometry in model.geometries:
        number = numbers[geometry.weight]
        shape = model.parameters[number].shape
        pixels = geometry.output_height * geometry.output_width
        if pixels >= max(LEAST_PIXELS, shape[0] / MOST_CHANNELS):
            ranges += live_ranges(number, shape, geometry)
    return EligibleWeights(tuple(ranges))


def live_ranges(number: int, shape: tuple[int, ...], geometry: Geometry) -> list[EligibleRange]:
    """Returns the ranges over a weight: one per block of neighbouring live taps, one for all if none is dead.

    Args:
        number: of the weight's tensor.
        shape: [out, ky, kx, in].
        geometry: of its convolution.
    """
    out, high, wide, channels = shape
    rows = live_taps(geometry.height, high, geometry.stride, geometry.padding)
    columns = live_taps(geometry.width, wide, geometry.stride, geometry.padding)
    live = [ky * wide + kx for ky in rows for kx in columns]
    if len(live) == high * wide:
        return [EligibleRange(number, 0, prod(shape), prod(shape), 1)]
    blocks = [[tap for _, tap in group] for _, group in groupby(enumerate(live), lambda pair: pair[1] - pair[0])]
    stride = high * wide * channels
    return [EligibleRange(number, b[0] * channels, len(b) * channels, stride, out) for b in blocks]
