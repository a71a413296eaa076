"""Layers: each emits its forward pass when it is made and its backward pass when it is told to.

Activations live channel-major, [channels, samples, height, width], so that batch norm's statistics and a
convolution's weight gradients read contiguous runs; a convolution gathers its padded input as [samples, height,
width, channels], so that its own reduction does.
"""
