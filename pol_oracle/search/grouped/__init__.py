"""The grouped search: many nonces per pass.

search.py             the search itself
passes.py             which nonces' steps meet R, as far as torch can tell
network.py            the network for it, made of
  group_norm.py       batch norm by groups, and
  live_convolution.py convolutions that tell which weights would rise,
  winograd.py         on a CPU with fewer multiplications;
  cpu_loops.py        both compiled, for a CPU
  gpu_loops.py        both as kernels, for a GPU
"""
