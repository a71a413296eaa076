"""Benches behind ``pol bench NAME``, all in one format: the machine, and rows of name, value, unit, baseline, ratio,
bar, ok.

    format.py     rows, the machine, JSON and text
    registry.py   which benches there are; a new one is one line there
    timing.py     times several things in turns
    chain.py      `chain`: blocks per minute, catch-up rate; gas.py: gas per call
    canonical.py  `canonical`: step, evaluation and layers against torch; agreement.py: the same mathematics?
                  commitments.py: roots and replay
"""
