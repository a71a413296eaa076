"""What people are shown of the network: tables and sentences, never wider than the terminal.

status.py   where the network stands, who has what at stake
blocks.py   a list of blocks; all about one
events.py   one sentence per event
parts.py    what these share: columns, colours, accounts, accuracies
"""
