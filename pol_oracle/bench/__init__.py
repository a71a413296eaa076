"""Benches behind ``pol bench NAME``, all in one format.

It is the machine, and rows of name, value, unit, baseline, ratio, bar, ok.

    format.py       rows, the machine, JSON and text
    registry.py     which benches there are; a new one is one line there
    timing.py       times several things in turns
    chain.py        `chain`: blocks per minute, catch-up rate; gas.py: gas per call
    canonical.py    `canonical`: step, evaluation and layers against torch; commitments.py: roots and replay;
                    slowest.py: the slowest state; following.py: a verifier's blocks, and a late joiner's start
    court/          `court`: what can be proven, and its gas
    cli.py          `cli`: how long people wait for the command line
    explorer/       `explorer`: index, pages, a crowd, a browser
    search/         `search` and `attacks`: tries, hit rates, agreement of precisions, what predicting a step gains
    recorded.py     figures that are checked in
"""
