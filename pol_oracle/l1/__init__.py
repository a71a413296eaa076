"""L1: the only package that talks to an RPC endpoint.

records.py    what L1 answers, as small frozen values
contracts/    what is known of the contracts without a node: code, interfaces, the deployment file
events/       one dataclass per Solidity event, and how raw logs become them
node/         L1 itself: JSON-RPC, blocks, accounts, transactions, fees, pace
client.py     reading our contracts
monitor.py    confirmed events, and roll-backs when L1 reorganises
check.py      whether the events add up to what the contracts say
sending/      calls that leave exactly once, through restarts, stuck nonces and reorganisations
keys.py       encrypted keystores
deploy.py     deploying the contracts
deploying.py  what a deployment has sent, on disk
devnet/       a local Anvil in the background
"""
