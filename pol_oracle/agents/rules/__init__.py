"""What an agent does, as pure functions of what it sees and knows: no clock, no RPC, no file.

verdicts.py        what an agent knows of a block beyond L1
knowledge.py       what an agent knows beside L1 when it decides
policy.py          what it may choose for itself
actions.py         what it can want to do
decide.py          view + knowledge -> actions, from the rules in
  challenges.py    proofs: commit, then prove
  demands.py       what is demanded on L1, and who answers
  housekeeping.py  calls that anybody may make and somebody must
  forks.py         what may be final beside what
urgency.py         which blocks are replayed, and which first
"""
