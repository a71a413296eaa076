"""Benches of the search.

rates.py       tries, phases
hits.py        confirmed candidates and hit rates
ranks.py       several processes
agreement.py   do torch and the canonical step compute the same mathematics?
attacks.py     what predicting a step gains
filters.py     predictions: by cached layers, by labels
"""
