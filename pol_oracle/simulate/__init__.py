"""The chain without L1, tensors or a clock: the protocol's rules of difficulty and fork choice, run over many blocks.

    chain.py      the tree, under protocol.difficulty and protocol.lifecycle
    network.py    miners, L1's slots, the time that training and checking take
    local_view.py what each miner builds on, after checking and training
    engine.py     the event loop; read this first
    attackers.py  those who break the rules; attacker_state.py: what they are looking for
    outcome.py    what came of a chain
    results.py    what scenarios tell; figure.py: as a picture
    scenarios/    what `pol simulate` can run

One block, one reward: what is finalized is taken to be the branch of the head at the end. Every figure follows from its
arguments and the seed. What is not modelled stands in ``docs/scaling.md``.
"""
