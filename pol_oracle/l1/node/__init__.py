"""L1 itself, as a node tells it.

rpc.py       JSON-RPC with time-outs and bounded retries
whole.py     HTTP answers that must be whole in time
answers.py   JSON-RPC answers -> records
node.py      blocks, accounts, transactions, fees
pace.py      how fast L1 makes blocks, and so how long things take
"""
