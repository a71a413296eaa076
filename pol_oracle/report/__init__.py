"""What happened, told from L1 events alone: pure functions from events to what a user reads.

ledger.py    every reward, loss, bounty and fee, with its reason
history.py   the finalized chain: accuracy and block interval per height
figure.py    the paper's Figure 1, from that history or from a chain mined for it
"""
