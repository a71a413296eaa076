"""Programs: straight lists of operations.

program.py     sections of tensors
tree.py        the programs' root
builder.py     emits operations
reference.py   what an element is, plainly
traces.py      commitments to all that a step computed
"""
