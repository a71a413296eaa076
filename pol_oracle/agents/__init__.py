"""Agents: L1 events -> view -> replay -> decision -> transaction, one way and nothing beside it.

view.py       what the events say: the tree, its blocks' lives, disputes, bonds (a pure fold)
blocks.py     the parts of a view
replay.py     a verifier's check of one block, as numbered steps -> a verdict
actions.py    what an agent can want to do
decide.py     view + verdicts + now -> actions (pure: no clock, no RPC)
respond.py    actions -> transactions, once each
journal.py    what must survive SIGKILL beside the sender's own journal
worker.py     background threads: replays and the search
records.py    status file: what was earned or lost and why
config.py     what an agent is told at its start
runtime.py    checks at the start, and what both loops share
miner.py      the miner's loop
verifier.py   the verifier's loop
"""
