"""A local Anvil in the background.

accounts.py  its chain id, and accounts whose keys are public
anvil.py     started, found again, stopped
automine.py  one that makes L1 blocks for transactions alone
mining.py    no block in the making while something else is done
ports.py     a port that is free
process.py   processes in groups of their own, ended with all their children
saved.py     its chain between two lives
"""
