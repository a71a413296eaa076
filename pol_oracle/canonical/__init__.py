"""Float32 training and evaluation with the same bits on every machine.

A model is compiled by layer builders into a *program*: a straight list of operations of six kinds over affine views
of float32 tensors. Everything that is proven on L1 is an element of one of those tensors.

    operations   the six kinds and their binary descriptors      expressions   what a map computes per element
    programs     sections of tensors, program root                builder       emits operations
    layers       forward and backward of layers, by operations    models        networks, by layers
    reference    one element, plain                               kernels       whole tensors, fast
    memory       where a program's tensors lie                    machine, layouts   compile expressions and gathers
    execute      runs a program                                   threads, blocks    what it runs on
    state, step, evaluate, initial, eligible                      what the rest of the package uses
    sponge, keccak, trees, traces, segments, accuracy             commitments and openings
    selftest     is this machine exact?

The arithmetic is IEEE 754 binary32 with round to nearest even: no fused multiply-add, no reassociation, no library
reduction. A reduction starts at +0 and runs in ascending order in chunks of 64 terms, each product and each sum
rounded; the chunk sums are then added in order ("blk64"). ``docs/arithmetic.md`` defines all of it.
"""
