"""Benches of the Court.

evidence.py     what can be proven, and its gas
proving.py      elements of real traces before the Court
arithmetic.py   binary32 against numpy
"""
