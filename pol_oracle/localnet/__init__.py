"""``pol up``: a living network on this machine, made on the first call and found again on later ones.

network.py   devnet, deployment and bonds
reset.py     what a network leaves behind, cleared or set aside
run.py       the agents' processes, and the loop behind the table
"""
