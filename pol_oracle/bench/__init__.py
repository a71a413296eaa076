"""Benches behind ``pol bench NAME``, all in one format: the machine, and rows of name, value, unit, baseline, ratio,
bar, ok.

    format.py     rows, the machine, JSON and text
    registry.py   which benches there are; a new one is one line there
    chain.py      `chain`: gas per call, blocks per minute, catch-up rate
"""
