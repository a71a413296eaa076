"""Agents: L1 events -> view -> replay -> decision -> transaction, one way and nothing beside it.

view.py          what the events say: the tree, its blocks' lives, disputes, bonds (a pure fold)
blocks.py        the parts of a view
replay.py        a verifier's check of one block, as numbered steps -> a verdict
verdicts.py      what an agent knows of a block beyond L1
reviewer.py      which block is replayed next, in the background
actions.py       what an agent can want to do
decide.py        view + verdicts -> actions (pure: no clock, no RPC)
housekeeping.py  calls that anybody may make and somebody must (pure as well)
respond.py       actions -> contract calls
memory.py        what must survive SIGKILL beside the sender's journal
records.py       status file: what was earned or lost and why
worker.py        background threads
config.py        what an agent is told at its start
runtime.py       checks at the start, and one turn of the loop
job.py           what the loop and a proof producer agree on
production.py    how an honest miner makes a proof
miner.py         the miner's loop
verifier.py      the verifier's loop
"""
