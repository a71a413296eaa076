"""A local Anvil in the background.

anvil.py     started, found again, stopped
ports.py     a port that is free
process.py   processes in groups of their own, ended with all their children
saved.py     its chain between two lives
"""
