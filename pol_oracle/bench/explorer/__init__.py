"""`pol bench explorer`: what the explorer does with a long chain, with a crowd, and in a browser.

forest.py   the events of 10,000 blocks with 500 forks
site.py     an explorer of that chain, in a process of its own, whose chain grows when it is told
pages.py    index, pages and memory
crowd.py    100 clients beside an agent's replay, and 1,000 connections that say nothing
follow.py   from an L1 block to the page that has it
browser.py  what a person sees, in Chromium: first paint, shifts, weight, frames of the tree
"""
