"""L1: the only package that talks to an RPC endpoint.

artifacts.py    Solidity -> ABI and bytecode
devnet.py       a local Anvil in the background
keys.py         encrypted keystores
deployment.py   deploying the contracts, and the file that tells all agents where they are
client.py       calls and decoded custom errors
events.py       one dataclass per Solidity event
monitor.py      confirmed logs, and roll-backs when L1 reorganises
sender.py       transactions that survive restarts, stuck nonces and reorganisations
"""
