"""``pol soak``: agents in processes of their own, and what the world does to them, at random from a seed.

Nothing here is imported by an agent. What is lost is told from L1 alone.

    cast.py       who takes part, and with what at stake
    schedule.py   pure: seed -> faults
    proxy.py      a lying node between an agent and L1; lies.py: what it can say
    terminal.py   a terminal that is read, stands still, or is closed
    agents.py     processes: started, killed, frozen, short of disk, started again
    l1.py         L1: stopped, reorganised, its clock put forward
    world.py      carries the schedule out
    errands.py    commands of users: deposits, withdrawals
    audit.py      L1's bodies and receipts -> what each honest account paid
    resources.py  memory, threads, descriptors, files of each agent; first third against last
    witness.py    L1 asked directly: events, and who has what
    verdict.py    pure: what L1 says -> what was lost
    report.py     figures, for JSON and for people
    run.py        the loop, from start to end
    screen.py     progress, and the verdict as a table
"""
