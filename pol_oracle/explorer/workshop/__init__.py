"""What needs the task's data or its arithmetic, in a process of its own: pages never wait for it.

pool.py      the process, and what it has found
tools.py     what the process does, by name
samples.py   pictures of samples
evidence.py  the call that proved a block wrong, recomputed
path.py      the way up from what it opens, hash by hash
model.py     the network as a list of layers
shelf.py     states that replays leave behind
replay.py    a block, replayed: requirements, loss along the segment, verdict
learning.py  what a state of the network has learned
"""
