"""Fast kernels: whole tensors, vectorised across outputs, never along a reduction.

Every kernel works on *memory*, the one float32 array that holds all tensors of a program, at addresses (element
numbers) in it, and computes any part of an output on its own, so that threads may share the work: which part is
computed by whom never changes how an element is computed.

    jit, cache   how a function is compiled, and kept        vectors      tiles and transposes, in LLVM IR
    pack         operands laid out for vectors               product      dot products that form a matrix product
    reduce       all other reductions                        elementwise  maps, and the tail of a reduction
    layout       gathers                                     modes        how the processor rounds
    instructions the instructions of maps
"""
