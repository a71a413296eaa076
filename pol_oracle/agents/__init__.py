"""Agents: L1 events -> view -> replay -> decision -> transaction, one way and nothing beside it.

rules/         what to do, as pure functions of what is seen and known
storage/       what an agent keeps on disk
work/          what takes time, in the background: following the chain, replays, answers
monitoring/    what people see of an agent
respond.py     actions -> contract calls
config.py      what an agent is told at its start
joining/       events on a node that has pruned old ones
runtime.py     checks at the start, and one turn of the loop
start.py       a start while L1 is away
production.py  how an honest miner makes a proof
miner.py       the miner's loop
helper.py      a process that helps a miner search
verifier.py    the verifier's loop
"""
