"""Layers: each emits its forward pass when it is made and its backward pass when it is told to.

Activations live channel-major, [channels, samples, height, width], so that batch norm's statistics and a
convolution's weight gradients read contiguous runs; a convolution gathers its padded input as [samples, height,
width, channels], so that its own reduction does.

graph.py           the network under construction: weights by name, the tape of layers
convolution.py     without bias: three dot products
normalisation.py   batch norm, folded into what reads it
activation.py      ReLU over batch norm, with an optional residual
pooling.py         max pooling, global average pooling
classifier.py      the last layer, its loss and its decision
"""
