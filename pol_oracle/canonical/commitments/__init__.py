"""Commitments and openings.

sponge.py     Keccak over eight messages side by side
keccak.py     keccak-256 of many equal messages, and Merkle trees over them
trees.py      Merkle trees over float32 tensors
segments.py   lists of the entries of a segment
accuracy.py   the Merkle sum tree over a test set's bits
"""
