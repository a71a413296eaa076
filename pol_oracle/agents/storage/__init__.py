"""What an agent keeps on disk.

memory.py        what must survive SIGKILL beside the sender's journal
kept.py          states, an agent's own and those it serves
published.py     states under the paper's rules, which do not follow from L1
checkpoints.py   states inside segments, so that an answer need not begin at the first step
counts.py        which samples states classify correctly
"""
