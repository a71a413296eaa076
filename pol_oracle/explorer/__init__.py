"""`pol explorer`: the chain as pages to look at and JSON of the same, read-only, from L1's events alone.

index/      events in a local SQLite file, which can be deleted at any time
keeper.py   keeps the index up with L1, in a thread; survives L1 going away, reorganisations and damaged files
lookup.py   calls that L1 holds, for pages about disputes
workshop/   what needs data or arithmetic, in a process of its own: pictures, evidence, replays
facts/      what a page says, as models; the same is its JSON
web/        the server: pages, API, live updates, feeds
"""
