"""Agents: L1 events -> view -> replay -> decision -> transaction, one way and nothing beside it.

view.py          what the events say: the tree, its blocks' lives, demands, bonds (a pure fold)
blocks.py        the parts of a view
disputes.py      demands and explanations, a part of the fold
lineage.py       what lies below a block
follow.py        W along the chain, by replay
checkpoints.py   states inside segments, so that an answer need not begin at the first step
counts.py        which samples states classify correctly, across restarts
replay.py        a verifier's check of one block, as numbered steps -> a verdict
verdicts.py      what an agent knows of a block beyond L1
reviewer.py      replays in the background, the most urgent first (urgency.py, pure)
answerer.py      answers to demands, from what a block stands on
clerk.py         which demand is answered next, in the background
actions.py       what an agent can want to do
knowledge.py     what an agent knows beside L1 when it decides
policy.py        what it may choose for itself
decide.py        view + knowledge -> actions (pure: no clock, no RPC), from the rules in
  challenges.py    proofs: commit, then prove
  demands.py       what is demanded on L1, and who answers
  housekeeping.py  calls that anybody may make and somebody must
  forks.py         what may be final beside what
respond.py       actions -> contract calls
memory.py        what must survive SIGKILL beside the sender's journal
kept.py          states on disk, an agent's own and those it serves
records.py       status file: what was earned or lost and why
meter.py         what a miner's search does, as figures; health.py: is the network well; metrics.py: for Prometheus;
                 dashboard.py: for people
logs.py          log entries, for people and machines
worker.py        background threads
config.py        what an agent is told at its start
runtime.py       checks at the start, and one turn of the loop
job.py           what the loop and a proof producer agree on
production.py    how an honest miner makes a proof
miner.py         the miner's loop
helper.py        a process that helps a miner search
verifier.py      the verifier's loop
launch.py        from a task file to a network
"""
