"""L1's events in a local SQLite file, which can be deleted at any time.

codec.py    events as JSON, and back
schema.py   the tables; when a file is used, and when it is made anew
writing.py  what the monitor saw, folded into the tables; roll-backs
numbers.py  the numbers of an account, and how events change them
accounts.py  the tables of accounts: who had a part in what, money with its reasons, what numbers came to
reading.py  questions to the tables
rows.py     what they answer
"""
