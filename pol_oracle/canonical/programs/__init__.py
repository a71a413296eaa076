"""Programs: straight lists of operations.

program.py     sections of tensors, and the program's root
builder.py     emits operations
reference.py   what an element is, plainly
traces.py      commitments to all that a step computed
"""
