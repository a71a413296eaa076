"""Commands about a network.

top.py         the table of any network
deploy.py      contracts and genesis
keys.py        keystores
bond.py        bonds
agents.py      miner run, verifier run
ranks.py       processes that help a miner
torchrun.py    what torchrun loads, so that it ends quietly
chain.py       task, status, plot
blocks.py      inspect blocks
challenge.py   prove fraud by hand
state.py       the trained network, out and in
store.py       a server of states
explorer.py    pages to look at
"""
