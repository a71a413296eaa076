"""Calls that leave exactly once.

calls.py      a call of one of our contracts, encoded once
database.py   what SQLite refuses, as a sentence
fees.py       what to pay, and at most for each kind of call
journal.py    what is to be sent and what was signed, on disk
outbox.py     signed transactions: broadcast again, made dearer when stuck
settling.py   what became of signed transactions
sender.py     all of that together, through restarts, stuck nonces and reorganisations
"""
