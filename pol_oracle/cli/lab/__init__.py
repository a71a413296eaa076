"""Commands that need no network.

demo.py        a whole one on this machine, with cheats
bench.py       speed and gas
simulate.py    many blocks, many miners, attackers
soak.py        agents under kills, full disks, lying nodes
reproduce.py   the paper's figure, and learning
"""
