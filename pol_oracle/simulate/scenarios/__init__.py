"""What ``pol simulate`` can run.

catalogue.py   all scenarios, by name
jumps.py       tenfold jumps of power
games.py       the search for a timestamp game
finality.py    the tree with slashes, and when a block is final
shade.py       garbage that would buy that
"""
