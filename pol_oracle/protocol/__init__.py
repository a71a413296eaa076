"""The rules of the chain as pure functions: the Python mirror of ``contracts/lib``.

Nothing here reads a clock, a socket, a file or a tensor. Each module but errors.py, the exception tree, types.py, what
numbers and bytes mean, and text.py, strangers' words made safe to print, has a Solidity twin, and the two are held
together by ``tests/golden/protocol.json``, which both test suites read:

    rules.py       which rule set a task plays by              contracts/Types.sol
    task.py        what is fixed at genesis, and its id        contracts/Types.sol
    parameters.py  what is fixed when it is deployed           contracts/Types.sol
    positions.py   what can be demanded                        contracts/interfaces/IDemands.sol
    header.py      what a miner proposes, and its id           contracts/Types.sol
    derivation.py  seed -> requirements R and batch P          contracts/lib/Derivation.sol
    eligible.py    which weights R may name                    contracts/lib/Eligible.sol
    difficulty.py  bits of a block, work, retargeting          contracts/lib/Difficulty.sol
    lifecycle.py   Pending -> Finalized | Slashed | Orphaned   contracts/lib/BlockLifecycle.sol
    hashing.py     keccak, ABI encoding, domain tags           contracts/lib/Tags.sol
"""
