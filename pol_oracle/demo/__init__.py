"""``pol demo``: the real network on a local devnet, with honest parties, cheats, colluders and a lazy verifier.

Everything it shows and reports comes from L1 or from the agents' own records; nothing is scripted by time.

    cast.py       who takes part
    verdict.py    pure: events and records -> each party's fate, demo.json, and what went wrong
    stage.py      devnet, deployment, bonds, processes; cleans up on any exit
    run.py        the loop: follow L1 until every fate is known
    warmup.py     what has to be compiled before the clock runs
    progress.py   fates -> the table of pol_oracle.watch
    pages.py      the explorer beside it
    ending.py     what it prints at its end
    cheat.py      the five cheats, the colluders and the lazy verifier, each a process of its own
    forgers.py    what each cheating miner does to a proof
    colluder.py   what a colluding verifier makes of a block
"""
