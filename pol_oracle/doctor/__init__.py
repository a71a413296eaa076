"""``pol doctor``: what could keep a network or an agent of this machine from working, each with its remedy.

findings.py  what a check comes to
machine.py   programs, disk, arithmetic
l1.py        the endpoint: chain, rules, pace, clock
network.py   the deployment, bonds, stores, and how the agents here fare
run.py       all checks, one after the other
"""
