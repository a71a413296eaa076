"""What is known of the contracts without a node.

artifacts.py    Solidity -> ABI and bytecode
abi.py          calls encoded, answers and custom errors decoded
deployment.py   the file that tells all agents where the contracts are
"""
