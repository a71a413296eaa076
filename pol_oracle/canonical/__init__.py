"""Float32 training and evaluation with the same bits on every machine.

A model is compiled by layer builders into a *program*: a straight list of operations of six kinds over affine views
of float32 tensors. Everything that is proven on L1 is an element of one of those tensors.

    operations, expressions   the six kinds and their binary descriptors; what a map computes per element
    programs/                 programs and their roots, how they are built, one element at a time, traces
    layers/, models/          forward and backward of layers, by operations; networks, by layers
    kernels/, execution/      whole tensors, fast; running a program
    commitments/              Keccak, Merkle trees over tensors, states, segments and accuracy
    state, step, evaluate, initial, eligible   what the rest of the package uses
    selftest                  is this machine exact?

The arithmetic is IEEE 754 binary32 with round to nearest even: no fused multiply-add, no reassociation, no library
reduction. A reduction starts at +0 and runs in ascending order in chunks of 64 terms, each product and each sum
rounded; the chunk sums are then added in order ("blk64"). ``docs/arithmetic.md`` defines all of it.
"""
