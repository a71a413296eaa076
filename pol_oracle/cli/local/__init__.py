"""Commands about this machine.

up.py          a whole network in one command
doctor.py      what could keep it from working
devnet.py      a local L1
logs.py        what agents wrote down
env.py         variables for other tools
"""
