"""L1: the only package that talks to an RPC endpoint.

artifacts.py    Solidity -> ABI and bytecode
devnet.py       a local Anvil in the background (ports.py, process.py, saved.py)
keys.py         encrypted keystores
deployment.py   the file that tells all agents where the contracts are
deploy.py       deploying them
rpc.py          JSON-RPC with time-outs and bounded retries
abi.py          calls encoded, answers and custom errors decoded
records.py      what L1 answers, as small frozen values
answers.py      JSON-RPC answers -> records
node.py         L1 itself: blocks, accounts, transactions, fees
pace.py         how fast L1 makes blocks, and so how long things take
client.py       reading our contracts
events.py       one dataclass per Solidity event (disputes.py: those of Bounties, Demands and Explanations)
logs.py         raw logs -> events
monitor.py      confirmed events, and roll-backs when L1 reorganises
check.py        whether the events add up to what the contracts say
fees.py         what to pay, and at most for each kind of call
journal.py      what is to be sent and what was signed, on disk
outbox.py       signed transactions: broadcast again, made dearer when stuck
settling.py     what became of signed transactions
sender.py       calls that leave exactly once, through restarts, stuck nonces and reorganisations
"""
