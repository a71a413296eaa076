"""What pages say, as models; the same is their JSON at ``/api``.

common.py    models that several pages share
words.py     events in words
book.py      what pages are made from, and the tree at one moment
lanes.py     where blocks stand in the drawing of the tree
home.py      the front page
tree.py      the tree, and how it grew
block.py     a block and its life
dispute.py   why a block was wrong, or what is asked of it
findings.py  what the workshop finds
learning.py  what the network has learned
account.py   an account, and what its numbers are made of; the leaderboard
network.py   the task, contracts and parameters
search.py    whatever was typed; transactions
"""
