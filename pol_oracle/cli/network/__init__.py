"""Commands about a network.

up.py          a whole network in one command
top.py         the table of any network
devnet.py      a local L1
deploy.py      contracts and genesis
keys.py        keystores
bond.py        bonds
agents.py      miner run, verifier run
chain.py       task, status, plot
blocks.py      inspect blocks
challenge.py   prove fraud by hand
state.py       the trained network, out and in
store.py       a server of states
"""
